// What a user of the application sees while a rollout runs.
#include <atomic>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

struct Probed {
  int requests = 0;
  int failed = 0;
};

// Asks without pause while one sync brings the next release live.
Probed ProbeRollout(World& world) {
  world.WriteRelease("dev", "web", "slow-2", "2");
  world.Commit("Release 2");
  std::atomic<bool> done{false};
  int exit_code = -1;
  std::thread rollout([&] {
    exit_code = world.Sluice({"sync"}).exit_code;
    done = true;
  });
  Probed probed;
  while (!done) {
    ++probed.requests;
    if (HttpGet(world.Front("dev", "web") + "/").status != 200) ++probed.failed;
  }
  rollout.join();
  CHECK(exit_code == 0);
  return probed;
}

Probed Probe(const std::string& strategy) {
  World world;
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {.replicas = 2, .strategy = strategy});
  world.Commit("Add web");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  return ProbeRollout(world);
}

}  // namespace

TEST_CASE("a good rolling update shows no failed request to a probe without pause") {
  const Probed probed = Probe("");
  INFO(probed.requests << " requests");
  CHECK(probed.requests > 10);
  CHECK(probed.failed == 0);
}

TEST_CASE("the same probe sees the gap that strategy Recreate leaves") {
  const Probed probed = Probe("{type: Recreate}");
  INFO(probed.requests << " requests");
  CHECK(probed.failed > 0);
}

}  // namespace sluice::e2e
