// The git program as a child, cut off from the user's and the system's configuration.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/io/subprocess.h"

namespace sluice::git {

// PATH of this process, or Debian's default.
std::string ProgramPath();

// Environment of every git child: no system, user or terminal configuration, messages in English.
std::map<std::string, std::string> GitEnvironment();

// Settings by GIT_CONFIG_COUNT, so that their values never appear among the arguments.
void AddConfig(std::map<std::string, std::string>& environment,
               const std::vector<std::pair<std::string, std::string>>& settings);

// Runs `git --git-dir=<git_dir> <arguments>`. One that tells of no progress for `idle_limit` is
// ended (0: only the call's deadline counts).
Result<ProcessResult> RunGit(const std::string& git_dir, std::vector<std::string> arguments,
                             std::map<std::string, std::string> environment, const Call& call,
                             Duration idle_limit = Duration(0));

// A program's words for an error: redacted, one line of at most 500 bytes.
std::string CleanOutput(const std::string& text);

}  // namespace sluice::git
