// Brings a unit to what is declared for it: plan, record, apply, health, smoke tests, prune,
// record. One call is one attempt; everything it needs to go on after a crash is in the record.
#pragma once

#include "engine/rollout/pass.h"

namespace sluice::rollout {

// `pass.record` is not open, or was open on the same fingerprint when the process ended (resumed as
// attempt 2).
Result<PassResult> Deploy(Pass& pass);

}  // namespace sluice::rollout
