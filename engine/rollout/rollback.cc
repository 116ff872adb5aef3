#include "engine/rollout/rollback.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/render/objects.h"
#include "engine/rollout/deletion.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/interrupt_watch.h"
#include "engine/rollout/judge/scope.h"
#include "engine/rollout/leaving.h"
#include "engine/rollout/live_steps.h"
#include "engine/rollout/unit_plan.h"

namespace sluice::rollout {
namespace {

// A rollback that still goes on is waited for this many times as long as a rollout.
constexpr int kRollbackPatience = 3;

RollbackEnd Impossible(const std::string& message) {
  return {.is_possible = false, .message = message};
}

Result<std::optional<RenderedUnit>> LoadGood(Pass& pass, std::string& why_not) {
  SLUICE_TRY(auto tree, pass.services.log.OpenGood(pass.unit));
  if (!tree) {
    why_not = "the deploy log holds no last known good of this unit";
    return std::optional<RenderedUnit>();
  }
  auto good = RenderFrom(pass.services, std::move(*tree), pass.unit);
  if (!good && good.error().code() == ErrorCode::kInvalidConfig) {
    why_not = "last known good no longer renders: " + good.error().message();
    return std::optional<RenderedUnit>();
  }
  if (!good) return Fail(good.error());
  return std::optional(*std::move(good));
}

// Last known good's targets and those the failed content named.
std::vector<Target> TouchedTargets(const Pass& pass, const RenderedUnit& good) {
  std::vector<Target> targets = good.unit.targets;
  if (const DeclaredUnit* failed = pass.declared()) {
    for (const Target& target : failed->targets) {
      const bool is_known =
          std::ranges::any_of(targets, [&](const Target& t) { return t == target; });
      // Under one name the failed content may have meant another place.
      if (!is_known) targets.push_back(target);
    }
  }
  return targets;
}

struct Rollback {
  Pass& pass;
  RenderedUnit good;
  deploylog::Inventory inventory;
  deploylog::Inventory created;
  InterruptWatch watch;

  std::vector<Leaving> leaving;
  std::string left_behind;  // a line for each object that stays though nothing declares it
  RollbackEnd went;

