// The main job: a commit goes live and is recorded, a release is promoted, a bad one is rolled back
// and reverted.
#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

using Kinds = std::vector<std::string>;

std::string Message(const Ran& ran) { return ran.out + ran.err; }

void WriteOneEnvironment(World& world) {
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  world.Commit("Add web");
}

}  // namespace

TEST_CASE("a commit goes live, is recorded, and a second sync writes nothing") {
  World world;
  WriteOneEnvironment(world);
  const Ran first = world.Sluice({"sync"});
  INFO(Message(first));
  REQUIRE(first.exit_code == 0);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
  CHECK(world.EventKinds("dev/web") == Kinds{"started", "succeeded"});
  const auto record = world.Record("dev/web");
  CHECK(record["outcome"] == "Succeeded");
  CHECK(record["running"]["revision"] == *world.Tip("main"));

  const int commits = world.CommitCount("deployments");
  const size_t requests = world.Requests().size();
  const Ran second = world.Sluice({"sync"});
  INFO(Message(second));
  CHECK(second.exit_code == 0);
  CHECK(world.CommitCount("deployments") == commits);
  CHECK(world.Requests().size() == requests);
}

TEST_CASE("plan shows what a commit would change, and nothing once it is live") {
  World world;
  WriteOneEnvironment(world);
  const Ran before = world.Sluice({"plan", "-o", "json", "--exit-code"});
  INFO(Message(before));
  CHECK(before.exit_code == 5);
  const auto plan = nlohmann::json::parse(before.out);
  REQUIRE(plan.size() == 1);
  CHECK(plan[0]["unit"] == "dev/web");
  CHECK(plan[0]["changes"].size() == 2);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const Ran after = world.Sluice({"plan", "-o", "json", "--exit-code"});
  INFO(Message(after));
  CHECK(after.exit_code == 0);
  CHECK(nlohmann::json::parse(after.out)[0]["changes"].empty());
}

TEST_CASE("a release goes to staging by itself and to prod by promote") {
  World world;
  world.WritePipeline(
      {{.name = "dev"}, {.name = "staging", .promotion = "auto"}, {.name = "prod"}});
  for (const std::string environment : {"dev", "staging", "prod"}) world.WriteApp(environment, {});
  world.Commit("Add web");
  const Ran first = world.Sluice({"sync"});
  INFO(Message(first));
  REQUIRE(first.exit_code == 0);

  const Ran release = world.Sluice(
      {"release", "dev/web", "--image", "registry.example/shop/web=good-2", "--version", "2"});
  INFO(Message(release));
  REQUIRE(release.exit_code == 0);
  const Ran second = world.Sluice({"sync"});
  INFO(Message(second));
  REQUIRE(second.exit_code == 0);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-2");
  CHECK(world.Image("staging", "web") == "registry.example/shop/web:good-2");
  CHECK(world.Image("prod", "web") == "registry.example/shop/web:good-1");
  CHECK(world.EventKinds("staging/web") ==
        Kinds{"started", "succeeded", "promoted", "started", "succeeded"});

  const Ran promote = world.Sluice({"promote", "prod/web"});
  INFO(Message(promote));
  REQUIRE(promote.exit_code == 0);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  CHECK(world.Image("prod", "web") == "registry.example/shop/web:good-2");
}

TEST_CASE(
    "a release that comes up healthy but fails its smoke test is rolled back, reverted, and not "
    "promoted") {
  World world;
  world.WritePipeline({{.name = "dev"}, {.name = "staging", .promotion = "auto"}});
  world.WriteApp("dev", {.has_smoke_test = false});
  world.WriteApp("staging", {});
  world.Commit("Add web");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  REQUIRE(world
              .Sluice({"release", "dev/web", "--image", "registry.example/shop/web=http500-1",
                       "--version", "bad"})
              .exit_code == 0);
  const Ran bad = world.Sluice({"sync"});
  INFO(Message(bad));
  CHECK(bad.exit_code == 3);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:http500-1");
  CHECK(world.Image("staging", "web") == "registry.example/shop/web:good-1");
  const auto kinds = world.EventKinds("staging/web");
  CHECK(kinds == Kinds{"started", "succeeded", "promoted", "started", "failed", "rolledback",
                       "reverted", "succeeded"});
  const auto record = world.Record("staging/web");
  CHECK(record["outcome"] == "Succeeded");
  CHECK(record["failed"].size() == 1);
  world.Pull();
  CHECK(world.Read("environments/staging/web/release.yaml").find("good-1") != std::string::npos);

  SECTION("ten passes later nothing was added to either branch") {
    const int main = world.CommitCount("main");
    const int log = world.CommitCount("deployments");
    for (int i = 0; i < 10; ++i) world.Sluice({"sync"});
    CHECK(world.CommitCount("main") == main);
    CHECK(world.CommitCount("deployments") == log);
  }
}

