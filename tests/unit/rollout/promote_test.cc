// Automatic promotion from dev/web to prod/web: the record, the commit, and what comes between.
#include "engine/rollout/promote.h"

#include <algorithm>

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using PromotionEvents = std::vector<std::string>;
using Fault = deploylog::FaultyRemote::Fault;

const UnitId kDevWeb{"dev", "web"};
const std::string kDevRelease = "environments/dev/web/release.yaml";
const std::string kProdRelease = "environments/prod/web/release.yaml";

// dev deploys to cluster us, prod to eu.
Files TwoEnvironments(const std::string& promotion) {
  Files files = Shop();
  std::string& pipeline = files["sluice.yaml"];
  pipeline.replace(pipeline.find("[prod]"), 6, "[dev, prod]");
  files["environments/prod/environment.yaml"] = EnvironmentYaml("  promotion: " + promotion + "\n");
  std::string dev = EnvironmentYaml();
  dev.replace(dev.find("name: prod"), 10, "name: dev");
  files["environments/dev/environment.yaml"] = dev;
  for (const char* name : {"release.yaml", "config.yaml", "deploy.yaml"})
    files["environments/dev/web/" + std::string(name)] = files[kDirectory + name];
  files["environments/dev/web/app.yaml"] = AppYaml("[us]");
  return files;
}

// good1 runs in both, good2 has Succeeded in dev.
void BringToDev(World& world) {
  REQUIRE(world.Pass(false, kDevWeb).standing == Standing::kDone);
  world.engine->clock.Advance(1h);
  REQUIRE(world.Pass().standing == Standing::kDone);
  REQUIRE(World::TagIn(world.eu) == "good1");
  world.Commit({{kDevRelease, ReleaseYaml("good2")}});
  REQUIRE(world.Pass(false, kDevWeb).standing == Standing::kDone);
}

size_t Count(const World& world, const std::string& event) {
  const auto events = world.Events();
  return static_cast<size_t>(std::ranges::count(events, event));
}

// The promotion is recorded; `fault` meets the push of its commit, and then the process dies.
void DieAtCommit(World& world, Fault fault) {
  auto& remote = *world.engine->remote;
  remote.before_push = [&remote, fault] {
    remote.FailNextPushes({fault});
    remote.before_push = [&remote] { remote.FailLists(true); };
  };
  CHECK_FALSE(world.TryPass());
  CHECK(world.LastEvent() == "promoted");
  world.Restart();
}

}  // namespace

TEST_CASE("a promotion is recorded, then committed, and copies the one file that it may") {
  World world(TwoEnvironments("{mode: auto}"));
  BringToDev(world);
  const std::string before = world.Main();
  PromotionEvents at_push;
  world.engine->remote->before_push = [&] {
    at_push.push_back(world.LastEvent() + (world.Main() == before ? "" : " late"));
  };
  const PassResult result = world.Pass();
  CHECK(result.look_again);
  CHECK(at_push == PromotionEvents{"succeeded", "promoted"});
  CHECK(world.hub.Git({"rev-parse", "main^"}) == before);
  CHECK(world.hub.Git({"diff", "--name-only", before, "main"}) == kProdRelease);
  CHECK(world.hub.Git({"rev-parse", "main:" + kProdRelease}) ==
        world.hub.Git({"rev-parse", "main:" + kDevRelease}));
  const std::string message = world.hub.Git({"log", "-1", "--format=%B", "main"});
  const Record record = world.Get();
  CHECK(message.starts_with("Promote web good2 to prod\n"));
  CHECK(message.find("Sluice-From: dev") != std::string::npos);
  CHECK(message.find("Sluice-Operation: " + record.promote_operation) != std::string::npos);
  CHECK(world.Trailer("Operation") == record.promote_operation);
  CHECK(world.Trailer("Promoted-Release").starts_with("good2 "));
  CHECK(world.Trailer("Revision") == before);
  CHECK(world.Trailer("Rollout").empty());
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good2");
  CHECK(Count(world, "promoted") == 1);
}

TEST_CASE("a gate is asked after the plan and before anything is written, a verdict included") {
  World world(TwoEnvironments("{mode: manual}"));
  BringToDev(world);
  world.Commit({{kProdRelease, ReleaseYaml("never-in-dev")}});
  world.eu.SetPrediction("never-in-dev", targets::Prediction::Kind::kRefused, "denied");
  const std::string main = world.Main();
  world.eu.ForgetCalls();
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(world.Get().wait.gates.size() > 0);
  CHECK(world.Get().wait.gates.front().gate == "predecessor");
  CHECK(world.eu.Calls("predict").size() == 1);
  CHECK(world.eu.Writes().empty());
  CHECK(world.LastEvent() == "held");
  CHECK(world.Main() == main);
}

