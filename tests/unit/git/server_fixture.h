// Real Git servers for the tests: git http-backend behind a small Python server, and sshd on
// loopback.
#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "engine/model/config.h"

namespace sluice::git {

// A child that runs until this object goes: it ends when its standard input does.
class BackgroundProgram {
 public:
  explicit BackgroundProgram(const std::string& command);
  BackgroundProgram(const BackgroundProgram&) = delete;
  ~BackgroundProgram();

 private:
  FILE* input_;
};

// The content of a file once it is there; nullopt when it does not come within a generous time.
std::optional<std::string> WaitForFile(const std::string& path);

struct HttpServerOptions {
  std::string password;  // "user:password"; "": everybody may
  std::string tls_cert, tls_key;
};

// Serves one empty repository.
class HttpGitServer {
 public:
  explicit HttpGitServer(HttpServerOptions options = {});

  const std::string& directory() const { return directory_; }  // the repository
  std::string url() const { return address_ + "/config.git"; }
  std::string address() const { return address_; }
  void SetMode(const std::string& mode);
  void SetPassword(const std::string& password);
  std::vector<std::string> Requests() const;  // since the start, see git_http_server.py
  // A config whose token file holds `token`, sent for `user`.
  RepositoryConfig Config(const std::string& user = "", const std::string& token = "");

 private:
  std::string home_, directory_, address_;
  std::optional<BackgroundProgram> program_;
};

class SshGitServer {
 public:
  // "" and a reason when sshd cannot run here.
  SshGitServer();
  bool is_running() const { return !port_.empty(); }
  const std::string& home() const { return home_; }
  const std::string& port() const { return port_; }
  const std::string& directory() const { return directory_; }
  RepositoryConfig Config() const;

 private:
  std::string home_, directory_, port_;
  std::optional<BackgroundProgram> program_;
};

// Fails the test when the environment wants every tier to run, else says that the case is skipped.
void SkipForLack(const std::string& what);

}  // namespace sluice::git
