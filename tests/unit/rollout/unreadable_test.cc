// A tip of which a part cannot be read: nothing that runs is changed for that, and nothing that is
// owed is forgotten.
#include "engine/rollout/config_commit.h"
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

const std::string kBroken = "apiVersion: [\n";
const std::string kEnvironment = "environments/prod/environment.yaml";
const UnitId kOther{"prod", "other"};
const std::string kOtherDirectory = "environments/prod/other/";
const ObjectRef kStale{"", "ConfigMap", "shop", "old"};

void BeginLog(World& world) {
  const auto tip = FetchTip(*world.services);
  REQUIRE(tip);
  const auto snapshot = LoadSnapshot(*world.services, *tip, nullptr);
  REQUIRE(snapshot);
  REQUIRE(Initialise(*world.services, **snapshot));
}

// Brings a release that fails, and `files` while its health is awaited.
void FailWhile(World& world, const Files& files) {
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  bool is_there = false;
  world.eu.OnCall([&](const std::string& call) {
    if (call != "assess" || is_there) return;
    is_there = true;
    world.Commit(files);
  });
  CHECK(world.Pass().standing == Standing::kFailed);
  world.eu.OnCall({});
  CHECK(World::TagIn(world.eu) == "good1");
}

// prod/other beside prod/web, each with a ConfigMap of its own, and prod/web with one more.
Files Two() {
  Files files = Shop();
  files[kEnvironment] = EnvironmentYaml("  prune: {maxPercent: 100}\n");
  files[kOtherDirectory + "app.yaml"] =
      "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: other}\n"
      "spec: {targets: [eu]}\n";
  files[kOtherDirectory + "own.yaml"] = ConfigMapYaml("other");
  files[kDirectory + "old.yaml"] = ConfigMapYaml("old");
  return files;
}

}  // namespace

