#include "engine/rollout/facts.h"

#include "engine/render/render.h"
#include "tests/support/catch.h"

namespace sluice::rollout {
namespace {

const UnitId kUpstreamWeb{"dev", "web"};
const UnitId kTargetWeb{"prod", "web"};

TreeEntry Base(const std::string& oid) {
  TreeEntry entry;
  entry.path = "base/web.yaml";
  entry.blob = oid;
  return entry;
}

// dev/web before prod/web; both read one shared file.
Snapshot MakeSnapshot(const std::string& base) {
  Snapshot snapshot;
  snapshot.declared.pipeline = {"shop", {"dev", "prod"}};
  for (const UnitId& id : {kUpstreamWeb, kTargetWeb}) {
    snapshot.declared.environments[id.environment].name = id.environment;
    snapshot.declared.units[id].id = id;
    snapshot.declared.units[id].shared_inputs = {Base(base)};
  }
  return snapshot;
}

gates::Facts FactsOfProd(const Snapshot& snapshot, const deploylog::State& state) {
  return GateFacts(snapshot, state, kTargetWeb, {"digest-1", "1"}, "fp", SystemTime{});
}

gates::GateResult Predecessor(const Snapshot& snapshot, const deploylog::State& state) {
  for (const auto& result : gates::Evaluate(FactsOfProd(snapshot, state)))
    if (result.gate == "predecessor") return result;
  FAIL("no gate predecessor");
  return {};
}

}  // namespace

TEST_CASE("shared inputs are compared with those that Succeeded upstream, not with its tip") {
  const Snapshot before = MakeSnapshot("old");
  const Snapshot tip = MakeSnapshot("new");
  deploylog::State state;
  Record& dev = state.records[kUpstreamWeb].Edit();
  dev.unit = kUpstreamWeb;
  dev.releases = {{"digest-1", "1", "r1", SystemTime{} + Duration(1), {}, false}};
  dev.last_known_good = LastKnownGood{"r1", "fp-dev", "r-1", {"digest-1", "1"}, SystemTime{}};
  dev.last_known_good->shared_inputs =
      render::SharedInputsDigest(before.declared.units.at(kUpstreamWeb));
  // The commit that changes the base has reached the tip, and dev has not rolled it out yet.
  CHECK(FactsOfProd(tip, state).upstream_shared_inputs == dev.last_known_good->shared_inputs);
  CHECK(Predecessor(tip, state).reason == "SharedInputsPending");
  CHECK(Predecessor(before, state).decision == gates::Decision::kOpen);
  dev.last_known_good->shared_inputs =
      render::SharedInputsDigest(tip.declared.units.at(kUpstreamWeb));
  CHECK(Predecessor(tip, state).decision == gates::Decision::kOpen);
}

TEST_CASE("upstream without a success has no shared inputs to compare with") {
  const Snapshot tip = MakeSnapshot("new");
  deploylog::State state;
  CHECK(FactsOfProd(tip, state).upstream_shared_inputs.empty());
  state.records[kUpstreamWeb].Edit().unit = kUpstreamWeb;
  CHECK(FactsOfProd(tip, state).upstream_shared_inputs.empty());
}

TEST_CASE("who froze a unit is told with the reason, or without one") {
  Frozen frozen;
  frozen.by = "Olga <o@example.com>";
  CHECK(Describe(frozen) == "frozen by Olga <o@example.com>");
  frozen.reason = "incident 42";
  CHECK(Describe(frozen) == "frozen by Olga <o@example.com>: incident 42");
}

}  // namespace sluice::rollout
