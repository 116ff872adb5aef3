#include "engine/rollout/deploy.h"

#include <algorithm>

#include "engine/base/time_format.h"
#include "engine/render/render.h"
#include "engine/rollout/deploy_attempt.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/failure.h"

namespace sluice::rollout {

Status Attempt::RecordStarted() {
  const SystemTime now = pass_.Now();
  const bool is_resume = record_.IsOpen();
  const bool is_retry = !is_resume && record_.attempt > 0;
  is_retry_ = is_retry;
  // Its start is in the log already; only an adoption that came meanwhile is news.
  if (is_retry && adopt_requests_.empty()) return Advance(record_, Trigger::kStart);
  if (!is_retry) ++record_.attempt;
  SLUICE_CHECK(Advance(record_, is_resume ? Trigger::kResume : Trigger::kStart));
  CloseStay(record_, now);
  record_.outcome.reset();
  record_.reason.clear();
  record_.message.clear();
  record_.gates.clear();
  record_.wake.reset();
  record_.drift.clear();
  record_.waiting.reset();
  record_.started = now;
  record_.finished.reset();
  record_.has_written = true;
  if (!is_retry) {
    record_.health_deadline = now + unit_.application.health_timeout *
                                        static_cast<int>(std::max<size_t>(1, sessions_.size()));
  }
  NoteStartedRelease(record_);
  deploylog::Inventory created;
  for (TargetSession& session : sessions_) {
    auto& ours = inventory_[session.target.name];
    for (const Change& change : session.plan.changes) {
      if (change.action == Action::kCreate) created[session.target.name].insert(change.ref);
    }
    const auto refs = session.refs();
    ours.insert(refs.begin(), refs.end());
    TargetRecord& target = record_.targets[session.target.name];
    target.phase = Phase::kApplying;
    target.outcome.reset();
    target.identity = render::Identity(session.target);
  }
  Trailers more;
  if (auto author = FindAuthorship(services_, record_.revision,
                                   RepositoryPath(services_.options, unit_.directory))) {
    more.emplace_back("Author", author->author);
    more.emplace_back("Approved-By", author->approved_by);
  }
  if (record_.last_known_good)
    more.emplace_back("Last-Known-Good", record_.last_known_good->revision);
  std::vector<deploylog::Entry> entries;
  if (!adopt_requests_.empty()) {
    entries.push_back(MakeEntry(services_, EventKind::kAdopted, record_,
                                "objects of others are taken over as asked"));
  }
  auto entry =
      MakeEntry(services_, EventKind::kStarted, record_,
                (is_resume ? "resumed " : "started ") + record_.revision.substr(0, 7) +
                    (record_.release.version.empty() ? "" : " version " + record_.release.version),
                notes_, std::move(more));
  entry.inventory = inventory_;
  // What an earlier attempt created and did not roll back is still ours to delete.
  SLUICE_TRY(const deploylog::Inventory created_before, services_.log.ReadCreated(pass_.unit));
  for (const auto& [target, refs] : created_before)
    created[target].insert(refs.begin(), refs.end());
  entry.created = created;
  entry.removed_requests = adopt_requests_;
  entries.push_back(std::move(entry));
  const StepTimer timer(services_, "record");
  return services_.log.AppendAll(entries, services_.GitCall());
}

// Absolute: a retry of this attempt that has nothing left to apply waits no longer than the first
// try would have. What is applied only now has its whole time before it, and so has what nobody
// could watch: a cluster that was away may not have rolled anything out either.
SystemTime Attempt::HealthDeadline(const TargetSession& session) {
  const bool applies = std::ranges::any_of(session.plan.changes, [](const Change& change) {
    return change.action != Action::kUnchanged && change.action != Action::kSkip &&
           change.action != Action::kPrune;
  });
  if (!is_retry_ || applies || !record_.health_deadline)
    record_.health_deadline = pass_.Now() + unit_.application.health_timeout;
  return *record_.health_deadline;
}

StepEnd Attempt::RunTarget(TargetSession& session) {
  ApplyOptions options;
  options.dry_run = unit_.environment.dry_run;
  options.force = record_.adopting.empty() ? targets::Force::kNo : targets::Force::kYes;
  if (StepEnd end = ApplyStages(services_, session, options, watch_); !end.is_ok()) return end;
  if (record_.phase != Phase::kVerifying) (void)Advance(record_, Trigger::kApplied).has_value();
  const StepEnd health = AwaitHealth(services_, session, HealthDeadline(session), watch_);
  if (health.happening == Happening::kUnreadablePastDeadline) record_.health_deadline.reset();
  if (!health.is_ok()) return health;
  SmokeReport report = RunSmokeTests(services_, session, unit_, *tree_, Pipeline(), record_.rollout,
                                     record_.revision, Permission::kLease, watch_);
  smoke_.insert(smoke_.end(), report.results.begin(), report.results.end());
  return report.end;
}

StepEnd Attempt::Prune() {
  const std::string mark = OwnershipOf(Pipeline(), pass_.unit).Mark();
  for (TargetSession& session : sessions_) {
    std::vector<ObjectRef> refs;
    for (const Change& change : session.plan.changes) {
      if (change.action == Action::kPrune) refs.push_back(change.ref);
    }
    if (refs.empty()) continue;
    if (const auto found = watch_.Check(); found != Interruption::kNone) return Interrupted(found);
    std::set<ObjectRef> gone;
    StepEnd end = DeleteObjects(services_, session, refs, mark, Permission::kLease, gone);
    for (const ObjectRef& ref : gone) inventory_[session.target.name].erase(ref);
    notes_ += end.detail;
    if (!end.is_ok()) return end;
  }
  // What is neither declared nor live any more, or has another unit's mark, needs no further
  // thought.
  for (TargetSession& session : sessions_) {
    const auto declared = session.refs();
    std::erase_if(inventory_[session.target.name], [&](const ObjectRef& ref) {
      if (declared.contains(ref)) return false;
      const auto live = session.live.objects.find(ref);
      if (live == session.live.objects.end()) return true;
      return live->second.mark != mark &&
             pass_.snapshot->IsClaimed(session.target, ref, pass_.unit);
    });
  }
  return {};
}

Result<PassResult> Attempt::Succeed() {
  const SystemTime now = pass_.Now();
  SLUICE_CHECK(Advance(record_, Trigger::kSucceed));
  record_.outcome = Outcome::kSucceeded;
  record_.reason.clear();
  record_.message.clear();
  record_.finished = now;
  record_.has_written = false;
  record_.errored_since.reset();
  record_.health_deadline.reset();
  record_.adopting.clear();
  record_.prune_waits = PruneWaits();
  record_.running = RunningState{record_.revision, fingerprint_, record_.release};
  record_.last_known_good =
      LastKnownGood{record_.revision, fingerprint_, record_.rollout,
                    record_.release,  now,          render::SharedInputsDigest(unit_)};
  record_.healthy_since = now;
  NoteSucceeded(record_, now);
  for (TargetSession& session : sessions_) {
    record_.targets[session.target.name] =
        FinishedTarget(session.target, Outcome::kSucceeded, fingerprint_, now);
  }
  for (auto& [name, target] : record_.targets) {
    const bool is_named =
        std::ranges::any_of(sessions_, [&](const auto& s) { return s.target.name == name; });
    if (!is_named && inventory_.contains(name) && !inventory_[name].empty()) {
      notes_ += "target " + name + " is no longer named; " +
                std::to_string(inventory_[name].size()) + " objects stay there\n";
    }
  }
  Trailers more;
  if (!smoke_.empty()) more.emplace_back("Smoke", SmokeTrailer(smoke_));
  auto entry =
      MakeEntry(services_, EventKind::kSucceeded, record_,
                "succeeded at " + record_.revision.substr(0, 7) +
                    (record_.release.version.empty() ? "" : " version " + record_.release.version),
                notes_, std::move(more));
  entry.inventory = inventory_;
  entry.created = deploylog::Inventory{};
  entry.good_commit = record_.revision;
  entry.good_paths = GoodPaths(unit_);
  const StepTimer timer(services_, "record");
  SLUICE_CHECK(services_.log.Append(std::move(entry), services_.GitCall()));
  return PassResult{};
}

Result<PassResult> Attempt::OnInterruption(Interruption interruption) {
  if (interruption == Interruption::kLeaseLost) {
    return Fail(
        ErrorCode::kHeldElsewhere, "LeaseLost",
        "the lease on the deploy log was lost while " + ToString(pass_.unit) + " was rolling out");
  }
  PassResult result;
  if (interruption == Interruption::kSuperseded) {
    result.look_again = true;
  } else if (interruption == Interruption::kFrozen) {
    result = {Standing::kHeld, std::nullopt, true, "Frozen", "somebody asked to freeze this unit"};
  } else {
    result = {Standing::kErrored, std::nullopt, false, "Stopped",
              "interrupted before a verdict; the next start goes on"};
  }
  if (record_.IsOpen()) SLUICE_CHECK(RecordInterruption(pass_, interruption));
  return result;
}

Result<PassResult> Attempt::OnNoVerdict(const StepEnd& end) {
  const auto& policy = unit_.environment.on_error;
  const bool is_overdue =
      record_.errored_since && pass_.Now() - *record_.errored_since >= policy.after;
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
      record_.health_deadline.reset();
      SLUICE_CHECK(Hold(pass_, "NoVerdict", message));
    }
    const SystemTime wake =
        pass_.Now() + Backoff(services_.options, std::max(pass_.errors_in_row, 4));
    return PassResult{Standing::kErrored, wake, false, "NoVerdict", message};
  }
  return Errored(pass_, end.happening, Error(ErrorCode::kUnavailable, end.reason, end.message));
}