  Result<RollbackEnd> Run();
  Result<StepEnd> RunTarget(const Target& target, bool is_in_good);
  Result<TargetSession> Open(const Target& target, const std::vector<Resource>& resources);
  StepEnd DeleteCreated(TargetSession& session);
  StepEnd Verify(TargetSession& session, const std::vector<judge::LeftBehind>& left);
  std::vector<Resource> GoodResources(const Target& target) const;
  void LeaveTakenOver(const Target& target, const std::set<ObjectRef>& kept);
};

// What moved to another unit with the failed content is that unit's now. What both declare is not
// settled by this rollback, so it goes back with the rest.
std::optional<UnitId> MovedTo(const Snapshot& snapshot, const Target& target, const ObjectRef& ref,
                              const UnitId& from) {
  if (!snapshot.IsReadable(from) || snapshot.Declares(from, target, ref)) return std::nullopt;
  return snapshot.ClaimedBy(target, ref, from);
}

std::vector<Resource> Rollback::GoodResources(const Target& target) const {
  std::vector<Resource> out;
  for (const Resource& resource : good.resources) {
    if (!MovedTo(*pass.snapshot, target, target.kind->RefIn(resource, target), pass.unit))
      out.push_back(resource);
  }
  return out;
}

// What the failed content took over from another unit it did not make, so it is not ours to delete
// once Git no longer declares it here.
void Rollback::LeaveTakenOver(const Target& target, const std::set<ObjectRef>& kept) {
  std::erase_if(inventory[target.name], [&](const ObjectRef& ref) {
    if (kept.contains(ref) || created[target.name].contains(ref)) return false;
    if (!pass.snapshot->Declares(pass.unit, target, ref)) return false;
    left_behind +=
        target.name + ": " + ToString(ref) +
        " stays: the failed content took it over, and last known good does not have it\n";
    return true;
  });
}

Result<TargetSession> Rollback::Open(const Target& target, const std::vector<Resource>& resources) {
  PlanRequest request =
      RestoreRequest(pass.services, pass.snapshot->declared.pipeline.name, good, pass.declared());
  request.done = pass.record().done;  // the verdict may be on its way to the log still
  request.resources = &resources;
  request.inventory = inventory[target.name];
  request.pipeline_units = [this] { return PipelineUnits(pass.services, *pass.snapshot); };
  request.heeds_live_consent = true;
  request.one_by_one = true;
  return OpenTarget(pass.services, target, request);
}

StepEnd Rollback::DeleteCreated(TargetSession& session) {
  const Target& target = session.target;
  const auto kept = session.refs();
  std::vector<ObjectRef> extra;
  std::set<ObjectRef> brought = created[target.name];
  brought.insert(session.overtaken.begin(), session.overtaken.end());
  for (const ObjectRef& ref : brought) {
    if (!kept.contains(ref) && !pass.snapshot->IsClaimed(target, ref, pass.unit))
      extra.push_back(ref);
  }
  const Going going{extra, OwnershipOf(pass.snapshot->declared.pipeline.name, pass.unit).Mark(),
                    pass.record().leaving, Permission::kDecidedRollback};
  const DeletionLook look = DeleteObjects(pass.services, session, going, nullptr);
  if (!look.end.is_ok()) return look.end;
  for (const ObjectRef& ref : look.gone) inventory[target.name].erase(ref);
  left_behind += LeavingLines(look.leaving);
  leaving.insert(leaving.end(), look.leaving.begin(), look.leaving.end());
  auto known = kept;
  known.insert(session.done.begin(), session.done.end());
  known.insert(session.overtaken.begin(), session.overtaken.end());
  LeaveTakenOver(target, known);
  return {};
}

// What stays and what was unhealthy before the failed rollout is told; the rest has to be well. Of
// what is told, only what nobody touched is left out of the target's health.
StepEnd Rollback::Verify(TargetSession& session, const std::vector<judge::LeftBehind>& left) {
  const std::string& name = session.target.name;
  const std::set<ObjectRef> stays = judge::RefsOf(left);
  const std::set<ObjectRef> untouched = judge::ToldIn(went.unwell, name, judge::By::kRollout);
  std::set<ObjectRef> told = judge::ToldIn(went.unwell, name, judge::By::kRollback);
  told.insert(stays.begin(), stays.end());
  const Duration timeout = good.unit.application.health_timeout;
  judge::HealthWait wait = judge::BeginWait(pass.Now() + timeout, timeout, pass.Now());
  wait.patient_until = pass.Now() + kRollbackPatience * timeout;
  const HealthEnd health = AwaitHealth(pass.services, session, wait, told, watch);
  pass.Keep(life::WorkDone(pass.record(), session.finished));
  left_behind += judge::DescribeTold(health.told);
  std::vector<ObjectHealth> counted = health.judged, still_told;
  for (const ObjectHealth& object : health.told) {
    const bool is_as_before = untouched.contains(object.ref) && !stays.contains(object.ref);
    (is_as_before ? still_told : counted).push_back(object);
  }
  judge::ForgetSettled(went.unwell, name, still_told);
  went.health[name] = Worst(counted);
  return health.end;
}

Result<StepEnd> Rollback::RunTarget(const Target& target, bool is_in_good) {
  const Services& services = pass.services;
  const std::vector<Resource> resources =
      is_in_good ? GoodResources(target) : std::vector<Resource>();
  SLUICE_TRY(TargetSession session, Open(target, resources));
  std::vector<judge::LeftBehind> left = judge::LeaveBehind(session);
  const ApplyOptions options{.dry_run = DryRunMode::kNone,
                             .force = targets::Force::kYes,
                             .permission = Permission::kDecidedRollback,
                             .left = &left};
  const StepEnd applied = ApplyStages(services, session, options, watch);
  if (applied.kind == StepEnd::Kind::kInterrupted) return applied;
  if (StepEnd end = DeleteCreated(session); !end.is_ok()) return end;
  if (!applied.is_ok()) return applied;
  SLUICE_CHECK(session.driver->Unstick(session.ref_list(),
                                       services.WriteCall(Permission::kDecidedRollback)));
  const StepEnd health = Verify(session, left);
  for (judge::LeftBehind& object : left) went.left.push_back(std::move(object));
  if (!health.is_ok()) return health;
  if (!is_in_good) return StepEnd{};
  return RunSmokeTests(services, session, good.unit, *good.tree,
                       pass.snapshot->declared.pipeline.name, pass.record().rollout,
                       pass.record().last_known_good ? pass.record().last_known_good->revision : "",
                       Permission::kDecidedRollback, watch)
      .end;
}

// What an earlier prune left open is open still.
std::vector<Leaving> WithKnown(std::vector<Leaving> leaving, const std::vector<Leaving>& known) {
  for (const Leaving& before : known) {
    const bool is_there = std::ranges::any_of(leaving, [&](const Leaving& one) {
      return one.target == before.target && one.ref == before.ref;
    });
    if (!is_there) leaving.push_back(before);
  }
  return leaving;
}

// One target that cannot be asked must not keep the others from going back.
Result<RollbackEnd> Rollback::Run() {
  std::optional<Error> no_verdict;
  std::string impossible;
  for (const Target& target : TouchedTargets(pass, good)) {
    const bool is_in_good =
        std::ranges::any_of(good.unit.targets, [&](const Target& t) { return t == target; });
    auto end = RunTarget(target, is_in_good);
    if (!end) {
      const bool is_ours_no_more = end.error().code() == ErrorCode::kHeldElsewhere;
      if (end.error().code() == ErrorCode::kCancelled || is_ours_no_more) return Fail(end.error());
      no_verdict = std::move(end).error().With("target " + target.name);
      continue;
    }
    if (end->is_ok()) continue;
    if (end->kind == StepEnd::Kind::kInterrupted) {
      if (end->interruption == Interruption::kSuperseded)
        return RollbackEnd{.is_superseded = true, .inventory = inventory};
      if (end->interruption == Interruption::kLeaseLost)
        return Fail(ErrorCode::kHeldElsewhere, "LeaseLost",
                    "another engine took the lease during the rollback; it goes on from here");
      return Fail(ErrorCode::kCancelled, "Stopped", "the process is ending");
    }
    const std::string what = "target " + target.name + ": " + end->reason + ": " + end->message;
    if (Judge(end->happening) == Verdict::kErrored) {
      no_verdict = Error(ErrorCode::kUnavailable, end->reason, what);
    } else {
      impossible += (impossible.empty() ? "" : "; ") + what;
    }
  }
  if (no_verdict) return Fail(*no_verdict);
  went.inventory = inventory;
  went.targets = good.unit.targets;
  went.is_possible = impossible.empty();
  went.message = impossible.empty() ? left_behind : impossible;
  went.leaving = leaving;
  return went;
}

}  // namespace

Result<RollbackEnd> RollBack(Pass& pass) {
  log::Info("rollback", {{"unit", ToString(pass.unit)}, {"rollout", pass.record().rollout}});
  std::string why_not;
  SLUICE_TRY(auto good, LoadGood(pass, why_not));
  if (!good) return Impossible(why_not);
  SLUICE_TRY(auto inventory, pass.services.log.ReadInventory(pass.unit));
  SLUICE_TRY(auto created, pass.services.log.ReadCreated(pass.unit));
  Rollback rollback{
      pass,
      std::move(*good),
      std::move(inventory),
      std::move(created),
      InterruptWatch(pass.services, pass.unit, pass.record().fingerprint, Heed::kDecidedRollback),
      {},
      {}};
  rollback.went.unwell = pass.record().unwell_before;
  return rollback.Run();
}

Result<std::string> TakenByAnother(Pass& pass, const Snapshot& tip) {
  std::string why_not;
  SLUICE_TRY(const auto good, LoadGood(pass, why_not));
  if (!good) return std::string();
  for (const Target& target : good->unit.targets) {
    for (const Resource& resource : good->resources) {
      const ObjectRef ref = target.kind->RefIn(resource, target);
      if (const auto other = MovedTo(tip, target, ref, pass.unit))
        return ToString(ref) + " in target " + target.name + ", which " + ToString(*other);
    }
  }
  return std::string();
}

Result<std::optional<PassResult>> RecordRollback(Pass& pass, Result<RollbackEnd> end) {
  const Record& record = pass.record();
  const SystemTime now = pass.Now();
  if (!end) {
    if (end.error().code() == ErrorCode::kCancelled)
      return std::optional(PassResult{.standing = Standing::kFailed});
    if (end.error().code() == ErrorCode::kHeldElsewhere) return Fail(end.error());
    log::Warn("rollback_errored",
              {{"unit", ToString(pass.unit)}, {"error", end.error().message()}});
    return std::optional(
        PassResult{Standing::kErrored, now + Backoff(pass.services.options, pass.errors_in_row),
                   false, end.error().reason(), "rolling back: " + end.error().message()});
  }
  if (end->is_superseded) {
    SLUICE_CHECK(pass.Push(life::RollbackYielded(record)));
    return std::optional(PassResult{.standing = Standing::kFailed, .look_again = true});
  }
  pass.Keep(life::Leaves(record, WithKnown(std::move(end->leaving), record.leaving)));
  const std::string stays =
      end->left.empty() ? "" : "not everything could go back: " + judge::Join(end->left);
  if (!end->is_possible) {
    SLUICE_CHECK(pass.Push(stays.empty() ? life::RollbackImpossible(record, end->message, now)
                                         : life::RollbackIncomplete(record, end->message, stays)));
    return std::optional<PassResult>();
  }
  deploylog::Entry entry;
  entry.inventory = end->inventory;
  entry.created = deploylog::Inventory{};
  const life::Back back{.targets = Named(end->targets),
                        .occupied = Occupied(end->inventory),
                        .notes = end->message,
                        .stays = stays,
                        .health = end->health,
                        .unwell = end->unwell};
  SLUICE_CHECK(pass.Push(life::RolledBack(record, back, now), std::move(entry)));
  return std::optional<PassResult>();
}

}  // namespace sluice::rollout
