#include "engine/rollout/drift.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/config/config.h"
#include "engine/plan/plan_builder.h"
#include "engine/render/render.h"
#include "engine/rollout/facts.h"
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
  std::vector<std::string> fighters;  // field managers that changed what drifted
};

void Add(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

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
  for (const auto& conflict : prediction.conflicts) Add(managers, conflict.manager);
  if (!managers.empty()) change.reason += ", changed by " + Join(managers, ", ");
  return change;
}

// The forced prediction shows values, the unforced one who changed them.
Status Compare(const Services& services, TargetSession& session, const PlanRequest& request,
               Checked& checked) {
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
    checked.report.changes.push_back(std::move(change));
    for (const auto& conflict : prediction.conflicts) Add(checked.fighters, conflict.manager);
  }
  return {};
}

bool RunsGood(const Record& record) {
  return record.running && record.last_known_good &&
         record.running->fingerprint == record.last_known_good->fingerprint;
}

// The inputs of what runs: the log keeps those of last known good; a failed rollout that was not
// taken back runs what its commit says. nullopt when nothing runs.
Result<std::optional<std::unique_ptr<SourceTree>>> OpenRunning(const Services& services,
                                                               const UnitId& unit) {
  const auto state = services.log.Get();
  const Record* record = FindRecord(*state, unit);
  if (!record || !record->running) return std::nullopt;
  if (RunsGood(*record)) return services.log.OpenGood(unit);
  SLUICE_TRY(auto tree,
             services.mirror.Tree(record->running->revision, RepositoryPath(services.options, "")));
  return std::optional(std::move(tree));
}

Result<Checked> Check(const Services& services, const std::string& pipeline, const UnitId& unit) {
  Checked checked;
  checked.report.unit = unit;
  SLUICE_TRY(auto tree, OpenRunning(services, unit));
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
    SLUICE_CHECK(Compare(services, session, request, checked));
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

std::string By(const Checked& checked) {
  return checked.fighters.empty() ? "" : ", changed by " + Join(checked.fighters, ", ");
}

// After a heal: when the one before it did not last, somebody fights. What the record then says; ""
// when nobody does.
std::string NoteFight(Pass& pass, const Checked& checked) {
  if (pass.heals_in_row == 0) return "";
  Record& record = pass.record;
  const int heals = pass.heals_in_row + 1;
  record.wake = pass.Now() + HealPause(checked.unit.environment.drift.interval, heals);
  record.reason = kHealFought;
  // Who deletes an object leaves no name on it.
  const std::string who = checked.fighters.empty() ? "somebody who leaves no field manager"
                                                   : "'" + Join(checked.fighters, "', '") + "'";
  record.message = who + " fights the heal of " + ToString(checked.report.changes.front().ref) +
                   (checked.report.changes.size() > 1 ? " and others" : "") + ": healed " +
                   std::to_string(heals) + " times in a row, looked at again at " +
                   FormatTime(*record.wake);
  return record.message;
}

// What was fought over stays as declared now, or is no longer healed. True when that is news.
bool EndFight(Record& record, bool goes_on) {
  if (goes_on || record.reason != kHealFought) return false;
  record.reason.clear();
  record.message.clear();
  record.wake.reset();
  return true;
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
  const std::string fight = NoteFight(pass, checked);
  SLUICE_CHECK(pass.services.log.Append(
      MakeEntry(pass.services, EventKind::kHealed, pass.record,
                fight.empty() ? "drift healed" : "drift healed again: " + fight,
                Join(Names(checked.report.changes), "\n")),
      pass.services.GitCall()));
  return PassResult{.drift = DriftSeen::kHealed};
}

}  // namespace

Duration HealPause(Duration interval, int heals_in_row) {
  constexpr int kMaxDoublings = 5;
  return interval * (1 << std::clamp(heals_in_row, 0, kMaxDoublings));
}

int HealsInRow(const Record& record, Duration interval) {
  if (record.reason != kHealFought || !record.wake) return 0;
  SystemTime looked{};
  for (const auto& [name, target] : record.targets)
    looked = std::max(looked, target.health_at.value_or(SystemTime{}));
  int heals = 2;  // with fewer nobody fights
  // The heal itself took a while after the look.
  while (heals < 5 && looked + HealPause(interval, heals + 1) <= *record.wake) ++heals;
  return heals;
}

Result<DriftReport> CheckDrift(const Services& services, const std::string& pipeline,
                               const UnitId& unit) {
  SLUICE_TRY(auto checked, Check(services, pipeline, unit));
  return std::move(checked.report);
}

Result<PassResult> RunDriftCheck(Pass& pass) {
  // Only what the last finished rollout left running can be compared.
  const Record& known = pass.record;
  if (!known.running || known.has_written || known.rollback_pending) return PassResult{};
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
  // What failed is not brought back over somebody's repair.
  const bool may_heal = checked->unit.environment.drift.mode == DriftMode::kHeal &&
                        !pass.record.frozen && RunsGood(pass.record);
  const bool heals = may_heal && !names.empty();
  const bool is_news = names != pass.record.drift;
  const bool has_ended = EndFight(pass.record, heals);
  pass.record.drift = names;
  if (is_news || heals || has_ended) {
    // With nothing to heal: it was, and the process ended before it could say so; or somebody put
    // it back; or the last heal lasted.
    const std::string summary =
        !names.empty() ? std::to_string(checked->report.changes.size()) + " objects drifted" +
                             (pass.heals_in_row > 0 ? " again after a heal" : "") + By(*checked)
        : is_news ? "live is again as declared"
                  : "the last heal lasts, nobody fights it any more";
    SLUICE_CHECK(pass.services.log.Append(
        MakeEntry(pass.services,
                  names.empty() && may_heal ? EventKind::kHealed : EventKind::kDrifted, pass.record,
                  summary, Join(names, "\n")),
        pass.services.GitCall()));
  }
  if (!heals) return PassResult{.drift = names.empty() ? DriftSeen::kNone : DriftSeen::kDrifted};
  return Heal(pass, *checked);
}

}  // namespace sluice::rollout