TEST_CASE("a promotion into a file with words of its own changes what it must and no more") {
  Files files = TwoEnvironments("{mode: auto}");
  const std::string prod =
      "# prod is looked after by Olga\napiVersion: sluice.dev/v1\nkind: Release\nmetadata: {name: "
      "web}\nspec:\n  images: # one\n    - tag: 'good1'  # by promotion\n      name: "
      "registry.example/web\n  version: \"good1\"\n";
  files[kProdRelease] = prod;
  World world(files);
  BringToDev(world);
  const auto promoted = [&] {
    std::string wanted = prod;
    for (size_t at = wanted.find("good1"); at != std::string::npos; at = wanted.find("good1", at))
      wanted.replace(at, 5, "good2");
    return wanted;
  };
  SECTION("at once") {
    CHECK(world.Pass().look_again);
    CHECK(world.hub.Git({"show", "main:" + kProdRelease}) + "\n" == promoted());
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "good2");
  }
  SECTION("after a crash behind the commit") {
    DieAtCommit(world, Fault::kLandsUnknown);
    const int commits = world.CommitCount("main");
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(world.CommitCount("main") == commits);
    CHECK(world.hub.Git({"show", "main:" + kProdRelease}) + "\n" == promoted());
  }
}

TEST_CASE("a unit without a release.yaml gets the one that Succeeded upstream") {
  Files files = TwoEnvironments("{mode: auto}");
  std::string& deploy = files["environments/prod/web/deploy.yaml"];
  deploy.replace(deploy.find("registry.example/web"), 20, "registry.example/web:good1");
  files.erase(kProdRelease);
  World world(files);
  REQUIRE(world.Pass(false, kDevWeb).standing == Standing::kDone);
  world.engine->clock.Advance(1h);
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.hub.Git({"rev-parse", "main:" + kProdRelease}) ==
        world.hub.Git({"rev-parse", "main:" + kDevRelease}));
}

TEST_CASE("nothing is committed that the target's manifests cannot take, told once") {
  World world(TwoEnvironments("{mode: auto}"));
  REQUIRE(world.Pass(false, kDevWeb).standing == Standing::kDone);
  world.engine->clock.Advance(1h);
  REQUIRE(world.Pass().standing == Standing::kDone);
  std::string release = ReleaseYaml("good2");
  release += "    - {name: registry.example/side, tag: good2}\n";
  std::string side = Shop()[kDirectory + "deploy.yaml"];
  for (size_t at = side.find("web"); at != std::string::npos; at = side.find("web", at + 4))
    side.replace(at, 3, "side");
  const std::string image = "registry.example/side";
  side.replace(side.find(image), image.size(), image + ":good1");
  world.Commit({{kDevRelease, release}, {"environments/dev/web/side.yaml", side}});
  REQUIRE(world.Pass(false, kDevWeb).standing == Standing::kDone);
  const std::string main = world.Main();
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "ConfigInvalid");
  CHECK(held.message.find("nothing is committed") != std::string::npos);
  CHECK(held.message.find("registry.example/side is in no manifest") != std::string::npos);
  CHECK(world.LastEvent() == "held");
  const auto events = world.Events();
  for (int i = 0; i < 3; ++i) CHECK(world.Pass().reason == "ConfigInvalid");
  CHECK(world.Events() == events);
  CHECK(world.Main() == main);
  CHECK(world.Get().promote_operation.empty());
  CHECK(world.Get().phase == Phase::kIdle);
  CHECK(World::TagIn(world.eu) == "good1");
  // Goes on by itself when the target can.
  world.Commit({{"environments/prod/web/side.yaml", side}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good2");
}

TEST_CASE("what is promoted is what Succeeded upstream, not what upstream declares since") {
  World world(TwoEnvironments("{mode: auto}"));
  BringToDev(world);
  world.Commit({{kDevRelease, ReleaseYaml("good3")}});
  CHECK(world.Pass().look_again);
  CHECK(world.hub.Git({"show", "main:" + kProdRelease}) + "\n" == ReleaseYaml("good2"));
}

TEST_CASE("a crash between the record and the commit of a promotion makes one of each") {
  World world(TwoEnvironments("{mode: auto}"));
  BringToDev(world);
  const int commits = world.CommitCount("main");
  SECTION("the commit never arrived") {
    DieAtCommit(world, Fault::kLostUnknown);
    CHECK(world.CommitCount("main") == commits);
  }
  SECTION("the commit landed unheard") {
    DieAtCommit(world, Fault::kLandsUnknown);
    CHECK(world.CommitCount("main") == commits + 1);
  }
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.CommitCount("main") == commits + 1);
  CHECK(Count(world, "promoted") == 1);
  CHECK(World::TagIn(world.eu) == "good2");
}

