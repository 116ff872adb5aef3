// Deploy logs that version 0.1 wrote (tests/data/log-0.1), and how a unit goes on from them.
#include <fstream>
#include <sstream>

#include "tests/support/paths.h"
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using LogNames = std::vector<std::string>;

// A world in which good1 runs, on the repository as 0.1 left it in this state.
void Upgrade(World& world, const std::string& state) {
  REQUIRE(world.Pass().standing == Standing::kDone);
  std::ifstream file(test::SourceDirectory() + "/tests/data/log-0.1/" + state + ".fast-export");
  REQUIRE(file);
  std::stringstream stream;
  stream << file.rdbuf();
  world.hub.Git({"update-ref", "-d", "refs/heads/deployments"});
  world.hub.Git({"update-ref", "-d", deploylog::kLeaseRef});
  git::Git(world.hub.path, {"fast-import", "--quiet", "--force"}, stream.str());
  world.data_dir = git::MakeTemporaryDirectory();
  world.Restart();
}

// What was pushed since.
LogNames ToldSince(const World& world, const LogNames& before) {
  const LogNames all = world.Events();
  REQUIRE(all.size() >= before.size());
  return {all.begin() + static_cast<std::ptrdiff_t>(before.size()), all.end()};
}

}  // namespace

TEST_CASE("what 0.1 recorded as settled is left alone") {
  struct Row {
    std::string state;
    Standing standing;
    std::string reason;
  };
  const auto row = GENERATE(values<Row>({{"succeeded", Standing::kDone, ""},
                                         {"reverted", Standing::kDone, ""},
                                         {"removed", Standing::kDone, ""},
                                         {"invalid", Standing::kInvalid, "ConfigInvalid"},
                                         {"frozen", Standing::kHeld, "Frozen"},
                                         {"frozen-by-person", Standing::kHeld, "Frozen"}}));
  DYNAMIC_SECTION(row.state) {
    World world;
    Upgrade(world, row.state);
    const LogNames before = world.Events();
    world.eu.ForgetCalls();
    const PassResult result = world.Pass();
    CHECK(result.standing == row.standing);
    CHECK(result.reason == row.reason);
    CHECK(world.eu.Writes().empty());
    // A hold may be told anew, in today's words.
    if (row.standing != Standing::kInvalid) CHECK(ToldSince(world, before).empty());
    const size_t count = world.Events().size();
    world.Pass();
    CHECK(world.Events().size() == count);
  }
}

TEST_CASE("an adoption that 0.1 waited for is taken when it is asked for") {
  World world;
  world.eu.Put({"", "ConfigMap", "shop", "taken"}, "v1", {{"data", {{"key", "theirs"}}}});
  Upgrade(world, "held");
  CHECK(world.Pass().reason == "AdoptionRequired");
  CHECK(world.Pass().reason == "AdoptionRequired");
  world.Request("adopt");
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Find({"", "ConfigMap", "shop", "taken"})->body["data"]["key"] == "1");
}

TEST_CASE("a rollout that 0.1 began is resumed") {
  World world;
  Upgrade(world, "started");
  const LogNames before = world.Events();
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(ToldSince(world, before) == LogNames{"started", "succeeded"});
  CHECK(World::TagIn(world.eu) == "slow-new2");
  CHECK(world.Get().attempt == 2);
}

TEST_CASE("a rollout of 0.1 without a verdict goes on to one") {
  World world;
  Upgrade(world, "errored");
  REQUIRE(world.Get().open);
  CHECK(world.Get().open->errored_since);
  const LogNames before = world.Events();
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(ToldSince(world, before) == LogNames{"succeeded"});
  CHECK(World::TagIn(world.eu) == "slow-new2");
}

TEST_CASE("a failure of 0.1 is rolled back and reverted, and the revert's event names its commit") {
  World world;
  Upgrade(world, "failed");
  REQUIRE(world.Get().IsRollingBack());
  REQUIRE(world.Get().pending_revert);
  const LogNames before = world.Events();
  world.Pass();
  CHECK(ToldSince(world, before) == LogNames{"rolledback", "reverted"});
  CHECK(World::TagIn(world.eu) == "good1");
  const std::string operation = world.Trailer("Operation");
  CHECK(operation.starts_with("op-"));
  CHECK(
      world.hub.Git({"log", "-1", "--format=%B", "main"}).find("Sluice-Operation: " + operation) !=
      std::string::npos);
  CHECK(world.Settle().standing == Standing::kDone);
}

TEST_CASE("a target that was dropped while it was Degraded no longer spoils the unit's health") {
  World world;
  Upgrade(world, "target-dropped");
  REQUIRE(world.Get().targets.contains("us"));
  world.Pass(/*is_drift_due=*/true);
  const LogNames before = world.Events();
  const auto since = world.Get().healthy_since;
  CHECK(world.Pass(/*is_drift_due=*/true).standing == Standing::kDone);
  CHECK(ToldSince(world, before).empty());
  CHECK(world.Get().healthy_since == since);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.Get().targets.size() == 1);
  CHECK(world.Get().leftovers.size() == 1);
  CHECK(world.Get().leftovers.front().target == "us");
}

TEST_CASE("what 0.1 held, froze or took away can be brought in again") {
  const std::string state = GENERATE("invalid", "frozen-by-person", "removed");
  DYNAMIC_SECTION(state) {
    World world;
    Upgrade(world, state);
    if (state == "frozen-by-person") world.Request("unfreeze");
    Files files = Shop("new2");
    world.Commit(files);
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "new2");
    CHECK(world.LastEvent() == "succeeded");
  }
}

}  // namespace sluice::rollout
