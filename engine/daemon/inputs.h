// Everything a pass over a unit depends on; a pass is due when it changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/shared.h"
#include "engine/rollout/snapshot.h"

namespace sluice::daemon {

struct Inputs {
  std::string fingerprint;
  std::string problems;
  bool is_declared = false;
  std::optional<Shared<Record>> own, upstream;
  std::vector<std::string> requests;
  bool is_cleared = false;  // a prune or removal waited until all of the config repo can be read
  // Of a held unit: how many rollouts Succeeded in its environment. One of them may have brought
  // the kind or the namespace that it waits for.
  uint64_t neighbours = 0;
  bool operator==(const Inputs&) const = default;
};

Inputs InputsOf(const rollout::Snapshot& snapshot, const deploylog::State& state,
                const UnitId& unit, uint64_t successes_in_environment);

}  // namespace sluice::daemon
