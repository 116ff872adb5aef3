#include "engine/git/remote_errors.h"

#include <initializer_list>

#include "engine/base/strings.h"
#include "engine/git/git_program.h"
#include "engine/io/http_client.h"

namespace sluice::git {
namespace {

bool HasAny(std::string_view text, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) {
    if (text.find(part) != std::string_view::npos) return true;
  }
  return false;
}

Error Make(ErrorCode code, std::string_view reason, const std::string& doing,
           const std::string& what) {
  return {code, std::string(reason), doing + ": " + what};
}

std::string CredentialsAdvice(const RepositoryConfig& config) {
  if (config.url.starts_with("http")) {
    if (config.token_file.empty()) return "set repository.tokenFile (and usernameFile)";
    return "check the token in '" + config.token_file + "'" +
           (config.username_file.empty() ? "" : " and the user in '" + config.username_file + "'");
  }
  if (config.ssh_key_file.empty())
    return "set repository.sshKeyFile to a key that the server knows";
  return "the server must know the key '" + config.ssh_key_file + "'";
}

// What git says after every failure of its transport; the cause stands before it.
std::string WithoutGitsAdvice(const std::string& text) {
  std::string kept;
  for (const std::string& line : Split(text, '\n')) {
    const bool is_advice = HasAny(line, {"Could not read from remote repository",
                                         "Please make sure you have the correct access rights",
                                         "and the repository exists."});
    if (!is_advice) kept += line + "\n";
  }
  return Trim(kept).empty() ? text : kept;
}

Error NotFound(const std::string& doing, const RepositoryConfig& config) {
  std::string advice = "correct repository.url";
  if (config.url.starts_with("http"))
    advice += ", or give credentials that may see it (repository.tokenFile)";
  return Make(ErrorCode::kNotFound, kReasonRepositoryNotFound, doing,
              "there is no such repository; " + advice);
}

Error ExplainSsh(const std::string& doing, const std::string& text,
                 const RepositoryConfig& config) {
  const std::string known_hosts = config.known_hosts_file.empty()
                                      ? "repository.knownHostsFile"
                                      : "'" + config.known_hosts_file + "'";
  if (HasAny(text, {"REMOTE HOST IDENTIFICATION HAS CHANGED"})) {
    return Make(ErrorCode::kPermissionDenied, kReasonHostKeyUnknown, doing,
                "the server's SSH host key is not the one in " + known_hosts +
                    "; somebody may be in between; if the key did change, put the new one there");
  }
  if (HasAny(text, {"Host key verification failed", "No matching host key"})) {
    return Make(ErrorCode::kPermissionDenied, kReasonHostKeyUnknown, doing,
                "the server's SSH host key is unknown; compare it and add it to " + known_hosts);
  }
  if (HasAny(text, {"UNPROTECTED PRIVATE KEY", "bad permissions"})) {
    return Make(ErrorCode::kInvalidConfig, "", doing,
                "others can read the key '" + config.ssh_key_file +
                    "', so ssh will not use it; make it mode 0600");
  }
  return Make(ErrorCode::kUnauthenticated, kReasonGitAuthenticationFailed, doing,
              "the server refuses our SSH key; " + CredentialsAdvice(config));
}

}  // namespace

std::string DescribeRef(const std::string& ref) {
  constexpr std::string_view kHeads = "refs/heads/";
  if (ref.starts_with(kHeads)) return "branch '" + ref.substr(kHeads.size()) + "'";
  return "ref '" + ref + "'";
}

