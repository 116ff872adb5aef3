// What operators asked for by files under requests/ of the log branch (design 7).
#pragma once

#include "engine/rollout/pass.h"

namespace sluice::rollout {

// Does every request for the unit but `adopt` (which the next plan uses up); freeze and unfreeze
// come first. Each is removed in the commit that records its effect; so is a retry that cannot be
// carried out. True when something changed that wants another look.
Result<bool> HandleRequests(Pass& pass);

// `retry` asked while a rollout was open speaks of nothing that has failed: it is told and done
// with when the rollout ends, so that it never brings back a failure that came after it. To be
// called as soon as the end that `record` tells is pushed.
Status AnswerEarlyRetries(const Services& services, const Record& record);

}  // namespace sluice::rollout
