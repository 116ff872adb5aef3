// A prune stays open until the object is gone, whatever keeps it.
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using Lines = std::vector<std::string>;

const ObjectRef kOperator{"apps", "Deployment", "shop", "operator"};

// `old` is declared no more.
PassResult Drop(World& world) {
  world.Commit({{kDirectory + "old.yaml", ""}});
  return world.Settle();
}

void CheckIsOpen(World& world, const PassResult& result, const std::string& why) {
  CHECK(result.standing == Standing::kDone);
  CHECK(result.reason == "ObjectsLeaving");
  CHECK(result.message == "ConfigMap shop/old is not gone: " + why);
  CHECK(result.wake);
  const Record record = world.Get();
  CHECK(record.outcome == Outcome::kSucceeded);
  REQUIRE(record.leaving.size() == 1);
  CHECK(record.leaving[0].ref == kOld);
  CHECK(record.leaving[0].held_by == why);
  CHECK(record.leaving[0].uid == world.eu.Find(kOld)->uid);
  CHECK(world.Inventory()["eu"].contains(kOld));
}

void CheckIsClosed(World& world) {
  CHECK(world.LastEvent() == "healed");
  CHECK(world.Get().leaving.empty());
  CHECK_FALSE(world.Inventory()["eu"].contains(kOld));
}

std::string WidgetYaml() {
  return "apiVersion: x.example/v1\nkind: Widget\nmetadata: {name: w, namespace: shop}\n";
}
std::string OperatorYaml() {
  return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: operator}\nspec:\n"
         "  selector: {matchLabels: {app: o}}\n"
         "  template:\n    metadata: {labels: {app: o}}\n"
         "    spec: {containers: [{name: o, image: \"registry.example/o:1\"}]}\n";
}

}  // namespace

TEST_CASE("a prune that a finalizer holds is open until the object is gone") {
  World world(WithOld());
  world.Pass();
  world.eu.Hold(kOld, kFinalizer);
  CheckIsOpen(world, Drop(world), "being deleted, held by " + kFinalizer);
  CHECK(world.LastEvent() == "succeeded");
  CHECK(world.LastMessage().find("held by " + kFinalizer) != std::string::npos);
  const size_t count = world.Events().size();
  SECTION("nothing is sent or told again while it is so, not even by a new process") {
    world.eu.ForgetCalls();
    world.Pass();
    world.Restart();
    world.Pass(true);
    CHECK(world.eu.Writes().empty());
    CHECK(world.eu.Calls("predict").size() == 1);  // the drift check's
    CHECK(world.Events().size() == count);
  }
  world.eu.LetGo(kOld);
  CHECK(world.Pass().reason.empty());
  CheckIsClosed(world);
  CHECK(world.Events().size() == count + 1);
}

TEST_CASE("a prune that is refused, or that nobody could send, is asked for again") {
  const auto [error, why] = GENERATE(table<Error, std::string>(
      {{Error(ErrorCode::kRejected, "denied by policy"),
        "its deletion is refused: denied by policy"},
       {Error(ErrorCode::kPermissionDenied, "no right to delete"),
        "its deletion is refused: no right to delete"},
       {Error(ErrorCode::kUnavailable, "connection reset"),
        "not deleted yet: deleting ConfigMap shop/old: connection reset"}}));
  const std::string operation = GENERATE("delete-dry-run", "delete");
  World world(WithOld());
  world.Pass();
  world.eu.FailObject(operation, "ConfigMap shop/old", error);
  CheckIsOpen(world, Drop(world), why);
  const size_t count = world.Events().size();
  world.Pass();
  CHECK(world.Events().size() == count);
  world.eu.Mend();
  world.Pass();
  CHECK_FALSE(world.eu.Find(kOld));
  CheckIsClosed(world);
}

TEST_CASE("an object that somebody made anew under the name is not ours to delete") {
  World world(WithOld());
  world.Pass();
  world.eu.Hold(kOld, kFinalizer);
  Drop(world);
  world.eu.Recreate(kOld);  // with our mark and our fields: from a backup
  world.eu.ForgetCalls();
  world.Pass();
  CHECK(world.eu.Find(kOld));
  CHECK(world.eu.Writes().empty());
  CheckIsClosed(world);
}

