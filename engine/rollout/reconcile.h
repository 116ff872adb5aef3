// One pass over one unit: the only place that knows the whole order (design 4). Called by a worker
// whenever something the unit depends on may have changed; a pass that finds nothing to do costs no
// request.
#pragma once

#include "engine/rollout/pass.h"

namespace sluice::rollout {

struct PassInput {
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const deploylog::State> state;
  UnitId unit;
  int errors_in_row = 0;
  int heals_in_row = 0;
  bool is_drift_due = false;
  bool is_in_hand =
      false;  // an open rollout of this unit was begun by this process and is known to go on
};

// An Error means that the log could not be written or the lease is lost: the pass is to be
// repeated.
Result<PassResult> Reconcile(const Services& services, const PassInput& input);

// The first pass on an empty log: records `initialised` with the revision and what every unit
// declared then.
Status Initialise(const Services& services, const Snapshot& snapshot);

}  // namespace sluice::rollout
