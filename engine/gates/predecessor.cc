#include <algorithm>

#include "engine/gates/gate.h"
#include "engine/model/release_history.h"

namespace sluice::gates {
namespace {

bool IsKnownSinceTheStart(const Facts& facts) {
  return std::ranges::find(facts.initial_upstream_releases, facts.release.digest) !=
         facts.initial_upstream_releases.end();
}

}  // namespace

GateResult CheckPredecessor(const Facts& facts) {
  const std::string gate = "predecessor";
  if (const auto open = PassesAnyway(facts, gate)) return *open;
  const auto held = [&](const char* reason, std::string message) {
    return GateResult{gate, Decision::kHeld, reason, std::move(message), std::nullopt};
  };
  const std::string upstream = UpstreamName(facts);
  if (facts.release.digest.empty()) {
    if (!facts.upstream)
      return held("PredecessorPending", "waits for the first rollout of " + upstream);
    return held("PredecessorPending", "it has no release.yaml and " + upstream +
                                          " has one; add the release that Succeeded there");
  }
  const std::string release = "release " + NameOf(facts.release);
  const ReleaseHistory* history =
      facts.upstream ? HistoryOf(*facts.upstream, facts.release.digest) : nullptr;
  const bool has_succeeded = (history && history->first_succeeded) || IsKnownSinceTheStart(facts);
  if (!has_succeeded && history && history->has_failed) {
    return {gate, Decision::kDenied, "PredecessorFailed",
            release + " failed in " + upstream + "; fix it there, or run `sluice retry " +
                upstream + "`",
            std::nullopt};
  }
  if (!has_succeeded) {
    return held("PredecessorPending", "waits for " + release + " to Succeed in " + upstream);
  }
  if (facts.shared_inputs != facts.upstream_shared_inputs) {
    return held("SharedInputsPending", "waits for its shared inputs to Succeed in " + upstream);
  }
  return {gate, Decision::kOpen, "", release + " Succeeded in " + upstream, std::nullopt};
}

}  // namespace sluice::gates
