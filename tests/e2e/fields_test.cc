// Fields that others own, and objects on their way out, through the whole program: what Git drops
// goes, what others write stays, and nothing is condemned for what was there before.
#include <functional>

#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

using nlohmann::json;

std::string Text(const Ran& ran) {
  return "exit code " + std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

constexpr const char* kMerge = "application/merge-patch+json";

struct Shop {
  World world;

  explicit Shop(const EnvironmentSpec& environment = {.name = "dev"}, const AppSpec& app = {}) {
    world.WritePipeline({environment});
    world.WriteApp("dev", app);
  }
  std::string Path(const std::string& name) const {
    return "/api/v1/namespaces/" + world.Ns("dev") + "/configmaps/" + name;
  }
  json Map(const std::string& name) const { return world.Cluster("dev").Get(Path(name)); }
  void Declare(const std::string& data) {
    world.Write("environments/dev/web/conf.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {" + data + "}\n");
  }
  void ApplyAs(const std::string& manager, const json& data, bool force = false) {
    const json object = {{"apiVersion", "v1"},
                         {"kind", "ConfigMap"},
                         {"metadata", {{"name", "conf"}}},
                         {"data", data}};
    const HttpAnswer answer = world.Cluster("dev").Apply(Path("conf"), object, manager, force);
    INFO(answer.body);
    REQUIRE(answer.status / 100 == 2);
  }
  void Patch(const json& patch) {
    const HttpAnswer answer =
        world.Cluster("dev").Request("PATCH", Path("conf"), patch.dump(), kMerge);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
  }
  void Sync(int exit_code, const std::string& subject) {
    world.Commit(subject);
    const Ran ran = world.Sluice({"sync"});
    INFO(subject << ": " << Text(ran));
    REQUIRE(ran.exit_code == exit_code);
  }
  void CheckSettled() {
    const Ran plan = world.Sluice({"plan", "--exit-code"});
    INFO(Text(plan));
    CHECK(plan.exit_code == 0);
    const Ran drift = world.Sluice({"drift", "--exit-code"});
    INFO(Text(drift));
    CHECK(drift.exit_code == 0);
  }
};

}  // namespace

TEST_CASE("a field that Git drops and helm keeps is named and held, and adopt removes it") {
  Shop shop;
  shop.ApplyAs("helm", {{"keep", "a"}, {"legacy", "b"}});
  shop.Declare("keep: a, legacy: b");
  shop.Sync(0, "Take conf over as it stands");
  shop.Declare("keep: a");
  shop.world.Commit("Drop legacy");
  const Ran plan = shop.world.Sluice({"plan", "--exit-code"});
  INFO(Text(plan));
  CHECK(plan.exit_code == 4);
  CHECK_THAT(plan.out + plan.err, Catch::Contains(".data.legacy") && Catch::Contains("'helm'"));
  const Ran held = shop.world.Sluice({"sync"});
  INFO(Text(held));
  CHECK(held.exit_code == 4);
  CHECK(shop.Map("conf")["data"].contains("legacy"));
  REQUIRE(shop.world.Sluice({"adopt", "dev/web"}).exit_code == 0);
  const Ran ran = shop.world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 0);
  CHECK(shop.Map("conf")["data"] == json({{"keep", "a"}}));
  shop.CheckSettled();
}

TEST_CASE("a rollback takes away what the failed content brought and others took over") {
  Shop shop({.name = "dev"}, {.health_timeout = "20s"});
  shop.Declare("keep: a");
  shop.Sync(0, "First");
  shop.Declare("keep: a, extra: b");
  shop.world.WriteRelease("dev", "web", "pullfail-2", "2");
  shop.world.Commit("Bad image, and one more key");
  auto daemon = shop.world.StartDaemon();
  REQUIRE(Eventually([&] { return shop.Map("conf")["data"].contains("extra"); }));
  shop.ApplyAs("argocd-controller", {{"extra", "b"}});
  REQUIRE(Eventually([&] { return !shop.Map("conf")["data"].contains("extra"); }));
  daemon.reset();
  shop.world.Sluice({"sync"});
  CHECK(shop.world.Image("dev", "web") == "registry.example/shop/web:good-1");
  CHECK(shop.Map("conf")["data"] == json({{"keep", "a"}}));
}

