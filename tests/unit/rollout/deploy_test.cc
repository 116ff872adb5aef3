// A rollout that goes well, and what keeps one from starting.
#include <algorithm>

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using targets::Prediction;

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "a good rollout takes its steps in order, and its start is pushed before the first write") {
  World world;
  Names seen;
  world.eu.OnCall(
      [&](const std::string& call) { seen.push_back(call + " after " + world.LastEvent()); });
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kDone);
  CHECK(seen == Names{"prepare after ", "observe after ", "predict after ",
                      "apply ConfigMap shop/web after started", "await after started",
                      "apply Deployment shop/web after started", "assess after started"});
  CHECK(world.Events() == Names{"started", "succeeded"});
  const Record record = world.Get();
  CHECK(record.phase == Phase::kIdle);
  CHECK(record.outcome == Outcome::kSucceeded);
  CHECK(record.attempt == 1);
  REQUIRE(record.last_known_good);
  CHECK(record.last_known_good->revision == world.Main());
  CHECK(record.last_known_good->fingerprint == record.fingerprint);
  REQUIRE(record.running);
  CHECK(record.running->revision == world.Main());
  CHECK(record.healthy_since == world.engine->clock.SystemNow());
  REQUIRE(record.releases.size() == 1);
  CHECK(record.releases[0].version == "good1");
  CHECK(record.releases[0].first_succeeded);
  CHECK(record.targets.at("eu").health == Health::kHealthy);
  CHECK(record.targets.count("us") == 0);
  CHECK(world.Inventory()["eu"] == std::set<ObjectRef>{kConfigMap, kDeployment});
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.us.Calls().empty());
  CHECK(world.OutboxSize() == 0);
}

TEST_CASE("a pass that finds nothing to do asks the cluster nothing and records nothing") {
  World world;
  world.Pass();
  world.eu.ForgetCalls();
  const auto events = world.Events();
  for (int i = 0; i < 3; ++i) CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.eu.Calls().empty());
  CHECK(world.Events() == events);
}

TEST_CASE("only the objects that a commit changes are written") {
  World world;
  world.Pass();
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.eu.Writes() == Names{"apply Deployment shop/web"});
  CHECK(World::TagIn(world.eu) == "good2");
  CHECK(world.Get().releases.size() == 2);
}

TEST_CASE("an empty plan for new content verifies it and writes nothing") {
  World world;
  world.Pass();
  world.eu.ForgetCalls();
  int asked = 0;
  world.http.on_request = [&] { ++asked; };
  world.Commit({{kDirectory + "app.yaml", AppYaml("[eu]", kSmokeTest)}});
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.eu.Writes().empty());
  CHECK(asked == 1);
  CHECK(world.Events() == Names{"started", "succeeded", "started", "succeeded"});
}

TEST_CASE("going back to last known good with nothing to apply is one succeeded and runs nothing") {
  World world;
  world.Pass();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  world.interruption = Interruption::kSuperseded;  // the second commit was never begun
  world.Pass();
  world.interruption = Interruption::kNone;
  world.eu.SetPrediction("good2", Prediction::Kind::kConflict, "scale-bot owns it");
  CHECK(world.Pass().reason == "FieldConflict");
  world.eu.Mend();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good1")}});
  world.eu.ForgetCalls();
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.eu.Writes().empty());
  CHECK(world.LastEvent() == "succeeded");
  CHECK(world.Get().outcome == Outcome::kSucceeded);
  CHECK(world.Get().running->revision == world.Main());
}

TEST_CASE("a first contact with equal objects is adopted with ownership marks as the only writes") {
  World world;
  const nlohmann::json config = {{"apiVersion", "v1"},
                                 {"kind", "ConfigMap"},
                                 {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
                                 {"data", {{"key", "1"}}}};
  world.Commit({{kDirectory + "deploy.yaml", ""}, {kDirectory + "release.yaml", ""}});
  world.eu.Put(kConfigMap, "v1", config);
  world.eu.Edit(kConfigMap, "", "/data/key", "1");
  Names seen;
  world.eu.OnCall([&](const std::string& call) {
    if (call.starts_with("apply")) seen.push_back(world.LastEvent());
  });
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.Events() == Names{"adopted"});
  CHECK(seen == Names{"adopted"});
  CHECK(world.eu.Find(kConfigMap)->body["metadata"]["labels"].contains("sluice.dev/unit"));
  CHECK(world.Inventory()["eu"] == std::set<ObjectRef>{kConfigMap});
  CHECK(world.Get().last_known_good);
}

TEST_CASE("an object that differs and is not ours holds the unit until somebody adopts it") {
  World world;
  world.eu.Put(kConfigMap, "v1",
               {{"apiVersion", "v1"},
                {"kind", "ConfigMap"},
                {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
                {"data", {{"key", "other"}}}});
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "AdoptionRequired");
  CHECK(world.eu.Writes().empty());
  CHECK(world.Events() == Names{"held"});
  world.Pass();
  CHECK(world.Events() == Names{"held"});
  world.Request("adopt");
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.Events() == Names{"held", "request", "adopted", "started", "succeeded"});
  CHECK(world.eu.Find(kConfigMap)->body["data"]["key"] == "1");
  CHECK(world.engine->log->Get()->requests.empty());
}

TEST_CASE("a field that another manager owns holds the unit and names the manager") {
  World world;
  world.Pass();
  world.eu.Edit(kDeployment, "scale-bot", "/spec/replicas", 7);
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "FieldConflict");
  CHECK(held.message.find("scale-bot") != std::string::npos);
  CHECK(world.eu.Writes().empty());
  CHECK(World::TagIn(world.eu) == "good1");
}

TEST_CASE("what a driver says a person must mend holds the unit before anything is written") {
  World world;
  world.eu.SetBlockers({{"UnknownKind", "no kind Widget in target eu"}});
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "UnknownKind");
  CHECK(world.eu.Writes().empty());
}

TEST_CASE("a broken manifest holds the unit, once, and mending it goes on") {
  World world;
  world.Pass();
  world.Commit({{kDirectory + "config.yaml", "kind: [\n"}});
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kInvalid);
  CHECK(held.reason == "ConfigInvalid");
  CHECK(held.message.find("config.yaml") != std::string::npos);
  world.Pass();
  CHECK(world.Events() == Names{"started", "succeeded", "invalid"});
  CHECK(world.Get().running->release.version == "good1");
  world.Commit({{kDirectory + "config.yaml", ConfigMapYaml("web", "2")}});
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.Get().reason.empty());
}

TEST_CASE("a frozen unit is left alone until it is unfrozen") {
  World world;
  world.Pass();
  world.Request("freeze");
  CHECK(world.Pass().look_again);
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "Frozen");
  CHECK(held.message.find("Tess Tester") != std::string::npos);
  CHECK(world.eu.Calls().empty());
  world.Request("unfreeze");
  world.Settle();
  CHECK(World::TagIn(world.eu) == "good2");
  CHECK(world.Events() == Names{"started", "succeeded", "request", "frozen", "request", "unfrozen",
                                "started", "succeeded"});
}

TEST_CASE("without the lease nothing is written, to the log or to live") {
  World world;
  world.engine->lease->Lost();
  const auto result = world.TryPass();
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == ErrorCode::kHeldElsewhere);
  CHECK(world.Events().empty());
  CHECK(world.eu.Writes().empty());
}

}  // namespace sluice::rollout
