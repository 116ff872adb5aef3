// Several targets of one unit, and pruning, which comes last everywhere.
#include <algorithm>

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using Lines = std::vector<std::string>;

Files TwoTargets() {
  Files files = Shop();
  files[kDirectory + "app.yaml"] = AppYaml("[eu, us]");
  return files;
}

// The next pass is to prune `old`.
void DropOld(World& world, const Files& more = {}) {
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.eu.ForgetCalls();
  Files files = more;
  files[kDirectory + "old.yaml"] = "";
  world.Commit(files);
}

}  // namespace

TEST_CASE("targets are rolled out one after the other, each healthy before the next is written") {
  World world(TwoTargets());
  Lines us_at_eu_health;
  bool eu_was_healthy = false;
  world.eu.OnCall([&](const std::string& call) { eu_was_healthy |= call == "assess"; });
  world.us.OnCall([&](const std::string& call) {
    if (call.starts_with("apply")) CHECK(eu_was_healthy);
  });
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(World::TagIn(world.us) == "good1");
  CHECK(world.Events() == Lines{"started", "succeeded"});
  const Record record = world.Get();
  CHECK(record.targets.at("eu").outcome == Outcome::kSucceeded);
  CHECK(record.targets.at("us").outcome == Outcome::kSucceeded);
  CHECK(world.Inventory().size() == 2);
}

TEST_CASE("a failure in the second target rolls both back") {
  World world(TwoTargets());
  const std::string good = world.Main();
  world.Pass();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  world.us.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(World::TagIn(world.us) == "good1");
  CHECK(world.TreeOf("main") == world.TreeOf(good));
  CHECK(world.Events() ==
        Lines{"started", "succeeded", "started", "failed", "rolledback", "reverted"});
  const std::string failed =
      world.hub.Git({"log", "--grep=Sluice-Event: failed", "--format=%H", "deployments"});
  CHECK(world.hub.Git({"show", failed + ":prod/web.json"}).find("CrashLoopBackOff") !=
        std::string::npos);
}

TEST_CASE("a failure in the first target never reaches the second") {
  World world(TwoTargets());
  world.Pass();
  world.us.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(world.us.Writes().empty());
  CHECK(World::TagIn(world.eu) == "good1");
}

TEST_CASE("a target without a verdict stops the rest") {
  World world(TwoTargets());
  world.Pass();
  world.us.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("new2")}});
  world.eu.Fail("assess", Error(ErrorCode::kUnavailable, "no route to host"));
  CHECK(world.Pass().standing == Standing::kErrored);
  CHECK(world.us.Writes().empty());
  CHECK(World::TagIn(world.us) == "good1");
  world.eu.Mend();
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(World::TagIn(world.us) == "new2");
}

TEST_CASE("a target that cannot be read keeps the others from being written") {
  World world(TwoTargets());
  world.us.Fail("observe", Error(ErrorCode::kUnavailable, "no route to host"));
  CHECK(world.Pass().standing == Standing::kErrored);
  CHECK(world.eu.Writes().empty());
}

TEST_CASE("objects in a target that is no longer named stay and are listed") {
  World world(TwoTargets());
  world.Pass();
  world.us.ForgetCalls();
  world.Commit({{kDirectory + "app.yaml", AppYaml("[eu]")},
                {kDirectory + "release.yaml", ReleaseYaml("good2")}});
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.us.Writes().empty());
  CHECK(World::TagIn(world.us) == "good1");
  CHECK(world.Inventory()["us"].size() == 2);
  CHECK(world.LastMessage().find("target us is no longer named; 2 objects stay there") !=
        std::string::npos);
}

TEST_CASE("prune comes last, after health and smoke tests, dry run first") {
  World world(WithOld());
  DropOld(world, {{kDirectory + "app.yaml", AppYaml("[eu]", kSmokeTest)},
                  {kDirectory + "release.yaml", ReleaseYaml("good2")}});
  Lines order;
  world.http.on_request = [&] { order.push_back("smoke"); };
  world.eu.OnCall([&](const std::string& call) {
    if (call == "assess" || call.starts_with("delete") || call.starts_with("apply"))
      order.push_back(call);
  });
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(order == Lines{"apply Deployment shop/web", "assess", "smoke",
                       "delete-dry-run ConfigMap shop/old", "delete ConfigMap shop/old"});
  CHECK_FALSE(world.eu.Find(kOld));
  CHECK_FALSE(world.Inventory()["eu"].contains(kOld));
}

TEST_CASE("nothing is pruned when the rollout is not healthy") {
  World world(WithOld());
  DropOld(world, {{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(world.eu.Calls("delete").empty());
  CHECK(world.eu.Find(kOld));
  CHECK(world.Inventory()["eu"].contains(kOld));
}

TEST_CASE("pruning waits for the last target's verdict") {
  Files files = WithOld();
  files[kDirectory + "app.yaml"] = AppYaml("[eu, us]");
  World world(files);
  DropOld(world);
  bool us_was_healthy = false;
  world.us.OnCall([&](const std::string& call) { us_was_healthy |= call == "assess"; });
  world.eu.OnCall([&](const std::string& call) {
    if (call.starts_with("delete")) CHECK(us_was_healthy);
  });
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK_FALSE(world.eu.Find(kOld));
  CHECK_FALSE(world.us.Find(kOld));
}

TEST_CASE("an object that lost our mark, or is protected, is never pruned") {
  World world(WithOld());
  DropOld(world);
  SECTION("another's mark") {
    world.eu.Edit(kOld, "kubectl", "/metadata/labels", nlohmann::json::object());
  }
  SECTION("protected") { world.eu.Protect(kOld, "controlled by ReplicaSet x"); }
  SECTION("a mark lost between the plan and the delete") {
    world.eu.OnCall([&](const std::string& call) {
      if (call == "assess")
        world.eu.Edit(kOld, "kubectl", "/metadata/labels", nlohmann::json::object());
    });
  }
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.eu.Find(kOld));
  CHECK(world.eu.Calls("delete ConfigMap").empty());
}

TEST_CASE("more to prune than the cap allows holds the unit before anything is written") {
  Files files = Shop();
  for (int i = 0; i < 12; ++i) {
    const std::string name = "old-" + std::to_string(i);
    files[kDirectory + name + ".yaml"] = ConfigMapYaml(name);
  }
  World world(files);
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.eu.ForgetCalls();
  Files removed;
  for (int i = 0; i < 12; ++i) removed[kDirectory + "old-" + std::to_string(i) + ".yaml"] = "";
  removed[kDirectory + "release.yaml"] = ReleaseYaml("good2");
  world.Commit(removed);
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "PruneCapExceeded");
  CHECK(world.eu.Writes().empty());
  world.Commit({{"environments/prod/environment.yaml",
                 EnvironmentYaml("  prune: {maxCount: 20, maxPercent: 100}\n")}});
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.eu.Names() == Lines{"ConfigMap shop/web", "Deployment shop/web"});
}

}  // namespace sluice::rollout