Result<PassResult> Attempt::End(const StepEnd& end) {
  if (end.kind == StepEnd::Kind::kInterrupted) return OnInterruption(end.interruption);
  switch (Judge(end.happening)) {
    case Verdict::kFailed:
      return HandleFailure(pass_, end, smoke_);
    case Verdict::kHeld:
      return Hold(pass_, end.reason, end.message);
    case Verdict::kErrored:
      return OnNoVerdict(end);
  }
  return PassResult{};
}

Result<PassResult> Attempt::RunTargets() {
  for (size_t i = 0; i < sessions_.size(); ++i) {
    if (i > 0) SLUICE_CHECK(Advance(record_, Trigger::kNextTarget));
    if (const StepEnd end = RunTarget(sessions_[i]); !end.is_ok()) {
      if (Judge(end.happening) == Verdict::kFailed && end.kind == StepEnd::Kind::kHappened) {
        record_.targets[sessions_[i].target.name].outcome = Outcome::kFailed;
      }
      return End(end);
    }
  }
  if (const StepEnd end = Prune(); !end.is_ok()) return End(end);
  return Succeed();
}

Result<PassResult> Attempt::Run() {
  if (auto rendered = Render(); !rendered) {
    if (rendered.error().code() == ErrorCode::kInvalidConfig)
      return Hold(pass_, "ConfigInvalid", rendered.error().message());
    return Errored(pass_, FromError(rendered.error().code()), rendered.error());
  }
  SLUICE_TRY(const PassResult opened, OpenTargets());
  if (sessions_.size() != unit_.targets.size()) return opened;
  if (auto settled = Settle()) return std::move(*settled);
  if (auto may = MayWriteLive(services_); !may) return Fail(may.error());
  SLUICE_CHECK(RecordStarted());
  return RunTargets();
}

Result<PassResult> Deploy(Pass& pass) { return Attempt(pass).Run(); }

}  // namespace sluice::rollout
