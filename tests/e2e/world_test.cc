// What every other case stands on: the harness gives an empty repository and clusters that answer.
#include "tests/support/e2e/world.h"

#include "tests/support/catch.h"

namespace sluice::e2e {

TEST_CASE("a new world has a repository with the files of the case and nothing in the deploy log") {
  World world;
  world.WritePipeline({{.name = "dev"}, {.name = "staging", .promotion = "auto"}});
  world.WriteApp("dev", {});
  const std::string commit = world.Commit("Add web");
  CHECK(world.Tip("main") == commit);
  CHECK(world.CommitCount("main") == 1);
  CHECK(world.Pull() == commit);
  CHECK(world.Record("dev/web").is_null());
  CHECK(world.Events().empty());
}

TEST_CASE("a new world has clusters with a namespace each and nothing in them") {
  World world;
  for (const std::string cluster : {"dev", "staging", "prod"}) {
    CHECK(world.Cluster(cluster).Get("/api/v1/namespaces/" + world.Ns(cluster)).is_object());
    CHECK(world.Deployment(cluster, "web").is_null());
    CHECK(HttpGet(world.Front(cluster, "web")).status == 404);
  }
}

}  // namespace sluice::e2e
