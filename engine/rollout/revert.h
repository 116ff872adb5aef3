// The revert commit: restores one unit's tree on the config branch to last known good.
#pragma once

#include "engine/rollout/pass.h"

namespace sluice::rollout {

// Does what record.revert_pending asks for and records it: reverted, frozen (refused,
// SharedInputFailed), or nothing when the tip no longer holds the failed content. Safe to repeat:
// the operation id is looked for before any push.
Result<PassResult> Revert(Pass& pass);

}  // namespace sluice::rollout
