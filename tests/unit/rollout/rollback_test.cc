// Live going back to last known good, and where it cannot.
#include <algorithm>

#include "tests/unit/rollout/failing.h"

namespace sluice::rollout {

using targets::Prediction;

TEST_CASE("a rollback deletes what the failed rollout created, and not what it took over") {
  World world;
  const ObjectRef created{"", "ConfigMap", "shop", "extra"};
  const ObjectRef taken{"", "ConfigMap", "shop", "theirs"};
  world.Pass();
  world.eu.Put(taken, "v1",
               {{"apiVersion", "v1"},
                {"kind", "ConfigMap"},
                {"metadata", {{"name", "theirs"}, {"namespace", "shop"}}},
                {"data", {{"key", "1"}}}});
  world.Commit({{kDirectory + "extra.yaml", ConfigMapYaml("extra")},
                {kDirectory + "theirs.yaml", ConfigMapYaml("theirs")},
                {kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  world.eu.Edit(taken, "", "/data/key", "1");
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK_FALSE(world.eu.Find(created));
  CHECK(world.eu.Find(taken));
  CHECK(world.eu.Find(kConfigMap));
  CHECK(World::TagIn(world.eu) == "good1");
  const auto inventory = world.Inventory()["eu"];
  CHECK_FALSE(inventory.contains(created));
}

TEST_CASE(
    "last known good that the server refuses now stays away: said, not frozen, Git reverted all "
    "the same") {
  World world;
  const std::string good = world.Main();
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  world.eu.SetPrediction("good1", Prediction::Kind::kRefused, "admission webhook denied it");
  CHECK(world.Pass().standing == Standing::kFailed);
  const Record record = world.Get();
  CHECK_FALSE(record.frozen);
  CHECK(Has(record.message, "admission webhook denied it"));
  CHECK_FALSE(record.healthy_since);
  CHECK(record.targets.at("eu").health == Health::kDegraded);
  CHECK(world.TreeOf("main") == world.TreeOf(good));
  const auto events = world.Events();
  CHECK(std::ranges::count(events, "frozen") == 0);
  CHECK(std::ranges::count(events, "reverted") == 1);
  world.eu.ForgetCalls();
  CHECK(world.Settle().reason == "RollbackIncomplete");
  CHECK(world.eu.Writes().empty());
}

TEST_CASE("a rollback that does not become healthy is impossible") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  world.eu.OnCall([&](const std::string& call) {
    if (call == "replace") world.eu.SetHealth("good1", Health::kDegraded, "NodeGone", true);
  });
  CHECK(world.Pass().standing == Standing::kFailed);
  REQUIRE(world.Get().frozen);
  CHECK(Has(world.Get().frozen->reason, "NodeGone"));
  // What runs is neither version for sure.
  CHECK_FALSE(world.Get().running);
  CHECK(world.Get().targets.at("eu").health == Health::kUnknown);
}

TEST_CASE("a rollback to what was unhealthy before is no worse than before") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  world.eu.SetHealth("good1", Health::kDegraded, "NodeGone", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK_FALSE(world.Get().frozen);
  CHECK_FALSE(world.Get().healthy_since);
  CHECK(world.Get().targets.at("eu").health == Health::kDegraded);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(Has(world.hub.Git({"log", "--format=%B", "deployments"}),
            "Deployment shop/web is Degraded NodeGone; it was unhealthy before"));
}

TEST_CASE("a rollback that cannot reach the cluster is tried again until it is done") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  world.eu.OnCall([&](const std::string& call) {
    if (call == "assess") world.eu.Fail("observe", kAway);
  });
  const PassResult first = world.Pass();
  CHECK(first.standing == Standing::kErrored);
  REQUIRE(first.wake);
  CHECK(World::TagIn(world.eu) == "bad2");
  CHECK(world.LastEvent() == "failed");
  CHECK(world.Get().IsRollingBack());
  world.eu.OnCall({});
  world.eu.Fail("observe", kAway, 0);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.Events() ==
        FailureNames{"started", "succeeded", "started", "failed", "rolledback", "reverted"});
}

}  // namespace sluice::rollout
