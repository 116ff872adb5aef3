#include <algorithm>

#include "engine/base/time_format.h"
#include "engine/gates/gate.h"
#include "engine/model/release_history.h"

namespace sluice::gates {
namespace {

bool RunsUpstream(const Facts& facts) {
  return facts.upstream->running && facts.upstream->running->release.digest == facts.release.digest;
}

bool IsHealthUnknown(const Record& record) {
  return std::ranges::any_of(
      record.targets, [](const auto& target) { return target.second.health == Health::kUnknown; });
}

}  // namespace

GateResult CheckSoak(const Facts& facts) {
  const std::string gate = "soak";
  if (facts.soak <= Duration(0))
    return {gate, Decision::kOpen, "", "no soak is asked for", std::nullopt};
  if (const auto open = PassesAnyway(facts, gate)) return *open;
  const std::string upstream = UpstreamName(facts);
  const std::string soak = FormatDuration(facts.soak);
  const auto held = [&](std::string message, std::optional<SystemTime> until = std::nullopt) {
    return GateResult{gate, Decision::kHeld, "SoakPending", std::move(message), until};
  };
  if (!facts.upstream || facts.release.digest.empty())
    return held("waits for its release to be Healthy in " + upstream + " for " + soak);
  const std::string release = "release " + NameOf(facts.release);
  if (LongestHealthyStay(*facts.upstream, facts.release.digest, facts.now) >= facts.soak) {
    return {gate, Decision::kOpen, "", release + " was Healthy in " + upstream + " for " + soak,
            std::nullopt};
  }
  if (const auto since = StaySince(*facts.upstream, facts.release.digest)) {
    const SystemTime until = *since + facts.soak;
    return held(release + " soaks in " + upstream + " for " + soak + " until " + FormatTime(until),
                until);
  }
  if (!RunsUpstream(facts)) {
    const bool is_known = HistoryOf(*facts.upstream, facts.release.digest) != nullptr;
    return held(is_known
                    ? release + " left " + upstream + " before it was Healthy there for " + soak
                    : release + " has to be Healthy in " + upstream + " for " + soak + " first");
  }
  if (IsHealthUnknown(*facts.upstream)) {
    return {gate, Decision::kUnknown, "SoakUnknown",
            "the health of " + upstream + " is not known, so its soak does not count",
            std::nullopt};
  }
  return held(release + " is not Healthy in " + upstream + "; its soak of " + soak +
              " starts when it is");
}

}  // namespace sluice::gates
