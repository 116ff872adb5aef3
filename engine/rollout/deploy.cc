#include "engine/rollout/deploy.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/time_format.h"
#include "engine/config/config.h"
#include "engine/render/render.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/failure.h"
#include "engine/rollout/interrupt_watch.h"
#include "engine/rollout/live_steps.h"
#include "engine/rollout/recorder.h"
#include "engine/rollout/target_session.h"

namespace sluice::rollout {
namespace {

using targets::TargetDriver;

std::string PipelineOf(const Pass& pass) { return pass.snapshot->declared.pipeline.name; }

class Attempt {
 public:
  explicit Attempt(Pass& pass)
      : pass_(pass),
        services_(pass.services),
        record_(pass.record),
        unit_(*pass.declared()),
        fingerprint_(pass.snapshot->FingerprintOf(pass.unit)),
        watch_(services_, pass.unit, fingerprint_) {}

  Result<PassResult> Run();

 private:
  Status Render();
  Result<PassResult> OpenTargets();
  std::optional<Result<PassResult>> Settle();
  Result<PassResult> RecordUnrun(EventKind kind, const std::string& summary, Trailers more);
  Result<PassResult> AdoptWithoutRun();
  Status RecordStarted();
  Result<PassResult> RunTargets();
  StepEnd RunTarget(TargetSession& session);
  StepEnd Prune();
  Result<PassResult> Succeed();
  Result<PassResult> End(const StepEnd& end);
  Result<PassResult> OnInterruption(Interruption interruption);
  Result<PassResult> OnNoVerdict(const StepEnd& end);
  void BeginRecord();
  bool IsContinuation() const;
  bool IsReadOnly() const;

