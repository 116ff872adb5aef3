// An object is the same by its uid, whatever names it.
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

const ObjectRef kOldName{"extensions.example", "Ingress", "shop", "front"};
const ObjectRef kNewName{"networking.example", "Ingress", "shop", "front"};

std::string IngressYaml(const std::string& group) {
  return "apiVersion: " + group + "/v1\nkind: Ingress\nmetadata: {name: front, namespace: shop}\n";
}

Files OldName(const std::string& more = "") {
  Files files = Shop();
  files["environments/prod/environment.yaml"] = EnvironmentYaml(
      "    - {name: eu2, kubernetes: {context: prod-eu-too, namespace: shop}}\n"
      "  prune: {maxPercent: 100, removedApplications: delete}\n");
  files[kDirectory + "front.yaml"] = IngressYaml(kOldName.group) + more;
  return files;
}

const std::string kOtherApp =
    "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: other}\n";

}  // namespace

TEST_CASE("an object whose kind is written in another group is not pruned by its old name") {
  World world(OldName());
  world.Pass();
  world.eu.Alias(kOldName, kNewName);
  const std::string uid = world.eu.Find(kNewName)->uid;
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "front.yaml", IngressYaml(kNewName.group)}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Calls("delete").empty());
  CHECK(world.eu.Find(kNewName)->uid == uid);
  CHECK_FALSE(world.Inventory()["eu"].contains(kOldName));
  CHECK(world.Inventory()["eu"].contains(kNewName));
}

TEST_CASE("neither is one that moved to another unit under another group") {
  World world(OldName());
  world.Pass();
  world.eu.Alias(kOldName, kNewName);
  world.Commit({{kDirectory + "front.yaml", ""},
                {"environments/prod/other/app.yaml", kOtherApp + "spec: {targets: [eu]}\n"},
                {"environments/prod/other/front.yaml", IngressYaml(kNewName.group)}});
  world.eu.ForgetCalls();
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Calls("delete").empty());
  CHECK(world.eu.Find(kOldName));
}

// Targets eu and eu2 are one cluster under two names.
TEST_CASE("neither is one that another unit declares through another name of the same cluster") {
  World world(OldName());
  world.Pass();
  const bool is_removed = GENERATE(false, true);
  Files files = {{"environments/prod/other/app.yaml", kOtherApp + "spec: {targets: [eu2]}\n"},
                 {"environments/prod/other/front.yaml", IngressYaml(kOldName.group)},
                 {kDirectory + "front.yaml", ""}};
  if (is_removed) {
    for (const auto& [path, text] : Shop()) {
      if (path.starts_with(kDirectory)) files[path] = "";
    }
  }
  world.Commit(files);
  world.Settle();
  CHECK(world.eu.Find(kOldName));
  CHECK(world.eu.Calls("delete Ingress").empty());
}

TEST_CASE("an object of the same name in another cluster protects nothing") {
  World world(OldName());
  world.Pass();
  world.Commit({{"environments/prod/other/app.yaml", kOtherApp + "spec: {targets: [us]}\n"},
                {"environments/prod/other/front.yaml", IngressYaml(kOldName.group)}});
  world.Pass(false, {"prod", "other"});
  REQUIRE(world.us.Find(kOldName));
  world.Commit({{kDirectory + "front.yaml", ""}});
  SECTION("that answers") {
    world.Settle();
    CHECK_FALSE(world.eu.Find(kOldName));
  }
  SECTION("that does not answer, until it does") {
    world.us.Fail("observe", Error(ErrorCode::kUnavailable, "no route to host"));
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(world.eu.Find(kOldName));
    CHECK(world.Get().prune_waits);
    world.us.Mend();
    world.Settle();
    CHECK_FALSE(world.eu.Find(kOldName));
  }
  CHECK(world.us.Find(kOldName));
}

TEST_CASE("a namespace in which something is declared is not pruned") {
  Files files = OldName();
  files[kDirectory + "ns.yaml"] = "apiVersion: v1\nkind: Namespace\nmetadata: {name: more}\n";
  files[kDirectory + "inside.yaml"] =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: inside, namespace: more}\n";
  const ObjectRef ns{"", "Namespace", "", "more"};
  World world(files);
  world.Pass();
  world.Commit({{kDirectory + "ns.yaml", ""}});
  world.Settle();
  CHECK(world.eu.Find(ns));
  world.Commit({{kDirectory + "inside.yaml", ""}});
  world.Settle();
  CHECK_FALSE(world.eu.Find(ns));
}

}  // namespace sluice::rollout
