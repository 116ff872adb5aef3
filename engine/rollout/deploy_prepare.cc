#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/time_format.h"
#include "engine/rollout/content.h"
#include "engine/rollout/deploy_attempt.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/failure.h"
#include "engine/rollout/judge/left_behind.h"
#include "engine/rollout/leaving.h"

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

// All that the targets refuse, by the reason of the first.
Error RefusalOf(const std::vector<PlanBlocker>& blockers) {
  std::string message;
  std::string detail;
  for (const PlanBlocker& blocker : blockers) {
    message += (message.empty() ? "" : "; ") + blocker.message;
    if (!blocker.detail.empty()) detail += (detail.empty() ? "" : "\n") + blocker.detail;
  }
  return Error(ErrorCode::kRejected, blockers.front().reason, std::move(message))
      .WithDetail(std::move(detail));
}

}  // namespace

std::string Attempt::Pipeline() const { return pass_.snapshot->declared.pipeline.name; }

bool Attempt::IsOverdue() const {
  return record_.open && record_.open->errored_since &&
         pass_.Now() - *record_.open->errored_since >= unit_.environment.on_error.after;
}

bool Attempt::IsReadOnly() const {
  return IsOverdue() && unit_.environment.on_error.then == AfterError::kHold;
}

// What `adopt` was asked for, and what an earlier try of this rollout was.
std::set<std::string> Attempt::AskedToAdopt() const {
  std::set<std::string> asked;
  if (record_.open) asked.insert(record_.open->adopting.begin(), record_.open->adopting.end());
  for (const deploylog::Request& request : pass_.state->requests) {
    if (request.verb != "adopt" || request.unit != pass_.unit) continue;
    if (request.objects.empty()) asked.insert("*");
    asked.insert(request.objects.begin(), request.objects.end());
  }
  return asked;
}

// Known before anything is asked of a server. An open rollout goes on, for it has no verdict yet;
// and nobody is kept from going back to what is good, whatever became of it in other words.
const FailedContent* Attempt::SameFailure() const {
  const bool is_good =
      record_.last_known_good && record_.last_known_good->fingerprint == fingerprint_;
  return is_good || GoesOn() ? nullptr : life::FindSameFailure(record_, digest_);
}

Result<std::optional<PassResult>> Attempt::MakePlan() {
  const auto ended = [](Result<PassResult> result) -> Result<std::optional<PassResult>> {
    if (!result) return Fail(result.error());
    return std::optional(*std::move(result));
  };
  auto rendered = RenderAtTip(services_, *pass_.snapshot, pass_.unit);
  if (!rendered) {
    const Error& error = rendered.error();
    if (error.code() == ErrorCode::kInvalidConfig)
      return ended(Hold(pass_, "ConfigInvalid", error.message()));
    return ended(Errored(pass_, FromError(error.code()), error));
  }
  content_ = *std::move(rendered);
  SLUICE_TRY(digest_, ContentDigest(services_, unit_, content_.resources, *content_.tree));
  if (const FailedContent* known = SameFailure()) {
    pass_.Keep(life::FailedInOtherWords(record_, FailedContent(*known), AtTip(pass_)));
    return ended(Hold(pass_, "FailedBefore", WhyNotAgain(record_, record_.failed.front())));
  }
  SLUICE_TRY(inventory_, services_.log.ReadInventory(pass_.unit));
  PlanRequest request = RolloutRequest(services_, *pass_.snapshot, content_);
  request.adopted = AskedToAdopt();
  auto sessions = PlanUnit(services_, std::move(request), unit_.targets, inventory_);
  if (!sessions) return ended(OnNoPlan(sessions.error()));
  sessions_ = *std::move(sessions);
  for (const TargetSession& session : sessions_) {
    for (const std::string& warning : session.prepared.warnings) notes_ += warning + "\n";
    for (size_t i = 0; i < session.predictions.size(); ++i) {
      const Change& change = session.plan.changes[i];
      const std::string why = judge::WhyItStays(session, i);
      if (change.action == Action::kSkip && change.blocked_by.empty() && !why.empty())
        notes_ += session.target.name + ": " + judge::ToString({change.ref, why}) + "\n";
    }
  }
  return std::optional<PassResult>();
}

