#pragma once

#include "engine/base/clock.h"
#include "engine/cli/command.h"

namespace sluice::cli {

struct SyncOptions {
  Duration timeout = std::chrono::minutes(30);
  std::string metrics_file;
};

// Works until nothing can move without time or a person.
int SyncCommand(const Global& global, const SyncOptions& options);
// The daemon: works until SIGTERM.
int RunCommand(const Global& global);

}  // namespace sluice::cli
