#pragma once

#include <string>
#include <vector>

#include "engine/cli/command.h"

namespace sluice::cli {

struct PlanOptions {
  std::vector<std::string> units;
  bool all = false;        // unchanged objects too
  bool verbose = false;    // every field of long differences, and the server's words in full
  bool exit_code = false;  // 5 when something would change
};
// What a rollout would change now. Reads only.
int PlanCommand(const Global& global, const PlanOptions& options);

struct DriftOptions {
  std::vector<std::string> units;
  bool verbose = false;
  bool exit_code = false;
};
// What differs in live from what the last rollout left running. Reads only.
int DriftCommand(const Global& global, const DriftOptions& options);

}  // namespace sluice::cli
