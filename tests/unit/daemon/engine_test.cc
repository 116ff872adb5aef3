#include "engine/daemon/engine.h"

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::daemon {
namespace {

using rollout::kDirectory;
using rollout::kWeb;
using rollout::ReleaseYaml;
using rollout::Standing;
using rollout::World;

}  // namespace

TEST_CASE("a sync that ends by an error hands back what was settled before it") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  const std::string good = world.Main();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", /*is_terminal=*/true);
  // The branch is taken back behind our back while live is rolled back.
  world.eu.OnCall([&](const std::string& call) {
    if (call.starts_with("replace")) world.hub.Git({"update-ref", "refs/heads/main", good});
  });
  const RealClock clock;
  const rollout::Services& given = *world.services;
  rollout::Services services{clock,        given.mirror,      given.remote, given.log,
                             given.lease,  given.make_driver, given.kinds,  given.verifier,
                             given.outbox, given.metrics,     given.yaml,   {},
                             {},           given.options};
  Engine engine(std::move(services), {.poll = 100ms, .workers = 1}, {});
  const auto end = engine.Sync(1min);
  REQUIRE(end);
  REQUIRE(end->error);
  CHECK(end->error->reason() == "HistoryRewritten");
  REQUIRE(end->units.contains(kWeb));
  CHECK(end->units.at(kWeb).has_failed);
}

}  // namespace sluice::daemon
