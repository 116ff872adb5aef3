// What another engine may still write late, a creation that was under way when it lost the lease,
// it does to objects that an earlier content declared. Objects that exist are guarded by their
// versions (docs/decisions/0032-writes-are-compare-and-swap.md).
#include "engine/rollout/deploy_attempt.h"

namespace sluice::rollout {

// `before` is the inventory before the prune: what left it since is looked for once more.
StepEnd Attempt::NothingCameBack(const deploylog::Inventory& before) {
  const std::string mark = OwnershipOf(Pipeline(), pass_.unit).Mark();
  for (TargetSession& session : sessions_) {
    const auto known = before.find(session.target.name);
    if (known == before.end()) continue;
    std::vector<ObjectRef> gone;
    for (const ObjectRef& ref : known->second) {
      const bool left = !inventory_[session.target.name].contains(ref);
      if (left && !replaced_.contains(ref) && !session.IsAlias(ref)) gone.push_back(ref);
    }
    if (gone.empty()) continue;
    const auto live = session.driver->Observe(gone, services_.ReadCall());
    if (!live)
      return Happened(FromError(live.error().code()), live.error(), "looking for what was pruned");
    for (const auto& [ref, object] : live->objects) {
      const bool is_ours = object.mark == mark && object.is_applied_by_us && !object.is_deleting;
      if (!is_ours || pass_.snapshot->IsClaimed(session.target, ref, pass_.unit)) continue;
      return Happened(Happening::kUnreachable,
                      Error(ErrorCode::kUnavailable, "ChangedMeanwhile",
                            ToString(ref) + " in target " + session.target.name +
                                " was gone and is there again, as this unit's: another engine "
                                "wrote it late; it is pruned at the next try"));
    }
  }
  return {};
}

}  // namespace sluice::rollout
