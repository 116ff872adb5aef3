// Brings a unit to what is declared for it: plan, record, apply, health, smoke tests, prune,
// record. One call is one attempt; everything it needs to go on after a crash is in the record.
#pragma once

#include "engine/rollout/pass.h"

namespace sluice::rollout {

// The record is not open, or was open on the same fingerprint when the process ended (resumed as
// attempt 2).
Result<PassResult> Deploy(Pass& pass);

// For a unit at what is declared whose record says prune_waits, once every unit can be read:
// prunes, and touches nothing else. No verdict comes of it; what cannot be done now is tried again.
Result<PassResult> PruneLeftovers(Pass& pass);

}  // namespace sluice::rollout
