// What people do to units: freeze, retry, adopt, roll back; what they do to live behind our back.
#include <algorithm>
#include <csignal>
#include <functional>

#include "engine/base/clock.h"
#include "engine/base/time_format.h"
#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

std::string Text(const Ran& ran) {
  return std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

void Start(World& world, const EnvironmentSpec& environment = {.name = "dev"},
           const AppSpec& app = {}) {
  world.WritePipeline({environment});
  world.WriteApp("dev", app);
  world.Commit("Add web");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  REQUIRE(ran.exit_code == 0);
}

// Runs sync until it holds; a drift check is due only an interval after the last.
bool SyncUntil(World& world, const std::function<bool()>& holds) {
  return Eventually([&] {
    world.Sluice({"sync"});
    return holds();
  });
}

nlohmann::json MapOf(World& world, const std::string& name) {
  return world.Cluster("dev").Get("/api/v1/namespaces/" + world.Ns("dev") + "/configmaps/" + name);
}

std::string ConfigMap(const std::string& name, const std::string& value) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {k: " + value +
         "}\n";
}

}  // namespace

TEST_CASE("a frozen unit is left alone until it is unfrozen, and the log names who froze it") {
  World world;
  Start(world);
  world.env["GIT_AUTHOR_NAME"] = "Olga Operator";
  world.env["GIT_AUTHOR_EMAIL"] = "olga@example.com";
  REQUIRE(world.Sluice({"freeze", "dev/web", "--reason", "incident 42"}).exit_code == 0);
  world.env.clear();
  world.WriteRelease("dev", "web", "good-2", "2");
  world.Commit("Release 2");
  const Ran frozen = world.Sluice({"sync"});
  INFO(Text(frozen));
  CHECK(frozen.exit_code == 4);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
  const auto record = world.Record("dev/web");
  CHECK(record["frozen"]["by"] == "Olga Operator <olga@example.com>");
  CHECK(record["frozen"]["reason"] == "incident 42");
  REQUIRE(world.Sluice({"unfreeze", "dev/web"}).exit_code == 0);
  const Ran moved = world.Sluice({"sync"});
  INFO(Text(moved));
  CHECK(moved.exit_code == 0);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-2");
}

TEST_CASE("rollback commits what succeeded before and brings it live without asking upstream") {
  World world;
  Start(world);
  world.WriteRelease("dev", "web", "good-2", "2");
  world.Commit("Release 2");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const Ran back = world.Sluice({"rollback", "dev/web"});
  INFO(Text(back));
  REQUIRE(back.exit_code == 0);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
}

TEST_CASE("an object of others that differs holds the unit until adopt") {
  World world;
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  world.Write("environments/dev/web/config.yaml", ConfigMap("theirs", "ours"));
  world.Commit("Add web");
  const nlohmann::json theirs = {{"apiVersion", "v1"},
                                 {"kind", "ConfigMap"},
                                 {"metadata", {{"name", "theirs"}}},
                                 {"data", {{"k", "by hand"}}}};
  REQUIRE(
      world.Cluster("dev")
          .Request("POST", "/api/v1/namespaces/" + world.Ns("dev") + "/configmaps", theirs.dump())
          .status == 201);
  const Ran held = world.Sluice({"sync"});
  INFO(Text(held));
  CHECK(held.exit_code == 4);
  CHECK(world.Record("dev/web")["reason"] == "AdoptionRequired");
  CHECK(held.out.find("sluice adopt dev/web") != std::string::npos);
  CHECK(MapOf(world, "theirs")["data"]["k"] == "by hand");
  CHECK(world.Deployment("dev", "web").is_null());
  // In the wrong case it is the name of nothing.
  const std::string wrong = "/configmap/" + world.Ns("dev") + "/theirs";
  REQUIRE(world.Sluice({"adopt", "dev/web", "--object", wrong}).exit_code == 0);
  CHECK(world.Sluice({"sync"}).exit_code == 4);
  const auto dropped = world.Git({"log", "-1", "--format=%s", "deployments"});
  CHECK(dropped.find("adopt names nothing that waits: " + wrong) != std::string::npos);
  CHECK(world.Git({"ls-tree", "--name-only", "deployments", "requests/"}).empty());
  REQUIRE(world.Sluice({"adopt", "dev/web", "--reason", "ours from now on"}).exit_code == 0);
  const Ran adopted = world.Sluice({"sync"});
  INFO(Text(adopted));
  CHECK(adopted.exit_code == 0);
  CHECK(MapOf(world, "theirs")["data"]["k"] == "ours");
}

TEST_CASE("a running system that equals the declaration is taken over without a rollout") {
  World world;
  world.WritePipeline({{.name = "dev"}});
  world.Write("environments/dev/web/app.yaml",
              "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec: {}\n");
  world.Write("environments/dev/web/config.yaml", ConfigMap("settings", "v"));
  world.Commit("Add web");
  const nlohmann::json there = {{"apiVersion", "v1"},
                                {"kind", "ConfigMap"},
                                {"metadata", {{"name", "settings"}}},
                                {"data", {{"k", "v"}}}};
  REQUIRE(
      world.Cluster("dev")
          .Request("POST", "/api/v1/namespaces/" + world.Ns("dev") + "/configmaps", there.dump())
          .status == 201);
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 0);
  CHECK(world.EventKinds("dev/web") == std::vector<std::string>{"adopted"});
  CHECK(MapOf(world, "settings")["metadata"]["labels"].contains("sluice.dev/unit"));
}