TEST_CASE("a promotion commit whose answer was lost is found again by its operation") {
  World world(TwoEnvironments("{mode: auto}"));
  BringToDev(world);
  const int commits = world.CommitCount("main");
  auto& remote = *world.engine->remote;
  remote.before_push = [&remote] {
    remote.FailNextPushes({Fault::kLandsUnknown});
    remote.before_push = {};
  };
  CHECK(world.Pass().look_again);
  CHECK(world.CommitCount("main") == commits + 1);
}

TEST_CASE("an operation id forged on the branch does not pass for the promotion") {
  World world(TwoEnvironments("{mode: auto}"));
  BringToDev(world);
  const auto forge = [&] {
    world.Commit({{"README.md", "innocent"}},
                 "Innocent\n\nSluice-Operation: " + world.Get().promote_operation + "\n");
  };
  SECTION("before the commit") {
    DieAtCommit(world, Fault::kLostUnknown);
    forge();
  }
  SECTION("while it is pushed") {
    auto& remote = *world.engine->remote;
    remote.before_push = [&] {
      if (world.LastEvent() != "promoted") return;
      remote.before_push = {};
      forge();
    };
  }
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good2");
}

TEST_CASE("a branch that refuses the promotion holds the unit, told once") {
  World world(TwoEnvironments("{mode: auto}"));
  BringToDev(world);
  git::WriteFile(world.hub.path + "/hooks/update",
                 "#!/bin/sh\n[ \"$1\" = refs/heads/main ] && echo 'main is protected' >&2 && exit "
                 "1\nexit 0\n");
  git::Run({"chmod", "+x", world.hub.path + "/hooks/update"});
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "PromotionRefused");
  CHECK(held.message.find("main is protected") != std::string::npos);
  const auto events = world.Events();
  CHECK(events.back() == "held");
  for (int i = 0; i < 3; ++i) CHECK(world.Pass().reason == "PromotionRefused");
  CHECK(world.Events() == events);
  CHECK(world.Get().phase == Phase::kIdle);
  CHECK(World::TagIn(world.eu) == "good1");
}

TEST_CASE("a promotion that a person takes back is not made again") {
  World world(TwoEnvironments("{mode: auto}"));
  BringToDev(world);
  CHECK(world.Pass().look_again);
  const std::string back = world.Commit({{kProdRelease, ReleaseYaml("good1")}});
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "PromotionUndone");
  const auto events = world.Events();
  CHECK(events.back() == "held");
  for (int i = 0; i < 3; ++i) CHECK(world.Pass().reason == "PromotionUndone");
  CHECK(world.Events() == events);
  CHECK(world.Main() == back);
  CHECK(World::TagIn(world.eu) == "good1");
}

TEST_CASE("a promotion waits for the soak, says so once, and goes on when it is over") {
  World world(TwoEnvironments("{mode: auto, soak: 30m}"));
  BringToDev(world);
  const std::string main = world.Main();
  const SystemTime since = world.engine->clock.SystemNow();
  for (int i = 0; i < 3; ++i) {
    const PassResult waits = world.Pass();
    CHECK(waits.standing == Standing::kHeld);
    CHECK(waits.reason == "SoakPending");
    REQUIRE(waits.wake);
    CHECK(*waits.wake == since + 30min);
  }
  CHECK(Count(world, "held") == 1);
  CHECK(world.Trailer("Promoted-Release").starts_with("good2 "));
  CHECK(world.Trailer("Revision") == main);
  CHECK(world.Trailer("Rollout").empty());
  CHECK(world.Main() == main);
  world.engine->clock.Advance(30min);
  CHECK(world.Pass().look_again);
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good2");
}

TEST_CASE("nothing is promoted into a frozen unit, or by the engine where persons do it") {
  SECTION("frozen") {
    World world(TwoEnvironments("{mode: auto}"));
    BringToDev(world);
    const std::string main = world.Main();
    world.Request("freeze");
    CHECK(world.Settle().reason == "Frozen");
    CHECK(world.Main() == main);
    CHECK(Count(world, "promoted") == 0);
  }
  SECTION("manual") {
    World world(TwoEnvironments("{mode: manual}"));
    BringToDev(world);
    const std::string main = world.Main();
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(world.Main() == main);
    CHECK(Count(world, "promoted") == 0);
  }
}

TEST_CASE("a release that failed in the target is not promoted into it again") {
  World world(TwoEnvironments("{mode: auto}"));
  BringToDev(world);
  world.eu.SetHealth("good2", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().look_again);
  CHECK(world.Pass().standing == Standing::kFailed);
  world.Settle();
  const std::string main = world.Main();
  for (int i = 0; i < 3; ++i) world.Pass();
  CHECK(world.Main() == main);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(Count(world, "promoted") == 1);
}

}  // namespace sluice::rollout