TEST_CASE("an object that is declared again while it is being deleted is no prune any more") {
  World world(WithOld());
  world.Pass();
  world.eu.Hold(kOld, kFinalizer);
  Drop(world);
  world.eu.LetGo(kOld);
  world.Commit({{kDirectory + "old.yaml", ConfigMapYaml("old", "2")}});
  world.Settle();
  CHECK(world.eu.Find(kOld));
  CHECK(world.Get().leaving.empty());
  CHECK(world.Inventory()["eu"].contains(kOld));
}

TEST_CASE("a later rollout carries an open prune on") {
  World world(WithOld());
  world.Pass();
  world.eu.Hold(kOld, kFinalizer);
  Drop(world);
  const SystemTime since = world.Get().leaving.at(0).since;
  world.engine->clock.Advance(10s);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  CheckIsOpen(world, world.Settle(), "being deleted, held by " + kFinalizer);
  CHECK(world.Get().leaving.at(0).since == since);
}

TEST_CASE("an open prune is looked at soon, then ever more rarely") {
  World world(WithOld());
  world.Pass();
  world.eu.Hold(kOld, kFinalizer);
  PassResult result = Drop(world);
  Duration last{0};
  for (const Duration age : {Duration(0s), Duration(40s), Duration(1h)}) {
    world.engine->clock.Advance(age);
    result = world.Pass();
    const Duration pause = *result.wake - world.engine->clock.SystemNow();
    CHECK(pause > last);
    CHECK(pause <= 1min);
    last = pause;
  }
}

TEST_CASE("what serves an object is not touched before that is gone") {
  Files files = Shop();
  files["environments/prod/environment.yaml"] = EnvironmentYaml("  prune: {maxPercent: 100}\n");
  files[kDirectory + "widget.yaml"] = WidgetYaml();
  files[kDirectory + "operator.yaml"] = OperatorYaml();
  World world(files);
  world.Pass();
  world.eu.Hold(kWidget, kFinalizer);
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "widget.yaml", ""}, {kDirectory + "operator.yaml", ""}});
  const PassResult result = world.Settle();
  CHECK(result.standing == Standing::kWaiting);
  CHECK(result.message == "Widget.x.example shop/w is not gone: being deleted, held by " +
                              kFinalizer + "; 1 more go when these are gone");
  CHECK(world.eu.Writes() == Lines{"delete Widget.x.example shop/w"});
  CHECK(world.Get().leaving.size() == 2);
  world.engine->clock.Advance(10min);
  CHECK(world.Pass().standing == Standing::kDone);  // it waits for a person
  CHECK(world.eu.Find(kOperator));
  world.eu.LetGo(kWidget);
  world.Settle();
  CHECK_FALSE(world.eu.Find(kOperator));
  CHECK(world.Get().leaving.empty());
}

TEST_CASE("a prune that is interrupted by newer content between its batches goes no further") {
  Files files = Shop();
  files["environments/prod/environment.yaml"] =
      EnvironmentYaml("  prune: {maxCount: 100, maxPercent: 100}\n");
  Files gone;
  for (int i = 0; i < 30; ++i) {
    const std::string path = kDirectory + "c" + std::to_string(i) + ".yaml";
    files[path] = ConfigMapYaml("c" + std::to_string(i));
    gone[path] = "";
  }
  World world(files);
  world.Pass();
  world.Commit(gone);
  world.eu.OnCall([&](const std::string& call) {
    if (call.starts_with("delete ")) world.interruption = Interruption::kSuperseded;
  });
  CHECK(world.Pass().look_again);
  CHECK(world.eu.Calls("delete ").size() == 8);
  CHECK(world.LastEvent() == "superseded");
}

TEST_CASE("a rollback's deletion that a finalizer holds is not forgotten either") {
  World world(Shop());
  world.Pass();
  world.Commit({{kDirectory + "old.yaml", ConfigMapYaml("old")},
                {kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  world.eu.OnCall([&](const std::string& call) {
    if (call == "assess" && world.eu.Find(kOld)) world.eu.Hold(kOld, kFinalizer);
  });
  world.Settle();
  world.eu.OnCall({});
  CHECK(world.Get().leaving.size() == 1);
  CHECK(world.Inventory()["eu"].contains(kOld));
  world.eu.LetGo(kOld);
  world.Settle();
  CHECK(world.Get().leaving.empty());
  CHECK_FALSE(world.Inventory()["eu"].contains(kOld));
}

}  // namespace sluice::rollout