  Pass& pass_;
  const Services& services_;
  Record& record_;
  const DeclaredUnit& unit_;
  std::string fingerprint_;
  InterruptWatch watch_;
  std::unique_ptr<SourceTree> tree_;
  std::vector<Resource> resources_;
  std::vector<TargetSession> sessions_;
  deploylog::Inventory inventory_;
  std::vector<std::string> adopt_requests_;  // ids that this attempt uses up
  std::vector<verify::TestResult> smoke_;
  std::string notes_;  // for the body of the outcome's message
};

bool Attempt::IsContinuation() const {
  return record_.fingerprint == fingerprint_ && !record_.rollout.empty() && !record_.finished &&
         (record_.IsOpen() || record_.has_written || record_.outcome == Outcome::kErrored);
}

// After onError.after without a verdict: nothing more is written, but live is still read for the
// verdict.
bool Attempt::IsReadOnly() const {
  return record_.errored_since && unit_.environment.on_error.then == AfterError::kHold &&
         pass_.Now() - *record_.errored_since >= unit_.environment.on_error.after;
}

Status Attempt::Render() {
  const StepTimer timer(services_, "render");
  SLUICE_TRY(tree_, services_.mirror.Tree(pass_.snapshot->revision,
                                          RepositoryPath(services_.options, "")));
  SLUICE_TRY(auto rendered, render::Render(unit_, *tree_, services_.yaml));
  if (!rendered.problems.empty())
    return Fail(ErrorCode::kInvalidConfig, "ConfigInvalid", ToString(rendered.problems.front()));
  resources_ = std::move(rendered.resources);
  return {};
}

Result<PassResult> Attempt::OpenTargets() {
  SLUICE_TRY(inventory_, services_.log.ReadInventory(pass_.unit));
  PlanRequest request;
  request.unit = pass_.unit;
  request.pipeline = PipelineOf(pass_);
  request.resources = &resources_;
  request.environment = &unit_.environment;
  request.snapshot = pass_.snapshot.get();
  request.pipeline_units = PipelineUnits(services_, *pass_.snapshot);
  request.adopted = {record_.adopting.begin(), record_.adopting.end()};
  for (const deploylog::Request& asked : pass_.state->requests) {
    if (asked.verb != "adopt" || asked.unit != pass_.unit) continue;
    adopt_requests_.push_back(asked.id);
    if (asked.objects.empty()) request.adopted.insert("*");
    request.adopted.insert(asked.objects.begin(), asked.objects.end());
  }
  record_.adopting.assign(request.adopted.begin(), request.adopted.end());
  for (const Target& target : unit_.targets) {
    request.inventory = inventory_[target.name];
    auto session = OpenTarget(services_, target, request);
    if (!session) {
      if (const auto found = watch_.Check(); found != Interruption::kNone)
        return OnInterruption(found);
      if (session.error().code() == ErrorCode::kInvalidConfig) {
        // daemon.yaml or the kubeconfig: mended on this machine, without a commit, so it is looked
        // at again.
        SLUICE_TRY(PassResult held, Hold(pass_, session.error().reason(), session.error().message(),
                                         pass_.Now() + 1min));
        held.standing = Standing::kInvalid;
        return held;
      }
      return OnNoVerdict(Happened(FromError(session.error().code()), session.error()));
    }
    for (const std::string& warning : session->prepared.warnings) notes_ += warning + "\n";
    sessions_.push_back(std::move(*session));
  }
  return PassResult{};
}

void Attempt::BeginRecord() {
  const bool is_same_rollout = IsContinuation();
  const std::string before = record_.fingerprint;
  record_.revision = pass_.snapshot->revision;
  record_.fingerprint = fingerprint_;
  record_.release = ReleaseOf(unit_);
  record_.kind = "deploy";
  if (is_same_rollout) return;
  record_.rollout = deploylog::NewRolloutId();
  record_.attempt = 0;
  record_.has_written = false;
  record_.errored_since.reset();
  record_.started.reset();
  record_.finished.reset();
  record_.revert_pending = record_.rollback_pending = false;
  record_.revert_operation.clear();
}

// What needs no run: blockers, refusals, content that is good already, a first contact that is
// equal.
std::optional<Result<PassResult>> Attempt::Settle() {
  Plan plan = MergePlans(sessions_, services_.options.hmac_key);
  const bool is_refused = std::ranges::any_of(sessions_, &TargetSession::is_refused);
  for (const PlanBlocker& blocker : plan.blockers) {
    if (!is_refused || blocker.reason != "ContentRejected")
      return Hold(pass_, blocker.reason, blocker.message);
  }
  if (is_refused) {
    std::string message =
        plan.blockers.empty() ? "the server refuses the content" : plan.blockers.front().message;
    const bool was_open = IsContinuation();
    BeginRecord();
    record_.plan = plan.digest;
    StepEnd end =
        Happened(Happening::kContentRefused, Error(ErrorCode::kRejected, std::move(message)));
    if (!was_open) record_.started = pass_.Now();
    return HandleFailure(pass_, end, {});
  }
  if (plan.IsEmpty() && record_.last_known_good &&
      record_.last_known_good->fingerprint == fingerprint_ && !IsContinuation()) {
    BeginRecord();
    record_.plan = plan.digest;
    record_.last_known_good->revision = record_.revision;
    return RecordUnrun(EventKind::kSucceeded,
                       "already at " + record_.revision.substr(0, 7) + ", nothing to do", {});
  }
  const bool is_first = !record_.running && !record_.last_known_good && record_.rollout.empty();
  const bool only_marks = std::ranges::all_of(plan.changes, [](const Change& change) {
    return change.action == Action::kAdopt || change.action == Action::kUnchanged;
  });
  if (is_first && only_marks && !plan.changes.empty() && record_.adopting.empty()) {
    BeginRecord();
    record_.plan = plan.digest;
    return AdoptWithoutRun();
  }
  if (IsReadOnly() && !plan.IsEmpty()) {
    return Hold(pass_, "NoVerdict",
                "no verdict for " + FormatDuration(unit_.environment.on_error.after) +
                    " and not everything is applied; nothing more is written until new content or "
                    "`sluice retry`");
  }
  BeginRecord();
  record_.plan = plan.digest;
  return std::nullopt;
}

Result<PassResult> Attempt::RecordUnrun(EventKind kind, const std::string& summary, Trailers more) {
  const SystemTime now = pass_.Now();
  SLUICE_CHECK(Advance(record_, Trigger::kSucceed));
  record_.outcome = Outcome::kSucceeded;
  record_.reason.clear();
  record_.message.clear();
  record_.gates.clear();
  record_.wake.reset();
  record_.adopting.clear();
  record_.started = record_.finished = now;
  record_.running = RunningState{record_.revision, fingerprint_, record_.release};
  NoteSucceeded(record_, now);
  if (!record_.healthy_since) record_.healthy_since = now;
  auto entry = MakeEntry(services_, kind, record_, summary, notes_, std::move(more));
  entry.inventory = inventory_;
  entry.removed_requests = adopt_requests_;
  entry.good_commit = record_.revision;
  entry.good_paths = GoodPaths(unit_);
  SLUICE_CHECK(services_.log.Append(std::move(entry), services_.GitCall()));
  return PassResult{};
}

Result<PassResult> Attempt::AdoptWithoutRun() {
  for (TargetSession& session : sessions_) {
    const auto refs = session.refs();
    inventory_[session.target.name].insert(refs.begin(), refs.end());
  }
  const SystemTime now = pass_.Now();
  record_.last_known_good =
      LastKnownGood{record_.revision, fingerprint_, record_.rollout, record_.release, now};
  record_.kind = "adoption";
  for (TargetSession& session : sessions_) {
    record_.targets[session.target.name] =
        FinishedTarget(session.target, Outcome::kSucceeded, fingerprint_, now);
  }
  // The marks are a write to live like any other: the record comes first.
  SLUICE_TRY(PassResult result,
             RecordUnrun(EventKind::kAdopted,
                         "taken over as it stands; only ownership marks are written", {}));
  for (TargetSession& session : sessions_) {
    ApplyOptions options{.dry_run = DryRunMode::kNone};
    const StepEnd end = ApplyStages(services_, session, options, watch_);
    // The marks are only missing: the next drift check or rollout writes them.
    if (!end.is_ok())
      log::Warn("mark_failed", {{"unit", ToString(pass_.unit)}, {"error", end.message}});
  }
  return result;
}

Status Attempt::RecordStarted() {
  const SystemTime now = pass_.Now();
  const bool is_resume = record_.IsOpen();
  const bool is_retry = !is_resume && record_.attempt > 0;
  if (is_retry) return Advance(record_, Trigger::kStart);  // its start is in the log already
  ++record_.attempt;
  SLUICE_CHECK(Advance(record_, is_resume ? Trigger::kResume : Trigger::kStart));
  CloseStay(record_, now);
  record_.outcome.reset();
  record_.reason.clear();
  record_.message.clear();
  record_.gates.clear();
  record_.wake.reset();
  record_.drift.clear();
  record_.started = now;
  record_.finished.reset();
  record_.has_written = true;
  record_.health_deadline = now + unit_.application.health_timeout *
                                      static_cast<int>(std::max<size_t>(1, sessions_.size()));
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
  if (!is_resume) entry.created = created;
  entry.removed_requests = adopt_requests_;
  entries.push_back(std::move(entry));
  const StepTimer timer(services_, "record");
  return services_.log.AppendAll(std::move(entries), services_.GitCall());
}

StepEnd Attempt::RunTarget(TargetSession& session) {
  ApplyOptions options;
  options.dry_run = unit_.environment.dry_run;
  options.force = record_.adopting.empty() ? targets::Force::kNo : targets::Force::kYes;
  if (StepEnd end = ApplyStages(services_, session, options, watch_); !end.is_ok()) return end;
  if (record_.phase != Phase::kVerifying) (void)Advance(record_, Trigger::kApplied).has_value();
  const SystemTime deadline = pass_.Now() + unit_.application.health_timeout;
  if (StepEnd end = AwaitHealth(services_, session, deadline, watch_); !end.is_ok()) return end;
  SmokeReport report = RunSmokeTests(services_, session, unit_, *tree_, PipelineOf(pass_),
                                     record_.rollout, record_.revision, watch_);
  smoke_.insert(smoke_.end(), report.results.begin(), report.results.end());
  return report.end;
}

StepEnd Attempt::Prune() {
  const std::string mark = OwnershipOf(PipelineOf(pass_), pass_.unit).Mark();
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
  // What is neither declared nor live any more needs no further thought.
  for (TargetSession& session : sessions_) {
    const auto declared = session.refs();
    std::erase_if(inventory_[session.target.name], [&](const ObjectRef& ref) {
      return !declared.contains(ref) && !session.live.objects.contains(ref);
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
  record_.running = RunningState{record_.revision, fingerprint_, record_.release};
  record_.last_known_good =
      LastKnownGood{record_.revision, fingerprint_, record_.rollout, record_.release, now};
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
  const SystemTime now = pass_.Now();
  if (interruption == Interruption::kLeaseLost) return Fail(MayWriteLive(services_).error());
  const bool is_superseded = interruption == Interruption::kSuperseded;
  if (!record_.IsOpen()) return PassResult{.look_again = is_superseded};
  SLUICE_CHECK(Advance(record_, is_superseded ? Trigger::kSupersede : Trigger::kCancel));
  record_.outcome = is_superseded ? Outcome::kSuperseded : Outcome::kCancelled;
  record_.reason = is_superseded                           ? "Superseded"
                   : interruption == Interruption::kFrozen ? "Frozen"
                                                           : "Stopped";
  record_.message =
      is_superseded ? "a newer commit changes this unit" : "interrupted; live is left as it is";
  record_.finished = now;
  record_.attempt = 0;
  auto entry = MakeEntry(services_, is_superseded ? EventKind::kSuperseded : EventKind::kCancelled,
                         record_, record_.message);
  SLUICE_CHECK(services_.log.Append(std::move(entry), services_.GitCall()));
  return PassResult{.look_again = is_superseded};
}

Result<PassResult> Attempt::OnNoVerdict(const StepEnd& end) {
  const auto& policy = unit_.environment.on_error;
  const bool is_overdue =
      record_.errored_since && pass_.Now() - *record_.errored_since >= policy.after;
  if (is_overdue && policy.then == AfterError::kRollback && record_.last_known_good) {
    return RollBackWithoutVerdict(pass_, end);
  }
  if (is_overdue) {
    return Hold(pass_, "NoVerdict",
                "no verdict for " + FormatDuration(policy.after) + " (" + end.reason + ": " +
                    end.message + "); nothing more is written, live is still read for the verdict",
                pass_.Now() + Backoff(services_.options, pass_.errors_in_row));
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

}  // namespace

Result<PassResult> Deploy(Pass& pass) { return Attempt(pass).Run(); }

}  // namespace sluice::rollout
