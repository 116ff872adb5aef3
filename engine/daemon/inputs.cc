#include "engine/daemon/inputs.h"

#include "engine/rollout/facts.h"

namespace sluice::daemon {
namespace {

std::optional<Shared<Record>> RecordOf(const deploylog::State& state, const UnitId& unit) {
  const auto it = state.records.find(unit);
  return it == state.records.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace

Inputs InputsOf(const rollout::Snapshot& snapshot, const deploylog::State& state,
                const UnitId& unit, uint64_t successes_in_environment) {
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
  inputs.own = RecordOf(state, unit);
  if (const auto upstream = rollout::UpstreamOf(snapshot.declared, unit))
    inputs.upstream = RecordOf(state, {*upstream, unit.application});
  for (const auto& request : state.requests) {
    if (request.unit == unit) inputs.requests.push_back(request.id);
  }
  if (!inputs.own) return inputs;
  const Record& own = **inputs.own;
  inputs.is_cleared = (own.prune_waits || own.reason == "RemovalWaits") && !snapshot.IsPartial();
  if (own.phase == Phase::kHeld) inputs.neighbours = successes_in_environment;
  return inputs;
}

}  // namespace sluice::daemon
