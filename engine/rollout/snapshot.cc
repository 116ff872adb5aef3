#include "engine/rollout/snapshot.h"

#include <algorithm>
#include <array>

#include "engine/base/log.h"
#include "engine/config/config.h"
#include "engine/render/render.h"

namespace sluice::rollout {
namespace {

// Kinds of Kubernetes itself that live outside namespaces. Only used to tell claims apart before a
// cluster was asked; a driver resolves scopes by discovery.
constexpr std::array<std::string_view, 18> kClusterScoped = {"Namespace",
                                                             "Node",
                                                             "PersistentVolume",
                                                             "ClusterRole",
                                                             "ClusterRoleBinding",
                                                             "CustomResourceDefinition",
                                                             "StorageClass",
                                                             "PriorityClass",
                                                             "IngressClass",
                                                             "RuntimeClass",
                                                             "APIService",
                                                             "CSIDriver",
                                                             "MutatingWebhookConfiguration",
                                                             "ValidatingWebhookConfiguration",
                                                             "ValidatingAdmissionPolicy",
                                                             "ValidatingAdmissionPolicyBinding",
                                                             "VolumeSnapshotClass",
                                                             "GatewayClass"};

std::set<Claim> ClaimsOf(const DeclaredUnit& unit, const std::vector<Resource>& resources) {
  std::set<Claim> claims;
  for (const Target& target : unit.targets) {
    const auto& kubernetes = std::get<KubernetesTarget>(target.where);
    for (const Resource& resource : resources) {
      ObjectRef ref = resource.ref;
      const bool is_cluster_scoped =
          std::ranges::find(kClusterScoped, ref.kind) != kClusterScoped.end();
      if (ref.ns.empty() && !is_cluster_scoped) ref.ns = kubernetes.ns;
      claims.insert({ClusterOf(target), ref});
    }
  }
  return claims;
}

void FindDoubleClaims(Snapshot& snapshot) {
  std::map<Claim, std::set<UnitId>> owners;
  for (const auto& [unit, claims] : snapshot.claims) {
    for (const Claim& claim : claims) owners[claim].insert(unit);
  }
  for (auto& [claim, units] : owners) {
    if (units.size() > 1) snapshot.claimed_twice.emplace(claim, std::move(units));
  }
}

}  // namespace

const DeclaredUnit* Snapshot::Find(const UnitId& unit) const {
  const auto it = declared.units.find(unit);
  return it == declared.units.end() ? nullptr : &it->second;
}

std::string Snapshot::FingerprintOf(const UnitId& unit) const {
  const auto it = fingerprints.find(unit);
  return it == fingerprints.end() ? "" : it->second;
}

bool Snapshot::IsPartial() const {
  return !declared.problems.empty() || std::ranges::any_of(declared.units, [](const auto& entry) {
    return !entry.second.problems.empty();
  });
}

bool Snapshot::IsClaimed(const std::string& cluster, const ObjectRef& ref,
                         const UnitId& except) const {
  return std::ranges::any_of(claims, [&](const auto& entry) {
    return entry.first != except && entry.second.contains(Claim{cluster, ref});
  });
}

std::string ClusterOf(const Target& target) {
  return "kubernetes/" + std::get<KubernetesTarget>(target.where).context;
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
  SLUICE_TRY(snapshot->declared, config::Load(*tree, services.yaml));
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
      snapshot->claims[id] = ClaimsOf(unit, rendered.resources);
    }
    snapshot->fingerprints[id] = fingerprint;
  }
  FindDoubleClaims(*snapshot);
  return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

}  // namespace sluice::rollout
