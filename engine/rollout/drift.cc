#include "engine/rollout/drift.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/config/config.h"
#include "engine/plan/plan_builder.h"
#include "engine/render/render.h"
#include "engine/rollout/interrupt_watch.h"
#include "engine/rollout/live_steps.h"
#include "engine/rollout/recorder.h"
#include "engine/rollout/target_session.h"

namespace sluice::rollout {
namespace {

constexpr size_t kNamed = 20;

struct Checked {
  DriftReport report;
  DeclaredUnit unit;
  std::vector<TargetSession> sessions;
  std::map<std::string, Health> health_by_target;
};

Change ToDrift(const std::string& target, const targets::PreparedObject& object,
               const targets::Prediction& prediction) {
  Change change;
  change.target = target;
  change.api_version = object.resource.api_version;
  change.ref = object.resource.ref;
  const bool is_missing = prediction.kind == targets::Prediction::Kind::kCreate;
  change.action = is_missing ? Action::kCreate : Action::kUpdate;
  change.reason = is_missing ? "missing in live" : "differs in live";
  if (!is_missing)
    change.fields = plan::DiffFields(change.ref, prediction.before, prediction.after);
  std::vector<std::string> managers;
  for (const auto& conflict : prediction.conflicts) {
    if (std::ranges::find(managers, conflict.manager) == managers.end())
      managers.push_back(conflict.manager);
  }
  if (!managers.empty()) change.reason += ", changed by " + Join(managers, ", ");
  return change;
}

// The forced prediction shows values, the unforced one who changed them.
Status Compare(const Services& services, TargetSession& session, const PlanRequest& request,
               std::vector<Change>& changes) {
  SLUICE_TRY(const auto forced, session.driver->Predict(session.prepared.objects, session.live,
                                                        targets::Force::kYes, services.ReadCall()));
  for (size_t i = 0; i < forced.size(); ++i) {
    targets::Prediction prediction = forced[i];
    prediction.conflicts = session.predictions[i].conflicts;
    using Kind = targets::Prediction::Kind;
    if (prediction.kind == Kind::kSame || prediction.kind == Kind::kUnknowable) continue;
    Change change = ToDrift(request.unit.application.empty() ? "" : session.target.name,
                            session.prepared.objects[i], prediction);
    if (change.action == Action::kUpdate && change.fields.empty()) continue;  // ownership alone
    changes.push_back(std::move(change));
  }
  return {};
}

Result<Checked> Check(const Services& services, const std::string& pipeline, const UnitId& unit) {
  Checked checked;
  checked.report.unit = unit;
  SLUICE_TRY(auto tree, services.log.OpenGood(unit));
  if (!tree) {
    checked.report.is_known = false;
    return checked;
  }
  SLUICE_TRY(checked.unit, config::LoadUnit(**tree, unit, services.yaml));
  SLUICE_TRY(const auto rendered, render::Render(checked.unit, **tree, services.yaml));
  if (!rendered.problems.empty())
    return Fail(ErrorCode::kInvalidConfig, "ConfigInvalid", ToString(rendered.problems.front()));
  for (const Target& target : checked.unit.targets) {
    PlanRequest request;
    request.unit = unit;
    request.pipeline = pipeline;
    request.resources = &rendered.resources;
    request.keep_leftovers = true;
    SLUICE_TRY(auto session, OpenTarget(services, target, request));
    SLUICE_CHECK(Compare(services, session, request, checked.report.changes));
    SLUICE_TRY(auto health,
               session.driver->Assess(session.ref_list(), session.live,
                                      targets::TargetDriver::Diagnose::kYes, services.ReadCall()));
    checked.health_by_target[target.name] = Worst(health);
    checked.report.health.insert(checked.report.health.end(), health.begin(), health.end());
    checked.sessions.push_back(std::move(session));
  }
  return checked;
}

std::vector<std::string> Names(const std::vector<Change>& changes) {
  std::vector<std::string> names;
  for (const Change& change : changes) {
    std::string name = change.target + ": " + ToString(change.ref) + " " + change.reason;
    for (size_t i = 0; i < change.fields.size() && i < 3; ++i)
      name += (i == 0 ? " at " : ", ") + change.fields[i].path;
    names.push_back(std::move(name));
    if (names.size() == kNamed) break;
  }
  return names;
}

Status RecordHealth(Pass& pass, const Checked& checked) {
  Record& record = pass.record;
  const SystemTime now = pass.Now();
  const Health worst = Worst(checked.report.health);
  // Suspended is what was declared; Progressing alone is a pod being moved, and ends a Healthy stay
  // all the same.
  const bool is_healthy = worst == Health::kHealthy || worst == Health::kSuspended;
  const bool was_healthy = std::ranges::all_of(record.targets, [](const auto& t) {
    return t.second.health == Health::kHealthy || t.second.health == Health::kSuspended;
  });
  for (const auto& [name, health] : checked.health_by_target) {
    TargetRecord& target = record.targets[name];
    target.health = health;
    target.health_at = now;
  }
  if (is_healthy == was_healthy) return {};
  if (is_healthy) {
    record.healthy_since = now;
  } else {
    CloseStay(record, now);
  }
  std::string body;
  for (const ObjectHealth& object : checked.report.health) {
    if (object.health != Health::kHealthy)
      body += ToString(object.ref) + " " + std::string(ToString(object.health)) + " " +
              object.reason + " " + object.message + "\n";
  }
  return pass.services.log.Append(MakeEntry(pass.services, EventKind::kHealth, record,
                                            "health is now " + std::string(ToString(worst)), body),
                                  pass.services.GitCall());
}

Result<PassResult> Heal(Pass& pass, Checked& checked) {
  InterruptWatch watch(pass.services, pass.unit, pass.snapshot->FingerprintOf(pass.unit));
  for (TargetSession& session : checked.sessions) {
    session.plan.changes.clear();
    for (const Change& change : checked.report.changes) {
      if (change.target == session.target.name) session.plan.changes.push_back(change);
    }
    // Objects that did not drift are left alone.
    for (const auto& object : session.prepared.objects) {
      const bool drifted = std::ranges::any_of(
          session.plan.changes, [&](const Change& c) { return c.ref == object.resource.ref; });
      if (!drifted)
        session.plan.changes.push_back({.target = session.target.name,
                                        .action = Action::kUnchanged,
                                        .ref = object.resource.ref});
    }
    const ApplyOptions options{.force = targets::Force::kYes};
    const StepEnd end = ApplyStages(pass.services, session, options, watch);
    if (end.kind == StepEnd::Kind::kInterrupted) return PassResult{.look_again = true};
    if (!end.is_ok()) {
      log::Warn("heal_failed",
                {{"unit", ToString(pass.unit)}, {"reason", end.reason}, {"error", end.message}});
      return PassResult{Standing::kErrored,
                        pass.Now() + Backoff(pass.services.options, pass.errors_in_row), false,
                        end.reason, "healing: " + end.message};
    }
  }
  pass.record.drift.clear();
  SLUICE_CHECK(
      pass.services.log.Append(MakeEntry(pass.services, EventKind::kHealed, pass.record,
                                         "drift healed", Join(Names(checked.report.changes), "\n")),
                               pass.services.GitCall()));
  return PassResult{.drift = DriftSeen::kHealed};
}

}  // namespace

Result<DriftReport> CheckDrift(const Services& services, const std::string& pipeline,
                               const UnitId& unit) {
  SLUICE_TRY(auto checked, Check(services, pipeline, unit));
  return std::move(checked.report);
}

Result<PassResult> RunDriftCheck(Pass& pass) {
  // Only what the last finished rollout left running, and only while it is last known good, can be
  // compared: its inputs are the ones the log keeps.
  const Record& known = pass.record;
  const bool is_comparable = known.running && known.last_known_good && !known.has_written &&
                             !known.rollback_pending &&
                             known.running->fingerprint == known.last_known_good->fingerprint;
  if (!is_comparable) return PassResult{};
  auto checked = Check(pass.services, pass.snapshot->declared.pipeline.name, pass.unit);
  if (!checked) {
    // Not knowing is no drift and no change of health.
    log::Warn("drift_unreadable",
              {{"unit", ToString(pass.unit)}, {"error", checked.error().message()}});
    return PassResult{};
  }
  if (!checked->report.is_known) return PassResult{};
  SLUICE_CHECK(RecordHealth(pass, *checked));
  const auto names = Names(checked->report.changes);
  const bool may_heal =
      checked->unit.environment.drift.mode == DriftMode::kHeal && !pass.record.frozen;
  const bool heals = may_heal && !names.empty();
  if (names != pass.record.drift || heals) {
    const bool is_news = names != pass.record.drift;
    pass.record.drift = names;
    if (is_news || heals) {
      SLUICE_CHECK(pass.services.log.Append(
          // Healed, and the process ended before it could say so; or somebody put it back.
          MakeEntry(
              pass.services, names.empty() && may_heal ? EventKind::kHealed : EventKind::kDrifted,
              pass.record,
              names.empty() ? "live is again as declared"
                            : std::to_string(checked->report.changes.size()) + " objects drifted",
              Join(names, "\n")),
          pass.services.GitCall()));
    }
  }
  if (!heals) return PassResult{.drift = names.empty() ? DriftSeen::kNone : DriftSeen::kDrifted};
  return Heal(pass, *checked);
}

}  // namespace sluice::rollout
