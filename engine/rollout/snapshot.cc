#include "engine/rollout/snapshot.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/config/config.h"
#include "engine/render/render.h"

namespace sluice::rollout {
namespace {

std::set<Claim> ClaimsOf(const Snapshot& snapshot, const DeclaredUnit& unit,
                         const std::vector<Resource>& resources) {
  std::set<Claim> claims;
  for (const Target& target : unit.targets) {
    const std::string cluster = snapshot.ClusterOf(target);
    for (const Resource& resource : resources) {
      for (ObjectRef& ref : target.kind->Claims(resource, target))
        claims.insert({cluster, std::move(ref)});
    }
  }
  return claims;
}

// Those that hold whatever the target turns out to say. The others are found by the plan, which
// has asked it (plan::Declared::claimed_by).
void FindDoubleClaims(Snapshot& snapshot) {
  for (const auto& [claim, units] : snapshot.claimants) {
    std::set<UnitId> certain = units;
    std::erase_if(certain, [&](const UnitId& unit) {
      return !snapshot.declared.units.at(unit).kind->IsCertain(claim.ref);
    });
    if (certain.size() > 1) snapshot.claimed_twice.emplace(claim, std::move(certain));
  }
}

void NameClusters(const Services& services, Snapshot& snapshot) {
  snapshot.cluster_of = services.cluster_of;
  if (!services.cluster_of) return;
  for (const auto& [name, environment] : snapshot.declared.environments) {
    for (const Target& target : environment.targets) {
      const std::string place = target.kind->Place(target);
      if (!snapshot.clusters.contains(place))
        snapshot.clusters[place] = services.cluster_of(target);
    }
  }
}

}  // namespace

const DeclaredUnit* Snapshot::Find(const UnitId& unit) const {
  const auto it = declared.units.find(unit);
  return it == declared.units.end() ? nullptr : &it->second;
}

const std::string& Snapshot::FingerprintOf(const UnitId& unit) const {
  static const std::string kNone;
  const auto it = fingerprints.find(unit);
  return it == fingerprints.end() ? kNone : it->second;
}

bool Snapshot::IsPartial() const {
  return !declared.problems.empty() || std::ranges::any_of(declared.units, [](const auto& entry) {
    return !entry.second.problems.empty();
  });
}

bool Snapshot::IsReadable(const UnitId& unit) const {
  const DeclaredUnit* known = Find(unit);
  return known ? known->problems.empty() : declared.problems.empty();
}

std::optional<UnitId> Snapshot::ClaimedBy(const Target& target, const ObjectRef& ref,
                                          const UnitId& except) const {
  const auto found = claimants.find(Claim{ClusterOf(target), ref});
  if (found == claimants.end()) return std::nullopt;
  const auto other =
      std::ranges::find_if(found->second, [&](const UnitId& unit) { return unit != except; });
  return other == found->second.end() ? std::nullopt : std::optional(*other);
}

bool Snapshot::Declares(const UnitId& unit, const Target& target, const ObjectRef& ref) const {
  const auto it = claims.find(unit);
  return it != claims.end() && it->second.contains(Claim{ClusterOf(target), ref});
}

std::string Snapshot::ClusterOf(const Target& target) const {
  const std::string place = target.kind->Place(target);
  if (const auto it = clusters.find(place); it != clusters.end()) return it->second;
  // Of last known good, say, whose place no environment names any more.
  return cluster_of ? cluster_of(target) : place;
}

std::string RepositoryPath(const Options& options, const std::string& path) {
  if (options.path.empty() || options.path == ".") return path;
  return path.empty() ? options.path : options.path + "/" + path;
}

Result<std::shared_ptr<const Snapshot>> LoadSnapshot(const Services& services,
                                                     const std::string& revision,
                                                     const Snapshot* previous) {
  const StepTimer timer(services, "load");
  SLUICE_TRY(const auto tree, services.mirror.Tree(revision, RepositoryPath(services.options, "")));
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->revision = revision;
  SLUICE_TRY(snapshot->declared, config::Load(*tree, services.kinds, services.yaml));
  // What is live is marked with the name, so a sluice.yaml that does not parse must not change it.
  std::string& pipeline = snapshot->declared.pipeline.name;
  if (const auto state = services.log.Get(); pipeline.empty() && state->initialised)
    pipeline = state->initialised->pipeline;
  NameClusters(services, *snapshot);
  if (previous && previous->clusters != snapshot->clusters) previous = nullptr;
  for (auto& [id, unit] : snapshot->declared.units) {
    if (!unit.problems.empty()) {
      // What it declared before still counts as claimed: a typo must not let another unit prune it.
      if (previous && previous->claims.contains(id)) snapshot->claims[id] = previous->claims.at(id);
      continue;
    }
    const std::string fingerprint = render::Fingerprint(unit);
    if (previous && previous->FingerprintOf(id) == fingerprint) {
      snapshot->claims[id] = previous->claims.at(id);
    } else {
      SLUICE_TRY(auto rendered, render::Render(unit, *tree, services.yaml));
      if (!rendered.problems.empty()) {
        unit.problems = std::move(rendered.problems);
        if (previous && previous->claims.contains(id))
          snapshot->claims[id] = previous->claims.at(id);
        continue;
      }
      snapshot->claims[id] = ClaimsOf(*snapshot, unit, rendered.resources);
    }
    snapshot->fingerprints[id] = fingerprint;
  }
  for (const auto& [unit, claims] : snapshot->claims) {
    for (const Claim& claim : claims) snapshot->claimants[claim].insert(unit);
  }
  FindDoubleClaims(*snapshot);
  return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

}  // namespace sluice::rollout
