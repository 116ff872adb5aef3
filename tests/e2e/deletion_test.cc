// What is to go is gone before it is forgotten: prunes and removals that something holds.
#include <csignal>

#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

const std::string kDirectory = "environments/dev/web/";
const std::string kHold = R"({"metadata":{"finalizers":["example.test/hold"]}})";
const std::string kLetGo = R"({"metadata":{"finalizers":null}})";

std::string Said(const Ran& ran) {
  return "exit code " + std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

std::string ConfigMap(const std::string& name) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {k: v}\n";
}

struct Place {
  World& world;
  std::string Path(const std::string& name, const std::string& resource = "configmaps") const {
    return "/api/v1/namespaces/" + world.Ns("dev") + "/" + resource + "/" + name;
  }
  nlohmann::json Get(const std::string& path) const { return world.Cluster("dev").Get(path); }
  void Patch(const std::string& path, const std::string& patch) const {
    const HttpAnswer answer =
        world.Cluster("dev").Request("PATCH", path, patch, "application/merge-patch+json");
    if (answer.status != 200) throw std::runtime_error(path + ": " + answer.body);
  }
  bool StandsAt(const std::string& reason) const {
    return world.Record("dev/web").value("reason", "") == reason;
  }
};

// dev/web with a ConfigMap `old`, which somebody gave a finalizer.
void StartHeld(World& world, const std::string& prune = "") {
  world.WritePipeline({{.name = "dev", .more = prune}});
  world.WriteApp("dev", {});
  world.Write(kDirectory + "old.yaml", ConfigMap("old"));
  world.Commit("Begin");
  const Ran ran = world.Sluice({"sync"});
  INFO(Said(ran));
  REQUIRE(ran.exit_code == 0);
  const Place place{world};
  place.Patch(place.Path("old"), kHold);
}

}  // namespace

TEST_CASE("a prune that a finalizer holds stays open, told everywhere, until the object is gone") {
  World world;
  StartHeld(world);
  const Place place{world};
  world.Remove(kDirectory + "old.yaml");
  world.Commit("Remove old");
  const Ran ran = world.Sluice({"sync"});
  INFO(Said(ran));
  CHECK(ran.exit_code == 0);
  const std::string name = "ConfigMap " + world.Ns("dev") + "/old";
  const std::string why = name + " is not gone: being deleted, held by finalizer example.test/hold";
  CHECK(ran.out.find("ObjectsLeaving: " + why) != std::string::npos);
  const auto record = world.Record("dev/web");
  CHECK(record["outcome"] == "Succeeded");
  REQUIRE(record["leaving"].size() == 1);
  CHECK(record["leaving"][0]["uid"] == place.Get(place.Path("old"))["metadata"]["uid"]);
  CHECK(world.Git({"log", "-1", "--format=%B", "deployments"}).find(why) != std::string::npos);
  CHECK(world.Sluice({"status"}).out.find(why) != std::string::npos);
  CHECK(world.Sluice({"plan", "--all"}).out.find("held by finalizer example.test/hold") !=
        std::string::npos);
  CHECK(world.Git({"show", "deployments:dev/web.inventory"}).find("/old") != std::string::npos);

  const int commits = world.CommitCount("deployments");
  const size_t writes = world.WriteCount();
  CHECK(world.Sluice({"sync"}).exit_code == 0);
  CHECK(world.CommitCount("deployments") == commits);
  CHECK(world.WriteCount() == writes);

  SECTION("the finalizer is removed while a daemon looks") {
    const auto daemon = world.StartDaemon();
    place.Patch(place.Path("old"), kLetGo);
    CHECK(Eventually([&] { return world.EventKinds("dev/web").back() == "healed"; }));
    daemon->Signal(SIGTERM);
    CHECK(daemon->Wait() == 0);
  }
  SECTION("somebody makes another object under its name") {
    nlohmann::json other = place.Get(place.Path("old"));
    place.Patch(place.Path("old"), kLetGo);
    const nlohmann::json labels = other["metadata"]["labels"];
    other["metadata"] = {{"name", "old"}, {"namespace", world.Ns("dev")}, {"labels", labels}};
    const std::string maps = "/api/v1/namespaces/" + world.Ns("dev") + "/configmaps";
    REQUIRE(world.Cluster("dev").Request("POST", maps, other.dump()).status == 201);
    CHECK(world.Sluice({"sync"}).exit_code == 0);
    CHECK_FALSE(place.Get(place.Path("old")).is_null());
  }
  CHECK_FALSE(world.Record("dev/web").contains("leaving"));
  CHECK(world.Git({"show", "deployments:dev/web.inventory"}).find("/old") == std::string::npos);
}

