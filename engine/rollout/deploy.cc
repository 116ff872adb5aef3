#include "engine/rollout/deploy.h"

#include <algorithm>

#include "engine/base/time_format.h"
#include "engine/render/render.h"
#include "engine/rollout/authorship.h"
#include "engine/rollout/deletion.h"
#include "engine/rollout/deploy_attempt.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/failure.h"
#include "engine/rollout/leaving.h"
#include "engine/rollout/requests.h"

namespace sluice::rollout {

life::Start Attempt::DescribeStart() {
  life::Start start;
  start.targets = Named(unit_.targets);
  start.adopting = {adopting_.begin(), adopting_.end()};
  start.takes_over = !adopt_requests_.empty();
  start.health_timeout =
      unit_.application.health_timeout * static_cast<int>(std::max<size_t>(1, sessions_.size()));
  start.notes = notes_;
  if (auto author = FindAuthorship(services_, record_.revision,
                                   RepositoryPath(services_.options, unit_.directory))) {
    start.trailers = {{"Author", author->author}, {"Approved-By", author->approved_by}};
  }
  return start;
}

deploylog::Entry Attempt::StartEntry() {
  deploylog::Entry entry;
  deploylog::Inventory created;
  for (TargetSession& session : sessions_) {
    const auto refs = session.refs();
    inventory_[session.target.name].insert(refs.begin(), refs.end());
    for (const Change& change : session.plan.changes) {
      if (change.action == Action::kCreate) created[session.target.name].insert(change.ref);
    }
  }
  entry.inventory = inventory_;
  entry.created = std::move(created);
  entry.removed_requests = adopt_requests_;
  return entry;
}

Status Attempt::RecordStarted() {
  is_retry_ = !record_.IsOpen() && record_.attempt > 0;
  if (is_retry_ && adopt_requests_.empty())
    return pass_.Push(life::Started(record_, {}, pass_.Now()));
  deploylog::Entry entry = StartEntry();
  // What an earlier attempt created and did not roll back is still ours to delete.
  SLUICE_TRY(const deploylog::Inventory created_before, services_.log.ReadCreated(pass_.unit));
  for (const auto& [target, refs] : created_before)
    (*entry.created)[target].insert(refs.begin(), refs.end());
  life::Start start = DescribeStart();
  start.is_own = services_.HasBegun(record_.rollout);
  services_.begun->With([&](auto& ids) { ids.insert(record_.rollout); });
  const StepTimer timer(services_, "record");
  return pass_.Push(life::Started(record_, start, pass_.Now()), std::move(entry));
}

// Absolute: a retry of this attempt that has nothing left to apply waits no longer than the first
// try would have. What is applied only now has its whole time before it, and so has what nobody
// could watch: a cluster that was away may not have rolled anything out either.
SystemTime Attempt::HealthDeadline(const TargetSession& session) {
  const bool applies = std::ranges::any_of(session.plan.changes, [](const Change& change) {
    return change.action != Action::kUnchanged && change.action != Action::kSkip &&
           change.action != Action::kPrune;
  });
  const auto known = record_.open ? record_.open->health_deadline : std::nullopt;
  if (is_retry_ && !applies && known) return *known;
  const SystemTime deadline = pass_.Now() + unit_.application.health_timeout;
  pass_.Keep(life::DueBy(record_, deadline));
  return deadline;
}

StepEnd Attempt::RunTarget(TargetSession& session) {
  ApplyOptions options;
  options.dry_run = unit_.environment.dry_run;
  if (StepEnd end = ApplyStages(services_, session, options, watch_); !end.is_ok()) return end;
  if (StepEnd health = RunHealth(session); !health.is_ok()) return health;
  SmokeReport report = RunSmokeTests(services_, session, unit_, *content_.tree, Pipeline(),
                                     record_.rollout, record_.revision, Permission::kLease, watch_);
  smoke_.insert(smoke_.end(), report.results.begin(), report.results.end());
  return report.end;
}

// What keeps an object from going is no verdict on what was rolled out: it stays open.
StepEnd Attempt::Prune() {
  const std::string mark = OwnershipOf(Pipeline(), pass_.unit).Mark();
  const std::vector<Leaving> known = record_.leaving;
  std::vector<Leaving> leaving;
  StepEnd interrupted;
  for (TargetSession& session : sessions_) {
    const Going going{session.Going(), mark, known};
    if (going.refs.empty()) continue;
    DeletionLook look =
        DeleteObjects(services_, session, going, HeedGit(pass_, session.target, watch_));
    for (const ObjectRef& ref : look.gone) inventory_[session.target.name].erase(ref);
    replaced_.insert(look.replaced.begin(), look.replaced.end());
    notes_ += look.notes + LeavingLines(look.leaving);
    leaving.insert(leaving.end(), look.leaving.begin(), look.leaving.end());
    if (look.end.kind != StepEnd::Kind::kInterrupted) continue;
    interrupted = look.end;
    break;
  }
  pass_.Keep(life::Leaves(record_, std::move(leaving)));
  if (!interrupted.is_ok()) return interrupted;
  // What is neither declared nor live any more, or has another unit's mark, needs no further
  // thought.
  for (TargetSession& session : sessions_) {
    const auto declared = session.refs();
    std::erase_if(inventory_[session.target.name], [&](const ObjectRef& ref) {
      if (declared.contains(ref)) return false;
      if (session.IsAlias(ref)) return true;
      const auto live = session.live.objects.find(ref);
      if (live == session.live.objects.end()) return true;
      const bool is_another = std::ranges::any_of(known, [&](const Leaving& one) {
        return one.target == session.target.name && one.ref == ref && !one.uid.empty() &&
               one.uid != live->second.uid;
      });
      if (is_another) return true;
      return live->second.mark != mark &&
             pass_.snapshot->IsClaimed(session.target, ref, pass_.unit);
    });
  }
  return {};
}

life::Success Attempt::DescribeSuccess() {
  life::Success success;
  success.targets = Named(unit_.targets);
  success.occupied = Occupied(inventory_);
  success.shared_inputs = render::SharedInputsDigest(unit_);
  success.prune_waits = PruneWaits();
  success.notes = notes_;
  if (!smoke_.empty()) success.trailers.emplace_back("Smoke", SmokeTrailer(smoke_));
  DescribeHealth(success);
  return success;
}

deploylog::Entry Attempt::GoodEntry() {
  deploylog::Entry entry;
  entry.inventory = inventory_;
  entry.good_commit = record_.revision;
  entry.good_paths = GoodPaths(unit_);
  return entry;
}

Result<PassResult> Attempt::Succeed() {
  for (const std::string& name : Occupied(inventory_)) {
    const bool is_named = std::ranges::any_of(
        unit_.targets, [&](const Target& target) { return target.name == name; });
    if (!is_named) {
      notes_ += "target " + name + " is no longer named; " +
                std::to_string(inventory_[name].size()) + " objects stay there\n";
    }
  }
  const life::Success success = DescribeSuccess();
  deploylog::Entry entry = GoodEntry();
  entry.created = deploylog::Inventory{};
  if (!success.suspended.empty()) {
    entry.good_commit.reset();
    entry.good_paths.clear();
  }
  const StepTimer timer(services_, "record");
  SLUICE_CHECK(pass_.Push(life::Succeeded(record_, success, pass_.Now()), std::move(entry)));
  SLUICE_CHECK(AnswerEarlyRetries(services_, record_));
  return StandsLeaving(pass_);
}

Result<PassResult> Attempt::OnInterruption(Interruption interruption) {
  return EndInterrupted(pass_, interruption);
}

Result<PassResult> Attempt::OnNoVerdict(const StepEnd& end) {
  const auto& policy = unit_.environment.on_error;
  const bool is_overdue = IsOverdue();
  if (is_overdue && policy.then == AfterError::kRollback && record_.last_known_good) {
    return RollBackWithoutVerdict(pass_, end);
  }
  if (is_overdue) {
    // Told once; from then on only read, with a back-off, until there is a verdict.
    const std::string message = "no verdict for " + FormatDuration(policy.after) +
                                "; nothing more is written, live is still read for the verdict. "
                                "Mend what keeps it from one, " +
                                "push new content, or run `sluice retry " + ToString(pass_.unit) +
                                "`";
    if (record_.reason != "NoVerdict") {
      // Nobody watched it pass; the first pass that can read live sets a new one.
      pass_.Keep(life::DueBy(record_, std::nullopt));
      SLUICE_CHECK(Hold(pass_, "NoVerdict", message));
    }
    const SystemTime wake =
        pass_.Now() + Backoff(services_.options, std::max(pass_.errors_in_row, 4));
    return PassResult{Standing::kErrored, wake, false, "NoVerdict", message};
  }
  return Errored(pass_, end.happening, Error(ErrorCode::kUnavailable, end.reason, end.message));
}

Result<PassResult> Attempt::End(const StepEnd& end, const std::string& target) {
  if (end.kind == StepEnd::Kind::kInterrupted) return OnInterruption(end.interruption);
  switch (Judge(end.happening)) {
    case Verdict::kFailed:
      return HandleFailure(pass_, end, smoke_, target);
    case Verdict::kHeld:  // planned before the first write, and true no more: planned anew
    case Verdict::kErrored:
      return OnNoVerdict(end);
  }
  return PassResult{};
}

Result<PassResult> Attempt::RunTargets() {
  for (TargetSession& session : sessions_) {
    if (const StepEnd end = RunTarget(session); !end.is_ok()) return End(end, session.target.name);
  }
  const deploylog::Inventory before = inventory_;
  if (const StepEnd end = Prune(); !end.is_ok()) return End(end);
  if (const StepEnd end = NothingCameBack(before); !end.is_ok()) return End(end);
  return Succeed();
}

Result<PassResult> Attempt::Run() {
  SLUICE_TRY(const auto unplanned, MakePlan());
  if (unplanned) return *unplanned;
  auto stuck = FindAgain();
  if (!stuck) return OnNoVerdict(Happened(FromError(stuck.error().code()), stuck.error()));
  if (*stuck) return std::move(**stuck);
  SLUICE_TRY(const auto gated, AskGates());
  if (gated) return *gated;
  SLUICE_CHECK(TakeAdoptions());
  if (auto settled = Settle()) return std::move(*settled);
  if (auto before = LookBefore(); !before)
    return OnNoVerdict(Happened(FromError(before.error().code()), before.error()));
  SLUICE_CHECK(RecordStarted());
  return RunTargets();
}

Result<PassResult> Deploy(Pass& pass) { return Attempt(pass).Run(); }

}  // namespace sluice::rollout
