#include "engine/git/remote_access.h"

#include <unistd.h>

#include <cstdlib>

#include "engine/base/strings.h"
#include "engine/git/git_program.h"
#include "engine/io/files.h"

namespace sluice::git {
namespace {

Result<std::string> ReadSecret(const std::string& field, const std::string& path) {
  auto bytes = ReadFile(path, 64 * 1024);
  if (!bytes)
    return Fail(ErrorCode::kInvalidConfig, "repository." + field + ": " + bytes.error().message());
  std::string secret(Trim(*bytes));
  if (secret.empty())
    return Fail(ErrorCode::kInvalidConfig, "repository." + field + ": '" + path + "' is empty");
  if (EscapeControl(secret) != secret) {
    return Fail(ErrorCode::kInvalidConfig,
                "repository." + field + ": '" + path + "' has more than one line");
  }
  return secret;
}

// Within GIT_SSH_COMMAND, which a shell splits; then ssh splits at blanks and expands '%'.
Result<std::string> SshFileOption(const std::string& option, const std::string& field,
                                  const std::string& path) {
  if (!path.starts_with('/') || path.find_first_of("'\"$\\\n") != std::string::npos) {
    return Fail(ErrorCode::kInvalidConfig,
                "repository." + field + " '" + EscapeControl(path) +
                    "' must be an absolute path without quotes, '$' and '\\'");
  }
  if (access(path.c_str(), R_OK) != 0) {
    return Fail(ErrorCode::kInvalidConfig,
                "repository." + field + " '" + path + "' cannot be read");
  }
  std::string escaped;
  for (const char c : path) escaped += c == '%' ? "%%" : std::string(1, c);
  return " -o '" + option + "=\"" + escaped + "\"'";
}

Result<std::string> SshCommand(const RepositoryConfig& config) {
  std::string command =
      "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o "
      "ForwardAgent=no"
      " -o ConnectTimeout=20 -o ServerAliveInterval=10 -o ServerAliveCountMax=3";
  if (!config.ssh_key_file.empty()) {
    SLUICE_TRY(const std::string option,
               SshFileOption("IdentityFile", "sshKeyFile", config.ssh_key_file));
    command += " -o IdentitiesOnly=yes -o IdentityAgent=none" + option;
  }
  if (!config.known_hosts_file.empty()) {
    SLUICE_TRY(const std::string option,
               SshFileOption("UserKnownHostsFile", "knownHostsFile", config.known_hosts_file));
    command += " -o GlobalKnownHostsFile=/dev/null" + option;
  }
  return command;
}

void PassOn(std::map<std::string, std::string>& environment,
            std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const char* value = std::getenv(name); value && *value) environment[name] = value;
  }
}

}  // namespace

Result<std::string> ReadAuthorization(const RepositoryConfig& config) {
  if (config.token_file.empty()) return std::string();
  std::string user = "git";  // hosts that take a token look at nothing else
  if (!config.username_file.empty()) {
    SLUICE_TRY(user, ReadSecret("usernameFile", config.username_file));
  }
  SLUICE_TRY(const std::string token, ReadSecret("tokenFile", config.token_file));
  return "Basic " + Base64Encode(user + ":" + token);
}

Result<std::shared_ptr<const TlsSettings>> ReadTls(const RepositoryConfig& config) {
  auto tls = std::make_shared<TlsSettings>();
  tls->ca_option = "repository.caFile";
  if (!config.ca_file.empty()) {
    auto pem = ReadFile(config.ca_file);
    if (!pem) return Fail(ErrorCode::kInvalidConfig, "repository.caFile: " + pem.error().message());
    tls->ca_pem = std::move(*pem);
  }
  return std::shared_ptr<const TlsSettings>(std::move(tls));
}

Result<std::map<std::string, std::string>> RemoteEnvironment(const RemoteUrl& url,
                                                             const RepositoryConfig& config) {
  auto environment = GitEnvironment();
  environment["GIT_ALLOW_PROTOCOL"] = url.protocol;
  AddConfig(environment,
            {{"protocol.version", "2"},
             {"core.hooksPath", "/dev/null"},
             {"core.bigFileThreshold", "16m"},
             {"core.fsync", "all"},
             {"gc.auto", "0"},
             {"maintenance.auto", "false"},
             // The walker refuses dangerous names where they matter (tree_rules.h); refused here,
             // one bad name anywhere in the history would stop every unit for ever.
             {"fetch.fsckObjects", "false"}});
  if (url.kind == RemoteUrl::Kind::kSsh) {
    SLUICE_TRY(environment["GIT_SSH_COMMAND"], SshCommand(config));
    environment["GIT_SSH_VARIANT"] = "ssh";
    if (config.ssh_key_file.empty()) PassOn(environment, {"SSH_AUTH_SOCK"});
  }
  if (url.kind != RemoteUrl::Kind::kHttp) return environment;
  AddConfig(environment, {{"http.followRedirects", "false"}, {"http.sslVerify", "true"}});
  if (!config.ca_file.empty()) {
    SLUICE_TRY(const auto tls, ReadTls(config));  // a readable file, or a clear error
    environment["GIT_SSL_CAINFO"] = config.ca_file;
  }
  SLUICE_TRY(const std::string authorization, ReadAuthorization(config));
  if (!authorization.empty()) {
    AddConfig(environment,
              {{"http." + url.origin + ".extraHeader", "Authorization: " + authorization}});
  }
  if (!url.is_loopback) {
    PassOn(environment, {"http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY",
                         "all_proxy", "ALL_PROXY"});
  }
  return environment;
}

}  // namespace sluice::git
