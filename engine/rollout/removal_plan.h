// What the removal of a unit's directory means for its objects: which go, in which order, which
// stay, and why. Reads only; `sluice plan` shows it and removal.h carries it out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/model/plan.h"
#include "engine/rollout/services.h"
#include "engine/rollout/snapshot.h"
#include "engine/rollout/target_session.h"

namespace sluice::rollout {

// Whether the environment says so. One that is removed or cannot be read never deletes anything.
bool RemovalDeletes(const Snapshot& snapshot, const UnitId& unit);

// Where the unit's objects are: the targets of last known good, and those that its environment has.
Result<std::vector<Target>> TargetsOfRemoved(const Services& services, const Snapshot& snapshot,
                                             const UnitId& unit);

// The unit's objects in one target.
struct RemovalIn {
  TargetSession session;         // declares nothing; `live` is what it has of them
  std::vector<ObjectRef> going;  // in the order of deletion; what is being deleted already, too
  std::vector<std::pair<ObjectRef, std::string>> staying;  // with the reason
  std::set<ObjectRef> gone;
};
Result<RemovalIn> OpenRemoval(const Services& services, const Snapshot& snapshot,
                              const Target& target, const UnitId& unit,
                              const std::set<ObjectRef>& inventory);

// PruneCapExceeded when more of them would go than prune.maxCount lets go at once. The share of the
// inventory says nothing here: of a removed application all goes.
std::optional<PlanBlocker> RemovalOverCap(const Snapshot& snapshot, const UnitId& unit,
                                          const RemovalIn& removal);

// Of a unit that is recorded and no longer declared.
Result<Plan> PlanRemoval(const Services& services, const Snapshot& snapshot, const UnitId& unit);

}  // namespace sluice::rollout
