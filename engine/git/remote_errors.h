// One clear line for what went wrong at the remote: what, where, why, what to do. Pure.
#pragma once

#include <string>

#include "engine/base/error.h"
#include "engine/git/remote_url.h"
#include "engine/model/config.h"

namespace sluice::git {

// Reasons from here (docs/reference/reasons.md).
inline constexpr std::string_view kReasonRepositoryNotFound = "RepositoryNotFound";
inline constexpr std::string_view kReasonBranchNotFound = "BranchNotFound";
inline constexpr std::string_view kReasonRepositoryEmpty = "RepositoryEmpty";
inline constexpr std::string_view kReasonGitAuthenticationFailed = "GitAuthenticationFailed";
inline constexpr std::string_view kReasonHostKeyUnknown = "HostKeyUnknown";

// From the words of git or ssh. `doing` names the operation and the address.
Error ExplainGitFailure(const std::string& doing, const std::string& stderr_text,
                        const RepositoryConfig& config);

// From the status of an HTTP answer of a Git server.
Error ExplainHttpStatus(const std::string& doing, int status, const RepositoryConfig& config);

// An HTTP request to the server that got no answer.
Error ExplainNoAnswer(const std::string& doing, const Error& error);

// "refs/heads/x" -> "branch 'x'".
std::string DescribeRef(const std::string& ref);

}  // namespace sluice::git
