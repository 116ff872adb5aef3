// Content that was applied and does not run: no stay, no promotion, and nothing to go back to.
#include "tests/unit/rollout/failing.h"

namespace sluice::rollout {
namespace {

const Files kPaused2 = {{kDirectory + "release.yaml", ReleaseYaml("paused2")}};

// good1 runs; paused2 is applied, and paused.
void BringPaused(World& world) {
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.engine->clock.Advance(10min);
  world.Commit(kPaused2);
  world.eu.SetHealth("paused2", Health::kSuspended, "DeploymentPaused");
  REQUIRE(world.Pass().standing == Standing::kDone);
}

}  // namespace

TEST_CASE("what is paused Succeeded as applied, has no stay, and is not what ran") {
  World world;
  BringPaused(world);
  const Record record = world.Get();
  CHECK(record.outcome == Outcome::kSucceeded);
  CHECK(record.reason == "Suspended");
  CHECK(Has(record.message, "Deployment shop/web is Suspended DeploymentPaused"));
  CHECK(world.Trailer("Reason") == "Suspended");
  CHECK_FALSE(record.healthy_since);
  CHECK(record.releases.at(0).version == "paused2");
  CHECK_FALSE(record.releases.at(0).first_succeeded);
  CHECK(record.last_known_good->release.version == "good1");
  CHECK(record.running->release.version == "paused2");
  CHECK(record.targets.at("eu").health == Health::kSuspended);
  SECTION("it is looked at without news while it stays so") {
    world.Pass(true);
    CHECK(world.LastEvent() == "succeeded");
    CHECK(world.Get().reason == "Suspended");
  }
  SECTION("it is healed all the same") {
    world.Commit(
        {{"environments/prod/environment.yaml", EnvironmentYaml("  drift: {mode: heal}\n")}});
    world.Settle();
    world.eu.Erase(kConfigMap);
    CHECK(world.Pass(true).drift == DriftSeen::kHealed);
  }
}

TEST_CASE("its stay begins when it runs, and then a rollback comes back to it") {
  World world;
  BringPaused(world);
  world.eu.Mend();
  world.engine->clock.Advance(1min);
  world.Pass(true);
  CHECK(world.LastEvent() == "health");
  Record record = world.Get();
  CHECK(record.reason.empty());
  CHECK(record.healthy_since == world.engine->clock.SystemNow());
  CHECK(record.releases.at(0).first_succeeded);
  CHECK(record.last_known_good->release.version == "paused2");
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad3")}});
  world.eu.SetHealth("bad3", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(World::TagIn(world.eu) == "paused2");
}

TEST_CASE(
    "what was set going by hand against Git has its stay, and is not what a rollback restores") {
  World world;
  BringPaused(world);
  world.eu.Mend();
  world.eu.Edit(kDeployment, "kubectl", "/spec/paused", false);
  world.Pass(true);
  CHECK(world.Get().healthy_since);
  CHECK(world.Get().releases.at(0).first_succeeded);
  CHECK(world.Get().last_known_good->release.version == "good1");
}

TEST_CASE("a release that fails after one that never ran goes back to what ran") {
  World world;
  const std::string good = world.Main();
  BringPaused(world);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad3")}});
  world.eu.SetHealth("bad3", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.TreeOf("main") == world.TreeOf(good));
}

TEST_CASE("what was paused already, and is not touched, holds no release of something else back") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.eu.SetHealth("ConfigMap", Health::kSuspended, "Paused");
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  REQUIRE(world.Pass().standing == Standing::kDone);
  CHECK(world.Get().reason.empty());
  CHECK(world.Get().last_known_good->release.version == "good2");
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")},
                {kDirectory + "config.yaml", ConfigMapYaml("web", "2")}});
  REQUIRE(world.Pass().standing == Standing::kDone);
  CHECK(world.Get().reason == "Suspended");
  CHECK(world.Get().last_known_good->release.version == "good2");
}

TEST_CASE("a later commit that lets it run makes it good") {
  World world;
  BringPaused(world);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")}});
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.Get().healthy_since);
  CHECK(world.Get().reason.empty());
  CHECK(world.Get().last_known_good->release.version == "good3");
}

TEST_CASE("a first rollout that is paused leaves nothing to go back to") {
  World world;
  world.eu.SetHealth("good1", Health::kSuspended, "JobSuspended");
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.Get().reason == "Suspended");
  CHECK_FALSE(world.Get().last_known_good);
  CHECK(world.Settle().standing == Standing::kDone);
}

}  // namespace sluice::rollout
