// Small facts about units that several steps of a rollout need.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/gates/gates.h"
#include "engine/rollout/pass.h"

namespace sluice::rollout {

ReleaseId ReleaseOf(const DeclaredUnit& unit);

// What the tip declares for the unit of this pass.
Content AtTip(const Pass& pass);

// "frozen by Olga <o@example.com>: why", without the colon when no reason was given.
std::string Describe(const Frozen& frozen);

// What of the config repo is kept as last known good, relative to repository.path.
std::vector<std::string> GoodPaths(const DeclaredUnit& unit);

// As a record names them.
std::vector<life::NamedTarget> Named(const std::vector<Target>& targets);
// Targets in which objects are ours.
std::set<std::string> Occupied(const deploylog::Inventory& inventory);

// The environment that a unit's releases come from: `promotion.from`, or the nearest earlier one
// that has the application.
std::optional<std::string> UpstreamOf(const Declared& declared, const UnitId& unit);

// What the gates of a unit look at for a release that is to enter it. Upstream's shared inputs are
// those of the revision that Succeeded there, whatever the tip has now.
gates::Facts GateFacts(const Snapshot& snapshot, const deploylog::State& state, const UnitId& unit,
                       const ReleaseId& release, const std::string& fingerprint, SystemTime now);

std::vector<GateRecord> ToRecords(const std::vector<gates::GateResult>& results);

const Record* FindRecord(const deploylog::State& state, const UnitId& unit);

}  // namespace sluice::rollout
