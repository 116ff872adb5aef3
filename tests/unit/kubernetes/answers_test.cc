// Something between us and the server answers with success, and not with what was asked for.
#include "tests/unit/kubernetes/map_scene.h"

namespace sluice::targets::kubernetes {
namespace {

// Answers requests of one method to paths that end so, from now on; dry runs pass.
void AnswerAll(LiveCluster& cluster, const std::string& method, const std::string& end,
               const std::string& body, int status = 200) {
  cluster.Intercept([=](const HttpRequest& request) -> std::optional<HttpResponse> {
    const std::string path = request.url.substr(0, request.url.find('?'));
    const bool is_dry_run = request.url.find("dryRun=All") != std::string::npos;
    if (request.method != method || is_dry_run || !path.ends_with(end)) return std::nullopt;
    return HttpResponse{status, {{"content-type", "application/json"}}, body};
  });
}

const std::vector<std::string> kNothings = {
    "{}", "[]", R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"})",
    R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"m"}})"};

std::string With(nlohmann::json object, const char* pointer, const char* value) {
  object[nlohmann::json::json_pointer(pointer)] = value;
  return object.dump();
}

}  // namespace

TEST_CASE("an apply that is answered with something else than the object has not landed") {
  MapScene scene;
  scene.Bring("1");
  const nlohmann::json before = scene.Live();
  const Pass pass = scene.Plan("2");
  std::vector<std::string> bodies = kNothings;
  bodies.push_back(before.dump());  // a cache: the object as it was
  bodies.push_back(With(before, "/metadata/name", "n"));
  bodies.push_back(With(before, "/metadata/uid", "11111111-2222-3333-4444-555555555555"));
  bodies.push_back(With(before, "/metadata/resourceVersion", "2"));
  for (const std::string& body : bodies) {
    INFO(body);
    AnswerAll(scene.cluster, "PATCH", "/m", body);
    const WriteResult result = scene.Apply(pass);
    scene.cluster.Intercept({});
    REQUIRE(ReasonOf(result) == "AnswerNotTheObject");
    CHECK(IsRetryable(result.status.error().code()));
    CHECK(scene.Value() == "1");
  }
  CHECK(scene.Apply(pass).status);
}

TEST_CASE("a creation that is answered with something else has not landed") {
  MapScene scene;
  const Pass pass = scene.Plan("2");
  for (const std::string& body : kNothings) {
    INFO(body);
    AnswerAll(scene.cluster, "PATCH", "/m", body, 201);
    const WriteResult result = scene.Apply(pass);
    scene.cluster.Intercept({});
    CHECK(ReasonOf(result) == "AnswerNotTheObject");
  }
}

TEST_CASE("a read that is answered with something else is neither absence nor live state") {
  MapScene scene;
  scene.Bring("1");
  std::vector<ObjectRef> many = {scene.ref};  // so many that they are listed
  for (int i = 0; i < 30; ++i) many.push_back({"", "ConfigMap", scene.ns, std::to_string(i)});
  for (const std::string& body : kNothings) {
    INFO(body);
    AnswerAll(scene.cluster, "GET", "/m", body);
    const auto one = scene.driver->Observe({scene.ref}, scene.cluster.Deadline());
    AnswerAll(scene.cluster, "GET", "/configmaps", body);
    const auto list = scene.driver->Observe(many, scene.cluster.Deadline());
    scene.cluster.Intercept({});
    REQUIRE_FALSE(one);
    CHECK(one.error().reason() == "AnswerNotTheObject");
    REQUIRE_FALSE(list);
    CHECK(list.error().reason() == "AnswerNotTheObject");
  }
}

TEST_CASE("a deletion that is answered with something else is not believed") {
  MapScene scene;
  scene.Bring("1");
  const Deletion deletion = scene.Seen();
  for (const std::string& body :
       {kNothings[0], kNothings[1], kNothings[2], With(scene.Live(), "/metadata/name", "n")}) {
    INFO(body);
    AnswerAll(scene.cluster, "DELETE", "/m", body);
    const WriteResult result = scene.Delete(deletion);
    scene.cluster.Intercept({});
    CHECK(ReasonOf(result) == "AnswerNotTheObject");
    CHECK(scene.Value() == "1");
  }
  CHECK(scene.Delete(deletion).status);
}

TEST_CASE("health of what was written since in our name is told from that of what was applied") {
  MapScene scene;
  const auto is_changed = [&](const LiveState& before) {
    const auto health = scene.driver->Assess(
        {scene.ref}, {.before = &before}, TargetDriver::Diagnose::kFully, scene.cluster.Deadline());
    REQUIRE(health);
    return health->at(0).is_changed_meanwhile;
  };
  const auto apply_as = [&](const std::string& manager, const std::string& value) {
    REQUIRE(scene.cluster
                .As(manager, "PATCH", scene.path, MakeResource(MapYaml(value)).body,
                    "application/apply-patch+yaml")
                .IsSuccess());
  };
  const Pass pass = scene.Bring("1");
  CHECK_FALSE(is_changed(pass.live));
  scene.Merge({{"data", {{"a", "theirs"}}}});  // a field that others took is for the next plan
  CHECK_FALSE(is_changed(pass.live));
  // Times of managedFields are whole seconds.
  const std::string applied = ToText(At(OwnEntry(scene.Live()), "time"));
  int value = 0;
  REQUIRE(scene.cluster.Eventually([&] {
    apply_as("sluice", "late-" + std::to_string(value++));
    return ToText(At(OwnEntry(scene.Live()), "time")) != applied;
  }));
  CHECK(is_changed(pass.live));
}

TEST_CASE("an object made anew is not the one that was applied") {
  MapScene scene;
  const Pass pass = scene.Bring("1");
  scene.Remove();
  scene.MakeAnew("1");
  const auto health =
      scene.driver->Assess({scene.ref}, {.before = &pass.live}, TargetDriver::Diagnose::kFully,
                           scene.cluster.Deadline());
  REQUIRE(health);
  CHECK(health->at(0).is_changed_meanwhile);
}

}  // namespace sluice::targets::kubernetes
