// Gates hold a rollout or a promotion until facts allow it. Pure functions from facts to a
// decision, one file each; the list is in registry.cc, which is where the next gate is added.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/model/record.h"

namespace sluice::gates {

enum class Decision { kOpen, kHeld, kDenied, kUnknown };
std::string_view ToString(Decision decision);

struct GateResult {
  std::string gate;
  Decision decision = Decision::kOpen;
  std::string reason;               // docs/reference/reasons.md; "" when open
  std::string message;              // what is awaited, until when or for whom
  std::optional<SystemTime> until;  // when it opens by itself
};

// Everything a gate may look at, gathered by the caller.
struct Facts {
  SystemTime now{};
  UnitId unit;
  ReleaseId release;  // about to enter
  std::string fingerprint;
  std::string shared_inputs;  // digest; "" for none
  Duration soak{0};
  const Record* record = nullptr;  // this unit's; null before its first
  // Upstream: nearest earlier environment that has the application, or the named one. nullopt:
  // none, gate Open.
  std::optional<std::string> upstream_environment;
  const Record* upstream = nullptr;    // its record; null when it has none yet
  std::string upstream_shared_inputs;  // digest of what Succeeded there last
  // From the `initialised` event: this unit is still at that revision's fingerprint.
  bool is_initial_content = false;
  // Releases known since the log began (upstream's at the initial revision), by digest.
  std::vector<std::string> initial_upstream_releases;
  // Content that Succeeded in this unit before needs no predecessor, soak or window.
  bool has_succeeded_here = false;
};

// Every gate of the environment, in the registry's order.
std::vector<GateResult> Evaluate(const Facts& facts);
// The decision that counts: Denied, then Unknown, then Held (latest `until`), then Open.
GateResult Strictest(const std::vector<GateResult>& results);

}  // namespace sluice::gates
