#include "engine/rollout/facts.h"

#include <algorithm>

#include "engine/render/render.h"

namespace sluice::rollout {

ReleaseId ReleaseOf(const DeclaredUnit& unit) {
  return unit.release ? ReleaseId{unit.release->digest, unit.release->version} : ReleaseId{};
}

Content AtTip(const Pass& pass) {
  const DeclaredUnit* declared = pass.declared();
  return {pass.snapshot->revision, pass.snapshot->FingerprintOf(pass.unit),
          declared ? ReleaseOf(*declared) : ReleaseId{}};
}

std::string Describe(const Frozen& frozen) {
  return "frozen by " + frozen.by + (frozen.reason.empty() ? "" : ": " + frozen.reason);
}

std::vector<std::string> GoodPaths(const DeclaredUnit& unit) {
  std::vector<std::string> paths = {
      "sluice.yaml", "environments/" + unit.id.environment + "/environment.yaml", unit.directory};
  for (const TreeEntry& shared : unit.shared_inputs) paths.push_back(shared.path);
  return paths;
}

std::vector<life::NamedTarget> Named(const std::vector<Target>& targets) {
  std::vector<life::NamedTarget> named;
  for (const Target& target : targets)
    named.push_back({target.name, target.kind->Identity(target)});
  return named;
}

std::set<std::string> Occupied(const deploylog::Inventory& inventory) {
  std::set<std::string> names;
  for (const auto& [target, refs] : inventory) {
    if (!refs.empty()) names.insert(target);
  }
  return names;
}

std::optional<std::string> UpstreamOf(const Declared& declared, const UnitId& unit) {
  const auto environment = declared.environments.find(unit.environment);
  if (environment != declared.environments.end() && !environment->second.promotion.from.empty()) {
    return environment->second.promotion.from;
  }
  std::optional<std::string> nearest;
  for (const std::string& name : declared.pipeline.environments) {
    if (name == unit.environment) return nearest;
    if (declared.units.contains({name, unit.application})) nearest = name;
  }
  return std::nullopt;
}

const Record* FindRecord(const deploylog::State& state, const UnitId& unit) {
  const auto it = state.records.find(unit);
  return it == state.records.end() ? nullptr : &*it->second;
}

gates::Facts GateFacts(const Snapshot& snapshot, const deploylog::State& state, const UnitId& unit,
                       const ReleaseId& release, const std::string& fingerprint, SystemTime now) {
  gates::Facts facts;
  facts.now = now;
  facts.unit = unit;
  facts.release = release;
  facts.fingerprint = fingerprint;
  facts.record = FindRecord(state, unit);
  facts.upstream_environment = UpstreamOf(snapshot.declared, unit);
  if (const DeclaredUnit* declared = snapshot.Find(unit)) {
    facts.soak = declared->environment.promotion.soak;
    facts.shared_inputs = render::SharedInputsDigest(*declared);
  }
  if (facts.upstream_environment) {
    const UnitId upstream{*facts.upstream_environment, unit.application};
    facts.upstream = FindRecord(state, upstream);
    if (facts.upstream && facts.upstream->last_known_good)
      facts.upstream_shared_inputs = facts.upstream->last_known_good->shared_inputs;
    if (state.initialised) {
      if (const auto it = state.initialised->units.find(upstream);
          it != state.initialised->units.end()) {
        facts.initial_upstream_releases.push_back(it->second.release.digest);
      }
    }
  }
  if (state.initialised) {
    const auto it = state.initialised->units.find(unit);
    facts.is_initial_content =
        it != state.initialised->units.end() && it->second.fingerprint == fingerprint;
  }
  if (facts.record) {
    facts.has_succeeded_here =
        (facts.record->last_known_good &&
         facts.record->last_known_good->fingerprint == fingerprint) ||
        (!release.digest.empty() &&
         std::ranges::any_of(facts.record->releases, [&](const ReleaseHistory& known) {
           return known.digest == release.digest && known.first_succeeded;
         }));
  }
  return facts;
}

std::vector<GateRecord> ToRecords(const std::vector<gates::GateResult>& results) {
  std::vector<GateRecord> records;
  for (const auto& result : results) {
    records.push_back({result.gate, std::string(gates::ToString(result.decision)), result.reason,
                       result.message, result.until});
  }
  return records;
}

}  // namespace sluice::rollout