Error ExplainHttpStatus(const std::string& doing, int status, const RepositoryConfig& config) {
  const std::string code = "HTTP status " + std::to_string(status);
  if (status == 401) {
    return Make(ErrorCode::kUnauthenticated, kReasonGitAuthenticationFailed, doing,
                "the server refuses the credentials (" + code + "); " + CredentialsAdvice(config));
  }
  if (status == 403) {
    return Make(ErrorCode::kPermissionDenied, kReasonGitAuthenticationFailed, doing,
                "the credentials lack the right (" + code + "); " + CredentialsAdvice(config));
  }
  if (status == 404 || status == 410) return NotFound(doing, config);
  if (status == 429)
    return Make(ErrorCode::kRateLimited, "", doing,
                "the server asks us to slow down (" + code + ")");
  if (status >= 300 && status < 400) {
    return Make(ErrorCode::kInvalidConfig, "", doing,
                "the server redirects elsewhere, which is not followed; put the new address into "
                "repository.url");
  }
  return Make(ErrorCode::kUnavailable, "", doing, "the server answers with " + code);
}

Error ExplainNoAnswer(const std::string& doing, const Error& error) {
  std::string advice;
  if (error.reason() == kReasonConnectionFailed) advice = "; is the server up?";
  if (error.reason() == kReasonDnsFailed) advice = "; is the host in repository.url right?";
  return {error.code(), error.reason(), doing + ": " + error.message() + advice};
}

Error ExplainGitFailure(const std::string& doing, const std::string& text,
                        const RepositoryConfig& config) {
  if (HasAny(text, {"Host key verification failed", "HOST IDENTIFICATION HAS CHANGED",
                    "UNPROTECTED PRIVATE KEY", "Permission denied (publickey",
                    "Permission denied (", "Too many authentication failures"})) {
    return ExplainSsh(doing, text, config);
  }
  if (HasAny(text,
             {"Authentication failed", "could not read Username", "could not read Password"})) {
    return ExplainHttpStatus(doing, 401, config);
  }
  constexpr std::string_view kHttpError = "The requested URL returned error: ";
  if (const auto at = text.find(kHttpError); at != std::string::npos) {
    int status = 0;
    for (size_t i = at + kHttpError.size();
         i < text.size() && text[i] >= '0' && text[i] <= '9' && status < 1000; ++i) {
      status = status * 10 + (text[i] - '0');
    }
    return ExplainHttpStatus(doing, status, config);
  }
  if (HasAny(text, {"unable to update url base", "redirect"}))
    return ExplainHttpStatus(doing, 301, config);
  if (HasAny(text, {"dubious ownership"})) {
    return Make(
        ErrorCode::kPermissionDenied, "", doing,
        "the repository belongs to another user; run sluice as its owner, or use an ssh address");
  }
  if (HasAny(text,
             {"does not appear to be a git repository", "Repository not found",
              "repository not found", "not a git repository", "' not found", "does not exist"})) {
    return NotFound(doing, config);
  }
  const std::string words = CleanOutput(WithoutGitsAdvice(text));
  if (HasAny(text, {"certificate", "SSL", "TLS", "gnutls"})) {
    return Make(ErrorCode::kUnavailable, kReasonTlsFailed, doing,
                words + "; is the certificate in date, and its authority in repository.caFile?");
  }
  if (HasAny(text, {"Could not resolve host", "Name or service not known",
                    "Temporary failure in name resolution"})) {
    return Make(ErrorCode::kUnavailable, kReasonDnsFailed, doing,
                words + "; is the host in repository.url right?");
  }
  if (HasAny(text, {"Connection refused", "Failed to connect", "Couldn't connect",
                    "Connection timed out", "No route to host", "Network is unreachable",
                    "Connection reset", "kex_exchange_identification"})) {
    return Make(ErrorCode::kUnavailable, kReasonConnectionFailed, doing,
                words + "; is the server up?");
  }
  if (HasAny(text,
             {"does not match any", "bad object", "is not a valid object", "not a valid object"})) {
    return Make(ErrorCode::kInternal, "", doing, words);
  }
  if (HasAny(text,
             {"does not support --atomic", "unsupported object format", "mismatched algorithms"})) {
    return Make(ErrorCode::kInvalidConfig, "", doing, words + "; the server is not supported");
  }
  return Make(ErrorCode::kUnavailable, "", doing, words);
}

}  // namespace sluice::git
