// A rollout whose lease is late, because Git is away, or lost, because another engine took it.
#include <algorithm>
#include <utility>

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using Strs = std::vector<std::string>;
using Fault = deploylog::FaultyRemote::Fault;

void BringNewTag(World& world) {
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("new2")},
                {kDirectory + "config.yaml", ConfigMapYaml("web", "2")}});
  world.lease_is_renewed = false;
  world.eu.ForgetCalls();
}

void Renew(World& world) { REQUIRE(world.engine->lease->RenewIfDue(world.engine->MakeCall())); }

// Git is away at the `first` call that begins with `step`, and back at the `last`.
void AwayFor(World& world, const std::string& step, Duration away, int first, int last) {
  auto seen = std::make_shared<int>(0);
  world.eu.OnCall([&world, step, away, first, last, seen](const std::string& call) {
    if (!call.starts_with(step)) return;
    ++*seen;
    if (*seen == first) world.engine->clock.Advance(away);
    if (*seen == last) Renew(world);
  });
}

}  // namespace

TEST_CASE("a health wait outlives Git being away twice, and ends with its verdict") {
  const bool is_good = GENERATE(true, false);
  World world;
  BringNewTag(world);
  world.eu.SetHealth("new2", Health::kProgressing, "", false, 8);
  if (!is_good) world.eu.SetHealth("new2", Health::kDegraded, "CrashLoopBackOff", true);
  int assessed = 0;
  world.eu.OnCall([&](const std::string& call) {
    if (call != "assess") return;
    ++assessed;
    if (assessed == 2 || assessed == 5) world.engine->clock.Advance(45s);
    if (assessed == 4 || assessed == 7) Renew(world);
  });
  const PassResult result = world.Pass();
  world.eu.OnCall({});
  CHECK(assessed >= 9);
  CHECK(result.standing == (is_good ? Standing::kDone : Standing::kFailed));
  CHECK(World::TagIn(world.eu) == (is_good ? "new2" : "good1"));
  CHECK(world.LastEvent() == (is_good ? "succeeded" : "reverted"));
  CHECK(world.Get().attempt == 1);
  CHECK(std::ranges::count(world.Events(), "held") == 0);
}

TEST_CASE("what a late lease kept from being written is written when it is renewed, once") {
  World world;
  BringNewTag(world);
  // Between the two stages: the first is written, the second waits.
  world.eu.OnCall([&](const std::string& call) {
    if (call != "await") return;
    world.engine->clock.Advance(41s);
    world.lease_is_renewed = true;  // from the next look on
  });
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.eu.Writes() == Strs{"apply ConfigMap shop/web", "apply Deployment shop/web"});
  CHECK(world.Events() == Strs{"started", "succeeded", "started", "succeeded"});
}

TEST_CASE("a stage that is cut short by a late lease goes on with what it has not written") {
  World world;
  Files more;
  for (const char* name : {"a", "b", "c"}) more[kDirectory + name + ".yaml"] = ConfigMapYaml(name);
  world.Commit(more);
  BringNewTag(world);
  for (const char* name : {"a", "b", "c"})
    more[kDirectory + name + ".yaml"] = ConfigMapYaml(name, "2");
  world.Commit(more);
  world.eu.OnCall([&](const std::string& call) {
    if (call != "apply ConfigMap shop/b") return;
    world.engine->clock.Advance(41s);  // too late for the next one
    world.lease_is_renewed = true;
  });
  CHECK(world.Pass().standing == Standing::kDone);
  Strs writes = world.eu.Writes();
  std::ranges::sort(writes);
  CHECK(std::ranges::adjacent_find(writes) == writes.end());
  CHECK(writes.size() == 5);
}

TEST_CASE("a decided rollback writes without Git for as long as nobody can have taken over") {
  World world;
  BringNewTag(world);
  world.eu.SetHealth("new2", Health::kDegraded, "CrashLoopBackOff", true);
  SECTION("41 s after the last renewal it goes on") {
    AwayFor(world, "predict", 41s, 2, 0);  // the second is that of the rollback
    CHECK(world.Pass().standing == Standing::kFailed);
    CHECK(World::TagIn(world.eu) == "good1");
  }
  SECTION("55 s after it waits, and is carried through when Git is back") {
    world.eu.OnCall([&](const std::string& call) {
      if (call == "assess") world.engine->clock.Advance(56s);
      if (call == "predict") world.lease_is_renewed = true;
    });
    CHECK(world.Pass().standing == Standing::kFailed);
    CHECK(World::TagIn(world.eu) == "good1");
    CHECK(world.Get().outcome == Outcome::kFailed);
  }
}

TEST_CASE("a lease that is lost during a rollback ends it without another write") {
  World world;
  BringNewTag(world);
  world.eu.SetHealth("new2", Health::kDegraded, "CrashLoopBackOff", true);
  bool is_rollback = false;
  world.eu.OnCall([&](const std::string& call) {
    if (call == "assess") is_rollback = true;
    if (!is_rollback || !call.starts_with("apply ConfigMap")) return;
    world.engine->lease->Lost();
    world.interruption = Interruption::kLeaseLost;
  });
  const auto result = world.TryPass();
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == ErrorCode::kHeldElsewhere);
  CHECK(world.eu.Writes() ==
        Strs{"apply ConfigMap shop/web", "apply Deployment shop/web", "apply ConfigMap shop/web"});
}

TEST_CASE("an end that cannot be pushed is no crash, however often") {
  World world;
  BringNewTag(world);
  world.lease_is_renewed = true;
  for (int time = 0; time < 3; ++time) {
    world.eu.OnCall([&](const std::string& call) {
      if (call == "assess") world.engine->remote->FailNextPushes({10, Fault::kLostUnknown});
    });
    CHECK_FALSE(world.TryPass());
    world.engine->remote->FailNextPushes({});
    CHECK(world.Get().IsOpen());
  }
  world.eu.OnCall({});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.Get().attempt == 1);
  CHECK(world.Get().outcome == Outcome::kSucceeded);
}

TEST_CASE("what comes back after it was pruned is found before the rollout has Succeeded") {
  World world;
  world.Commit({{kDirectory + "old.yaml", ConfigMapYaml("old")}});
  REQUIRE(world.Pass().standing == Standing::kDone);
  const auto created = world.eu.Find(kOld);
  REQUIRE(created);
  world.Commit({{kDirectory + "old.yaml", ""}});
  int pruned = 0, looks = 0;
  const int late = GENERATE(1, 2);  // the look before which it arrives
  auto again = *created;
  again.uid = "uid-of-the-late-one";
  world.eu.OnCall([&](const std::string& call) {
    if (call == "delete ConfigMap shop/old") ++pruned;
    if (call != "observe" || pruned == 0 || ++looks != late) return;
    world.eu.PutBack(kOld, again);  // as another engine's request that was under way
  });
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kErrored);
  CHECK(result.reason == "ChangedMeanwhile");
  CHECK_THAT(result.message, Catch::Contains("ConfigMap shop/old"));
  world.engine->clock.Advance(10s);
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK_FALSE(world.eu.Find(kOld));
  CHECK(pruned == 2);
}

}  // namespace sluice::rollout
