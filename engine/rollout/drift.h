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
Result<DriftReport> CheckDrift(const Services& services, const std::string& pipeline,
                               const UnitId& unit);

// One due check of a unit at rest: records changes of drift (event drifted) and health (event
// health), heals when the environment says heal and the unit is not frozen.
Result<PassResult> RunDriftCheck(Pass& pass);

}  // namespace sluice::rollout
