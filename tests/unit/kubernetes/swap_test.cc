// Every write is a compare-and-swap: what a late or partitioned writer sends is refused.
#include <atomic>

#include "tests/unit/kubernetes/map_scene.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr const char* kOtherUid = "11111111-2222-3333-4444-555555555555";

constexpr const char* kSmallDeployment =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n"
    "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
    "    spec: {containers: [{name: web, image: \"registry.example/web:v1\"}]}\n";

int Writes(MapScene& scene) { return scene.cluster.effects.Counts()["live-write"]; }

}  // namespace

// The contract with the server, by plain requests.
TEST_CASE("a server refuses an apply with another version or uid than the object has") {
  MapScene scene;
  scene.Bring("1");
  const auto apply = [&](const std::string& uid, const std::string& version) {
    nlohmann::json body = MakeResource(MapYaml("2")).body;
    body["metadata"]["uid"] = uid;
    body["metadata"]["resourceVersion"] = version;
    return scene.cluster.As("other", "PATCH", scene.path, body, "application/apply-patch+yaml");
  };
  const nlohmann::json live = scene.Live();
  const std::string uid = UidOf(live);
  const std::string version = ToText(At(live, "metadata", "resourceVersion"));
  const auto refused = [](const ApiAnswer& answer, int status) {
    INFO(answer.body);
    CHECK(answer.status == status);
    CHECK(IsRace(answer.status, answer.body));
  };
  refused(apply(uid, "1"), 409);
  refused(apply(kOtherUid, "1"), 409);
  refused(apply(kOtherUid, version), 422);
  CHECK(scene.Value() == "1");
  CHECK(apply(uid, version).status == 200);
  CHECK(scene.Value() == "2");
  scene.Remove();
  refused(apply(uid, version), 409);
}

TEST_CASE("a server creates under the version that no object has, and refuses it to one there") {
  MapScene scene;
  const auto create = [&](const std::string& path, const std::string& yaml) {
    nlohmann::json body = MakeResource(yaml).body;
    body["metadata"]["resourceVersion"] = "1";
    return scene.cluster.As("other", "PATCH", path, body, "application/apply-patch+yaml").status;
  };
  CHECK(create(scene.path, MapYaml("1")) == 201);
  CHECK(create(scene.path, MapYaml("1")) == 409);
  const std::string web = "/apis/apps/v1/namespaces/" + scene.ns + "/deployments/web";
  CHECK(create(web, kSmallDeployment) == 201);
  CHECK(create(web, kSmallDeployment) == 409);
}

TEST_CASE("a status that moved meanwhile costs another round, and nothing else") {
  MapScene scene;
  scene.Bring("1");
  const Pass pass = scene.Plan("2");
  scene.Merge(kStatusMoves);
  const int before = Writes(scene);
  const WriteResult result = scene.Apply(pass);
  INFO(ReasonOf(result));
  REQUIRE(result.status);
  CHECK(result.is_changed);
  CHECK(Writes(scene) == before + 2);
  CHECK(scene.Value() == "2");
  CHECK(scene.Live()["metadata"]["annotations"]["other"] == "1");
}

TEST_CASE("a field that another took meanwhile is a conflict, as the plan would have said") {
  MapScene scene;
  scene.Bring("1");
  const Pass pass = scene.Plan("2");
  scene.Merge({{"data", {{"a", "theirs"}}}});
  CHECK(ReasonOf(scene.Apply(pass)) == "FieldConflict");
  CHECK(scene.Value() == "theirs");
}

TEST_CASE("an object that changed hands after it was planned is not written, by force neither") {
  MapScene scene;
  scene.Bring("1");
  const Pass pass = scene.Plan("2", Force::kYes);
  const std::string what =
      GENERATE(as<std::string>{}, "made anew", "deleted", "marked as another unit's");
  if (what == "marked as another unit's") {
    scene.Merge({{"metadata", {{"labels", {{kMarkLabel, "x"}}}}}});
  } else {
    scene.Remove();
    if (what == "made anew") scene.MakeAnew("9");
  }
  const WriteResult result = scene.Apply(pass, Force::kYes);
  REQUIRE(ReasonOf(result) == "ChangedMeanwhile");
  CHECK_THAT(result.status.error().message(), Catch::Contains(what));
  CHECK(scene.Value() == (what == "deleted" ? "" : what == "made anew" ? "9" : "1"));
}

