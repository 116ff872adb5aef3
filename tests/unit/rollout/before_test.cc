// What was unhealthy before a rollout and is not changed by it: told, never judged.
#include <algorithm>

#include "tests/unit/rollout/failing.h"

namespace sluice::rollout {
namespace {

const ObjectRef kBroken{"", "ConfigMap", "shop", "broken"};  // stands for any kind

// good1 runs, with an object beside it that has been unhealthy since.
Files WithBroken(const std::string& targets = "[eu]") {
  Files files = Shop();
  files[kDirectory + "app.yaml"] = AppYaml(targets);
  files[kDirectory + "broken.yaml"] = ConfigMapYaml("broken", "broken-here");
  return files;
}

void Break(FakeCluster& cluster) {
  cluster.SetHealth("broken-here", Health::kDegraded, "CrashLoopBackOff", true);
}

const Files kGood2 = {{kDirectory + "release.yaml", ReleaseYaml("good2")}};
const Files kBad2 = {{kDirectory + "release.yaml", ReleaseYaml("bad2")}};

void BadIsBad(World& world) {
  world.eu.SetHealth("bad2", Health::kDegraded, "ImagePullBackOff", true);
}

}  // namespace

TEST_CASE(
    "a good release succeeds beside what was unhealthy before, in every target, and says so") {
  World world(WithBroken("[eu, us]"));
  REQUIRE(world.Pass().standing == Standing::kDone);
  FakeCluster& where = GENERATE(false, true) ? world.eu : world.us;
  Break(where);
  world.Commit(kGood2);
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(World::TagIn(world.us) == "good2");
  CHECK(world.LastEvent() == "succeeded");
  CHECK(Has(world.LastMessage(), "ConfigMap shop/broken is Degraded CrashLoopBackOff"));
  REQUIRE(world.Get().unwell_before.size() == 1);
  CHECK(world.Get().healthy_since);
}

TEST_CASE("what a rollout changes is judged, however it was before") {
  World world(WithBroken());
  REQUIRE(world.Pass().standing == Standing::kDone);
  Break(world.eu);
  world.Commit({{kDirectory + "broken.yaml", ConfigMapYaml("broken", "broken-here-2")}});
  CHECK(world.Pass().standing == Standing::kFailed);
  // It was so before, so the way back is no worse.
  CHECK_FALSE(world.Get().frozen);
  CHECK(world.LastEvent() == "reverted");
}

TEST_CASE("what was well before and becomes bad counts, changed or not") {
  World world(WithBroken());
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit(kGood2);
  world.eu.OnCall([&](const std::string& call) {
    if (call == "apply Deployment shop/web" && World::TagIn(world.eu) == "good1") Break(world.eu);
  });
  CHECK(world.Pass().standing == Standing::kFailed);
}

TEST_CASE("a rollback is not judged by what was unhealthy before either") {
  World world(WithBroken());
  REQUIRE(world.Pass().standing == Standing::kDone);
  Break(world.eu);
  world.Commit(kBad2);
  BadIsBad(world);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK_FALSE(world.Get().frozen);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.LastEvent() == "reverted");
  CHECK(world.Settle().standing == Standing::kDone);
}

TEST_CASE("a restart knows what was so before, although live has changed since") {
  World world(WithBroken());
  REQUIRE(world.Pass().standing == Standing::kDone);
  Break(world.eu);
  const bool is_bad = GENERATE(false, true);
  world.Commit(is_bad ? kBad2 : kGood2);
  world.eu.OnCall([&](const std::string& call) {
    if (call != "assess") return;
    using Fault = deploylog::FaultyRemote::Fault;
    world.engine->remote->FailNextPushes({100, Fault::kLostUnknown});
    world.interruption = Interruption::kStopped;
  });
  (void)world.TryPass().has_value();
  world.eu.OnCall({});
  world.Restart();
  if (is_bad) BadIsBad(world);
  CHECK(world.Pass().standing == (is_bad ? Standing::kFailed : Standing::kDone));
  CHECK_FALSE(world.Get().frozen);
  CHECK(World::TagIn(world.eu) == (is_bad ? "good1" : "good2"));
}

TEST_CASE("what a rollout without a verdict left bad does not pass for what was so before") {
  World world(WithBroken());
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit(kBad2);
  // Its wait is given up, or the rollback that it has begun.
  const bool is_terminal = GENERATE(false, true);
  world.eu.SetHealth("bad2", Health::kDegraded, "ImagePullBackOff", is_terminal);
  world.eu.OnCall([&](const std::string& call) {
    if (call == "assess") world.interruption = Interruption::kSuperseded;
  });
  CHECK(world.Pass().look_again);
  world.eu.OnCall({});
  world.interruption = Interruption::kNone;
  world.Commit({{kDirectory + "config.yaml", ConfigMapYaml("web", "2")}});
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(World::TagIn(world.eu) == "good1");
}

TEST_CASE("live that cannot be read before the first write is no verdict, and nothing is written") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit(kGood2);
  world.eu.ForgetCalls();
  world.eu.Fail("look", kAway, 1);
  CHECK(world.Pass().standing == Standing::kErrored);
  CHECK(world.eu.Writes().empty());
  CHECK(world.Pass().standing == Standing::kDone);
}

TEST_CASE("what is told ends no stay, until it was Healthy once") {
  World world(WithBroken());
  REQUIRE(world.Pass().standing == Standing::kDone);
  Break(world.eu);
  world.Commit(kGood2);
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Pass(/*is_drift_due=*/true);
  CHECK(world.Get().healthy_since);
  CHECK(world.LastEvent() == "succeeded");
  world.eu.Mend();
  world.Pass(true);
  CHECK(world.LastEvent() == "health");
  CHECK(world.Get().unwell_before.empty());
  CHECK(world.Get().healthy_since);
  Break(world.eu);
  world.Pass(true);
  CHECK_FALSE(world.Get().healthy_since);
}

TEST_CASE("what is unhealthy when it is taken over has no stay, and keeps no release out") {
  World world;
  nlohmann::json deployment = {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
      {"spec",
       {{"selector", {{"matchLabels", {{"app", "web"}}}}},
        {"template",
         {{"metadata", {{"labels", {{"app", "web"}}}}},
          {"spec",
           {{"containers",
             nlohmann::json::array(
                 {{{"name", "web"}, {"image", "registry.example/web:good1"}}})}}}}}}}};
  world.Commit({{kDirectory + "config.yaml", ""}});
  world.eu.Put(kDeployment, "apps/v1", deployment);
  world.eu.Edit(kDeployment, "", "/kind", "Deployment");
  world.eu.SetHealth("good1", Health::kProgressing, "RolloutInProgress");
  REQUIRE(world.Pass().standing == Standing::kDone);
  CHECK(world.LastEvent() == "adopted");
  CHECK_FALSE(world.Get().healthy_since);
  CHECK(world.Get().targets.at("eu").health == Health::kProgressing);
  CHECK_FALSE(world.Get().releases.at(0).first_succeeded);
  world.eu.Mend();
  world.Pass(true);
  CHECK(world.Get().healthy_since);
  CHECK(world.Get().releases.at(0).first_succeeded);
}

}  // namespace sluice::rollout
