// What an attempt is judged by: how live was before its first write, and how it is afterwards.
#include <algorithm>
#include <iterator>

#include "engine/base/strings.h"
#include "engine/rollout/deploy_attempt.h"
#include "engine/rollout/judge/progress.h"
#include "engine/rollout/judge/scope.h"
#include "engine/rollout/surroundings.h"

namespace sluice::rollout {
namespace {

std::set<ObjectRef> ChangedIn(const TargetSession& session) {
  std::set<ObjectRef> changed;
  for (const Change& change : session.plan.changes) {
    if (change.action != Action::kUnchanged && change.action != Action::kSkip)
      changed.insert(change.ref);
  }
  return changed;
}

}  // namespace

Status Attempt::LookBefore() {
  std::vector<UnwellBefore> unwell = record_.unwell_before;
  if (stands_on_verdict_) {
    unwell.clear();
    for (const TargetSession& session : sessions_) {
      SLUICE_TRY(const auto health, GlanceAtTarget(session, services_.ReadCall()));
      judge::NoteUnwell(unwell, session.target.name, health);
    }
  }
  for (const TargetSession& session : sessions_)
    judge::NoteChanged(unwell, session.target.name, ChangedIn(session));
  pass_.Keep(life::LookedBefore(record_, unwell));
  return {};
}

Result<std::optional<PassResult>> Attempt::FindAgain() {
  const bool has_crashed = record_.IsOpen() && GoesOn() && !services_.HasBegun(record_.rollout);
  if (!has_crashed) return std::optional<PassResult>();
  int changes_left = 0;
  std::vector<ObjectHealth> unwell;
  for (const TargetSession& session : sessions_) {
    changes_left += static_cast<int>(ChangedIn(session).size());
    SLUICE_TRY(const auto health, GlanceAtTarget(session, services_.ReadCall()));
    std::ranges::copy_if(health, std::back_inserter(unwell), [](const ObjectHealth& object) {
      return object.health != Health::kHealthy;
    });
  }
  const FoundOpen found = judge::FindAgain(record_.open ? record_.open->found : std::nullopt,
                                           changes_left, static_cast<int>(unwell.size()));
  pass_.Keep(life::FoundAgain(record_, found));
  if (judge::GoesOn(found)) return std::optional<PassResult>();
  std::string message = "this rollout was " + judge::Describe(found);
  if (!unwell.empty()) message += " (" + Join(judge::Lines(unwell), "; ") + ")";
  message += "; nothing more is written. See why the engine ends there, then run `sluice retry " +
             ToString(pass_.unit) + "`, or push new content";
  SLUICE_TRY(PassResult held, Hold(pass_, "OutcomeUnknown", message));
  return std::optional(std::move(held));
}

StepEnd Attempt::RunHealth(TargetSession& session) {
  const std::string& target = session.target.name;
  judge::HealthWait wait =
      judge::BeginWait(HealthDeadline(session), unit_.application.health_timeout, pass_.Now());
  const auto told = judge::ToldIn(record_.unwell_before, target, judge::By::kRollout);
  HealthEnd health = AwaitHealth(services_, session, wait, told, watch_);
  pass_.Keep(life::WorkDone(record_, session.finished));
  const bool is_blind = health.end.happening == Happening::kUnreadablePastDeadline;
  pass_.Keep(life::DueBy(record_, is_blind ? std::nullopt : std::optional(wait.deadline)));
  health.end.detail += judge::DescribeTold(health.told);
  if (health.end.is_ok()) notes_ += health.end.detail;
  health_[target] = health;
  return health.end;
}

// Where nothing was looked at, it is as it was.
void Attempt::DescribeHealth(life::Success& success) const {
  success.unwell = record_.unwell_before;
  std::vector<ObjectHealth> suspended;
  for (const TargetSession& session : sessions_) {
    const std::string& name = session.target.name;
    const auto seen = health_.find(name);
    const auto known = record_.targets.find(name);
    if (seen == health_.end() && known != record_.targets.end())
      success.health[name] = known->second.health;
    if (seen == health_.end()) continue;
    judge::ForgetSettled(success.unwell, name, seen->second.told);
    success.health[name] = Worst(seen->second.judged);
    std::ranges::copy(judge::SuspendedIn(seen->second.judged), std::back_inserter(suspended));
  }
  if (!suspended.empty()) {
    // What is as it was when live was good holds nothing back, and needs no run.
    const std::vector<Resource> good = LastKnownGood(services_, pass_.unit);
    std::erase_if(suspended, [&](const ObjectHealth& object) {
      return WasDeclaredSo(good, content_.resources, object.ref);
    });
  }
  success.suspended = Join(judge::Lines(suspended), "; ");
}

}  // namespace sluice::rollout
