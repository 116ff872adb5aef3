// What operators do: commits to the config branch, and requests on the log branch.
#pragma once

#include <string>
#include <vector>

#include "engine/cli/command.h"

namespace sluice::cli {

struct ReleaseOptions {
  std::string unit;
  std::vector<std::string> images;  // NAME=TAG or NAME@DIGEST
  std::string version;
};
int ReleaseCommand(const Global& global, const ReleaseOptions& options);

// Copies the newest eligible release from upstream, whatever the environment's mode.
int PromoteCommand(const Global& global, const std::string& unit);

struct RollbackOptions {
  std::string unit;
  std::string
      to;  // rollout id; "": the last Succeeded one with other content than what is declared
};
int RollbackCommand(const Global& global, const RollbackOptions& options);

struct RequestOptions {
  std::string verb;
  std::string unit;
  std::string reason;
  std::vector<std::string> objects;  // adopt: inventory lines
};
int RequestCommand(const Global& global, const RequestOptions& options);

}  // namespace sluice::cli
