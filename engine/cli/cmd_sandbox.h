#pragma once

#include "engine/cli/command.h"
#include "engine/cli/sandbox_options.h"

namespace sluice::cli {

// Becomes the program `sluice-sandbox`, which is beside this one or on PATH: a daemon has nothing
// of it in itself. Returns only when it cannot be started.
int SandboxCommand(const SandboxCommandOptions& options);

}  // namespace sluice::cli
