#include <algorithm>
#include <array>

#include "engine/gates/gate.h"

namespace sluice::gates {
namespace {

using Gate = GateResult (*)(const Facts&);

// In the order in which they are told. The next gate is added here.
constexpr std::array<Gate, 2> kGates = {CheckPredecessor, CheckSoak};

// Larger is stricter.
int Strictness(Decision decision) {
  switch (decision) {
    case Decision::kDenied:
      return 3;
    case Decision::kUnknown:
      return 2;
    case Decision::kHeld:
      return 1;
    case Decision::kOpen:
      return 0;
  }
  return 3;
}

// Of two that hold, the one that opens later; one without a time waits for somebody, so it is the
// later.
bool OpensLater(const GateResult& a, const GateResult& b) {
  if (!a.until || !b.until) return !a.until && b.until;
  return *a.until > *b.until;
}

bool IsStricter(const GateResult& a, const GateResult& b) {
  const int by_decision = Strictness(a.decision) - Strictness(b.decision);
  if (by_decision != 0) return by_decision > 0;
  return a.decision == Decision::kHeld && OpensLater(a, b);
}

}  // namespace

std::string_view ToString(Decision decision) {
  switch (decision) {
    case Decision::kOpen:
      return "open";
    case Decision::kHeld:
      return "held";
    case Decision::kDenied:
      return "denied";
    case Decision::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::vector<GateResult> Evaluate(const Facts& facts) {
  std::vector<GateResult> results;
  for (const Gate gate : kGates) results.push_back(gate(facts));
  return results;
}

GateResult Strictest(const std::vector<GateResult>& results) {
  GateResult strictest;
  for (const GateResult& result : results) {
    if (&result == &results.front() || IsStricter(result, strictest)) strictest = result;
  }
  return strictest;
}

std::optional<GateResult> PassesAnyway(const Facts& facts, const std::string& gate) {
  const auto open = [&](const char* why) {
    return GateResult{gate, Decision::kOpen, "", why, std::nullopt};
  };
  if (!facts.upstream_environment) return open("no earlier environment has this application");
  if (facts.is_initial_content) return open("this content stood here when the log began");
  if (facts.has_succeeded_here) return open("this content Succeeded here before");
  const bool is_upstream_without_release = facts.upstream && facts.upstream->release.digest.empty();
  if (facts.release.digest.empty() && is_upstream_without_release) {
    return open("neither side has a release.yaml, so there is no release to compare");
  }
  return std::nullopt;
}

std::string NameOf(const ReleaseId& release) {
  return release.version.empty() ? release.digest.substr(0, 12) : release.version;
}

std::string UpstreamName(const Facts& facts) {
  return ToString(UnitId{facts.upstream_environment.value_or(""), facts.unit.application});
}

}  // namespace sluice::gates