TEST_CASE("a sluice.yaml that cannot be read changes no mark and no field") {
  Files files = Shop();
  files[kEnvironment] = EnvironmentYaml("  drift: {mode: heal}\n");
  World world(files);
  BeginLog(world);
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.eu.ForgetCalls();
  world.Commit({{"sluice.yaml", kBroken}});
  const PassResult broken = world.Pass(/*is_drift_due=*/true);
  CHECK(broken.standing == Standing::kInvalid);
  CHECK(world.eu.Writes().empty());
  CHECK(world.Get().drift.empty());
  world.Commit(
      {{"sluice.yaml", files["sluice.yaml"]}, {kDirectory + "release.yaml", ReleaseYaml("good2")}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good2");
}

TEST_CASE("a failed release is reverted although a shared file cannot be read at the tip") {
  const std::string file =
      GENERATE(as<std::string>{}, "environments/prod/environment.yaml", "sluice.yaml");
  World world;
  BeginLog(world);
  const std::string good = world.Main();
  FailWhile(world, {{file, kBroken}});
  CHECK(world.LastEvent() == "reverted");
  CHECK(world.TreeOf("main") == world.TreeOf(good));
  CHECK(world.hub.Git({"show", "main:" + file}) + "\n" == kBroken);
}

TEST_CASE("a revert waits while its own directory cannot be read") {
  World world;
  const std::string good = world.Main();
  FailWhile(world, {{kDirectory + "app.yaml", kBroken}});
  CHECK(world.Get().pending_revert);
  CHECK(world.LastEvent() == "rolledback");
  const std::string main = world.Main();
  CHECK(world.Settle().standing == Standing::kFailed);
  CHECK(world.Main() == main);
  SECTION("and comes when the failed content is back") {
    world.Commit({{kDirectory + "app.yaml", AppYaml()}});
    world.Settle();
    CHECK(world.TreeOf("main") == world.TreeOf(good));
    CHECK_FALSE(world.Get().pending_revert);
  }
  SECTION("and is not needed when it is mended by something new") {
    const std::string mended = world.Commit({{kDirectory + "app.yaml", AppYaml()},
                                             {kDirectory + "release.yaml", ReleaseYaml("good3")}});
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(world.Main() == mended);
    CHECK(World::TagIn(world.eu) == "good3");
  }
}

TEST_CASE("a retry is refused, not lost, while nobody can tell what Git holds") {
  World world;
  FailWhile(world, {{"README.md", "hello"}});
  REQUIRE(world.Settle().standing == Standing::kDone);
  world.Commit({{kEnvironment, kBroken}});
  world.Request("retry");
  CHECK(world.Settle().standing == Standing::kInvalid);
  CHECK(world.engine->log->Get()->requests.empty());
  CHECK(world.Get().failed.size() == 1);
  world.Commit({{kEnvironment, EnvironmentYaml()}});
  world.eu.Mend();
  world.Request("retry");
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "bad2");
}

TEST_CASE("a rollout found open at a tip that cannot be read goes on when it can") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  world.eu.Fail("assess", Error(ErrorCode::kUnavailable, "connection refused"));
  world.interruption = Interruption::kNone;
  world.eu.OnCall([&](const std::string& call) {
    if (call == "assess") world.interruption = Interruption::kLeaseLost;  // as a crash would
  });
  CHECK_FALSE(world.TryPass());
  world.eu.OnCall({});
  world.eu.Mend();
  world.interruption = Interruption::kNone;
  REQUIRE(world.Get().IsOpen());
  world.Commit({{kEnvironment, kBroken}});
  CHECK(world.Settle().standing == Standing::kInvalid);
  CHECK(world.Get().outcome == Outcome::kCancelled);
  world.Commit({{kEnvironment, EnvironmentYaml()}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good2");
}

TEST_CASE("a unit that is gone with a file that cannot be read is not taken for removed") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  Files gone = {{kEnvironment, kBroken}};
  for (const auto& [path, text] : Shop()) {
    if (path.starts_with(kDirectory)) gone[path] = "";
  }
  world.Commit(gone);
  const size_t count = world.Events().size();
  const PassResult result = world.Settle();
  CHECK(result.standing == Standing::kInvalid);
  CHECK_THAT(result.message, Catch::Contains(kEnvironment));
  CHECK(world.Events().size() == count);
  CHECK(world.Get().running);
  // What was removed before is no question.
  world.Commit({{kEnvironment, EnvironmentYaml()}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.LastEvent() == "removed");
  world.Commit({{kEnvironment, kBroken}});
  CHECK(world.Settle().standing == Standing::kDone);
}

TEST_CASE("what stays because another unit cannot be read is pruned when it can be") {
  World world(Two());
  REQUIRE(world.Settle().standing == Standing::kDone);
  world.Commit({{kOtherDirectory + "own.yaml", kBroken}, {kDirectory + "old.yaml", ""}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Find(kStale));
  CHECK(world.Get().prune_waits);
  world.eu.ForgetCalls();
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Writes().empty());
  const bool is_declared_there = GENERATE(true, false);
  world.Commit(
      {{kOtherDirectory + "own.yaml", ConfigMapYaml(is_declared_there ? "old" : "other")}});
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.eu.Find(kStale).has_value() == is_declared_there);
  CHECK_FALSE(world.Get().prune_waits);
}

TEST_CASE("the prune that waited touches nothing else of a unit at rest") {
  World world(Two());
  REQUIRE(world.Settle().standing == Standing::kDone);
  world.Commit({{kOtherDirectory + "own.yaml", kBroken}, {kDirectory + "old.yaml", ""}});
  REQUIRE(world.Settle().standing == Standing::kDone);
  const Record before = world.Get();
  world.Commit({{kOtherDirectory + "own.yaml", ConfigMapYaml("other")}});
  // It is unhealthy, and somebody mended it by hand.
  world.eu.SetHealth("good1", Health::kDegraded, "CrashLoopBackOff", true);
  world.eu.Edit(kConfigMap, "kubectl-edit", "/data/key", "other");
  world.eu.ForgetCalls();
  SECTION("when it can be done") {
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(world.eu.Writes() == std::vector<std::string>{"delete ConfigMap shop/old"});
    CHECK_FALSE(world.eu.Find(kStale));
    CHECK_FALSE(world.Inventory()["eu"].contains(kStale));
    CHECK(world.LastEvent() == "healed");
    Record after = world.Get();
    CHECK_FALSE(after.prune_waits);
    after.prune_waits = true;
    CHECK(after == before);
  }
  SECTION("when the cluster is away") {
    world.eu.Fail("observe", Error(ErrorCode::kUnavailable, "connection refused"));
    const size_t count = world.Events().size();
    const PassResult result = world.Pass();
    CHECK(result.standing == Standing::kErrored);
    CHECK(result.wake);
    CHECK(world.Events().size() == count);
    world.eu.Mend();
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK_FALSE(world.eu.Find(kStale));
  }
  SECTION("when it was cut short after its first delete") {
    world.eu.OnCall([&](const std::string& call) {
      if (call == "delete ConfigMap shop/old") world.interruption = Interruption::kLeaseLost;
    });
    (void)world.TryPass();
    world.eu.OnCall({});
    world.interruption = Interruption::kNone;
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK_FALSE(world.eu.Find(kStale));
    CHECK_FALSE(world.Get().prune_waits);
  }
}

TEST_CASE("a deadline that passes while a rollout is held by the tip condemns nothing") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("new2")}});
  world.eu.Fail("assess", Error(ErrorCode::kPermissionDenied, "pods is forbidden"), 1);
  REQUIRE(world.Pass().standing == Standing::kErrored);
  world.Commit({{kEnvironment, kBroken}});
  CHECK(world.Pass().standing == Standing::kInvalid);
  world.engine->clock.Advance(10min);
  world.Commit({{kEnvironment, EnvironmentYaml()}});
  world.eu.SetHealth("new2", Health::kProgressing, "Updating", false, 20);
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "new2");
}

TEST_CASE("a rollback takes back what another unit declares by mistake, too") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  const std::string good = world.Main();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  const bool is_own_readable = GENERATE(true, false);
  const Error away(ErrorCode::kUnavailable, "connection refused");
  world.eu.OnCall([&](const std::string& call) {
    if (call == "assess") world.eu.Fail("observe", away);
  });
  REQUIRE(world.Pass().standing == Standing::kErrored);
  REQUIRE(world.Get().IsRollingBack());
  world.eu.OnCall({});
  world.eu.Mend();
  Files twice;
  for (const auto& [path, bytes] : Two()) {
    if (path.starts_with(kOtherDirectory)) twice[path] = bytes;
  }
  std::string& own = twice[kOtherDirectory + "own.yaml"] = Shop().at(kDirectory + "deploy.yaml");
  own.replace(own.find("example/web"), 11, "example/web:other");
  if (!is_own_readable) twice[kDirectory + "app.yaml"] = kBroken;
  world.Commit(twice);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(World::TagIn(world.eu) == "good1");
  if (!is_own_readable) return;
  CHECK(world.LastEvent() == "reverted");
  CHECK(world.TreeOf("main") == world.TreeOf(good));
  CHECK(world.Settle().reason == "DuplicateObject");
}

}  // namespace sluice::rollout
