#include "engine/rollout/removal_plan.h"

#include <algorithm>

#include "engine/config/config.h"
#include "engine/plan/prune.h"
#include "engine/rollout/same_object.h"

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

Change Goes(const RemovalIn& removal, const ObjectRef& ref) {
  const targets::LiveObject& live = removal.session.live.objects.at(ref);
  Change change;
  change.target = removal.session.target.name;
  change.api_version = live.api_version;
  change.ref = ref;
  change.action = live.is_deleting ? Action::kSkip : Action::kPrune;
  change.reason = live.is_deleting
                      ? "its application is removed; being deleted, held by " + live.held_by
                      : "its application is removed";
  return change;
}

// What speaks against deleting what is there; "" for nothing.
std::string WhyItStays(const Snapshot& snapshot, const Target& target, const UnitId& unit,
                       const ObjectRef& ref, const targets::LiveObject& live) {
  if (snapshot.IsClaimed(target, ref, unit)) return "another unit declares it";
  if (live.is_deleting) return "";
  if (live.mark != OwnershipOf(snapshot.declared.pipeline.name, unit).Mark())
    return "it is no longer marked as this unit's";
  if (!live.is_applied_by_us) return "sluice has not applied it";
  if (!live.protected_by.empty()) return live.protected_by;
  return DeclaredInside(snapshot, target, live);
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

Result<RemovalIn> OpenRemoval(const Services& services, const Snapshot& snapshot,
                              const Target& target, const UnitId& unit,
                              const std::set<ObjectRef>& inventory) {
  RemovalIn out;
  out.session.target = target;
  SLUICE_TRY(out.session.driver, services.make_driver(target));
  const std::vector<ObjectRef> refs(inventory.begin(), inventory.end());
  SLUICE_TRY(out.session.live, out.session.driver->Observe(refs, services.ReadCall()));
  const auto& live = out.session.live.objects;
  SLUICE_TRY(const OtherNames names, FindOtherNames(services, snapshot, target, *out.session.driver,
                                                    out.session.live, refs));
  if (!names.is_complete)
    return Fail(ErrorCode::kUnavailable, "TargetUnreachable",
                "another target that may be the same cluster could not be asked what it has of "
                "target " +
                    target.name);
  for (const ObjectRef& ref : refs) {
    const auto it = live.find(ref);
    if (it == live.end()) {
      out.gone.insert(ref);
    } else if (const auto other = names.found.find(ref); other != names.found.end()) {
      out.staying.emplace_back(ref, "it is the same object as " + other->second);
    } else if (auto why = WhyItStays(snapshot, target, unit, ref, it->second); !why.empty()) {
      out.staying.emplace_back(ref, std::move(why));
    } else {
      out.going.push_back(ref);
    }
  }
  std::ranges::stable_sort(out.going, {},
                           [&](const ObjectRef& ref) { return target.kind->DeletionRank(ref); });
  return out;
}

std::optional<PlanBlocker> RemovalOverCap(const Snapshot& snapshot, const UnitId& unit,
                                          const RemovalIn& removal) {
  const auto environment = snapshot.declared.environments.find(unit.environment);
  if (environment == snapshot.declared.environments.end()) return std::nullopt;
  std::vector<std::string> going;
  for (const ObjectRef& ref : removal.going) {
    if (!removal.session.live.objects.at(ref).is_deleting) going.push_back(ToString(ref));
  }
  const size_t inventory_size = removal.going.size() + removal.staying.size() + removal.gone.size();
  return plan::CheckCap(
      removal.session.target.name, std::move(going),
      static_cast<size_t>(std::max(0, environment->second.prune.max_count)), inventory_size,
      "environments/" + ToString(unit) +
          " is gone: put it back, or raise prune.maxCount in environment.yaml by a commit");
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
  for (const Target& target : targets) {
    const auto found = inventory.find(target.name);
    if (found == inventory.end()) continue;
    SLUICE_TRY(const RemovalIn removal,
               OpenRemoval(services, snapshot, target, unit, found->second));
    inventory.erase(found);
    for (const ObjectRef& ref : removal.going) plan.changes.push_back(Goes(removal, ref));
    for (const auto& [ref, why] : removal.staying)
      plan.changes.push_back(Kept(target.name, ref, why));
    if (auto blocker = RemovalOverCap(snapshot, unit, removal))
      plan.blockers.push_back(std::move(*blocker));
  }
  for (const auto& [target, refs] : inventory) {
    for (const ObjectRef& ref : refs)
      plan.changes.push_back(Kept(target, ref, "its target is no longer named"));
  }
  return plan;
}

}  // namespace sluice::rollout
