#include "engine/daemon/schedule.h"

#include <algorithm>

#include "engine/rollout/drift.h"
#include "engine/rollout/facts.h"

namespace sluice::daemon {
namespace {

using namespace std::chrono_literals;

SystemTime LastLook(const std::optional<Record>& record, SystemTime now) {
  SystemTime last{};
  if (!record) return now;
  for (const auto& [name, target] : record->targets)
    last = std::max(last, target.health_at.value_or(SystemTime{}));
  return last;
}

}  // namespace

Inputs InputsOf(const rollout::Snapshot& snapshot, const deploylog::State& state,
                const UnitId& unit) {
  Inputs inputs;
  inputs.fingerprint = snapshot.FingerprintOf(unit);
  if (const DeclaredUnit* declared = snapshot.Find(unit)) {
    inputs.is_declared = true;
    for (const Diagnostic& problem : declared->problems)
      inputs.problems += ToString(problem) + "\n";
  } else if (!snapshot.IsReadable(unit)) {
    inputs.problems = ToString(snapshot.declared.problems.front());
  }
  for (const auto& [claim, units] : snapshot.claimed_twice) {
    if (units.contains(unit)) inputs.problems += "claimed twice: " + ToString(claim.ref) + "\n";
  }
  if (const Record* own = rollout::FindRecord(state, unit)) inputs.own = *own;
  if (const auto upstream = rollout::UpstreamOf(snapshot.declared, unit)) {
    if (const Record* record = rollout::FindRecord(state, {*upstream, unit.application}))
      inputs.upstream = *record;
  }
  for (const auto& request : state.requests) {
    if (request.unit == unit) inputs.requests.push_back(request.id);
  }
  inputs.is_cleared = inputs.own &&
                      (inputs.own->prune_waits || inputs.own->reason == "RemovalWaits") &&
                      !snapshot.IsPartial();
  if (!inputs.own || inputs.own->phase != Phase::kHeld) return inputs;
  for (const auto& [other, record] : state.records) {
    if (other.environment == unit.environment && other != unit && record.last_known_good)
      inputs.neighbours.insert(record.last_known_good->rollout);
  }
  return inputs;
}

std::vector<Schedule::Due> Schedule::TakeDue(const rollout::Snapshot& snapshot,
                                             const deploylog::State& state, SystemTime now) {
  std::set<UnitId> all;
  for (const auto& [unit, declared] : snapshot.declared.units) all.insert(unit);
  for (const auto& [unit, record] : state.records) all.insert(unit);
  std::vector<Due> due;
  for (const UnitId& id : all) {
    if (in_flight_.contains(id)) continue;
    Unit& unit = units_[id];
    Inputs inputs = InputsOf(snapshot, state, id);
    const bool runs = inputs.own && inputs.own->running && !inputs.own->IsOpen();
    const auto environment = snapshot.declared.environments.find(id.environment);
    const Duration interval = environment == snapshot.declared.environments.end()
                                  ? Duration(3min)
                                  : environment->second.drift.interval;
    if (unit.drift_at == SystemTime{}) {
      unit.heals_in_row = inputs.own ? rollout::HealsInRow(*inputs.own, interval) : 0;
      unit.drift_at =
          unit.heals_in_row > 0 ? *inputs.own->wake : LastLook(inputs.own, now) + interval;
    }
    if (!unit.seen) ResumeBackOff(unit, inputs, now);
    // Content that waits out a back-off is not retried because a neighbour's record moved.
    const bool backs_off = unit.errors_in_row > 0 && unit.wake && *unit.wake > now && unit.seen &&
                           unit.seen->fingerprint == inputs.fingerprint &&
                           unit.seen->requests == inputs.requests;
    // Neither is it when a drift check falls due: that is done with the retry.
    const bool drift_due = runs && !backs_off && unit.drift_at <= now;
    const bool changed = unit.seen != inputs && !backs_off;
    const bool woke = unit.wake && *unit.wake <= now;
    if (!changed && !woke && !drift_due && !unit.look_again) continue;
    if (unit.seen && unit.seen->fingerprint != inputs.fingerprint) unit.errors_in_row = 0;
    unit.drift_interval = interval;
    if (drift_due) unit.drift_at = now + interval;
    unit.seen = std::move(inputs);
    unit.look_again = false;
    unit.wake.reset();
    in_flight_.insert(id);
    due.push_back({id, drift_due, unit.errors_in_row, unit.heals_in_row});
  }
  return due;
}

void Schedule::ResumeBackOff(Unit& unit, const Inputs& inputs, SystemTime now) const {
  if (!resumes_ || !inputs.own || !inputs.requests.empty()) return;
  const auto backing_off =
      rollout::BackingOffSince(*resumes_, *inputs.own, inputs.fingerprint, now);
  if (!backing_off) return;
  unit.errors_in_row = backing_off->errors_in_row;
  unit.wake = backing_off->wake;
  unit.seen = inputs;
}

void Schedule::Done(const UnitId& id, const std::optional<rollout::PassResult>& result,
                    SystemTime now) {
  in_flight_.erase(id);
  Unit& unit = units_[id];
  if (!result) {
    ++unit.errors_in_row;
    unit.wake =
        now + std::min<Duration>(Duration(1s) * (1 << std::min(unit.errors_in_row, 6)), 1min);
    return;
  }
  unit.errors_in_row = result->standing == rollout::Standing::kErrored ? unit.errors_in_row + 1 : 0;
  unit.wake = result->wake;
  // What holds it may be mended in the cluster, where nobody tells us.
  if (result->standing == rollout::Standing::kHeld && !unit.wake)
    unit.wake = now + unit.drift_interval;
  unit.look_again = result->look_again;
  if (result->drift == rollout::DriftSeen::kHealed) {
    // A heal that does not last is tried ever more rarely.
    ++unit.heals_in_row;
    unit.drift_at = now + rollout::HealPause(unit.drift_interval, unit.heals_in_row);
  } else if (result->drift == rollout::DriftSeen::kNone) {
    unit.heals_in_row = 0;
  }
}

std::optional<SystemTime> Schedule::NextWake() const {
  std::optional<SystemTime> next;
  for (const auto& [id, unit] : units_) {
    if (in_flight_.contains(id)) continue;
    if (unit.wake && (!next || *unit.wake < *next)) next = unit.wake;
  }
  return next;
}

std::optional<SystemTime> Schedule::NextRetry(int limit) const {
  std::optional<SystemTime> next;
  for (const auto& [id, unit] : units_) {
    if (unit.errors_in_row == 0 || unit.errors_in_row >= limit || !unit.wake) continue;
    if (!next || *unit.wake < *next) next = unit.wake;
  }
  return next;
}

bool Schedule::WantsAnotherLook() const {
  return std::ranges::any_of(units_, [](const auto& entry) { return entry.second.look_again; });
}

}  // namespace sluice::daemon
