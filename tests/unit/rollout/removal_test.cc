// A unit whose directory is gone: what stays, what goes, in which order, and what stops it.
#include <algorithm>

#include "engine/rollout/config_commit.h"
#include "engine/rollout/removal_plan.h"
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using Lines = std::vector<std::string>;

const ObjectRef kWebhook{"admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "",
                         "hook"};

Files Deleting(const std::string& prune = "") {
  Files files = Shop();
  files["environments/prod/environment.yaml"] =
      EnvironmentYaml("  prune: {removedApplications: delete" + prune + "}\n");
  return files;
}

// An operator: a custom resource, and the Deployment that serves it.
Files Operator() {
  Files files = Deleting();
  files[kDirectory + "widget.yaml"] =
      "apiVersion: x.example/v1\nkind: Widget\nmetadata: {name: w, namespace: shop}\n";
  return files;
}

Files Many(int count) {
  Files files = Deleting(", maxCount: 1000");
  for (int i = 0; i < count; ++i)
    files[kDirectory + "c" + std::to_string(i) + ".yaml"] = ConfigMapYaml("c" + std::to_string(i));
  return files;
}

void Remove(World& world, const Files& files) {
  Files gone;
  for (const auto& [path, text] : files) {
    if (path.starts_with(kDirectory)) gone[path] = "";
  }
  world.Commit(gone);
}

void Restore(World& world, const Files& files) {
  Files back;
  for (const auto& [path, text] : files) {
    if (path.starts_with(kDirectory)) back[path] = text;
  }
  world.Commit(back);
}

// What the engine would see between batches: the tip as it is then.
void SeeGit(World& world) {
  world.services->look_at_git = [&world]() -> Result<std::shared_ptr<const Snapshot>> {
    SLUICE_TRY(const std::string tip, FetchTip(*world.services));
    SLUICE_TRY(auto snapshot, LoadSnapshot(*world.services, tip, nullptr));
    if (snapshot->Find(kWeb)) world.interruption = Interruption::kSuperseded;
    return snapshot;
  };
}

}  // namespace

TEST_CASE("a removed unit keeps its objects, names them, and is done") {
  World world;
  world.Pass();
  world.eu.ForgetCalls();
  Remove(world, Shop());
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.LastEvent() == "removed");
  CHECK(world.eu.Writes().empty());
  CHECK(world.LastMessage().find("eu: Deployment shop/web") != std::string::npos);
  const size_t count = world.Events().size();
  world.Pass();
  CHECK(world.Events().size() == count);
}

TEST_CASE("a removed unit's objects are deleted where the environment says so") {
  World world(Deleting());
  world.Pass();
  Remove(world, Shop());
  Lines seen;
  world.eu.OnCall([&](const std::string& call) {
    if (call.starts_with("delete ")) seen.push_back(world.LastEvent());
  });
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.eu.Names().empty());
  CHECK(seen == Lines{"started", "started"});
  CHECK(world.LastEvent() == "removed");
}

TEST_CASE("a removal waits for what leaves, and touches nothing that may serve it") {
  World world(Operator());
  world.Pass();
  world.eu.Hold(kWidget, kFinalizer);
  world.eu.ForgetCalls();
  Remove(world, Operator());
  PassResult result = world.Settle();
  CHECK(result.standing == Standing::kWaiting);
  CHECK(result.reason == "ObjectsLeaving");
  CHECK(result.message.find("Widget.x.example shop/w is not gone: being deleted, held by " +
                            kFinalizer + "; 2 more go when these are gone") == 0);
  CHECK(world.eu.Writes() == Lines{"delete Widget.x.example shop/w"});
  CHECK(world.LastEvent() == "held");
  const size_t count = world.Events().size();
  world.engine->clock.Advance(10min);
  world.Restart();
  result = world.Settle();
  CHECK(result.standing == Standing::kHeld);  // it waits for a person
  CHECK(world.Events().size() == count);
  world.eu.LetGo(kWidget);
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Names().empty());
  CHECK(world.LastEvent() == "removed");
  CHECK(std::ranges::count(world.Events(), "started") == 2);  // of the rollout and of the removal
}

TEST_CASE(
    "the directory put back in the middle of a removal ends it, and all is rolled out again") {
  World world(Many(40));
  world.Pass();
  SeeGit(world);
  Remove(world, Many(40));
  bool is_back = false;
  world.eu.OnCall([&](const std::string& call) {
    if (!call.starts_with("delete ") || is_back) return;
    is_back = true;
    Restore(world, Many(40));
  });
  CHECK(world.Pass().look_again);
  CHECK(world.eu.Calls("delete ").size() <= 8);
  CHECK(world.LastEvent() == "superseded");
  world.interruption = Interruption::kNone;
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Names().size() == 42);
  CHECK(world.LastEvent() == "succeeded");
}