TEST_CASE("what somebody made where nothing was is not overwritten") {
  MapScene scene;
  const Pass pass = scene.Plan("2", Force::kYes);
  scene.MakeAnew("9");
  const WriteResult result = scene.Apply(pass, Force::kYes);
  REQUIRE(ReasonOf(result) == "ChangedMeanwhile");
  CHECK_THAT(result.status.error().message(), Catch::Contains("was made by 'kubectl'"));
  CHECK(scene.Value() == "9");
}

TEST_CASE("what we made ourselves meanwhile is ours to write") {
  MapScene scene;
  const Pass pass = scene.Plan("2");
  scene.Bring("1");
  const WriteResult result = scene.Apply(pass);
  INFO(ReasonOf(result));
  REQUIRE(result.status);
  CHECK(scene.Value() == "2");
}

TEST_CASE("permission is asked for each request, and again after a race") {
  MapScene scene;
  scene.Bring("1");
  const Pass pass = scene.Plan("2");
  scene.Merge(kStatusMoves);
  std::atomic<int> asked = 0;
  WriteCall call = scene.cluster.Deadline();
  call.may_write = [&]() -> Result<SteadyTime> {
    if (++asked == 1) return call.deadline;
    return Fail(ErrorCode::kHeldElsewhere, "LeaseLost", "another engine holds it");
  };
  const auto results =
      scene.driver->Apply(pass.prepared.objects, pass.live, WriteMode::kApply, Force::kNo, call);
  CHECK(ReasonOf(results.at(0)) == "LeaseLost");
  CHECK(asked == 2);
  CHECK(scene.Value() == "1");
}

TEST_CASE("nothing is deleted, made room for or run without permission") {
  MapScene scene;
  scene.Bring("1");
  const Pass now = scene.Plan("1");
  const Deletion deletion = scene.Seen();
  WriteCall call = scene.cluster.Deadline();
  call.may_write = []() -> Result<SteadyTime> {
    return Fail(ErrorCode::kUnavailable, std::string(kReasonLeaseLate), "late");
  };
  const int before = Writes(scene);
  CHECK(ReasonOf(scene.driver->Delete({deletion}, WriteMode::kApply, call).at(0)) == "LeaseLate");
  CHECK(scene.driver->Delete({deletion}, WriteMode::kDryRun, call).at(0).status);
  CHECK(ReasonOf(scene.driver->MakeRoom(now.prepared.objects, now.live, WriteMode::kApply, call)
                     .at(0)) == "LeaseLate");
  const auto job = scene.driver->RunTask(
      MakeResource("apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: "
                   "{restartPolicy: Never, containers: [{name: c, image: \"r.example/c:v1\"}]}}}\n")
          .body,
      TestOwner(), "r-1", call);
  REQUIRE_FALSE(job);
  CHECK(job.error().reason() == "LeaseLate");
  CHECK(Writes(scene) == before);
  CHECK(scene.Value() == "1");
}

TEST_CASE("a deletion outlives a status that moves, and heeds what is said meanwhile") {
  MapScene scene;
  scene.Bring("1");
  const Deletion seen = scene.Seen();
  const auto [patch, reason] = GENERATE(table<std::string, std::string>(
      {{R"({"metadata":{"annotations":{"other":"1"}}})", ""},
       {R"({"metadata":{"annotations":{"sluice.dev/prune":"disabled"}}})", "ChangedMeanwhile"},
       {R"({"metadata":{"labels":{"sluice.dev/unit":"x"}}})", "ChangedMeanwhile"}}));
  scene.Merge(nlohmann::json::parse(patch));
  CHECK(ReasonOf(scene.Delete(seen)) == reason);
  CHECK(scene.Value() == (reason.empty() ? "" : "1"));
}

}  // namespace sluice::targets::kubernetes