TEST_CASE("a removal waits for what leaves, and a directory put back in its middle ends it") {
  World world;
  StartHeld(world, "  prune: {removedApplications: delete}\n");
  const Place place{world};
  const std::string service = place.Path("web", "services");
  place.Patch(service, kHold);  // it goes before the workload, and that before the ConfigMap
  const auto files = std::vector<std::string>{"app.yaml", "release.yaml", "deployment.yaml",
                                              "service.yaml", "old.yaml"};
  std::map<std::string, std::string> texts;
  for (const std::string& file : files) texts[file] = world.Read(kDirectory + file);
  world.Remove("environments/dev/web");
  world.Commit("Remove web");
  const auto daemon = world.StartDaemon();
  REQUIRE(Eventually([&] { return place.StandsAt("ObjectsLeaving"); }));
  CHECK_FALSE(world.Deployment("dev", "web").is_null());
  CHECK_FALSE(place.Get(service).is_null());
  CHECK_FALSE(place.Get(place.Path("old"))["metadata"].contains("deletionTimestamp"));
  const std::string message = world.Record("dev/web")["message"];
  CHECK(message.find("held by finalizer example.test/hold; 2 more go when these are gone") !=
        std::string::npos);
  const bool is_put_back = GENERATE(true, false);
  if (is_put_back) {
    for (const auto& [file, text] : texts) world.Write(kDirectory + file, text);
    place.Patch(service, kLetGo);
    world.Commit("Put web back");
    CHECK(Eventually([&] { return world.EventKinds("dev/web").back() == "succeeded"; }));
    CHECK_FALSE(world.Deployment("dev", "web").is_null());
    CHECK_FALSE(place.Get(place.Path("old")).is_null());
  } else {
    place.Patch(service, kLetGo);
    CHECK(Eventually([&] {
      return !place.Get(place.Path("old")).is_null() &&
             place.Get(place.Path("old"))["metadata"].contains("deletionTimestamp");
    }));
    place.Patch(place.Path("old"), kLetGo);
    CHECK(Eventually([&] { return world.EventKinds("dev/web").back() == "removed"; }));
    CHECK(place.Get(place.Path("old")).is_null());
  }
  daemon->Signal(SIGTERM);
  CHECK(daemon->Wait() == 0);
}

TEST_CASE("a removal of more objects than maxCount is held, and says what to do") {
  World world;
  world.WritePipeline(
      {{.name = "dev", .more = "  prune: {removedApplications: delete, maxCount: 1}\n"}});
  world.WriteApp("dev", {});
  world.Commit("Begin");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  world.Remove("environments/dev/web");
  world.Commit("Remove web by mistake");
  const Ran planned = world.Sluice({"plan"});
  CHECK(planned.exit_code == 4);
  CHECK(planned.out.find("PruneCapExceeded") != std::string::npos);
  const Ran ran = world.Sluice({"sync"});
  INFO(Said(ran));
  CHECK(ran.exit_code == 4);
  CHECK(world.Record("dev/web")["reason"] == "PruneCapExceeded");
  CHECK_FALSE(world.Deployment("dev", "web").is_null());
}

}  // namespace sluice::e2e