Result<PassResult> Attempt::OnNoPlan(const Error& error) {
  if (const auto found = watch_.Check(); found != Interruption::kNone) return OnInterruption(found);
  if (error.code() == ErrorCode::kInvalidConfig) {
    // daemon.yaml or what it names: mended on this machine, without a commit, so it is looked at
    // again.
    SLUICE_TRY(PassResult held, Hold(pass_, error.reason(), error.message(), pass_.Now() + 1min));
    held.standing = Standing::kInvalid;
    return held;
  }
  // A deadline that nobody could watch pass condemns nothing.
  const auto deadline = record_.open ? record_.open->health_deadline : std::nullopt;
  if (IsRetryable(error.code()) && deadline && pass_.Now() >= *deadline)
    pass_.Keep(life::DueBy(record_, std::nullopt));
  return OnNoVerdict(Happened(FromError(error.code()), error));
}

// After the plan, for what enters is known then; before anything is written, the log included.
Result<std::optional<PassResult>> Attempt::AskGates() {
  const auto facts = GateFacts(*pass_.snapshot, *pass_.state, pass_.unit, ReleaseOf(unit_),
                               fingerprint_, pass_.Now());
  const auto results = gates::Evaluate(facts);
  const auto strictest = gates::Strictest(results);
  if (strictest.decision == gates::Decision::kOpen) return std::optional<PassResult>();
  SLUICE_TRY(auto held,
             Hold(pass_, strictest.reason, strictest.message, strictest.until, ToRecords(results)));
  return std::optional(std::move(held));
}

// A request that names only what nobody else holds would linger, and force a later rollout.
Status Attempt::TakeAdoptions() {
  if (record_.open) adopting_.insert(record_.open->adopting.begin(), record_.open->adopting.end());
  const std::string mark = OwnershipOf(Pipeline(), pass_.unit).Mark();
  for (const deploylog::Request& asked : pass_.state->requests) {
    if (asked.verb != "adopt" || asked.unit != pass_.unit) continue;
    const bool waits = std::ranges::any_of(asked.objects, [&](const std::string& line) {
      return std::ranges::any_of(
          sessions_, [&](const TargetSession& session) { return IsToAdopt(session, line, mark); });
    });
    if (!waits && !asked.objects.empty()) {
      const size_t others = asked.objects.size() - 1;
      deploylog::Entry entry;
      entry.removed_requests = {asked.id};
      SLUICE_CHECK(pass_.Push(
          life::Answered(record_, {asked.by, asked.reason},
                         "adopt names nothing that waits: " + asked.objects.front() +
                             (others == 0 ? "" : " and " + std::to_string(others) + " more")),
          std::move(entry)));
      continue;
    }
    adopt_requests_.push_back(asked.id);
    if (asked.objects.empty()) adopting_.insert("*");
    adopting_.insert(asked.objects.begin(), asked.objects.end());
  }
  return {};
}

Status Attempt::Enter(const Plan& plan) {
  const Content content{pass_.snapshot->revision, fingerprint_, ReleaseOf(unit_), digest_};
  return pass_.Keep(life::Entered(record_, content, plan.digest, deploylog::NewRolloutId()));
}

bool Attempt::PruneWaits() const {
  return std::ranges::any_of(sessions_, &TargetSession::prune_waits);
}

// Where nothing is deleted: what is being deleted all the same.
std::vector<Leaving> Attempt::StillLeaving() const {
  std::vector<Leaving> out;
  for (const TargetSession& session : sessions_) {
    for (const plan::Leftover& leftover : session.leftovers) {
      if (leftover.held_by.empty()) continue;
      const auto known = std::ranges::find_if(record_.leaving, [&](const Leaving& one) {
        return one.target == session.target.name && one.ref == leftover.ref;
      });
      out.push_back(known != record_.leaving.end()
                        ? *known
                        : Leaving{session.target.name, leftover.ref,
                                  session.live.objects.at(leftover.ref).uid, pass_.Now(),
                                  "being deleted, held by " + leftover.held_by});
    }
  }
  return out;
}

