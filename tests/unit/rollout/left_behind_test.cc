// Rollbacks that go as far as they go: what could not go back is named, and keeps no fix out.
#include <algorithm>

#include "tests/unit/rollout/failing.h"

namespace sluice::rollout {
namespace {

using targets::Prediction;

const ObjectRef kPinned{"", "ConfigMap", "shop", "pinned"};

std::string Log(const World& world) { return world.hub.Git({"log", "--format=%B", "deployments"}); }

// good1 with an object beside it, both changed by bad2.
void BringBad(World& world) {
  world.Commit({{kDirectory + "pinned.yaml", ConfigMapYaml("pinned", "old-pin")}});
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")},
                {kDirectory + "config.yaml", ConfigMapYaml("web", "2")},
                {kDirectory + "pinned.yaml", ConfigMapYaml("pinned", "new-pin")}});
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
}

void CheckPinned(World& world, const std::string& why) {
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.eu.Find(kConfigMap)->body["data"]["key"] == "1");
  CHECK(world.eu.Find(kPinned)->body["data"]["key"] == "new-pin");
  CHECK_FALSE(world.Get().frozen);
  CHECK(Has(Log(world), "ConfigMap shop/pinned stays: " + why));
  const auto events = world.Events();
  CHECK(std::ranges::count(events, "rolledback") == 1);
  CHECK(std::ranges::count(events, "reverted") == 1);
}

}  // namespace

TEST_CASE("what the server refuses to take back stays and is named; the rest goes back") {
  World world;
  const std::string why = GENERATE("spec.resources: may not be less than before",
                                   "admission webhook denied it", "field is immutable");
  BringBad(world);
  world.eu.SetPrediction(
      "old-pin",
      why == "field is immutable" ? Prediction::Kind::kImmutable : Prediction::Kind::kRefused, why);
  CHECK(world.Pass().standing == Standing::kFailed);
  CheckPinned(world, "the server refuses it: " + why);
  SECTION("it is said for as long as it is so, and no loop comes of it") {
    const PassResult held = world.Settle();
    CHECK(held.standing == Standing::kHeld);
    CHECK(held.reason == "RollbackIncomplete");
    CHECK(Has(held.message, "ConfigMap shop/pinned"));
    const size_t count = world.Events().size();
    const int main = world.CommitCount("main");
    for (int i = 0; i < 5; ++i) world.Pass();
    CHECK(world.Events().size() == count);
    CHECK(world.CommitCount("main") == main);
    CHECK(world.Get().failed.size() == 1);
  }
  SECTION("it goes back as soon as the server takes it") {
    world.Settle();
    world.eu.Mend();
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(world.eu.Find(kPinned)->body["data"]["key"] == "old-pin");
  }
  SECTION("a fix of something else is taken, and it stays and is told") {
    world.Settle();
    world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")}});
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "good3");
    CHECK(world.eu.Find(kPinned)->body["data"]["key"] == "new-pin");
    CHECK(std::ranges::count(world.Events(), "failed") == 1);
    CHECK(Has(world.LastMessage(), "ConfigMap shop/pinned stays: the server refuses it: " + why));
  }
  SECTION("a fix is tried") {
    world.Settle();
    world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")},
                  {kDirectory + "pinned.yaml", ConfigMapYaml("pinned", "new-pin")}});
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "good3");
  }
}

TEST_CASE("what others rely on is not taken away by a rollback") {
  World world;
  BringBad(world);
  world.eu.SetTakesAway("old-pin", "version v2, which is served");
  CHECK(world.Pass().standing == Standing::kFailed);
  CheckPinned(world, "applying it would take away version v2, which is served");
  world.Settle();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good3");
  CHECK(world.eu.Find(kPinned)->body["data"]["key"] == "new-pin");
}

TEST_CASE("what was never good is refused again, whoever declared it first") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit({{kDirectory + "pinned.yaml", ConfigMapYaml("pinned", "new-pin")}});
  world.eu.FailObject("apply", "ConfigMap shop/pinned",
                      Error(ErrorCode::kUnavailable, "no route to host"));
  REQUIRE(world.Pass().standing == Standing::kErrored);
  world.eu.Mend();
  world.eu.SetPrediction("new-pin", Prediction::Kind::kRefused, "denied");
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  world.Settle();
  CHECK(std::ranges::count(world.Events(), "failed") == 1);
  CHECK(World::TagIn(world.eu) == "good1");
}

TEST_CASE("what only the write shows to be refused keeps nothing else from going back") {
  World world;
  BringBad(world);
  world.eu.OnCall([&](const std::string& call) {
    if (call == "assess") world.eu.FailObject("apply", "ConfigMap shop/pinned", kRefusal);
  });
  CHECK(world.Pass().standing == Standing::kFailed);
  CheckPinned(world, "spec.replicas: must be positive");
}

TEST_CASE("an object that cannot be asked about now keeps nothing else from going back") {
  World world;
  BringBad(world);
  const bool at_plan = GENERATE(false, true);
  world.eu.OnCall([&](const std::string& call) {
    if (call != "assess") return;
    // The webhook of one object is away: for the dry run of all of them, and for its own write.
    if (at_plan) world.eu.Fail("predict", kAway, 1);
    world.eu.FailObject("apply", "ConfigMap shop/pinned", kAway);
  });
  CHECK(world.Pass().standing == Standing::kErrored);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.Get().IsRollingBack());
  world.eu.OnCall({});
  world.eu.Mend();
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(world.eu.Find(kPinned)->body["data"]["key"] == "old-pin");
  CHECK(world.LastEvent() == "reverted");
}

TEST_CASE("a part that cannot go back and leaves the rest unhealthy freezes nothing") {
  World world;
  BringBad(world);
  world.eu.SetPrediction("old-pin", Prediction::Kind::kRefused, "not any more");
  world.eu.OnCall([&](const std::string& call) {
    if (call == "replace") world.eu.SetHealth("good1", Health::kDegraded, "CrashLoopBackOff", true);
  });
  CHECK(world.Pass().standing == Standing::kFailed);
  const Record record = world.Get();
  CHECK_FALSE(record.frozen);
  CHECK_FALSE(record.running);
  CHECK(Has(Log(world), "Sluice-Reason: RollbackIncomplete"));
  world.eu.OnCall({});
  world.eu.Mend();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")},
                {kDirectory + "pinned.yaml", ConfigMapYaml("pinned", "new-pin")}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good3");
}

TEST_CASE("one target that cannot take something back keeps no other from going back") {
  World world;
  world.Commit({{kDirectory + "app.yaml", AppYaml("[eu, us]")}});
  BringBad(world);
  world.eu.SetPrediction("old-pin", Prediction::Kind::kRefused, "not any more");
  CHECK(world.Pass().standing == Standing::kFailed);
  CheckPinned(world, "the server refuses it: not any more");
  CHECK(World::TagIn(world.us) == "good1");
}

}  // namespace sluice::rollout
