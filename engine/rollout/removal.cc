#include "engine/rollout/removal.h"

#include <algorithm>

#include "engine/rollout/deletion.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/interrupt_watch.h"
#include "engine/rollout/leaving.h"
#include "engine/rollout/pass.h"
#include "engine/rollout/removal_plan.h"

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

// One removal of a unit, from one look to the next. The record and the inventory in the log are all
// that it remembers.
class Removal {
 public:
  Removal(Pass& pass, deploylog::Inventory inventory)
      : pass_(pass),
        record_(pass.record()),
        known_(inventory),
        left_(std::move(inventory)),
        watch_(pass.services, pass.unit, "") {}

  Result<PassResult> Run();

 private:
  Status Open();
  std::optional<PlanBlocker> OverCap() const;
  Status Begin();
  StepEnd DeleteIn(RemovalIn& removal);
  Result<PassResult> Wait();

  Pass& pass_;
  const Record& record_;
  const deploylog::Inventory known_;
  deploylog::Inventory left_;  // of the inventory, not gone
  deploylog::Inventory kept_;  // of those, for good
  InterruptWatch watch_;
  std::vector<RemovalIn> removals_;
  std::vector<Leaving> leaving_;
  std::string notes_;
};

Status Removal::Open() {
  SLUICE_TRY(const auto targets, TargetsOfRemoved(pass_.services, *pass_.snapshot, pass_.unit));
  kept_ = known_;  // what no target below accounts for stays, named
  for (const Target& target : targets) {
    const auto found = known_.find(target.name);
    if (found == known_.end()) continue;
    kept_.erase(target.name);
    SLUICE_TRY(RemovalIn removal,
               OpenRemoval(pass_.services, *pass_.snapshot, target, pass_.unit, found->second));
    for (const auto& [ref, why] : removal.staying) {
      kept_[target.name].insert(ref);
      notes_ += ToString(ref) + " stays: " + why + "\n";
    }
    removals_.push_back(std::move(removal));
  }
  return {};
}

std::optional<PlanBlocker> Removal::OverCap() const {
  for (const RemovalIn& removal : removals_) {
    if (auto blocker = RemovalOverCap(*pass_.snapshot, pass_.unit, removal)) return blocker;
  }
  return std::nullopt;
}

Status Removal::Begin() {
  if (life::RemovalGoesOn(record_)) return pass_.Keep(life::RemovalResumed(record_));
  std::string order;
  for (const RemovalIn& removal : removals_) {
    for (const ObjectRef& ref : removal.going)
      order += removal.session.target.name + ": " + ToString(ref) + "\n";
  }
  return pass_.Push(life::RemovalStarted(record_, deploylog::NewRolloutId(),
                                         pass_.snapshot->revision, order + notes_, pass_.Now()));
}

StepEnd Removal::DeleteIn(RemovalIn& removal) {
  const std::string& target = removal.session.target.name;
  const std::string mark = OwnershipOf(pass_.snapshot->declared.pipeline.name, pass_.unit).Mark();
  const Going going{removal.going, mark, record_.leaving};
  DeletionLook look = DeleteObjects(pass_.services, removal.session, going,
                                    HeedGit(pass_, removal.session.target, watch_));
  std::set<ObjectRef> open;
  for (const Leaving& one : look.leaving) open.insert(one.ref);
  for (const ObjectRef& ref : removal.gone) left_[target].erase(ref);
  for (const ObjectRef& ref : look.gone) left_[target].erase(ref);
  for (const ObjectRef& ref : removal.going) {
    if (!look.gone.contains(ref) && !open.contains(ref)) kept_[target].insert(ref);
  }
  notes_ += look.notes;
  leaving_.insert(leaving_.end(), look.leaving.begin(), look.leaving.end());
  return look.end;
}

// Told once per change; looked at again until all is gone.
Result<PassResult> Removal::Wait() {
  const std::string message = LeavingSummary(leaving_);
  life::WaitFacts facts{EventKind::kHeld, kObjectsLeaving, message};
  facts.content = AtTip(pass_);
  const bool has_shrunk = left_ != known_;
  deploylog::Entry entry;
  if (has_shrunk) entry.inventory = left_;
  SLUICE_CHECK(pass_.Push(life::RemovalWaits(record_, facts, leaving_, has_shrunk, pass_.Now()),
                          std::move(entry)));
  const bool is_awaited = IsAwaited(pass_.services.options, leaving_, pass_.Now());
  return PassResult{is_awaited ? Standing::kWaiting : Standing::kHeld,
                    NextLook(leaving_, pass_.Now()), false, kObjectsLeaving, message};
}

Result<PassResult> Removal::Run() {
  if (const auto found = watch_.Check(); found != Interruption::kNone)
    return EndInterrupted(pass_, found);
  SLUICE_CHECK(Open());
  // One that has begun was let through as a whole.
  if (const auto cap = life::RemovalGoesOn(record_) ? std::nullopt : OverCap())
    return Hold(pass_, cap->reason, cap->message);
  SLUICE_CHECK(Begin());
  for (RemovalIn& removal : removals_) {
    const StepEnd end = DeleteIn(removal);
    if (end.kind == StepEnd::Kind::kInterrupted) return EndInterrupted(pass_, end.interruption);
    if (end.is_ok()) continue;
    pass_.Keep(life::Leaves(record_, leaving_));
    return Errored(pass_, end.happening, Error(ErrorCode::kUnavailable, end.reason, end.message));
  }
  if (!leaving_.empty()) return Wait();
  std::erase_if(kept_, [](const auto& entry) { return entry.second.empty(); });
  SLUICE_CHECK(RecordRemoved(
      pass_, kept_.empty() ? "removed with its objects" : "removed; some objects stay",
      notes_ + List(kept_), kept_));
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
    auto result = Removal(pass, std::move(inventory)).Run();
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
