#include "tests/unit/git/server_fixture.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "engine/base/strings.h"
#include "engine/io/files.h"
#include "tests/support/catch.h"
#include "tests/support/paths.h"
#include "tests/unit/git/remote_fixture.h"

namespace sluice::git {

BackgroundProgram::BackgroundProgram(const std::string& command)
    : input_(popen(command.c_str(), "we")) {
  if (!input_) FAIL("cannot start " << command);
}

BackgroundProgram::~BackgroundProgram() { pclose(input_); }

std::optional<std::string> WaitForFile(const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    if (auto bytes = ReadFile(path)) return std::string(Trim(*bytes));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return std::nullopt;
}

HttpGitServer::HttpGitServer(HttpServerOptions options) : home_(MakeTemporaryDirectory()) {
  directory_ = home_ + "/root/config.git";
  Run({"git", "init", "-q", "--bare", "-b", "main", directory_});
  Git(directory_, {"config", "http.receivepack", "true"});
  std::string command = std::string("exec python3 ") + test::SourceDirectory() +
                        "/tests/support/git_http_server.py --root " + home_ + "/root --ready " +
                        home_ + "/ready --mode-file " + home_ + "/mode --log " + home_ + "/log";
  if (!options.password.empty()) {
    SetPassword(options.password);
    command += " --password-file " + home_ + "/password";
  }
  if (!options.tls_cert.empty())
    command += " --tls-cert " + options.tls_cert + " --tls-key " + options.tls_key;
  program_.emplace(command + " > /dev/null");
  const auto address = WaitForFile(home_ + "/ready");
  if (!address) FAIL("the http server does not start");
  address_ = *address;
}

void HttpGitServer::SetMode(const std::string& mode) {
  REQUIRE(WriteFileDurably(home_ + "/mode", mode));
}

void HttpGitServer::SetPassword(const std::string& password) {
  REQUIRE(WriteFileDurably(home_ + "/password", password));
}

std::vector<std::string> HttpGitServer::Requests() const {
  std::vector<std::string> lines;
  if (const auto text = ReadFile(home_ + "/log")) {
    for (std::string& line : Split(*text, '\n')) {
      if (!line.empty()) lines.push_back(std::move(line));
    }
  }
  return lines;
}

RepositoryConfig HttpGitServer::Config(const std::string& user, const std::string& token) {
  RepositoryConfig config = AtUrl(url());
  if (!user.empty()) {
    WriteFile(home_ + "/user", user + "\n");
    config.username_file = home_ + "/user";
  }
  if (!token.empty()) {
    WriteFile(home_ + "/token", token + "\n");
    config.token_file = home_ + "/token";
  }
  return config;
}

SshGitServer::SshGitServer() : home_(MakeTemporaryDirectory()), directory_(MakeBareRepository()) {
  program_.emplace(std::string("exec bash ") + test::SourceDirectory() + "/tests/support/sshd.sh " +
                   home_ + " > " + home_ + "/out 2>&1; echo $? > " + home_ + "/code");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (port_.empty() && std::chrono::steady_clock::now() < deadline &&
         access((home_ + "/code").c_str(), F_OK) != 0) {
    if (auto port = ReadFile(home_ + "/port")) port_ = Trim(*port);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

RepositoryConfig SshGitServer::Config() const {
  RepositoryConfig config =
      AtUrl("ssh://" + Run({"id", "-un"}) + "@127.0.0.1:" + port_ + directory_);
  config.ssh_key_file = home_ + "/client_key";
  config.known_hosts_file = home_ + "/known_hosts";
  return config;
}

void SkipForLack(const std::string& what) {
  const char* required = std::getenv("SLUICE_REQUIRE_REAL");
  if (required && std::string(required) == "1") FAIL(what);
  WARN("SKIPPED: " << what);
}

}  // namespace sluice::git