TEST_CASE("the revert commit restores this unit alone and names the commits it drops") {
  World world;
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  world.WriteApp("dev", {.name = "other"});
  world.Commit("Add web and other");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  world.WriteRelease("dev", "web", "pullfail-1", "bad");
  world.WriteRelease("dev", "other", "good-2", "2");
  world.Write("environments/dev/web/app.yaml", world.Read("environments/dev/web/app.yaml"));
  const std::string bad = world.Commit("Two teams in one commit");
  const Ran ran = world.Sluice({"sync"});
  INFO(Message(ran));
  CHECK(ran.exit_code == 3);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
  CHECK(world.Image("dev", "other") == "registry.example/shop/other:good-2");
  const std::string message = world.Git({"log", "-1", "--format=%B", "main"});
  CHECK(message.find("Revert \"Two teams in one commit\"") == 0);
  CHECK(message.find("Sluice-Reverts: " + bad) != std::string::npos);
  world.Pull();
  CHECK(world.Read("environments/dev/other/release.yaml").find("good-2") != std::string::npos);
  const auto record = world.Record("dev/web");
  REQUIRE(record["failed"].size() == 1);
  CHECK(record["failed"][0]["reason"] == "ImagePullBackOff");
}

TEST_CASE("content that failed is not tried again until retry") {
  World world;
  WriteOneEnvironment(world);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  world.WriteRelease("dev", "web", "http500-1", "bad");
  world.Commit("Bad");
  REQUIRE(world.Sluice({"sync"}).exit_code == 3);
  world.Pull();
  world.WriteRelease("dev", "web", "http500-1", "bad");
  world.Commit("The same again");
  const Ran again = world.Sluice({"sync"});
  INFO(Message(again));
  CHECK(again.exit_code == 4);
  CHECK(again.out.find("FailedBefore") != std::string::npos);
  CHECK(world.Record("dev/web")["reason"] == "FailedBefore");
  REQUIRE(world.Sluice({"retry", "dev/web", "--reason", "the dependency is back"}).exit_code == 0);
  const Ran retried = world.Sluice({"sync"});
  INFO(Message(retried));
  CHECK(retried.exit_code == 3);
}

TEST_CASE(
    "a first rollout that fails leaves everything as it is and says that there is nothing to go "
    "back to") {
  World world;
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {.tag = "http500-1"});
  world.Commit("Add web");
  const Ran ran = world.Sluice({"sync"});
  INFO(Message(ran));
  CHECK(ran.exit_code == 3);
  CHECK(world.Record("dev/web")["reason"] == "NoLastKnownGood");
  CHECK_FALSE(world.Deployment("dev", "web").is_null());
  CHECK(world.CommitCount("main") == 1);
  world.WriteRelease("dev", "web", "good-1", "1");
  world.Commit("Mend");
  CHECK(world.Sluice({"sync"}).exit_code == 0);
}

TEST_CASE(
    "an object that is no longer declared is pruned after the rest is verified, and only if it is "
    "ours") {
  World world;
  WriteOneEnvironment(world);
  const std::string path = "environments/dev/web/";
  for (const std::string name : {"a", "b", "c"}) {
    world.Write(
        path + "config-" + name + ".yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config-" + name + "}\ndata: {k: v}\n");
  }
  world.Commit("Add configuration");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const std::string maps = "/api/v1/namespaces/" + world.Ns("dev") + "/configmaps/";
  REQUIRE_FALSE(world.Cluster("dev").Get(maps + "config-a").is_null());
  world.Remove(path + "config-a.yaml");
  world.Commit("Remove a");
  const Ran ran = world.Sluice({"sync"});
  INFO(Message(ran));
  CHECK(ran.exit_code == 0);
  CHECK(world.Cluster("dev").Get(maps + "config-a").is_null());
  CHECK_FALSE(world.Cluster("dev").Get(maps + "config-b").is_null());

  SECTION("more than the cap holds the unit before anything is written") {
    world.Remove(path + "config-b.yaml");
    world.Remove(path + "config-c.yaml");
    world.Commit("Remove the rest");
    const Ran capped = world.Sluice({"sync"});
    INFO(Message(capped));
    CHECK(capped.exit_code == 4);
    CHECK(world.Record("dev/web")["reason"] == "PruneCapExceeded");
    CHECK_FALSE(world.Cluster("dev").Get(maps + "config-b").is_null());
  }
}

TEST_CASE("a broken file holds its unit, names file and line, and lets the others go on") {
  World world;
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  world.WriteApp("dev", {.name = "other"});
  world.Commit("Add both");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  world.Write("environments/dev/web/app.yaml",
              "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec:\n  "
              "helth: {timeout: 1m}\n");
  world.WriteRelease("dev", "other", "good-2", "2");
  world.Commit("A typo");
  const Ran ran = world.Sluice({"sync"});
  INFO(Message(ran));
  CHECK(ran.exit_code == 2);
  CHECK(ran.out.find("environments/dev/web/app.yaml:5:3") != std::string::npos);
  CHECK(ran.out.find("did you mean 'health'") != std::string::npos);
  CHECK(world.Image("dev", "other") == "registry.example/shop/other:good-2");
  CHECK_FALSE(world.Deployment("dev", "web").is_null());
  CHECK(world.EventKinds("dev/web").back() == "invalid");
}

}  // namespace sluice::e2e
