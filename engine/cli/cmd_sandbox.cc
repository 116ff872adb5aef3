#include "engine/cli/cmd_sandbox.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace sluice::cli {
namespace {

constexpr const char* kProgram = "sluice-sandbox";

// "" when this program's own place is not known.
std::string BesideThisProgram() {
  std::error_code unknown;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", unknown);
  return unknown ? "" : (self.parent_path() / kProgram).string();
}

}  // namespace

int SandboxCommand(const SandboxCommandOptions& options) {
  std::vector<std::string> words = ToArguments(options);
  words.insert(words.begin(), kProgram);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (const std::string beside = BesideThisProgram(); access(beside.c_str(), X_OK) == 0)
    execv(beside.c_str(), arguments.data());
  execvp(kProgram, arguments.data());
  return Report(Error(ErrorCode::kNotFound,
                      std::string("the program ") + kProgram +
                          " could not be started: " + std::strerror(errno) +
                          "; install it beside this program, or put its place on PATH"));
}

}  // namespace sluice::cli