// By the server, or before it was asked: the verdict is the same.
Result<PassResult> Attempt::SettleRefused(const Plan& plan) {
  SLUICE_CHECK(Enter(plan));
  return HandleFailure(pass_, Happened(Happening::kContentRefused, RefusalOf(plan.blockers)), {});
}

// A rollback brought this content back as far as the server took it; the rest stays, is named, and
// is asked for again.
std::optional<Result<PassResult>> Attempt::SettleReturn() {
  const bool is_return =
      record_.last_known_good && record_.last_known_good->fingerprint == fingerprint_ && !GoesOn();
  if (!is_return) return std::nullopt;
  std::vector<judge::LeftBehind> left;
  for (TargetSession& session : sessions_) {
    for (judge::LeftBehind& object : judge::LeaveBehind(session)) {
      notes_ += session.target.name + ": " + judge::ToString(object) + "\n";
      left.push_back(std::move(object));
    }
  }
  if (left.empty() || !MergePlans(sessions_, "").IsEmpty()) return std::nullopt;
  return Hold(pass_, std::string(life::kRollbackIncomplete),
              "what is declared runs, but for what could not go back: " + judge::Join(left) +
                  "; push content that the server takes as it is");
}

std::optional<Result<PassResult>> Attempt::Settle() {
  if (auto returned = SettleReturn()) return returned;
  const Plan plan = MergePlans(sessions_, services_.options.hmac_key);
  for (const PlanBlocker& blocker : plan.blockers) {
    if (!blocker.is_refusal) return Hold(pass_, blocker.reason, blocker.message);
  }
  if (!plan.blockers.empty()) return SettleRefused(plan);
  if (auto unrun = SettleUnrun(plan)) return unrun;
  if (IsReadOnly() && !plan.IsEmpty()) {
    return Hold(pass_, "NoVerdict",
                "no verdict for " + FormatDuration(unit_.environment.on_error.after) +
                    " and not everything is applied; nothing more is written until new content or "
                    "`sluice retry`");
  }
  if (auto entered = Enter(plan); !entered) return Result<PassResult>(Fail(entered.error()));
  return std::nullopt;
}

// What is live already needs a record, and no rollout.
std::optional<Result<PassResult>> Attempt::SettleUnrun(const Plan& plan) {
  const bool is_good =
      record_.last_known_good && record_.last_known_good->fingerprint == fingerprint_;
  const bool is_first =
      !record_.running && !record_.last_known_good && record_.rollout.empty() && !record_.started;
  const bool only_marks = std::ranges::all_of(plan.changes, [](const Change& change) {
    return change.action == Action::kAdopt || change.action == Action::kUnchanged;
  });
  const bool is_there = plan.IsEmpty() && is_good && !GoesOn();
  const bool is_to_take = is_first && only_marks && !plan.changes.empty() && adopting_.empty();
  if (!is_there && !is_to_take) return std::nullopt;
  if (auto entered = Enter(plan); !entered) return Result<PassResult>(Fail(entered.error()));
  pass_.Keep(life::Leaves(record_, StillLeaving()));
  if (!is_there) return AdoptWithoutRun();
  return RecordUnrun(life::AlreadyThere(record_, DescribeSuccess(), pass_.Now()));
}

Result<PassResult> Attempt::RecordUnrun(Result<life::Moved> moved) {
  deploylog::Entry entry = GoodEntry();
  entry.removed_requests = adopt_requests_;
  SLUICE_CHECK(pass_.Push(std::move(moved), std::move(entry)));
  return StandsLeaving(pass_);
}

// Taken over as it stands, its health too: what is not Healthy has no stay.
Result<PassResult> Attempt::AdoptWithoutRun() {
  for (TargetSession& session : sessions_) {
    auto health = GlanceAtTarget(session, services_.ReadCall());
    if (!health) return OnNoVerdict(Happened(FromError(health.error().code()), health.error()));
    notes_ += judge::Describe(*health);
    health_[session.target.name].judged = *std::move(health);
    const auto refs = session.refs();
    inventory_[session.target.name].insert(refs.begin(), refs.end());
  }
  // The marks are a write to live like any other: the record comes first.
  SLUICE_TRY(PassResult result,
             RecordUnrun(life::TakenOver(record_, DescribeSuccess(), pass_.Now())));
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
