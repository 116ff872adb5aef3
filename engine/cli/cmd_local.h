// Commands that need neither a cluster nor, with a DIR, a repository.
#pragma once

#include <string>

#include "engine/cli/command.h"

namespace sluice::cli {

struct ValidateOptions {
  std::string directory;  // "": the tip of the config repo of daemon.yaml
};
int ValidateCommand(const Global& global, const ValidateOptions& options);

struct RenderOptions {
  std::string directory;  // "": the tip
  std::string unit;
};
// The unit's objects as they would be applied, before a cluster was asked.
int RenderCommand(const Global& global, const RenderOptions& options);

struct InitOptions {
  bool new_log = false;         // begin a new log although objects carry our mark
  bool accept_history = false;  // the config branch was rewritten on purpose
};
int InitCommand(const Global& global, const InitOptions& options);

int VersionCommand(const Global& global);

}  // namespace sluice::cli