TEST_CASE("drift is reported once per change, and healed where the environment says so") {
  World world;
  const std::string mode = GENERATE(as<std::string>{}, "report", "heal");
  Start(world, {.name = "dev", .more = "  drift: {mode: " + mode + ", interval: 1s}\n"});
  world.Write("environments/dev/web/config.yaml", ConfigMap("settings", "v"));
  world.Commit("Add settings");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const std::string path = "/api/v1/namespaces/" + world.Ns("dev") + "/configmaps/settings";
  REQUIRE(world.Cluster("dev")
              .Request("PATCH", path, R"({"data":{"k":"changed"}})", "application/merge-patch+json")
              .status == 200);
  const Ran drift = world.Sluice({"drift", "-o", "json", "--exit-code"});
  INFO(Text(drift));
  CHECK(drift.exit_code == 5);
  CHECK(nlohmann::json::parse(drift.out)[0]["changes"][0]["name"] == "settings");
  const auto has_event = [&](const std::string& kind) {
    const auto kinds = world.EventKinds("dev/web");
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  if (mode == "heal") {
    REQUIRE(SyncUntil(world, [&] { return has_event("healed"); }));
    CHECK(MapOf(world, "settings")["data"]["k"] == "v");
  } else {
    REQUIRE(SyncUntil(world, [&] { return has_event("drifted"); }));
    CHECK(MapOf(world, "settings")["data"]["k"] == "changed");
    const int commits = world.CommitCount("deployments");
    for (int i = 0; i < 3; ++i) world.Sluice({"sync"});
    CHECK(world.CommitCount("deployments") == commits);
  }
  CHECK(world.CommitCount("main") == 2);
}

TEST_CASE("somebody who fights a heal is named where people look") {
  World world;
  Start(world, {.name = "dev", .more = "  drift: {mode: heal, interval: 1s}\n"});
  world.Write("environments/dev/web/config.yaml", ConfigMap("settings", "v"));
  world.Commit("Add settings");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const std::string path = "/api/v1/namespaces/" + world.Ns("dev") + "/configmaps/settings";
  const auto daemon = world.StartDaemon();
  // Each heal is undone at once.
  REQUIRE(Eventually([&] {
    if (MapOf(world, "settings")["data"]["k"] == "v") {
      world.Cluster("dev").Request("PATCH", path + "?fieldManager=their-controller",
                                   R"({"data":{"k":"theirs"}})", "application/merge-patch+json");
    }
    return world.Record("dev/web").value("reason", "") == "HealFought";
  }));
  INFO(daemon->Err());
  CHECK(world.Record("dev/web").value("message", "").find("'their-controller' fights") == 0);
  CHECK(world.Sluice({"status"}).out.find("their-controller") != std::string::npos);
  CHECK(world.Sluice({"drift"}).out.find("their-controller") != std::string::npos);
  const std::string healed =
      world.Git({"log", "--grep=Sluice-Event: healed", "--format=%B", "deployments"});
  CHECK(healed.find("'their-controller' fights") != std::string::npos);
  daemon->Signal(SIGTERM);
  CHECK(daemon->Wait() == 0);
}

TEST_CASE("a rollout that a crash left open is cancelled once its unit is frozen") {
  World world;
  Start(world);
  world.WriteRelease("dev", "web", "good-2", "2");
  world.Commit("Release 2");
  world.env["SLUICE_CRASH_AFTER_EFFECT"] = "2";  // the lease, and the record of the start
  CHECK(world.Sluice({"sync"}).exit_code == 137);
  world.env.clear();
  CHECK(world.Record("dev/web")["phase"] == "Applying");
  REQUIRE(world.Sluice({"freeze", "dev/web", "--reason", "incident"}).exit_code == 0);
  const Ran frozen = world.Sluice({"sync"});
  INFO(Text(frozen));
  CHECK(frozen.exit_code == 4);
  CHECK(world.EventKinds("dev/web").back() == "cancelled");
  CHECK(world.Record("dev/web")["phase"] == "Idle");
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
  REQUIRE(world.Sluice({"unfreeze", "dev/web"}).exit_code == 0);
  CHECK(world.Sluice({"sync"}).exit_code == 0);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-2");
}

TEST_CASE(
    "a removed application keeps its objects, or deletes them where the environment says so") {
  World world;
  const std::string policy = GENERATE(as<std::string>{}, "keep", "delete");
  Start(world, {.name = "dev", .more = "  prune: {removedApplications: " + policy + "}\n"});
  world.Remove("environments/dev/web");
  world.Commit("Remove web");
  const auto plan = nlohmann::json::parse(world.Sluice({"plan", "-o", "json"}).out);
  REQUIRE(plan.at(0)["changes"].size() == 2);
  for (const auto& change : plan[0]["changes"])
    CHECK(change["action"] == (policy == "delete" ? "prune" : "skip"));
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 0);
  CHECK(world.EventKinds("dev/web").back() == "removed");
  CHECK(
      Eventually([&] { return world.Deployment("dev", "web").is_null() == (policy == "delete"); }));
  const int commits = world.CommitCount("deployments");
  CHECK(world.Sluice({"sync"}).exit_code == 0);
  CHECK(world.CommitCount("deployments") == commits);
}

