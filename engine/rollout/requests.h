// What operators asked for by files under requests/ of the log branch (design 7).
#pragma once

#include "engine/rollout/pass.h"

namespace sluice::rollout {

// Does every request for the unit but `adopt` (which the next plan uses up); freeze and unfreeze
// come first. Each is removed in the commit that records its effect; so is a retry that cannot be
// carried out. True when something changed that wants another look.
Result<bool> HandleRequests(Pass& pass);

}  // namespace sluice::rollout
