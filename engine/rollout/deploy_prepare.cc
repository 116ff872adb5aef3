#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/time_format.h"
#include "engine/render/render.h"
#include "engine/rollout/deploy_attempt.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/failure.h"

namespace sluice::rollout {
namespace {

// A live object of others, or one of which others own a field.
bool IsToAdopt(const TargetSession& session, const std::string& line, const std::string& mark) {
  for (size_t i = 0; i < session.prepared.objects.size(); ++i) {
    const ObjectRef& ref = session.prepared.objects[i].resource.ref;
    if (ToInventoryLine(ref) != line) continue;
    const auto live = session.live.objects.find(ref);
    if (live == session.live.objects.end()) return false;
    return live->second.mark != mark ||
           session.predictions[i].kind == targets::Prediction::Kind::kConflict;
  }
  return false;
}

}  // namespace

std::string Attempt::Pipeline() const { return pass_.snapshot->declared.pipeline.name; }

bool Attempt::IsContinuation() const {
  return record_.fingerprint == fingerprint_ && !record_.rollout.empty() && !record_.finished &&
         (record_.IsOpen() || record_.has_written || record_.outcome == Outcome::kErrored);
}

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

PlanRequest Attempt::MakeRequest() {
  PlanRequest request;
  request.unit = pass_.unit;
  request.pipeline = Pipeline();
  request.resources = &resources_;
  request.environment = &unit_.environment;
  request.snapshot = pass_.snapshot.get();
  request.pipeline_units = PipelineUnits(services_, *pass_.snapshot);
  request.adopted = {record_.adopting.begin(), record_.adopting.end()};
  return request;
}

Result<PassResult> Attempt::OpenTargets() {
  SLUICE_TRY(inventory_, services_.log.ReadInventory(pass_.unit));
  PlanRequest request = MakeRequest();
  for (const deploylog::Request& asked : pass_.state->requests) {
    if (asked.verb != "adopt" || asked.unit != pass_.unit) continue;
    if (asked.objects.empty()) request.adopted.insert("*");
    request.adopted.insert(asked.objects.begin(), asked.objects.end());
  }
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
      // A deadline that nobody could watch pass condemns nothing.
      if (IsRetryable(session.error().code()) && record_.health_deadline &&
          pass_.Now() >= *record_.health_deadline)
        record_.health_deadline.reset();
      return OnNoVerdict(Happened(FromError(session.error().code()), session.error()));
    }
    for (const std::string& warning : session->prepared.warnings) notes_ += warning + "\n";
    sessions_.push_back(std::move(*session));
  }
  SLUICE_CHECK(TakeAdoptions());
  return PassResult{};
}

// A request that names only what nobody else holds would linger, and force a later rollout.
Status Attempt::TakeAdoptions() {
  const std::string mark = OwnershipOf(Pipeline(), pass_.unit).Mark();
  std::set<std::string> adopting(record_.adopting.begin(), record_.adopting.end());
  for (const deploylog::Request& asked : pass_.state->requests) {
    if (asked.verb != "adopt" || asked.unit != pass_.unit) continue;
    const bool waits = std::ranges::any_of(asked.objects, [&](const std::string& line) {
      return std::ranges::any_of(
          sessions_, [&](const TargetSession& session) { return IsToAdopt(session, line, mark); });
    });
    if (!waits && !asked.objects.empty()) {
      const size_t others = asked.objects.size() - 1;
      auto entry = MakeEntry(services_, EventKind::kRequest, record_,
                             "adopt names nothing that waits: " + asked.objects.front() +
                                 (others == 0 ? "" : " and " + std::to_string(others) + " more"),
                             asked.reason, {{"Requested-By", asked.by}});
      entry.removed_requests = {asked.id};
      SLUICE_CHECK(services_.log.Append(std::move(entry), services_.GitCall()));
      continue;
    }
    adopt_requests_.push_back(asked.id);
    if (asked.objects.empty()) adopting.insert("*");
    adopting.insert(asked.objects.begin(), asked.objects.end());
  }
  record_.adopting.assign(adopting.begin(), adopting.end());
  return {};
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

bool Attempt::PruneWaits() const {
  return std::ranges::any_of(sessions_, &TargetSession::prune_waits);
}

std::optional<Result<PassResult>> Attempt::Settle() {
  Plan plan = MergePlans(sessions_, services_.options.hmac_key);
  // By the server, or before it was asked: the verdict is the same.
  const bool is_refused = std::ranges::any_of(sessions_, &TargetSession::is_refused) ||
                          std::ranges::find(plan.blockers, "ContentRejected",
                                            &PlanBlocker::reason) != plan.blockers.end();
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
    // After a first write the verdict needs an open rollout to roll back from.
    if (was_open && !record_.IsOpen()) {
      if (auto reopened = Advance(record_, Trigger::kStart); !reopened)
        return Result<PassResult>(Fail(reopened.error()));
    }
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
  const bool is_first =
      !record_.running && !record_.last_known_good && record_.rollout.empty() && !record_.started;
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
  record_.prune_waits = PruneWaits();
  record_.started = record_.finished = now;
  record_.running = RunningState{record_.revision, fingerprint_, record_.release};
  NoteSucceeded(record_, now);
  if (!record_.healthy_since) record_.healthy_since = now;
  for (TargetSession& session : sessions_) {
    record_.targets[session.target.name] =
        FinishedTarget(session.target, Outcome::kSucceeded, fingerprint_, now);
  }
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
      LastKnownGood{record_.revision, fingerprint_, record_.rollout,
                    record_.release,  now,          render::SharedInputsDigest(unit_)};
  record_.kind = "adoption";
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

}  // namespace sluice::rollout