TEST_CASE("a removal that is frozen in its middle stops there, and ends when it is unfrozen") {
  World world(Many(40));
  world.Pass();
  Remove(world, Many(40));
  world.eu.OnCall([&](const std::string& call) {
    if (call.starts_with("delete ")) world.interruption = Interruption::kFrozen;
  });
  CHECK(world.Pass().reason == "Frozen");
  CHECK(world.eu.Calls("delete ").size() <= 8);
  CHECK(world.LastEvent() == "cancelled");
  world.interruption = Interruption::kNone;
  world.eu.OnCall({});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Names().empty());
}

TEST_CASE("another unit that declares one of the objects meanwhile ends the removal's look") {
  World world(Many(20));
  world.Pass();
  SeeGit(world);
  Remove(world, Many(20));
  bool is_claimed = false;
  world.eu.OnCall([&](const std::string& call) {
    if (!call.starts_with("delete ") || is_claimed) return;
    is_claimed = true;
    world.Commit({{"environments/prod/other/app.yaml",
                   "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: other}\n"
                   "spec: {targets: [eu]}\n"},
                  {"environments/prod/other/web.yaml", ConfigMapYaml("web")}});
  });
  world.Settle();
  CHECK(world.eu.Names() == Lines{"ConfigMap shop/web"});
  CHECK(world.LastEvent() == "removed");
}

TEST_CASE("a removal of more objects than maxCount allows is held until a commit raises it") {
  Files files = Many(20);
  files["environments/prod/environment.yaml"] =
      EnvironmentYaml("  prune: {removedApplications: delete}\n");
  World world(files);
  world.Pass();
  world.eu.ForgetCalls();
  Remove(world, files);
  const PassResult result = world.Settle();
  CHECK(result.standing == Standing::kHeld);
  CHECK(result.reason == "PruneCapExceeded");
  CHECK(result.message.find("22 of 22 objects in target eu would be deleted, 10 may") == 0);
  CHECK(result.message.find("environments/prod/web is gone: put it back, or raise "
                            "prune.maxCount in environment.yaml by a commit") != std::string::npos);
  CHECK(world.eu.Writes().empty());
  world.Commit({{"environments/prod/environment.yaml",
                 EnvironmentYaml("  prune: {removedApplications: delete, maxCount: 30}\n")}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Names().empty());
}

TEST_CASE("a unit's own webhook that nobody answers goes before what it is asked about") {
  Files files = Operator();
  files[kDirectory + "hook.yaml"] =
      "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\n"
      "metadata: {name: hook}\nwebhooks: [{name: check.x.example}]\n";
  World world(files);
  world.Pass();
  // The fake puts what it does not know into the namespace.
  const ObjectRef hook{kWebhook.group, kWebhook.kind, "shop", "hook"};
  REQUIRE(world.eu.Find(hook));
  const std::string operation = GENERATE("delete-dry-run", "delete");
  world.eu.FailObject(operation, "Widget.x.example shop/w",
                      Error(ErrorCode::kUnavailable, "WebhookUnavailable",
                            "failed calling webhook \"check.x.example\": no endpoints"));
  world.eu.OnCall([&](const std::string& call) {
    if (call.starts_with("delete ValidatingWebhookConfiguration")) world.eu.Mend();
  });
  Remove(world, files);
  world.Pass();
  CHECK(world.eu.Find(kWidget));
  CHECK_FALSE(world.eu.Find(hook));
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Names().empty());
}

TEST_CASE("the plan of a removal shows the order, and what stays and why") {
  World world(Operator());
  world.Pass();
  world.eu.Protect({"", "ConfigMap", "shop", "web"}, "helm release x");
  Remove(world, Operator());
  const auto tip = FetchTip(*world.services);
  REQUIRE(tip);
  const auto snapshot = LoadSnapshot(*world.services, *tip, nullptr);
  REQUIRE(snapshot);
  const auto plan = PlanRemoval(*world.services, **snapshot, kWeb);
  REQUIRE(plan);
  Lines lines;
  for (const Change& change : plan->changes)
    lines.push_back(std::string(ToString(change.action)) + " " + ToString(change.ref) + ": " +
                    change.reason);
  CHECK(lines == Lines{"prune Widget.x.example shop/w: its application is removed",
                       "prune Deployment shop/web: its application is removed",
                       "skip ConfigMap shop/web: its application is removed, but it stays: helm "
                       "release x"});
}

}  // namespace sluice::rollout
