// Two units and one object: who declares it owns it, and moving it never deletes it.
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

const UnitId kOther{"prod", "other"};
const std::string kOtherDirectory = "environments/prod/other/";

// prod/other beside prod/web, both with a ConfigMap of their own. Targets eu and eu2 are one
// cluster.
Files Two(const std::string& targets = "[eu]") {
  Files files = Shop();
  files["environments/prod/environment.yaml"] = EnvironmentYaml(
      "    - {name: eu2, kubernetes: {context: prod-eu, namespace: more}}\n"
      "  prune: {maxPercent: 100, removedApplications: delete}\n");
  files[kOtherDirectory + "app.yaml"] =
      "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: other}\n"
      "spec: {targets: " +
      targets + "}\n";
  files[kOtherDirectory + "own.yaml"] = ConfigMapYaml("other");
  return files;
}

struct Moved {
  std::string manifest;
  ObjectRef ref;
};
Moved Somewhere(const std::string& ns) {
  return {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: moved, namespace: " + ns + "}\n",
          {"", "ConfigMap", ns, "moved"}};
}
Moved OfACluster(const std::string& value = "1") {
  return {"apiVersion: x.example/v1\nkind: ClusterThing\nmetadata: {name: moved}\nspec: {v: " +
              value + "}\n",
          {"x.example", "ClusterThing", "", "moved"}};
}

std::string UidOf(const FakeCluster& cluster, const ObjectRef& ref) {
  const auto object = cluster.Find(ref);
  return object ? object->uid : "";
}

Standing Settled(World& world, const UnitId& unit) {
  PassResult result;
  for (int i = 0; i < 3; ++i) result = world.Pass(false, unit);
  return result.standing;
}

}  // namespace

TEST_CASE("an object that moves to another unit is never deleted, whatever its scope") {
  const Moved moved = GENERATE(Somewhere("elsewhere"), OfACluster());
  const bool is_old_home_first = GENERATE(true, false);
  World world(Two());
  world.Commit({{kDirectory + "moved.yaml", moved.manifest}});
  REQUIRE(Settled(world, kWeb) == Standing::kDone);
  REQUIRE(Settled(world, kOther) == Standing::kDone);
  const std::string uid = UidOf(world.eu, moved.ref);
  REQUIRE_FALSE(uid.empty());
  world.Commit({{kDirectory + "moved.yaml", ""}, {kOtherDirectory + "moved.yaml", moved.manifest}});
  for (const UnitId& unit :
       is_old_home_first ? std::vector{kWeb, kOther} : std::vector{kOther, kWeb})
    CHECK(Settled(world, unit) == Standing::kDone);
  CHECK(UidOf(world.eu, moved.ref) == uid);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  CHECK(Settled(world, kWeb) == Standing::kDone);
  const auto inventory = world.Inventory();
  CHECK_FALSE(inventory.at("eu").contains(moved.ref));
}

