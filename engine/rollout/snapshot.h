// The declared state at one revision of the config branch, with what every unit needs to know of
// the others.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "engine/model/config.h"
#include "engine/rollout/services.h"

namespace sluice::rollout {

// An object in a cluster (the place where names are shared, whatever the kind of target calls it),
// as far as it can be told without asking.
struct Claim {
  std::string cluster;  // Snapshot::ClusterOf
  ObjectRef ref;        // one of TargetKind::Claims
  auto operator<=>(const Claim&) const = default;
};

// Immutable once built; shared between threads.
struct Snapshot {
  std::string revision;
  Declared declared;
  std::map<UnitId, std::string> fingerprints;       // of units without problems
  std::map<std::string, std::string> clusters;      // by TargetKind::Place, of the environments
  std::map<UnitId, std::set<Claim>> claims;         // what each unit declares
  std::map<Claim, std::set<UnitId>> claimants;      // the same the other way round
  std::map<Claim, std::set<UnitId>> claimed_twice;  // by more than one unit

  const DeclaredUnit* Find(const UnitId& unit) const;
  // "" when the unit is not declared or has problems.
  const std::string& FingerprintOf(const UnitId& unit) const;
  // False: what is at this revision says nothing of the unit, not even that it was removed.
  bool IsReadable(const UnitId& unit) const;
  // Some unit cannot be read, so what it declares is unknown: nothing may be taken for undeclared.
  bool IsPartial() const;
  // A unit other than `except` that declares it. Exact for what a cluster was asked about: `ref` as
  // it is there.
  std::optional<UnitId> ClaimedBy(const Target& target, const ObjectRef& ref,
                                  const UnitId& except) const;
  bool IsClaimed(const Target& target, const ObjectRef& ref, const UnitId& except) const {
    return ClaimedBy(target, ref, except).has_value();
  }
  bool Declares(const UnitId& unit, const Target& target, const ObjectRef& ref) const;
  // Equal for targets in one cluster.
  std::string ClusterOf(const Target& target) const;

  std::function<std::string(const Target& target)> cluster_of;  // Services::cluster_of
};

// Loads `revision` (already fetched). `previous` (may be null) saves rendering units that did not
// change.
Result<std::shared_ptr<const Snapshot>> LoadSnapshot(const Services& services,
                                                     const std::string& revision,
                                                     const Snapshot* previous);

// The directory of a path below repository.path: "environments/x" for ".", "sub/environments/x" for
// "sub".
std::string RepositoryPath(const Options& options, const std::string& path);

}  // namespace sluice::rollout
