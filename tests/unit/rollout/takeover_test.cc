// First contact: a system that runs already, and a log that is empty for one reason or the other.
#include "engine/rollout/takeover.h"

#include <algorithm>

#include "engine/rollout/config_commit.h"
#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using TakeoverNames = std::vector<std::string>;

const std::string kMark = "sluice.dev/unit";

Status Refuse(World& world) {
  const auto tip = FetchTip(*world.services);
  REQUIRE(tip);
  const auto snapshot = LoadSnapshot(*world.services, *tip, nullptr);
  REQUIRE(snapshot);
  return RefuseLostLog(*world.services, **snapshot);
}

// What Shop("good1") declares, as somebody else may have applied it.
nlohmann::json ConfigMapBody() {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
          {"data", {{"key", "1"}}}};
}

nlohmann::json DeploymentBody() {
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", {{"name", "web"}, {"namespace", "shop"}}},
          {"spec",
           {{"selector", {{"matchLabels", {{"app", "web"}}}}},
            {"template",
             {{"metadata", {{"labels", {{"app", "web"}}}}},
              {"spec",
               {{"containers",
                 nlohmann::json::array(
                     {{{"name", "web"}, {"image", "registry.example/web:good1"}}})}}}}}}}};
}

// Nobody holds a field against us.
void PutRunning(FakeCluster& cluster) {
  cluster.Put(kConfigMap, "v1", ConfigMapBody());
  cluster.Edit(kConfigMap, "", "/data/key", "1");
  cluster.Put(kDeployment, "apps/v1", DeploymentBody());
  cluster.Edit(kDeployment, "", "/kind", "Deployment");
}

nlohmann::json WithoutMark(nlohmann::json body) {
  body["metadata"]["labels"].erase(kMark);
  if (body["metadata"]["labels"].empty()) body["metadata"].erase("labels");
  return body;
}

}  // namespace

TEST_CASE("a running system that equals the declaration is adopted, marks being the only writes") {
  Files files = Shop();
  files[kDirectory + "app.yaml"] = AppYaml("[eu, us]", kSmokeTest);
  World world(files);
  PutRunning(world.eu);
  PutRunning(world.us);
  int asked = 0;
  world.http.on_request = [&] { ++asked; };
  TakeoverNames at_write;
  for (FakeCluster* cluster : {&world.eu, &world.us}) {
    cluster->OnCall([&](const std::string& call) {
      if (call.starts_with("apply ")) at_write.push_back(world.LastEvent());
    });
  }
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.Events() == TakeoverNames{"adopted"});
  CHECK(world.Trailer("Outcome") == "Succeeded");
  CHECK(at_write == TakeoverNames(4, "adopted"));  // recorded before the first write
  CHECK(asked == 0);
  for (FakeCluster* cluster : {&world.eu, &world.us}) {
    CHECK(cluster->Writes() ==
          TakeoverNames{"apply ConfigMap shop/web", "apply Deployment shop/web"});
    CHECK(cluster->Find(kDeployment)->body["metadata"]["labels"].contains(kMark));
    CHECK(WithoutMark(cluster->Find(kConfigMap)->body) == ConfigMapBody());
    CHECK(WithoutMark(cluster->Find(kDeployment)->body) == DeploymentBody());
  }
  const Record record = world.Get();
  CHECK(record.outcome == Outcome::kSucceeded);
  CHECK(record.kind == "adoption");
  CHECK(record.phase == Phase::kIdle);
  REQUIRE(record.last_known_good);
  CHECK(record.last_known_good->revision == world.Main());
  CHECK(record.running->fingerprint == record.fingerprint);
  CHECK(record.releases.at(0).first_succeeded);
  CHECK(world.Inventory() ==
        deploylog::Inventory{{"eu", {kConfigMap, kDeployment}}, {"us", {kConfigMap, kDeployment}}});
  SECTION("and then nothing is left to do") {
    world.eu.ForgetCalls();
    CHECK(world.Pass().standing == Standing::kDone);
    CHECK(world.Pass(true).drift == DriftSeen::kNone);
    CHECK(world.eu.Writes().empty());
    CHECK(world.Events().size() == 1);
  }
  SECTION("and what was adopted is what a failure goes back to") {
    world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
    world.us.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
    CHECK(world.Pass().standing == Standing::kFailed);
    CHECK(World::TagIn(world.eu) == "good1");
    CHECK(World::TagIn(world.us) == "good1");
    CHECK(world.LastEvent() == "reverted");
  }
}

TEST_CASE("a system of which a part is missing is no first contact that is adopted") {
  World world;
  world.eu.Put(kConfigMap, "v1", ConfigMapBody());
  world.eu.Edit(kConfigMap, "", "/data/key", "1");
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.Events() == TakeoverNames{"started", "succeeded"});
  CHECK(World::TagIn(world.eu) == "good1");
}

TEST_CASE("an empty log beside marked objects is a lost log, and nothing is begun") {
  World world;
  CHECK(Refuse(world));  // nothing runs yet
  world.Pass();
  const auto refused = Refuse(world);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kCorrupted);
  CHECK(refused.error().reason() == "LogMissing");
  CHECK_THAT(refused.error().message(), Catch::Contains("target eu holds ConfigMap shop/web") &&
                                            Catch::Contains("prod/web") &&
                                            Catch::Contains("sluice init --new-log"));
  SECTION("until somebody says that it is to begin anew") {
    world.services->options.accept_empty_log = true;
    world.eu.ForgetCalls();
    CHECK(Refuse(world));
    CHECK(world.eu.Calls().empty());
  }
  SECTION("a cluster that cannot be asked proves nothing") {
    world.eu.Fail("find", Error(ErrorCode::kUnavailable, "away"));
    CHECK(Refuse(world));
  }
}

TEST_CASE("objects without a mark, or with another's, are no sign of a lost log") {
  World world;
  PutRunning(world.eu);
  CHECK(Refuse(world));
  nlohmann::json theirs = ConfigMapBody();
  theirs["metadata"]["labels"][kMark] = "somebody-else";
  world.eu.Put(kConfigMap, "v1", theirs);
  CHECK(Refuse(world));
}

}  // namespace sluice::rollout