TEST_CASE("what a failed unit took over from another is not deleted by its revert") {
  const Moved moved = Somewhere("elsewhere");
  World world(Two());
  world.Commit({{kOtherDirectory + "moved.yaml", moved.manifest}});
  REQUIRE(Settled(world, kWeb) == Standing::kDone);
  REQUIRE(Settled(world, kOther) == Standing::kDone);
  const std::string uid = UidOf(world.eu, moved.ref);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  world.Commit({{kOtherDirectory + "moved.yaml", ""},
                {kDirectory + "moved.yaml", moved.manifest},
                {kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  CHECK(Settled(world, kOther) == Standing::kDone);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(world.LastEvent() == "reverted");
  CHECK(Settled(world, kWeb) == Standing::kDone);
  CHECK(UidOf(world.eu, moved.ref) == uid);
  CHECK_FALSE(world.Inventory().at("eu").contains(moved.ref));
}

TEST_CASE("a rollback takes nothing back that another unit declares now") {
  const Moved moved = Somewhere("elsewhere");
  World world(Two());
  world.Commit({{kDirectory + "moved.yaml", moved.manifest}});
  REQUIRE(Settled(world, kWeb) == Standing::kDone);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  world.Commit({{kDirectory + "moved.yaml", ""},
                {kOtherDirectory + "moved.yaml", moved.manifest},
                {kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  REQUIRE(Settled(world, kOther) == Standing::kDone);
  const auto mark = [&] { return world.eu.Find(moved.ref)->body["metadata"]["labels"]; };
  const auto before = mark();
  const std::string main = world.Main();
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(mark() == before);
  // Nor does Git: both units would declare it.
  CHECK(world.Main() == main);
  CHECK(world.Get().reason == "RevertWouldDuplicate");
  CHECK(world.Get().frozen);
  CHECK(Settled(world, kOther) == Standing::kDone);
}

TEST_CASE("a removed unit takes nothing along that another unit declares") {
  const Moved moved = GENERATE(Somewhere("elsewhere"), OfACluster());
  World world(Two());
  world.Commit({{kOtherDirectory + "moved.yaml", moved.manifest}});
  REQUIRE(Settled(world, kWeb) == Standing::kDone);
  REQUIRE(Settled(world, kOther) == Standing::kDone);
  const std::string uid = UidOf(world.eu, moved.ref);
  world.Commit({{kOtherDirectory + "moved.yaml", ""},
                {kOtherDirectory + "own.yaml", ""},
                {kOtherDirectory + "app.yaml", ""},
                {kDirectory + "moved.yaml", moved.manifest}});
  CHECK(Settled(world, kOther) == Standing::kDone);
  CHECK(UidOf(world.eu, moved.ref) == uid);
  CHECK(world.Get(kOther).reason.empty());  // nothing is left behind
  CHECK(Settled(world, kWeb) == Standing::kDone);
  CHECK(UidOf(world.eu, moved.ref) == uid);
}

TEST_CASE("one name in two namespaces is two objects") {
  World world(Two());
  world.Commit({{kDirectory + "x.yaml", Somewhere("one").manifest},
                {kOtherDirectory + "x.yaml", Somewhere("two").manifest}});
  CHECK(Settled(world, kWeb) == Standing::kDone);
  CHECK(Settled(world, kOther) == Standing::kDone);
}

TEST_CASE("two units that declare one object are held, by the namespace it really has") {
  World world(Two());
  const std::string bare = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: moved}\n";
  world.Commit(
      {{kDirectory + "x.yaml", Somewhere("shop").manifest}, {kOtherDirectory + "x.yaml", bare}});
  CHECK(world.Pass().reason == "DuplicateObject");
  CHECK(world.Pass(false, kOther).reason == "DuplicateObject");
  CHECK(world.eu.Writes().empty());
}

TEST_CASE("one object of a custom kind is found out by its namespace, or by the cluster") {
  const bool is_one_namespace = GENERATE(true, false);
  World world(Two(is_one_namespace ? "[eu]" : "[eu2]"));
  world.Commit({{kDirectory + "x.yaml", OfACluster("1").manifest}});
  REQUIRE(Settled(world, kWeb) == Standing::kDone);
  world.Commit({{kOtherDirectory + "x.yaml", OfACluster("2").manifest}});
  CHECK(world.Pass(false, kOther).reason == "DuplicateObject");
  CHECK((world.Pass().reason == "DuplicateObject") == is_one_namespace);
  CHECK(world.eu.Find(OfACluster().ref)->body["spec"]["v"] == 1);
  if (is_one_namespace) return;
  // Who has it goes on with it.
  world.Commit({{kDirectory + "x.yaml", OfACluster("3").manifest}});
  CHECK(Settled(world, kWeb) == Standing::kDone);
  CHECK(world.eu.Find(OfACluster().ref)->body["spec"]["v"] == 3);
}

TEST_CASE("two contexts that name one cluster are one cluster") {
  World world;
  const std::string role =
      "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: shared}\n";
  Files files = Two("[us]");
  files[kDirectory + "role.yaml"] = files[kOtherDirectory + "role.yaml"] = role;
  const bool is_one = GENERATE(true, false);
  if (is_one) world.services->cluster_of = [](const Target&) { return "one"; };
  world.Commit(files);
  const PassResult result = world.Pass();
  CHECK((result.reason == "DuplicateObject") == is_one);
  if (is_one)
    CHECK_THAT(result.message,
               Catch::Contains("context prod-eu and context prod-us are one server"));
  CHECK((world.Pass(false, kOther).reason == "DuplicateObject") == is_one);
}

TEST_CASE("an adoption takes over what it names, and nothing that somebody grabs meanwhile") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.eu.Edit(kConfigMap, "kubectl", "/data/key", "theirs");
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  REQUIRE(world.Pass().reason == "FieldConflict");
  deploylog::Request request;
  request.verb = "adopt";
  request.unit = kWeb;
  request.objects = {ToInventoryLine(kConfigMap)};
  REQUIRE(world.engine->log->AddRequest(request, git::kTester, world.services->GitCall()));
  world.eu.OnCall([&](const std::string& call) {
    if (call == "apply ConfigMap shop/web") world.eu.Edit(kDeployment, "hpa", "/spec/replicas", 7);
  });
  const PassResult result = world.Pass();
  // Found after the first write it is no verdict; the next plan holds.
  CHECK(result.standing == Standing::kErrored);
  CHECK(result.reason == "FieldConflict");
  CHECK(world.eu.Find(kConfigMap)->body["data"]["key"] == "1");
  CHECK(world.eu.Find(kDeployment)->body["spec"]["replicas"] == 7);
  CHECK(world.Pass().reason == "FieldConflict");
  CHECK(world.eu.Find(kDeployment)->body["spec"]["replicas"] == 7);
}

}  // namespace sluice::rollout
