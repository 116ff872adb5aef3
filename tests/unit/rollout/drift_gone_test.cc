// Drift of what is gone, and by whose rules it is judged.
#include <algorithm>

#include "tests/unit/rollout/failing.h"

namespace sluice::rollout {
namespace {

using targets::Prediction;

const std::string kRules = "environments/prod/environment.yaml";
const Files kHeal = {{kRules, EnvironmentYaml("  drift: {mode: heal}\n")}};

bool Tells(const World& world, const std::string& text) {
  return Has(world.hub.Git({"log", "--format=%B", "deployments"}), text);
}

void EraseAll(World& world) {
  world.eu.Erase(kConfigMap);
  world.eu.Erase(kDeployment);
}

}  // namespace

TEST_CASE("objects whose namespace or type is gone are missing, not as declared") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  EraseAll(world);
  world.eu.SetPrediction("kind", Prediction::Kind::kUnknowable, "its namespace is not there yet");
  CHECK(world.Pass(true).drift == DriftSeen::kDrifted);
  CHECK(world.LastEvent() == "drifted");
  REQUIRE(world.Get().drift.size() == 2);
  CHECK(Has(world.Get().drift[0], "missing in live"));
}

TEST_CASE("a heal brings back what it can, and says what it cannot") {
  World world(Shop());
  world.Commit(kHeal);
  REQUIRE(world.Settle().standing == Standing::kDone);
  EraseAll(world);
  SECTION("with all that it needs") {
    CHECK(world.Pass(true).drift == DriftSeen::kHealed);
    CHECK(world.eu.Find(kConfigMap));
    CHECK(world.Get().drift.empty());
  }
  SECTION("without what one of them needs") {
    world.eu.SetBlocked("Deployment", "NamespaceMissing", "there is no namespace 'shop'");
    CHECK(world.Pass(true).drift == DriftSeen::kHealed);
    CHECK(world.eu.Find(kConfigMap));
    CHECK_FALSE(world.eu.Find(kDeployment));
    REQUIRE(world.Get().drift.size() == 1);
    CHECK(Has(world.Get().drift[0], "stays so: NamespaceMissing: there is no namespace 'shop'"));
    CHECK(Tells(world, "1 objects cannot be healed"));
    world.Pass(true);
    const size_t count = world.Events().size();
    for (int i = 0; i < 3; ++i) CHECK(world.Pass(true).drift == DriftSeen::kDrifted);
    CHECK(world.Events().size() == count);
  }
  SECTION("where the server refuses it now") {
    world.eu.SetPrediction("Deployment", Prediction::Kind::kRefused, "denied by policy");
    CHECK(world.Pass(true).drift == DriftSeen::kHealed);
    CHECK(Has(world.Get().drift.at(0), "the server refuses it: denied by policy"));
  }
}

TEST_CASE("a type that is no longer served is drift of its objects, named with why") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.eu.Erase(kConfigMap);
  world.eu.Unserve("ConfigMap");
  CHECK(world.Pass(true).drift == DriftSeen::kDrifted);
  REQUIRE(world.Get().drift.size() == 1);
  CHECK(Has(world.Get().drift[0], "UnknownKind"));
}

TEST_CASE("what cannot be asked about is missing where it is not there, and unknown where it is") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  const bool is_gone = GENERATE(true, false);
  if (is_gone) EraseAll(world);
  world.eu.Fail("predict", Error(ErrorCode::kUnavailable, "NamespaceTerminating", "going"));
  CHECK(world.Pass(true).drift == (is_gone ? DriftSeen::kDrifted : DriftSeen::kNotChecked));
}

TEST_CASE("the mode of drift is that of the tip: turning heal off stops it, on begins it") {
  const bool heals_at_tip = GENERATE(false, true);
  World world;
  if (!heals_at_tip) world.Commit(kHeal);
  REQUIRE(world.Settle().standing == Standing::kDone);
  world.Request("freeze");
  world.Settle();
  // The unit stays at what it runs: only the rules are new.
  world.Commit({{kRules, EnvironmentYaml(heals_at_tip ? "  drift: {mode: heal}\n" : "")}});
  world.Request("unfreeze");
  world.Settle();
  world.eu.Edit(kConfigMap, "kubectl", "/data/key", "other");
  CHECK(world.Pass(true).drift == (heals_at_tip ? DriftSeen::kHealed : DriftSeen::kDrifted));
}

TEST_CASE("turning heal off stops it while the unit is held at what it runs") {
  World world;
  world.Commit(kHeal);
  REQUIRE(world.Settle().standing == Standing::kDone);
  // Held by a conflict of the new content; what runs was rolled out under heal.
  world.eu.SetPrediction("good2", Prediction::Kind::kConflict, "scale-bot owns it");
  world.Commit({{kRules, EnvironmentYaml()}, {kDirectory + "release.yaml", ReleaseYaml("good2")}});
  REQUIRE(world.Pass().standing == Standing::kHeld);
  world.eu.Edit(kConfigMap, "kubectl", "/data/key", "other");
  world.eu.ForgetCalls();
  world.Pass(true);
  CHECK(world.eu.Writes().empty());
  CHECK(world.LastEvent() == "drifted");
}

}  // namespace sluice::rollout
