// What operators ask for, and what becomes of it when it cannot be done.
#include "engine/rollout/requests.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

// good1 has Succeeded, bad2 Failed and was reverted. Returns the commit that brought bad2.
std::string FailAndRevert(World& world) {
  REQUIRE(world.Pass().standing == Standing::kDone);
  const std::string bad = world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", /*is_terminal=*/true);
  REQUIRE(world.Pass().standing == Standing::kFailed);
  REQUIRE(world.Settle().standing == Standing::kDone);
  world.eu.Mend();
  return bad;
}

void RefusePushes(World& world) {
  const std::string hook = world.hub.path + "/hooks/update";
  git::WriteFile(hook,
                 "#!/bin/sh\n[ \"$1\" = refs/heads/main ] && echo 'main is protected' >&2 && exit "
                 "1\nexit 0\n");
  git::Run({"chmod", "+x", hook});
}

void AcceptPushes(World& world) { git::Run({"rm", world.hub.path + "/hooks/update"}); }

bool IsInLog(const World& world, const std::string& text) {
  return world.hub.Git({"log", "--format=%B", "deployments"}).find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a retry whose commit the branch refuses is told once, and holds up nothing behind it") {
  World world;
  FailAndRevert(world);
  RefusePushes(world);
  const std::string main = world.Main();
  world.Request("retry");
  world.Request("freeze");
  CHECK(world.Settle().reason == "Frozen");
  CHECK(world.engine->log->Get()->requests.empty());
  CHECK(world.Main() == main);
  CHECK(IsInLog(world, "main is protected"));
  CHECK(IsInLog(world, "push it yourself"));
  const auto events = world.Events();
  CHECK(events[events.size() - 2] == "frozen");  // before all that may fail
  CHECK(events.back() == "request");

  AcceptPushes(world);
  world.Request("unfreeze");
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "bad2");
}

TEST_CASE("an operation id forged on the branch does not pass for the commit of a retry") {
  World world;
  const std::string bad = FailAndRevert(world);
  world.Request("retry");
  std::string id = world.hub.Git({"ls-tree", "--name-only", "deployments", "requests/"});
  id = id.substr(9, id.rfind(".json") - 9);
  world.Commit({{"README.md", "innocent"}},
               "Innocent\n\nSluice-Operation: op-" + Sha256Hex("retry " + id).substr(0, 16) + "\n");
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.TreeOf("main") == world.TreeOf(bad));
  CHECK(World::TagIn(world.eu) == "bad2");
}

TEST_CASE("a retry asked while a rollout is open brings back no failure that comes after it") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  const std::string good = world.Main();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  const bool is_bad = GENERATE(true, false);
  if (is_bad) world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  bool has_asked = false;
  world.eu.OnCall([&](const std::string& call) {
    if (call != "assess" || has_asked) return;
    has_asked = true;
    world.Request("retry");
  });
  CHECK(world.Pass().standing == (is_bad ? Standing::kFailed : Standing::kDone));
  world.eu.OnCall({});
  CHECK(world.engine->log->Get()->requests.empty());
  CHECK(IsInLog(world, "nothing to retry: rollout"));
  world.Settle();
  CHECK((world.TreeOf("main") == world.TreeOf(good)) == is_bad);
  CHECK(World::TagIn(world.eu) == (is_bad ? "good1" : "bad2"));
  CHECK(world.Get().failed.size() == (is_bad ? 1 : 0));
}

TEST_CASE("a retry asked while a rollout waits out an error brings back no older failure") {
  World world;
  FailAndRevert(world);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")}});
  world.eu.Fail("assess", Error(ErrorCode::kPermissionDenied, "pods is forbidden"), 1);
  REQUIRE(world.Pass().standing == Standing::kErrored);
  world.Request("retry");
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good3");
  CHECK(IsInLog(world, "nothing to retry: rollout"));
}

TEST_CASE("a retry of content that left the repository says so and is done with") {
  World world;
  FailAndRevert(world);
  world.Rewrite();
  world.Request("retry");
  const std::string main = world.Main();
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.Main() == main);
  CHECK(world.engine->log->Get()->requests.empty());
  CHECK(IsInLog(world, "is no longer in the repository"));
  CHECK(world.Get().failed.empty());
}

}  // namespace sluice::rollout
