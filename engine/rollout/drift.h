// Compares live with what the last finished rollout left running, reads its health, and heals where
// asked.
#pragma once

#include <vector>

#include "engine/model/plan.h"
#include "engine/rollout/pass.h"

namespace sluice::rollout {

struct DriftReport {
  UnitId unit;
  std::vector<Change>
      changes;  // what differs on the fields we own; before = live, after = declared
  std::vector<ObjectHealth> health;
  bool is_known = true;  // false: nothing runs that could drift
};

// Reads only.
Result<DriftReport> CheckDrift(const Services& services, const Snapshot& snapshot,
                               const UnitId& unit);

// How long after a heal the next check comes: the interval, doubled for every heal in a row (this
// one included) that may not last, up to 32 intervals.
Duration HealPause(Duration interval, int heals_in_row);

// The heals in a row that the record tells of, after a restart: 0 without a fight.
int HealsInRow(const Record& record, Duration interval);

// The record's reason while somebody changes back what is healed; its `wake` is the next check.
using life::kHealFought;

// One due check of a unit at rest: records changes of drift (event drifted) and health (event
// health), heals when the environment says heal and the unit is not frozen. A heal after one that
// did not last (pass.heals_in_row) names who fights.
Result<PassResult> RunDriftCheck(Pass& pass);

}  // namespace sluice::rollout
