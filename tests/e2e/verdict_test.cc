// What a rollout, a rollback and a drift check are judged by.
#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

using nlohmann::json;

std::string Text(const Ran& ran) {
  return "exit code " + std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

const std::string kWeb = "environments/dev/web/";

std::string ConfigMap(const std::string& name, const std::string& value,
                      const std::string& more = "") {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {k: " + value +
         "}\n" + more;
}

void Start(World& world, const EnvironmentSpec& environment = {.name = "dev"}) {
  world.WritePipeline({environment});
  world.WriteApp("dev", {.health_timeout = "20s"});
}

void Bring(World& world, const std::string& tag) {
  world.WriteRelease("dev", "web", tag, tag);
  world.Commit("Release " + tag);
}

// A field that Git leaves to others makes every pod of it young for ever.
void MakeUnavailable(World& world, const std::string& name) {
  const std::string path = "/apis/apps/v1/namespaces/" + world.Ns("dev") + "/deployments/" + name;
  const json object = {{"apiVersion", "apps/v1"},
                       {"kind", "Deployment"},
                       {"metadata", {{"name", name}}},
                       {"spec", {{"minReadySeconds", 3600}, {"progressDeadlineSeconds", 7200}}}};
  REQUIRE(world.Cluster("dev").Apply(path, object, "kubectl").status == 200);
  REQUIRE(Eventually([&] {
    const json live = world.Deployment("dev", name);
    return live["status"].value("availableReplicas", 0) == 0 &&
           live["status"]["observedGeneration"] == live["metadata"]["generation"];
  }));
}

}  // namespace

TEST_CASE("a release is judged by what it changes, beside what was unhealthy before") {
  World world;
  Start(world);
  std::string worker = world.Read(kWeb + "deployment.yaml");
  for (size_t at; (at = worker.find("web")) != std::string::npos;) worker.replace(at, 3, "worker");
  worker.replace(worker.find("unreleased"), 10, "good-1");
  world.Write(kWeb + "worker.yaml", worker);
  world.Commit("Add web and worker");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  MakeUnavailable(world, "worker");

  Bring(world, "good-2");
  const Ran good = world.Sluice({"sync"});
  INFO(Text(good));
  REQUIRE(good.exit_code == 0);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-2");
  REQUIRE(world.Record("dev/web")["unwellBefore"].size() == 1);
  CHECK(world.Sluice({"status"}).out.find("not judged, for it was unhealthy before: Deployment") !=
        std::string::npos);

  Bring(world, "http500-3");
  const Ran bad = world.Sluice({"sync"});
  INFO(Text(bad));
  CHECK(bad.exit_code == 3);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-2");
  CHECK_FALSE(world.Record("dev/web").contains("frozen"));
}

TEST_CASE("what is paused has not run: it is not promoted until it does") {
  World world;
  world.WritePipeline({{.name = "dev"}, {.name = "staging", .promotion = "auto"}});
  for (const std::string environment : {"dev", "staging"})
    world.WriteApp(environment, {.health_timeout = "20s", .has_smoke_test = false});
  world.Commit("Add web");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const std::string running = world.Read(kWeb + "deployment.yaml");
  std::string paused = running;
  paused.insert(paused.find("  replicas:"), "  paused: true\n");
  world.Write(kWeb + "deployment.yaml", paused);
  Bring(world, "good-2");
  const Ran applied = world.Sluice({"sync"});
  INFO(Text(applied));
  CHECK(world.Record("dev/web")["outcome"] == "Succeeded");
  CHECK(world.Record("dev/web")["reason"] == "Suspended");
  CHECK_FALSE(world.Record("dev/web").contains("healthySince"));
  CHECK(world.Image("staging", "web") == "registry.example/shop/web:good-1");

  world.Write(kWeb + "deployment.yaml", running);
  world.Commit("Let it run");
  const Ran let = world.Sluice({"sync"});
  INFO(Text(let));
  CHECK(let.exit_code == 0);
  CHECK(world.Image("staging", "web") == "registry.example/shop/web:good-2");
}

TEST_CASE("a rollback takes back what can go back, names the rest, and a fix is taken") {
  World world;
  Start(world);
  world.Write(kWeb + "pinned.yaml", ConfigMap("pinned", "old"));
  world.Write(kWeb + "plain.yaml", ConfigMap("plain", "old"));
  world.Commit("Add web");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  world.Write(kWeb + "pinned.yaml", ConfigMap("pinned", "new", "immutable: true\n"));
  world.Write(kWeb + "plain.yaml", ConfigMap("plain", "new"));
  Bring(world, "http500-2");
  const Ran bad = world.Sluice({"sync"});
  INFO(Text(bad));
  const std::string maps = "/api/v1/namespaces/" + world.Ns("dev") + "/configmaps/";
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
  CHECK(world.Cluster("dev").Get(maps + "plain")["data"]["k"] == "old");
  CHECK(world.Cluster("dev").Get(maps + "pinned")["data"]["k"] == "new");
  CHECK_FALSE(world.Record("dev/web").contains("frozen"));
  CHECK(world.Git({"log", "--format=%B", "deployments"}).find("pinned stays: ") !=
        std::string::npos);
  const Ran held = world.Sluice({"sync"});
  INFO(Text(held));
  CHECK(held.exit_code == 4);
  CHECK(world.Record("dev/web")["reason"] == "RollbackIncomplete");

  world.Pull();
  world.Write(kWeb + "pinned.yaml", ConfigMap("pinned", "new", "immutable: true\n"));
  Bring(world, "good-3");
  const Ran fixed = world.Sluice({"sync"});
  INFO(Text(fixed));
  CHECK(fixed.exit_code == 0);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-3");
}

TEST_CASE("with its namespace gone, all of a unit's objects are drift") {
  World world({.may_manage_cluster = true});
  Start(world);
  const std::string ns = world.Ns("dev") + "-gone";
  const std::string path = "/api/v1/namespaces/" + ns;
  const json object = {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}};
  REQUIRE(world.Cluster("dev").Request("POST", "/api/v1/namespaces", object.dump()).status == 201);
  world.Write(kWeb + "elsewhere.yaml",
              "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: elsewhere, namespace: " + ns +
                  "}\ndata: {k: v}\n");
  world.Commit("Add web");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  REQUIRE(world.Sluice({"drift", "--exit-code"}).exit_code == 0);
  world.Cluster("dev").Delete(path);
  REQUIRE(Eventually([&] { return world.Cluster("dev").Get(path).is_null(); }));
  const Ran drift = world.Sluice({"drift", "--exit-code"});
  INFO(Text(drift));
  CHECK(drift.exit_code == 5);
  CHECK(drift.out.find("elsewhere") != std::string::npos);
}

}  // namespace sluice::e2e
