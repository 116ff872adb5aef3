#pragma once

#include <string>
#include <vector>

#include "engine/cli/command.h"

namespace sluice::cli {

struct SandboxCommandOptions {
  std::string dir;
  int port = 0;
  int http_port = 0;
  std::vector<std::string> clusters;
  std::vector<std::string> faults;
};
// Serves until SIGTERM.
int SandboxCommand(const Global& global, const SandboxCommandOptions& options);
std::string SandboxFaultHelp();

}  // namespace sluice::cli
