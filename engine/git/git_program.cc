#include "engine/git/git_program.h"

#include <cstdlib>
#include <utility>

#include "engine/base/strings.h"
#include "engine/git/message.h"

namespace sluice::git {

std::string ProgramPath() {
  const char* path = std::getenv("PATH");
  return path && *path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

std::map<std::string, std::string> GitEnvironment() {
  return {{"PATH", ProgramPath()},
          {"HOME", "/nonexistent"},
          {"LC_ALL", "C"},
          {"GIT_CONFIG_NOSYSTEM", "1"},
          {"GIT_CONFIG_GLOBAL", "/dev/null"},
          {"GIT_ATTR_NOSYSTEM", "1"},
          {"GIT_TERMINAL_PROMPT", "0"},
          {"GIT_OPTIONAL_LOCKS", "0"},
          {"GIT_NO_REPLACE_OBJECTS", "1"}};
}

void AddConfig(std::map<std::string, std::string>& environment,
               const std::vector<std::pair<std::string, std::string>>& settings) {
  size_t count = 0;
  if (const auto it = environment.find("GIT_CONFIG_COUNT"); it != environment.end())
    count = std::stoul(it->second);
  for (const auto& [key, value] : settings) {
    environment["GIT_CONFIG_KEY_" + std::to_string(count)] = key;
    environment["GIT_CONFIG_VALUE_" + std::to_string(count)] = value;
    ++count;
  }
  environment["GIT_CONFIG_COUNT"] = std::to_string(count);
}

Result<ProcessResult> RunGit(const std::string& git_dir, std::vector<std::string> arguments,
                             std::map<std::string, std::string> environment, const Call& call,
                             Duration idle_limit) {
  ProcessSpec spec;
  spec.idle_limit = idle_limit;
  spec.argv = {"git", "--git-dir=" + git_dir};
  for (std::string& argument : arguments) spec.argv.push_back(std::move(argument));
  spec.env = std::move(environment);
  spec.cwd = "/";  // a config file of a directory we happen to be in has no say
  return RunProcess(spec, call);
}

namespace {

// "Receiving objects:  45% (9/20)", "remote: Total 20 (delta 3)", "From URL", " * branch  main ->
// …".
bool IsProgress(std::string_view line) {
  if (line.starts_with("remote: ")) line = Trim(line.substr(8));
  for (const std::string_view start :
       {"Enumerating objects", "Counting objects", "Compressing objects", "Receiving objects",
        "Resolving deltas", "Unpacking objects", "Writing objects", "Delta compression", "Total ",
        "From ", "* branch", "* [new ref]", "* [new branch]"}) {
    if (line.starts_with(start)) return true;
  }
  return false;
}

}  // namespace

std::string CleanOutput(const std::string& text) {
  std::string line;
  for (const std::string& part : Split(text, '\n')) {
    // Progress is rewritten with carriage returns; the last state counts.
    std::string_view shown = Trim(part);
    if (const auto at = shown.find_last_of('\r'); at != std::string_view::npos)
      shown = Trim(shown.substr(at + 1));
    if (shown.empty() || IsProgress(shown)) continue;
    if (!line.empty()) line += "; ";
    line += CleanText(shown);
  }
  if (line.empty()) return "no message";
  line = RedactCredentials(line);
  return line.size() <= 500 ? line : "..." + Tail(line, 500);
}

}  // namespace sluice::git
