// The revert commit: what passes for it, and what it needs of the history.
#include "engine/rollout/revert.h"

#include "engine/base/hash.h"
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

const Files kBad = {{kDirectory + "release.yaml", ReleaseYaml("bad2")}};

void BreakBad(World& world) {
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", /*is_terminal=*/true);
}

}  // namespace

TEST_CASE("an operation id forged on the branch does not pass for the revert") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  const std::string good = world.Main();
  const std::string bad = world.Commit(kBad);
  BreakBad(world);
  std::string forged;
  world.eu.OnCall([&](const std::string& call) {
    if (!forged.empty() || call != "apply Deployment shop/web") return;
    const std::string operation =
        "op-" + Sha256Hex("revert prod/web " + world.Get().rollout).substr(0, 16);
    forged = world.Commit({{"README.md", "innocent"}},
                          "Innocent\n\nSluice-Operation: " + operation + "\n");
  });
  CHECK(world.Pass().standing == Standing::kFailed);
  REQUIRE_FALSE(forged.empty());
  CHECK(world.TreeOf("main") == world.TreeOf(good));
  CHECK(world.hub.Git({"rev-parse", "main^"}) == forged);
  CHECK(world.LastEvent() == "reverted");
  CHECK(world.Trailer("Reverts") == bad);
}

TEST_CASE("a revert needs no commit of before a rewrite of history, only the good tree") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Rewrite();
  const std::string good = world.Main();
  const std::string bad = world.Commit(kBad);
  BreakBad(world);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.TreeOf("main") == world.TreeOf(good));
  CHECK_FALSE(world.Get().pending_revert);
  CHECK(world.LastEvent() == "reverted");
  CHECK(world.Trailer("Reverts") == bad);
  CHECK(world.Settle().standing == Standing::kDone);
}

TEST_CASE("a revert goes on after a rewrite that lost the failed commit, too") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  const std::string good = world.Main();
  world.Commit(kBad);
  BreakBad(world);
  // The remote goes away after the rollback, so that the revert is left to the next process.
  auto& remote = *world.engine->remote;
  remote.before_list = [&] { remote.FailLists(world.LastEvent() == "rolledback"); };
  (void)world.TryPass();
  REQUIRE(world.Get().pending_revert);
  const std::string tree = world.TreeOf(good);
  world.Rewrite();
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.TreeOf("main") == tree);
  CHECK_FALSE(world.Get().pending_revert);
}

}  // namespace sluice::rollout
