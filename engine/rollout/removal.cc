#include "engine/rollout/removal.h"

#include <algorithm>

#include "engine/render/render.h"
#include "engine/rollout/interrupt_watch.h"
#include "engine/rollout/live_steps.h"
#include "engine/rollout/pass.h"
#include "engine/rollout/removal_plan.h"
#include "engine/rollout/target_session.h"

namespace sluice::rollout {
namespace {

std::string List(const deploylog::Inventory& inventory) {
  std::string out;
  for (const auto& [target, refs] : inventory) {
    for (const ObjectRef& ref : refs) out += target + ": " + ToString(ref) + "\n";
  }
  return out;
}

Status RecordRemoved(Pass& pass, const std::string& summary, const std::string& body,
                     const deploylog::Inventory& left) {
  deploylog::Entry entry;
  entry.inventory = deploylog::Inventory{};
  entry.created = deploylog::Inventory{};
  // It never ran: there is nothing to remember.
  entry.removes_unit = pass.record().rollout.empty();
  const life::Removal removal{pass.snapshot->revision, summary, body, left.empty()};
  return pass.Push(life::Removed(pass.record(), removal, pass.Now()), std::move(entry));
}

// What another unit declares now is that unit's to keep.
Status LeaveOutMoved(Pass& pass, deploylog::Inventory& inventory) {
  SLUICE_TRY(const auto targets, TargetsOfRemoved(pass.services, *pass.snapshot, pass.unit));
  for (const Target& target : targets) {
    const auto found = inventory.find(target.name);
    if (found == inventory.end()) continue;
    std::erase_if(found->second, [&](const ObjectRef& ref) {
      return pass.snapshot->IsClaimed(target, ref, pass.unit);
    });
  }
  std::erase_if(inventory, [](const auto& entry) { return entry.second.empty(); });
  return {};
}

Result<PassResult> DeleteAll(Pass& pass, deploylog::Inventory inventory) {
  const Services& services = pass.services;
  SLUICE_TRY(const auto targets, TargetsOfRemoved(services, *pass.snapshot, pass.unit));
  if (!pass.record().IsOpen()) {
    SLUICE_CHECK(
        pass.Push(life::RemovalStarted(pass.record(), deploylog::NewRolloutId(),
                                       pass.snapshot->revision, List(inventory), pass.Now())));
  }
  InterruptWatch watch(services, pass.unit, "");
  std::string notes;
  deploylog::Inventory left = inventory;  // what no target below accounts for stays, named
  for (const Target& target : targets) {
    if (!inventory.contains(target.name)) continue;
    left.erase(target.name);
    TargetSession session;
    session.target = target;
    SLUICE_TRY(session.driver, services.make_driver(target));
    std::vector<ObjectRef> refs;
    for (const ObjectRef& ref : inventory[target.name]) {
      const bool stays = !WhyItStays(*pass.snapshot, target, ref, pass.unit).empty();
      if (stays) left[target.name].insert(ref);
      if (!stays) refs.push_back(ref);
    }
    std::ranges::reverse(refs);
    std::set<ObjectRef> gone;
    const std::string mark = OwnershipOf(pass.snapshot->declared.pipeline.name, pass.unit).Mark();
    const StepEnd end = DeleteObjects(services, session, refs, mark, Permission::kLease, gone);
    if (!end.is_ok())
      return Errored(pass, end.happening, Error(ErrorCode::kUnavailable, end.reason, end.message));
    notes += end.detail;
    for (const ObjectRef& ref : refs) {
      if (!gone.contains(ref)) left[target.name].insert(ref);
    }
  }
  SLUICE_CHECK(
      RecordRemoved(pass, left.empty() ? "removed with its objects" : "removed; some objects stay",
                    notes + List(left), left));
  return PassResult{};
}

}  // namespace

bool IsRemoved(const Record& record) {
  return record.kind == "removal" && !record.IsOpen() && record.outcome == Outcome::kSucceeded;
}

Result<PassResult> Remove(Pass& pass) {
  if (pass.snapshot->IsPartial()) {
    return Hold(pass, "RemovalWaits",
                "its directory is gone, but other units cannot be read, and one of them may be its "
                "new home; mend them first (`sluice validate`)");
  }
  SLUICE_TRY(auto inventory, pass.services.log.ReadInventory(pass.unit));
  SLUICE_CHECK(LeaveOutMoved(pass, inventory));
  if (RemovalDeletes(*pass.snapshot, pass.unit) && !inventory.empty()) {
    auto result = DeleteAll(pass, std::move(inventory));
    if (!result && IsRetryable(result.error().code()))
      return Errored(pass, FromError(result.error().code()), result.error());
    return result;
  }
  SLUICE_CHECK(RecordRemoved(
      pass,
      inventory.empty()
          ? "removed, nothing was live"
          : "removed from the config repo; its objects stay and are no longer managed",
      List(inventory), inventory));
  return PassResult{};
}

}  // namespace sluice::rollout
