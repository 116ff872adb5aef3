#include "engine/daemon/poller.h"

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::daemon {
namespace {

using rollout::kDirectory;
using rollout::ReleaseYaml;
using rollout::Standing;
using rollout::World;

// A poll of a process that has just started.
Status PollAnew(World& world, bool accepts = false) {
  Poller poller(*world.services);
  if (accepts) poller.AcceptRewrittenHistory();
  if (auto polled = poller.Poll(); !polled) return Fail(polled.error());
  return {};
}

void LoseData(World& world) {
  world.data_dir = git::MakeTemporaryDirectory();
  world.Restart();
}

}  // namespace

TEST_CASE("a rewritten config branch is noticed by the log when the data directory is gone") {
  World world;
  REQUIRE(PollAnew(world));
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  REQUIRE(world.Pass().standing == Standing::kDone);
  LoseData(world);
  CHECK(PollAnew(world));

  world.Rewrite();
  const Status refused = PollAnew(world);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason() == "HistoryRewritten");
  CHECK_FALSE(PollAnew(world));

  REQUIRE(PollAnew(world, /*accepts=*/true));
  CHECK(world.LastEvent() == "request");
  CHECK(world.Trailer("Accepted-Revision") == world.Main());
  const int commits = world.CommitCount("deployments");
  CHECK(PollAnew(world));
  LoseData(world);
  CHECK(PollAnew(world));
  CHECK(world.CommitCount("deployments") == commits);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")}});
  REQUIRE(world.Pass().standing == Standing::kDone);
  LoseData(world);
  CHECK(PollAnew(world));
}

TEST_CASE("a rewritten config branch is noticed while the data directory is there") {
  World world;
  REQUIRE(PollAnew(world));
  const std::string kept = world.data_dir;
  world.Rewrite();
  world.data_dir = kept;
  world.Restart();
  const Status refused = PollAnew(world);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason() == "HistoryRewritten");
  REQUIRE(PollAnew(world, /*accepts=*/true));
  LoseData(world);
  CHECK(PollAnew(world));
}

TEST_CASE("a rewrite that another engine was told to accept is accepted here, the next is not") {
  World world;
  REQUIRE(PollAnew(world));
  const std::string kept = world.data_dir;
  const auto at_home = [&] {
    world.data_dir = kept;
    world.Restart();
  };
  world.Rewrite();  // on another data directory
  at_home();
  REQUIRE_FALSE(PollAnew(world));
  LoseData(world);
  REQUIRE(PollAnew(world, /*accepts=*/true));
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  at_home();
  const int commits = world.CommitCount("deployments");
  CHECK(PollAnew(world));
  CHECK(world.CommitCount("deployments") == commits);

  world.Rewrite();
  at_home();
  const Status refused = PollAnew(world);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason() == "HistoryRewritten");
}

TEST_CASE("what was dropped since a rewrite was accepted is missed, whatever this engine saw") {
  World world;
  REQUIRE(PollAnew(world));
  const std::string before = world.data_dir;
  world.Rewrite();
  REQUIRE(PollAnew(world, /*accepts=*/true));
  const std::string accepted = world.Main();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  REQUIRE(PollAnew(world));
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.hub.Git({"update-ref", "refs/heads/main", accepted});
  world.data_dir = GENERATE(true, false) ? before : git::MakeTemporaryDirectory();
  world.Restart();
  const Status refused = PollAnew(world);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason() == "HistoryRewritten");
}

}  // namespace sluice::daemon
