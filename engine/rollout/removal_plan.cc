#include "engine/rollout/removal_plan.h"

#include <algorithm>

#include "engine/config/config.h"
#include "engine/rollout/target_session.h"

namespace sluice::rollout {
namespace {

Change Kept(const std::string& target, const ObjectRef& ref, const std::string& why) {
  Change change;
  change.target = target;
  change.action = Action::kSkip;
  change.ref = ref;
  change.reason = "its application is removed, but it stays: " + why;
  return change;
}

Change OfLive(const Target& target, const ObjectRef& ref, const targets::LiveObject& live,
              const std::string& mark) {
  std::string why = live.protected_by;
  if (live.mark != mark) why = "it is no longer marked as this unit's";
  Change change = Kept(target.name, ref, why);
  change.api_version = live.api_version;
  if (!why.empty()) return change;
  change.action = Action::kPrune;
  change.reason = "its application is removed";
  return change;
}

}  // namespace

bool RemovalDeletes(const Snapshot& snapshot, const UnitId& unit) {
  const auto environment = snapshot.declared.environments.find(unit.environment);
  return environment != snapshot.declared.environments.end() &&
         environment->second.prune.removed_applications == RemovedApplications::kDelete;
}

Result<std::vector<Target>> TargetsOfRemoved(const Services& services, const Snapshot& snapshot,
                                             const UnitId& unit) {
  // Without last known good (its first rollout failed) the environment's targets of the same names
  // are the best witness.
  std::vector<Target> targets;
  SLUICE_TRY(auto tree, services.log.OpenGood(unit));
  if (tree) {
    SLUICE_TRY(auto good, config::LoadUnit(**tree, unit, services.kinds, services.yaml));
    targets = good.targets;
  }
  const auto environment = snapshot.declared.environments.find(unit.environment);
  if (environment == snapshot.declared.environments.end()) return targets;
  for (const Target& target : environment->second.targets) {
    const bool is_known =
        std::ranges::any_of(targets, [&](const Target& t) { return t.name == target.name; });
    if (!is_known) targets.push_back(target);
  }
  return targets;
}

std::string WhyItStays(const Snapshot& snapshot, const Target& target, const ObjectRef& ref,
                       const UnitId& unit) {
  if (target.kind->IsPrecious(ref))
    return "a " + ref.kind + " holds data of others; delete it by hand";
  if (snapshot.IsClaimed(target, ref, unit)) return "another unit declares it";
  return "";
}

Result<Plan> PlanRemoval(const Services& services, const Snapshot& snapshot, const UnitId& unit) {
  Plan plan;
  SLUICE_TRY(auto inventory, services.log.ReadInventory(unit));
  if (!RemovalDeletes(snapshot, unit)) {
    for (const auto& [target, refs] : inventory) {
      for (const ObjectRef& ref : refs)
        plan.changes.push_back(Kept(target, ref, "removedApplications is keep"));
    }
    return plan;
  }
  SLUICE_TRY(const auto targets, TargetsOfRemoved(services, snapshot, unit));
  const std::string mark = OwnershipOf(snapshot.declared.pipeline.name, unit).Mark();
  for (const Target& target : targets) {
    const auto found = inventory.find(target.name);
    if (found == inventory.end()) continue;
    std::vector<ObjectRef> refs(found->second.rbegin(), found->second.rend());
    inventory.erase(found);
    SLUICE_TRY(auto driver, services.make_driver(target));
    SLUICE_TRY(const auto live, driver->Observe(refs, services.ReadCall()));
    for (const ObjectRef& ref : refs) {
      const std::string why = WhyItStays(snapshot, target, ref, unit);
      const auto it = live.objects.find(ref);
      if (!why.empty()) {
        plan.changes.push_back(Kept(target.name, ref, why));
      } else if (it != live.objects.end()) {
        plan.changes.push_back(OfLive(target, ref, it->second, mark));
      }
    }
  }
  for (const auto& [target, refs] : inventory) {
    for (const ObjectRef& ref : refs)
      plan.changes.push_back(Kept(target, ref, "its target is no longer named"));
  }
  return plan;
}

}  // namespace sluice::rollout
