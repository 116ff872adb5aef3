#include "engine/rollout/drift.h"

#include <algorithm>
#include <iterator>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/plan/plan_builder.h"
#include "engine/render/render.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/interrupt_watch.h"
#include "engine/rollout/judge/left_behind.h"
#include "engine/rollout/judge/scope.h"
#include "engine/rollout/live_steps.h"
#include "engine/rollout/unit_plan.h"

namespace sluice::rollout {
namespace {

constexpr size_t kNamed = 20;
// So that the checks of many units share what they read.
constexpr Duration kDriftMayBeOld = 5s;

struct Checked {
  DriftReport report;
  DeclaredUnit unit;
  std::vector<TargetSession> sessions;
  std::map<std::string, std::vector<ObjectHealth>> health;  // by target
  std::vector<DoneWork> done;                               // ran to its end
  std::vector<std::string> fighters;  // field managers that changed what drifted
};

void Add(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

Change ToDrift(const TargetSession& session, size_t index, const targets::Prediction& prediction) {
  const Target& target = session.target;
  const targets::PreparedObject& object = session.prepared.objects[index];
  Change change;
  change.target = target.name;
  change.api_version = object.resource.api_version;
  change.ref = object.resource.ref;
  const bool is_deleting = prediction.kind == targets::Prediction::Kind::kDeleting;
  const bool is_missing = !is_deleting && !session.live.objects.contains(change.ref);
  change.action = is_missing || is_deleting ? Action::kCreate : Action::kUpdate;
  change.reason = is_deleting  ? prediction.message
                  : is_missing ? "missing in live"
                               : "differs in live";
  if (!is_missing)
    change.fields = plan::DiffFields(*target.kind, change.ref, prediction.before, prediction.after);
  std::vector<std::string> managers;
  for (const auto& conflict : prediction.conflicts) Add(managers, conflict.manager);
  if (!managers.empty()) change.reason += ", changed by " + Join(managers, ", ");
  change.blocked_by = session.IsReplaced(change.ref)
                          ? "it cannot be changed in place, and a heal replaces nothing"
                          : judge::WhyItStays(session, index);
  if (const auto unread = session.unpredicted.find(change.ref); unread != session.unpredicted.end())
    change.blocked_by = unread->second.reason() + ": " + unread->second.message();
  if (!change.blocked_by.empty()) change.reason += ", and stays so: " + change.blocked_by;
  return change;
}

// What is declared and has no place in the target any more: its type is no longer served.
std::vector<Change> Placeless(const TargetSession& session, const std::vector<Resource>& declared) {
  std::vector<Change> out;
  for (const Resource& resource : declared) {
    const ObjectRef ref = session.target.kind->RefIn(resource, session.target);
    const auto refs = session.refs();
    const bool has_place =
        session.done.contains(ref) || std::ranges::any_of(refs, [&](const ObjectRef& placed) {
          return placed.group == ref.group && placed.kind == ref.kind && placed.name == ref.name;
        });
    if (has_place) continue;
    Change change;
    change.target = session.target.name;
    change.action = Action::kCreate;
    change.api_version = resource.api_version;
    change.ref = ref;
    for (const PlanBlocker& blocker : session.prepared.blockers) {
      if (blocker.message.find(ref.name) != std::string::npos)
        change.blocked_by = blocker.reason + ": " + blocker.message;
    }
    if (change.blocked_by.empty()) continue;  // set aside, not in the way
    change.reason = "missing in live, and stays so: " + change.blocked_by;
    out.push_back(std::move(change));
  }
  return out;
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

// What is not there is missing, whether or not it could be created now; what is there and cannot be
// asked about is not known.
Status Compare(const Services& services, TargetSession& session,
               const std::vector<Resource>& declared, Checked& checked) {
  std::vector<targets::Prediction> predictions = session.predictions;
  std::vector<size_t> differing;
  for (size_t i = 0; i < predictions.size(); ++i) {
    const ObjectRef& ref = session.prepared.objects[i].resource.ref;
    const bool is_there = session.live.objects.contains(ref);
    const auto unread = session.unpredicted.find(ref);
    if (is_there && unread != session.unpredicted.end()) return Fail(unread->second);
    const bool is_unknown = predictions[i].kind == Kind::kUnknowable && is_there;
    if (predictions[i].kind != Kind::kSame && !is_unknown) differing.push_back(i);
  }
  SLUICE_CHECK(NameOwners(services, session, differing, predictions));
  for (const size_t i : differing) {
    Change change = ToDrift(session, i, predictions[i]);
    if (change.action == Action::kUpdate && change.fields.empty()) continue;  // ownership alone
    checked.report.changes.push_back(std::move(change));
    for (const auto& conflict : predictions[i].conflicts) Add(checked.fighters, conflict.manager);
  }
  std::ranges::move(Placeless(session, declared), std::back_inserter(checked.report.changes));
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
  PlanRequest request =
      RestoreRequest(services, snapshot.declared.pipeline.name, running, snapshot.Find(unit));
  request.one_by_one = true;
  request.max_age = kDriftMayBeOld;
  SLUICE_TRY(checked.sessions, PlanUnit(services, std::move(request), running.unit.targets, {}));
  for (TargetSession& session : checked.sessions) {
    SLUICE_CHECK(Compare(services, session, running.resources, checked));
    SLUICE_TRY(auto health, AssessTarget(session, Diagnose::kFully, services.ReadCall()));
    checked.health[session.target.name] = health;
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

// The rules of the environment are the tip's; the content is of what runs.
const Environment& RulesOf(const Pass& pass, const Checked& checked) {
  const auto& environments = pass.snapshot->declared.environments;
  const auto it = environments.find(pass.unit.environment);
  return it == environments.end() ? checked.unit.environment : it->second;
}

Status RecordHealth(Pass& pass, const Checked& checked) {
  life::HealthFacts facts;
  facts.unwell = pass.record().unwell_before;
  facts.is_as_declared = checked.report.changes.empty();
  facts.shared_inputs = render::SharedInputsDigest(checked.unit);
  std::vector<ObjectHealth> judged;
  std::string told;
  for (const auto& [name, health] : checked.health) {
    const auto division =
        judge::Divide(health, judge::ToldIn(facts.unwell, name, judge::By::kRollback));
    judge::ForgetSettled(facts.unwell, name, division.told);
    told += judge::DescribeTold(division.told);
    facts.by_target[name] = Worst(division.judged);
    judged.insert(judged.end(), division.judged.begin(), division.judged.end());
  }
  facts.worst = Worst(judged);
  facts.unhealthy = judge::Describe(judged) + told;
  deploylog::Entry entry;
  if (life::BecomesGood(pass.record(), facts)) {
    entry.good_commit = pass.record().running->revision;
    entry.good_paths = GoodPaths(checked.unit);
  }
  SLUICE_CHECK(pass.Push(life::HealthSeen(pass.record(), facts, pass.Now()), std::move(entry)));
  return pass.Push(life::WorkSeen(pass.record(), checked.done));
}

std::string By(const Checked& checked) {
  return checked.fighters.empty() ? "" : ", changed by " + Join(checked.fighters, ", ");
}

// After a heal: when the one before it did not last, somebody fights.
std::optional<life::Fight> FindFight(const Pass& pass, const Checked& checked) {
  if (pass.heals_in_row == 0) return std::nullopt;
  const int heals = pass.heals_in_row + 1;
  const SystemTime wake = pass.Now() + HealPause(RulesOf(pass, checked).drift.interval, heals);
  // Who deletes an object leaves no name on it.
  const std::string who = checked.fighters.empty() ? "somebody who leaves no field manager"
                                                   : "'" + Join(checked.fighters, "', '") + "'";
  return life::Fight{
      wake, who + " fights the heal of " + ToString(checked.report.changes.front().ref) +
                (checked.report.changes.size() > 1 ? " and others" : "") + ": healed " +
                std::to_string(heals) + " times in a row, looked at again at " + FormatTime(wake)};
}

bool CanHeal(const Change& change) { return change.blocked_by.empty(); }

// The session's plan: what drifted and can be healed; the rest is left alone.
void PlanHeal(const Checked& checked, TargetSession& session) {
  session.plan.changes.clear();
  for (const auto& object : session.prepared.objects) {
    const ObjectRef& ref = object.resource.ref;
    const auto drifted = std::ranges::find_if(checked.report.changes, [&](const Change& change) {
      return change.target == session.target.name && change.ref == ref && CanHeal(change);
    });
    session.plan.changes.push_back(
        drifted != checked.report.changes.end()
            ? *drifted
            : Change{.target = session.target.name, .action = Action::kUnchanged, .ref = ref});
  }
}

Result<PassResult> Heal(Pass& pass, Checked& checked) {
  InterruptWatch watch(pass.services, pass.unit, pass.snapshot->FingerprintOf(pass.unit));
  for (TargetSession& session : checked.sessions) {
    PlanHeal(checked, session);
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
  std::vector<Change> stays = checked.report.changes;
  std::erase_if(stays, CanHeal);
  SLUICE_CHECK(pass.Push(life::Healed(pass.record(), Names(checked.report.changes),
                                      FindFight(pass, checked), Names(stays))));
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
  const bool may_heal = RulesOf(pass, *checked).drift.mode == DriftMode::kHeal && !record.frozen &&
                        judge::StandsOnVerdict(record);
  const bool heals = may_heal && std::ranges::any_of(checked->report.changes, CanHeal);
  SLUICE_CHECK(
      pass.Push(life::DriftSeen(record, {names, checked->report.changes.size(), By(*checked),
                                         pass.heals_in_row > 0, may_heal, heals})));
  if (!heals) return PassResult{.drift = names.empty() ? DriftSeen::kNone : DriftSeen::kDrifted};
  return Heal(pass, *checked);
}

}  // namespace sluice::rollout
