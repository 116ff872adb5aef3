// A unit whose directory is gone from the config repo.
#pragma once

#include "engine/rollout/pass.h"

namespace sluice::rollout {

// Objects stay and are named (removedApplications: keep), or are deleted (delete). A removed
// environment, or one that cannot be read, never deletes anything.
Result<PassResult> Remove(Pass& pass);

}  // namespace sluice::rollout
