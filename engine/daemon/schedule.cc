#include "engine/daemon/schedule.h"

#include <algorithm>
#include <iterator>

#include "engine/rollout/drift.h"
#include "engine/rollout/facts.h"

namespace sluice::daemon {
namespace {

using namespace std::chrono_literals;

constexpr Duration kErrorPauseMax = 1min;

SystemTime LastLook(const std::optional<Shared<Record>>& record, SystemTime now) {
  SystemTime last{};
  if (!record) return now;
  const Record& known = **record;
  for (const auto& [name, target] : known.targets)
    last = std::max(last, target.health_at.value_or(SystemTime{}));
  return last;
}

Duration DriftIntervalOf(const rollout::Snapshot& snapshot, const UnitId& id) {
  const auto environment = snapshot.declared.environments.find(id.environment);
  return environment == snapshot.declared.environments.end() ? Duration(3min)
                                                             : environment->second.drift.interval;
}

std::string GoodRolloutOf(const Record* record) {
  return record && record->last_known_good ? record->last_known_good->rollout : "";
}

}  // namespace

void Schedule::Note(std::shared_ptr<const rollout::Snapshot> snapshot,
                    std::shared_ptr<const deploylog::State> state) {
  if (snapshot != snapshot_) NoteSnapshot(std::move(snapshot));
  if (state != state_) NoteState(std::move(state));
}

// A new tip may mean something to every unit; whether it does, Consider tells.
void Schedule::NoteSnapshot(std::shared_ptr<const rollout::Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  downstream_.clear();
  for (const auto& [unit, declared] : snapshot_->declared.units) {
    dirty_.insert(unit);
    if (const auto upstream = rollout::UpstreamOf(snapshot_->declared, unit))
      downstream_[{*upstream, unit.application}].push_back(unit);
  }
  for (const auto& [unit, known] : units_) dirty_.insert(unit);
}

void Schedule::NoteRecord(const UnitId& id, const Record* before, const Record* now) {
  dirty_.insert(id);
  if (const auto it = downstream_.find(id); it != downstream_.end())
    dirty_.insert(it->second.begin(), it->second.end());
  std::set<UnitId>& held = held_[id.environment];
  const std::string good = GoodRolloutOf(now);
  if (!good.empty() && good != GoodRolloutOf(before)) {
    ++successes_[id.environment];
    dirty_.insert(held.begin(), held.end());
  }
  if (now && now->phase == Phase::kHeld) {
    held.insert(id);
  } else {
    held.erase(id);
  }
}

// Both maps are in one order, and share the records that did not change.
void Schedule::NoteState(std::shared_ptr<const deploylog::State> state) {
  static const deploylog::State kNone;
  const deploylog::State& before = state_ ? *state_ : kNone;
  auto was = before.records.begin();
  auto is = state->records.begin();
  while (was != before.records.end() || is != state->records.end()) {
    const bool is_gone =
        is == state->records.end() || (was != before.records.end() && was->first < is->first);
    const bool is_new = !is_gone && (was == before.records.end() || is->first < was->first);
    if (is_gone) {
      NoteRecord(was->first, &*was->second, nullptr);
      ++was;
    } else if (is_new) {
      NoteRecord(is->first, nullptr, &*is->second);
      ++is;
    } else {
      if (!was->second.IsSame(is->second)) NoteRecord(is->first, &*was->second, &*is->second);
      ++was;
      ++is;
    }
  }
  for (const auto* requests : {&before.requests, &state->requests}) {
    for (const auto& request : *requests) dirty_.insert(request.unit);
  }
  state_ = std::move(state);
}

std::set<UnitId> Schedule::Candidates(SystemTime now) const {
  std::set<UnitId> candidates = again_;
  std::ranges::copy_if(dirty_, std::inserter(candidates, candidates.end()),
                       [this](const UnitId& id) { return !in_flight_.contains(id); });
  for (auto it = timers_.begin(); it != timers_.end() && it->first <= now; ++it)
    candidates.insert(it->second);
  return candidates;
}

std::vector<Schedule::Due> Schedule::TakeDue(SystemTime now, Which which) {
  std::vector<Due> due;
  if (!snapshot_ || !state_) return due;
  for (const UnitId& id : Candidates(now)) {
    if (in_flight_.contains(id)) continue;
    if (which == Which::kWaiting && !waiting_.contains(id)) continue;
    dirty_.erase(id);
    if (!snapshot_->Find(id) && !state_->records.contains(id)) {
      Forget(id);
      continue;
    }
    if (auto found = Consider(id, now)) due.push_back(std::move(*found));
  }
  return due;
}

// Neither declared nor recorded any more.
void Schedule::Forget(const UnitId& id) {
  const auto it = units_.find(id);
  if (it == units_.end()) return;
  if (it->second.timer) timers_.erase({*it->second.timer, id});
  units_.erase(it);
  for (std::set<UnitId>* set : {&again_, &waiting_, &retrying_}) set->erase(id);
}

std::optional<Schedule::Due> Schedule::Consider(const UnitId& id, SystemTime now) {
  Unit& unit = units_[id];
  Inputs inputs = InputsOf(*snapshot_, *state_, id, successes_[id.environment]);
  const bool runs = inputs.own && (*inputs.own)->running && !(*inputs.own)->IsOpen();
  const Duration interval = DriftIntervalOf(*snapshot_, id);
  if (unit.drift_at == SystemTime{}) {
    unit.heals_in_row = inputs.own ? rollout::HealsInRow(**inputs.own, interval) : 0;
    unit.drift_at =
        unit.heals_in_row > 0 ? *(*inputs.own)->wait.wake : LastLook(inputs.own, now) + interval;
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
  if (!changed && !woke && !drift_due && !again_.contains(id)) {
    SetTimer(id, unit, runs);
    return std::nullopt;
  }
  if (unit.seen && unit.seen->fingerprint != inputs.fingerprint) unit.errors_in_row = 0;
  unit.drift_interval = interval;
  if (drift_due) unit.drift_at = now + interval;
  unit.seen = std::move(inputs);
  unit.wake.reset();
  again_.erase(id);
  waiting_.erase(id);
  retrying_.erase(id);
  in_flight_.insert(id);
  SetTimer(id, unit, /*runs=*/false);
  return Due{id, drift_due, unit.errors_in_row, unit.heals_in_row};
}

void Schedule::ResumeBackOff(Unit& unit, const Inputs& inputs, SystemTime now) const {
  if (!resumes_ || !inputs.own || !inputs.requests.empty()) return;
  const auto backing_off =
      rollout::BackingOffSince(*resumes_, **inputs.own, inputs.fingerprint, now);
  if (!backing_off) return;
  unit.errors_in_row = backing_off->errors_in_row;
  unit.wake = backing_off->wake;
  unit.seen = inputs;
}

// While a unit waits out a back-off its drift check does, too.
void Schedule::SetTimer(const UnitId& id, Unit& unit, bool runs) {
  std::optional<SystemTime> at = unit.wake;
  if (runs && unit.errors_in_row == 0 && (!at || unit.drift_at < *at)) at = unit.drift_at;
  if (at == unit.timer) return;
  if (unit.timer) timers_.erase({*unit.timer, id});
  if (at) timers_.insert({*at, id});
  unit.timer = at;
}

void Schedule::Done(const UnitId& id, const std::optional<rollout::PassResult>& result,
                    SystemTime now) {
  in_flight_.erase(id);
  dirty_.insert(id);  // what it recorded itself is looked at again, cheaply
  Unit& unit = units_[id];
  if (!result) {
    ++unit.errors_in_row;
    unit.wake = now + std::min<Duration>(Duration(1s) * (1 << std::min(unit.errors_in_row, 6)),
                                         kErrorPauseMax);
  } else {
    unit.errors_in_row =
        result->standing == rollout::Standing::kErrored ? unit.errors_in_row + 1 : 0;
    unit.wake = result->wake;
    // What holds it may be mended in the cluster, where nobody tells us.
    if (result->standing == rollout::Standing::kHeld && !unit.wake)
      unit.wake = now + unit.drift_interval;
    if (result->standing == rollout::Standing::kWaiting) waiting_.insert(id);
    if (result->look_again) again_.insert(id);
    if (result->drift == rollout::DriftSeen::kHealed) {
      // A heal that does not last is tried ever more rarely.
      ++unit.heals_in_row;
      unit.drift_at = now + rollout::HealPause(unit.drift_interval, unit.heals_in_row);
    } else if (result->drift == rollout::DriftSeen::kNone) {
      unit.heals_in_row = 0;
    }
  }
  if (unit.errors_in_row > 0 && unit.wake) retrying_.insert(id);
  SetTimer(id, unit, /*runs=*/false);
}

std::optional<SystemTime> Schedule::NextWake() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first;
}

std::optional<SystemTime> Schedule::NextRetry(int limit) const {
  std::optional<SystemTime> next;
  for (const UnitId& id : retrying_) {
    const Unit& unit = units_.at(id);
    if (unit.errors_in_row == 0 || unit.errors_in_row >= limit || !unit.wake) continue;
    if (!next || *unit.wake < *next) next = unit.wake;
  }
  return next;
}

}  // namespace sluice::daemon
