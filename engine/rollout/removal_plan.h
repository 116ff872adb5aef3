// What the removal of a unit's directory means for its objects: which go, which stay, and why.
// Reads only; `sluice plan` shows it and removal.h carries it out.
#pragma once

#include <string>
#include <vector>

#include "engine/model/plan.h"
#include "engine/rollout/services.h"
#include "engine/rollout/snapshot.h"

namespace sluice::rollout {

// Whether the environment says so. One that is removed or cannot be read never deletes anything.
bool RemovalDeletes(const Snapshot& snapshot, const UnitId& unit);

// Where the unit's objects are: the targets of last known good, and those that its environment has.
Result<std::vector<Target>> TargetsOfRemoved(const Services& services, const Snapshot& snapshot,
                                             const UnitId& unit);

// "" for an object that goes with its unit.
std::string WhyItStays(const Snapshot& snapshot, const Target& target, const ObjectRef& ref,
                       const UnitId& unit);

// Of a unit that is recorded and no longer declared.
Result<Plan> PlanRemoval(const Services& services, const Snapshot& snapshot, const UnitId& unit);

}  // namespace sluice::rollout
