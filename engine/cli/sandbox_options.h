// What `sluice sandbox` and the program it starts, `sluice-sandbox`, are given.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sluice::cli {

struct SandboxCommandOptions {
  std::string dir;
  int port = 0;
  int http_port = 0;
  std::vector<std::string> clusters;
  std::vector<std::string> faults;
};

// `fault_help` ends the description of --fault.
void AddSandboxOptions(CLI::App& command, SandboxCommandOptions& into,
                       const std::string& fault_help);
// The same as words of a command line.
std::vector<std::string> ToArguments(const SandboxCommandOptions& options);

}  // namespace sluice::cli
