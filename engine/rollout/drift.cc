#include "engine/rollout/drift.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/plan/plan_builder.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/interrupt_watch.h"
#include "engine/rollout/live_steps.h"
#include "engine/rollout/unit_plan.h"

namespace sluice::rollout {
namespace {

constexpr size_t kNamed = 20;

struct Checked {
  DriftReport report;
  DeclaredUnit unit;
  std::vector<TargetSession> sessions;
  std::map<std::string, Health> health_by_target;
  std::vector<DoneWork> done;         // ran to its end
  std::vector<std::string> fighters;  // field managers that changed what drifted
};

void Add(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

Change ToDrift(const Target& target, const targets::PreparedObject& object,
               const targets::Prediction& prediction) {
  Change change;
  change.target = target.name;
  change.api_version = object.resource.api_version;
  change.ref = object.resource.ref;
  const bool is_missing = prediction.kind == targets::Prediction::Kind::kCreate;
  change.action = is_missing ? Action::kCreate : Action::kUpdate;
  const bool is_deleting = prediction.kind == targets::Prediction::Kind::kDeleting;
  if (is_deleting) change.action = Action::kCreate;
  change.reason = is_deleting  ? prediction.message
                  : is_missing ? "missing in live"
                               : "differs in live";
  if (!is_missing)
    change.fields = plan::DiffFields(*target.kind, change.ref, prediction.before, prediction.after);
  std::vector<std::string> managers;
  for (const auto& conflict : prediction.conflicts) Add(managers, conflict.manager);
  if (!managers.empty()) change.reason += ", changed by " + Join(managers, ", ");
  return change;
}

using Kind = targets::Prediction::Kind;

// Who changed what differs: the forced prediction shows values, an unforced one of these objects
// who owns the fields. Nothing is asked where nothing differs.
Status NameOwners(const Services& services, const TargetSession& session,
                  const std::vector<size_t>& differing,
                  std::vector<targets::Prediction>& predictions) {
  std::vector<targets::PreparedObject> objects;
  for (const size_t i : differing) {
    if (predictions[i].kind == Kind::kUpdate) objects.push_back(session.prepared.objects[i]);
  }
  if (objects.empty()) return {};
  SLUICE_TRY(
      const auto unforced,
      session.driver->Predict(objects, session.live, targets::Force::kNo, services.ReadCall()));
  size_t next = 0;
  for (const size_t i : differing) {
    if (predictions[i].kind == Kind::kUpdate) predictions[i].conflicts = unforced[next++].conflicts;
  }
  return {};
}

Status Compare(const Services& services, TargetSession& session, Checked& checked) {
  std::vector<targets::Prediction> predictions = session.predictions;
  std::vector<size_t> differing;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const bool differs =
        predictions[i].kind != Kind::kSame && predictions[i].kind != Kind::kUnknowable;
    if (differs) differing.push_back(i);
  }
  SLUICE_CHECK(NameOwners(services, session, differing, predictions));
  for (const size_t i : differing) {
    Change change = ToDrift(session.target, session.prepared.objects[i], predictions[i]);
    if (change.action == Action::kUpdate && change.fields.empty()) continue;  // ownership alone
    checked.report.changes.push_back(std::move(change));
    for (const auto& conflict : predictions[i].conflicts) Add(checked.fighters, conflict.manager);
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

// Content comes from what runs; whose fields are whose, from the tip too.
Result<Checked> Check(const Services& services, const Snapshot& snapshot, const UnitId& unit) {
  Checked checked;
  checked.report.unit = unit;
  SLUICE_TRY(auto tree, OpenRunning(services, unit));
  if (!tree) {
    checked.report.is_known = false;
    return checked;
  }
  SLUICE_TRY(RenderedUnit running, RenderFrom(services, std::move(*tree), unit));
  SLUICE_TRY(checked.sessions, PlanUnit(services,
                                        RestoreRequest(services, snapshot.declared.pipeline.name,
                                                       running, snapshot.Find(unit)),
                                        running.unit.targets, {}));
  for (TargetSession& session : checked.sessions) {
    SLUICE_CHECK(Compare(services, session, checked));
    SLUICE_TRY(auto health, AssessTarget(session, services.ReadCall()));
    checked.health_by_target[session.target.name] = Worst(health);
    session.NoteFinished(health);
    std::ranges::copy(session.finished, std::back_inserter(checked.done));
    checked.report.health.insert(checked.report.health.end(), health.begin(), health.end());
  }
  checked.unit = std::move(running.unit);
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
  std::string unhealthy;
  for (const ObjectHealth& object : checked.report.health) {
    if (object.health != Health::kHealthy)
      unhealthy += ToString(object.ref) + " " + std::string(ToString(object.health)) + " " +
                   object.reason + " " + object.message + "\n";
  }
  SLUICE_CHECK(pass.Push(life::HealthSeen(pass.record(), checked.health_by_target,
                                          Worst(checked.report.health), unhealthy, pass.Now())));
  return pass.Push(life::WorkSeen(pass.record(), checked.done));
}

std::string By(const Checked& checked) {
  return checked.fighters.empty() ? "" : ", changed by " + Join(checked.fighters, ", ");
}

// After a heal: when the one before it did not last, somebody fights.
std::optional<life::Fight> FindFight(const Pass& pass, const Checked& checked) {
  if (pass.heals_in_row == 0) return std::nullopt;
  const int heals = pass.heals_in_row + 1;
  const SystemTime wake = pass.Now() + HealPause(checked.unit.environment.drift.interval, heals);
  // Who deletes an object leaves no name on it.
  const std::string who = checked.fighters.empty() ? "somebody who leaves no field manager"
                                                   : "'" + Join(checked.fighters, "', '") + "'";
  return life::Fight{
      wake, who + " fights the heal of " + ToString(checked.report.changes.front().ref) +
                (checked.report.changes.size() > 1 ? " and others" : "") + ": healed " +
                std::to_string(heals) + " times in a row, looked at again at " + FormatTime(wake)};
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
  SLUICE_CHECK(pass.Push(
      life::Healed(pass.record(), Names(checked.report.changes), FindFight(pass, checked))));
  return PassResult{.drift = DriftSeen::kHealed};
}

}  // namespace

Duration HealPause(Duration interval, int heals_in_row) {
  constexpr int kMaxDoublings = 5;
  return interval * (1 << std::clamp(heals_in_row, 0, kMaxDoublings));
}

int HealsInRow(const Record& record, Duration interval) {
  if (record.reason != kHealFought || !record.wait.wake) return 0;
  SystemTime looked{};
  for (const auto& [name, target] : record.targets)
    looked = std::max(looked, target.health_at.value_or(SystemTime{}));
  int heals = 2;  // with fewer nobody fights
  // The heal itself took a while after the look.
  while (heals < 5 && looked + HealPause(interval, heals + 1) <= *record.wait.wake) ++heals;
  return heals;
}

Result<DriftReport> CheckDrift(const Services& services, const Snapshot& snapshot,
                               const UnitId& unit) {
  SLUICE_TRY(auto checked, Check(services, snapshot, unit));
  return std::move(checked.report);
}

Result<PassResult> RunDriftCheck(Pass& pass) {
  // Only what the last finished rollout left running can be compared.
  const Record& record = pass.record();
  if (!record.running || record.open || record.IsRollingBack()) return PassResult{};
  auto checked = Check(pass.services, *pass.snapshot, pass.unit);
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
                        !record.frozen && RunsGood(record);
  const bool heals = may_heal && !names.empty();
  SLUICE_CHECK(pass.Push(life::DriftSeen(record, {names, checked->report.changes.size(),
                                                  By(*checked), pass.heals_in_row > 0, may_heal})));
  if (!heals) return PassResult{.drift = names.empty() ? DriftSeen::kNone : DriftSeen::kDrifted};
  return Heal(pass, *checked);
}

}  // namespace sluice::rollout
