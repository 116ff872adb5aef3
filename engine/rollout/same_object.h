// An object is the same by its uid, whatever names it: a kind may be served by two groups, and two
// contexts may lead to one cluster.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/rollout/snapshot.h"
#include "engine/rollout/target_session.h"

namespace sluice::rollout {

struct OtherNames {
  std::map<ObjectRef, std::string> found;  // "KIND shop/web, which prod/web declares"
  bool is_complete = true;  // false: a cluster that may be the same one could not be asked
};
// Those of `refs`, live in `target`, that somebody declares under another name.
Result<OtherNames> FindOtherNames(const Services& services, const Snapshot& snapshot,
                                  const Target& target, targets::TargetDriver& driver,
                                  const targets::LiveState& live,
                                  const std::vector<ObjectRef>& refs);

// Notes them at the leftovers that would be pruned.
Status NoteOtherNames(const Services& services, const PlanRequest& request, TargetSession& session);

// "prod/api declares KIND shop/x in it": what would go with the object; "" for nothing.
std::string DeclaredInside(const Snapshot& snapshot, const Target& target,
                           const targets::LiveObject& live);

}  // namespace sluice::rollout
