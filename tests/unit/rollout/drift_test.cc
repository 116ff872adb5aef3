#include "engine/rollout/drift.h"

#include <algorithm>

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using DriftLines = std::vector<std::string>;

Files Healing() {
  Files files = Shop();
  files["environments/prod/environment.yaml"] = EnvironmentYaml("  drift: {mode: heal}\n");
  return files;
}

}  // namespace

TEST_CASE(
    "drift is recorded once per change, with the object and the field, and nothing is written") {
  World world;
  world.Pass();
  world.eu.ForgetCalls();
  CHECK(world.Pass(true).drift == DriftSeen::kNone);
  world.eu.Edit(kConfigMap, "kubectl-edit", "/data/key", "other");
  CHECK(world.Pass(true).drift == DriftSeen::kDrifted);
  world.Pass(true);
  CHECK(world.Events() == DriftLines{"started", "succeeded", "drifted"});
  REQUIRE(world.Get().drift.size() == 1);
  CHECK(world.Get().drift[0].find("ConfigMap shop/web") != std::string::npos);
  CHECK(world.Get().drift[0].find("/data/key") != std::string::npos);
  CHECK(world.eu.Writes().empty());
  world.eu.Edit(kConfigMap, "kubectl-edit", "/data/key", "1");
  CHECK(world.Pass(true).drift == DriftSeen::kNone);
  CHECK(world.Get().drift.empty());
}

TEST_CASE("a drift check asks the server once, and again only about what differs") {
  World world;
  world.Pass();
  world.eu.ForgetCalls();
  world.Pass(true);
  CHECK(world.eu.Calls("predict").size() == 1);
  world.eu.Edit(kConfigMap, "kubectl-edit", "/data/key", "other");
  world.eu.ForgetCalls();
  world.Pass(true);
  CHECK(world.eu.Calls("predict").size() == 2);
  CHECK(world.LastMessage().find("kubectl-edit") != std::string::npos);
}

TEST_CASE("drift compares with what runs, not with the tip") {
  World world;
  world.Pass();
  world.Request("freeze");
  world.Pass();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  CHECK(world.Pass(true).drift == DriftSeen::kNone);
}

TEST_CASE(
    "a heal pushes drifted before its first write and healed after, and makes no commit to the "
    "branch") {
  World world(Healing());
  world.Pass();
  const std::string main = world.Main();
  world.eu.Edit(kConfigMap, "fighter", "/data/key", "other");
  world.eu.ForgetCalls();
  DriftLines seen;
  world.eu.OnCall([&](const std::string& call) {
    if (call.starts_with("apply ")) seen.push_back(call + " after " + world.LastEvent());
  });
  CHECK(world.Pass(true).drift == DriftSeen::kHealed);
  CHECK(seen == DriftLines{"apply ConfigMap shop/web after drifted"});
  CHECK(world.LastEvent() == "healed");
  CHECK(world.LastMessage().find("fighter") != std::string::npos);
  CHECK(world.eu.Find(kConfigMap)->body["data"]["key"] == "1");
  CHECK(world.Main() == main);
}

TEST_CASE("a heal that does not last names who fights, until it lasts") {
  World world(Healing());
  world.Pass();
  const auto fight = [&] {
    world.eu.Edit(kConfigMap, "hpa-controller", "/data/key", "theirs");
    return world.Pass(true).drift;
  };
  CHECK(fight() == DriftSeen::kHealed);
  CHECK(world.Get().reason.empty());  // once is no fight
  CHECK(world.LastMessage().starts_with("prod/web: drift healed\n"));
  CHECK(fight() == DriftSeen::kHealed);
  const Record record = world.Get();
  CHECK(record.reason == "HealFought");
  CHECK(record.message.find("'hpa-controller' fights the heal of ConfigMap shop/web") == 0);
  CHECK(record.wait.wake == world.engine->clock.SystemNow() + Duration(12min));
  CHECK(record.outcome == Outcome::kSucceeded);
  CHECK(world.Trailer("Event") == "healed");
  CHECK(world.LastMessage().find("'hpa-controller' fights") != std::string::npos);
  CHECK(world.hub.Git({"log", "-1", "--skip=1", "--format=%s", "deployments"}) ==
        "prod/web: 1 objects drifted again after a heal, changed by hpa-controller");
  CHECK(HealsInRow(record, 3min) == 2);
  SECTION("it goes on") {
    CHECK(fight() == DriftSeen::kHealed);
    CHECK(world.Get().message.find("healed 3 times in a row") != std::string::npos);
    CHECK(HealsInRow(world.Get(), 3min) == 3);
  }
  SECTION("it lasts") {
    CHECK(world.Pass(true).drift == DriftSeen::kNone);
    CHECK(world.Get().reason.empty());
    CHECK_FALSE(world.Get().wait.wake);
    CHECK(world.LastEvent() == "healed");
    const size_t count = world.Events().size();
    world.Pass(true);
    CHECK(world.Events().size() == count);
    CHECK(HealsInRow(world.Get(), 3min) == 0);
  }
  SECTION("new content ends it") {
    world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
    world.Pass();
    CHECK(world.Get().reason.empty());
  }
}

TEST_CASE("an object that somebody deletes again and again leaves no name, which is said") {
  World world(Healing());
  world.Pass();
  for (int i = 0; i < 2; ++i) {
    world.eu.Erase(kConfigMap);
    CHECK(world.Pass(true).drift == DriftSeen::kHealed);
  }
  CHECK(world.Get().message.find("somebody who leaves no field manager") == 0);
}

TEST_CASE("the pause after a heal doubles up to 32 intervals") {
  const int intervals[] = {2, 4, 8, 16, 32, 32};
  for (int i = 0; i < 6; ++i) CHECK(HealPause(3min, i + 1) == intervals[i] * Duration(3min));
}

TEST_CASE("a frozen unit's drift is reported and not healed") {
  World world(Healing());
  world.Pass();
  world.Request("freeze");
  world.Pass();
  world.eu.ForgetCalls();
  world.eu.Erase(kConfigMap);
  CHECK(world.Pass(true).reason == "Frozen");
  CHECK(world.LastEvent() == "drifted");
  CHECK(world.eu.Writes().empty());
}

TEST_CASE("a change of health is recorded and ends the Healthy stay") {
  World world;
  world.Pass();
  world.engine->clock.Advance(10min);
  world.eu.SetHealth("good1", Health::kDegraded, "CrashLoopBackOff");
  world.Pass(true);
  world.Pass(true);
  const auto events = world.Events();
  CHECK(std::ranges::count(events, "health") == 1);
  CHECK_FALSE(world.Get().healthy_since);
  CHECK(world.Get().releases[0].longest_stay >= Duration(10min));
  CHECK(world.Get().targets.at("eu").health == Health::kDegraded);
  world.eu.Mend();
  world.Pass(true);
  CHECK(world.LastEvent() == "health");
  CHECK(world.Get().healthy_since == world.engine->clock.SystemNow());
}

TEST_CASE("live that cannot be read is neither drift nor a change of health") {
  World world;
  world.Pass();
  world.eu.Fail("observe", Error(ErrorCode::kUnavailable, "away"));
  CHECK(world.Pass(true).drift == DriftSeen::kNotChecked);
  CHECK(world.Events() == DriftLines{"started", "succeeded"});
}

}  // namespace sluice::rollout