TEST_CASE("fields of spec.ignore are created, then left alone in rollout, plan, drift and heal") {
  Shop shop({.name = "dev", .more = "  drift: {mode: heal, interval: 1s}\n"},
            {.more = "  ignore: [{kind: ConfigMap, name: conf, fields: [/data/theirs]}]\n"});
  shop.Declare("ours: a, theirs: first");
  shop.Sync(0, "First");
  CHECK(shop.Map("conf")["data"]["theirs"] == "first");
  shop.Patch({{"data", {{"theirs", "written"}, {"ours", "drifted"}}}});
  // Healed is what is ours, and that alone.
  REQUIRE(Eventually([&] {
    shop.world.Sluice({"sync"});
    return shop.Map("conf")["data"]["ours"] == "a";
  }));
  CHECK(shop.Map("conf")["data"]["theirs"] == "written");
  shop.Declare("ours: b, theirs: second");
  shop.world.Commit("Both");
  const Ran plan = shop.world.Sluice({"plan"});
  INFO(Text(plan));
  CHECK_THAT(plan.out, Catch::Contains("/data/theirs is left to others (spec.ignore)"));
  shop.Sync(0, "Both, again");
  CHECK(shop.Map("conf")["data"] == json({{"ours", "b"}, {"theirs", "written"}}));
  shop.CheckSettled();
}

TEST_CASE("a rule of spec.ignore that fits nothing is told with its place") {
  Shop shop({.name = "dev"}, {.more = "  ignore: [{kind: ConfigMap, fields: [/data/x]}]\n"});
  shop.world.Commit("First");
  const Ran ran = shop.world.Sluice({"validate", shop.world.Dir() + "/work"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 2);
  CHECK_THAT(ran.out + ran.err, Catch::Contains("app.yaml:") && Catch::Contains("unused-ignore"));
}

TEST_CASE("an object that is being deleted is waited for, and then created again") {
  Shop shop;
  shop.Declare("a: \"1\"");
  shop.Sync(0, "First");
  shop.Patch({{"metadata", {{"finalizers", {"example.test/hold"}}}}});
  const std::string uid = shop.Map("conf")["metadata"]["uid"];
  shop.world.Cluster("dev").Delete(shop.Path("conf"));
  shop.Declare("a: \"2\"");
  shop.world.Commit("Change it meanwhile");
  const Ran plan = shop.world.Sluice({"plan"});
  INFO(Text(plan));
  CHECK_THAT(plan.out, Catch::Contains("being deleted") && Catch::Contains("example.test/hold"));
  auto daemon = shop.world.StartDaemon();
  REQUIRE(Eventually(
      [&] { return shop.world.Record("dev/web")["revision"] == *shop.world.Tip("main"); }));
  shop.Patch({{"metadata", {{"finalizers", nullptr}}}});
  REQUIRE(Eventually([&] { return shop.world.EventKinds("dev/web").back() == "succeeded"; }));
  CHECK(shop.Map("conf")["metadata"]["uid"] != uid);
  CHECK(shop.Map("conf")["data"]["a"] == "2");
}

TEST_CASE("another strategy rolls out beside the defaults of the one before, and back") {
  Shop shop;
  shop.Sync(0, "First");
  shop.world.WriteApp("dev", {.strategy = "{type: Recreate}"});
  shop.Sync(0, "Recreate");
  const auto strategy = [&] { return shop.world.Deployment("dev", "web")["spec"]["strategy"]; };
  CHECK(strategy() == json({{"type", "Recreate"}}));
  shop.CheckSettled();
  shop.world.WriteApp("dev", {});
  shop.Sync(0, "And back");
  CHECK(strategy()["type"] == "RollingUpdate");
}

}  // namespace sluice::e2e