TEST_CASE("two units that declare one object are both held") {
  World world;
  world.WritePipeline({{.name = "dev"}});
  for (const std::string name : {"web", "other"}) {
    world.WriteApp("dev", {.name = name});
    world.Write("environments/dev/" + name + "/config.yaml", ConfigMap("shared", name));
  }
  world.Commit("Two owners");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 4);
  CHECK(world.Record("dev/web")["reason"] == "DuplicateObject");
  CHECK(world.Record("dev/other")["reason"] == "DuplicateObject");
  CHECK(MapOf(world, "shared").is_null());
}

TEST_CASE("an object that moves to another unit is never deleted") {
  World world;
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {.name = "other"});
  world.WriteApp("dev", {});
  world.Write("environments/dev/web/config.yaml", ConfigMap("moving", "v"));
  world.Commit("Add both");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const std::string uid = MapOf(world, "moving")["metadata"]["uid"];
  world.Remove("environments/dev/web/config.yaml");
  world.Write("environments/dev/other/config.yaml", ConfigMap("moving", "w"));
  world.Commit("Move it");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 0);
  CHECK(MapOf(world, "moving")["metadata"]["uid"] == uid);
  CHECK(MapOf(world, "moving")["data"]["k"] == "w");
}

TEST_CASE("the daemon follows commits, and a newer one pre-empts a rollout that waits for health") {
  World world;
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {.health_timeout = "10m"});
  world.Commit("Add web");
  const auto daemon = world.StartDaemon();
  REQUIRE(
      Eventually([&] { return world.Image("dev", "web") == "registry.example/shop/web:good-1"; }));
  REQUIRE(Eventually([&] { return world.Record("dev/web").value("outcome", "") == "Succeeded"; }));
  world.WriteRelease("dev", "web", "unready-1", "stuck");
  world.Commit("Never ready");
  REQUIRE(Eventually(
      [&] { return world.Image("dev", "web") == "registry.example/shop/web:unready-1"; }));
  world.WriteRelease("dev", "web", "good-2", "2");
  world.Commit("Mend");
  daemon->Signal(SIGUSR1);
  INFO(daemon->Err());
  REQUIRE(Eventually([&] {
    return world.Record("dev/web").value("/running/release/version"_json_pointer, "") == "2";
  }));
  const auto kinds = world.EventKinds("dev/web");
  CHECK(std::count(kinds.begin(), kinds.end(), "superseded") == 1);
  CHECK(std::count(kinds.begin(), kinds.end(), "failed") == 0);
  daemon->Signal(SIGTERM);
  CHECK(daemon->Wait() == 0);
  CHECK_FALSE(world.Git({"for-each-ref", "refs/sluice"}).find("lease") != std::string::npos);
}

TEST_CASE("SIGTERM records an open rollout as cancelled, and the next start goes on") {
  World world;
  Start(world, {.name = "dev"}, {.health_timeout = "10m"});
  world.WriteRelease("dev", "web", "slow-1", "2");
  world.Commit("Slow");
  {
    const auto daemon = world.StartDaemon();
    REQUIRE(Eventually(
        [&] { return world.Image("dev", "web") == "registry.example/shop/web:slow-1"; }));
    daemon->Signal(SIGTERM);
    CHECK(daemon->Wait() == 0);
  }
  CHECK(world.EventKinds("dev/web").back() == "cancelled");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 0);
  CHECK(world.Record("dev/web")["running"]["release"]["version"] == "2");
}

TEST_CASE("two engines on one repo: one works, the other names who holds the lease") {
  World world;
  Start(world);
  const auto daemon = world.StartDaemon();
  REQUIRE(Eventually([&] {
    return world.Git({"for-each-ref", "refs/sluice"}).find("lease") != std::string::npos;
  }));
  const std::string second = world.WriteDaemonYaml("second");
  world.WriteRelease("dev", "web", "good-2", "2");
  world.Commit("Release 2");
  const Ran refused = world.SluiceWith(second, {"sync"});
  INFO(Text(refused));
  CHECK(refused.exit_code == 4);
  CHECK(refused.err.find("sluice run on") != std::string::npos);
  REQUIRE(Eventually([&] {
    return world.Record("dev/web").value("/running/release/version"_json_pointer, "") == "2";
  }));
  const auto kinds = world.EventKinds("dev/web");
  CHECK(kinds == std::vector<std::string>{"started", "succeeded", "started", "succeeded"});

  SECTION("on the same dataDir too") {
    const Ran same = world.Sluice({"sync"});
    INFO(Text(same));
    CHECK(same.exit_code == 4);
  }
}

}  // namespace sluice::e2e
