// The words of the command line. The only unit that includes CLI11.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/cli/command.h"

namespace sluice::cli {

struct Parsed {
  std::function<int()> run;   // set when a command is to be run
  int exit_code = kExitDone;  // otherwise: help was printed (0) or the usage was wrong (2)
};

Parsed ParseCommandLine(int argc, const char* const* argv);

// One command as completion and the reference need it.
struct CommandInfo {
  std::string name, description;
  struct Flag {
    std::string name, description;
    bool takes_value = false;
    std::vector<std::string> values;
  };
  std::vector<Flag> flags;
  std::string help;
};
std::vector<CommandInfo> DescribeCommands();

}  // namespace sluice::cli
