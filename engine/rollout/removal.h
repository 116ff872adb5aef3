// A unit whose directory is gone from the config repo.
#pragma once

#include "engine/rollout/pass.h"

namespace sluice::rollout {

// The removal is done; its record stays in the log.
bool IsRemoved(const Record& record);

// Objects stay and are named (removedApplications: keep), or are deleted (delete). A removed
// environment, or one that cannot be read, never deletes anything.
Result<PassResult> Remove(Pass& pass);

}  // namespace sluice::rollout
