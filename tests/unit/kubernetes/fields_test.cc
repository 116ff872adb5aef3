// Fields of others beside ours: what goes with Git, and what stays with who writes it.
#include <thread>

#include "engine/targets/kubernetes/health_json.h"
#include "tests/unit/kubernetes/driver_steps.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;
using Kind = Prediction::Kind;

constexpr const char* kApply = "application/apply-patch+yaml";
constexpr const char* kMerge = "application/merge-patch+json";

std::string Map(const std::string& data) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {" + data + "}\n";
}

std::string Web(const std::string& container, const std::string& spec = "") {
  return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n" + spec +
         "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
         "    spec: {containers: [{name: c, image: \"registry.example/c:1\"" +
         container + "}]}\n";
}

struct Place {
  LiveCluster cluster;
  std::string ns = cluster.MakeNamespace();
  std::unique_ptr<TargetDriver> driver = cluster.Driver(ns);

  std::string Path(const std::string& kind) const {
    return (kind == "deployments" ? "/apis/apps/v1/namespaces/" : "/api/v1/namespaces/") + ns +
           "/" + kind;
  }
  json Live(const std::string& kind, const std::string& name) {
    return cluster.As("t", "GET", Path(kind) + "/" + name).body;
  }
  void ApplyAs(const std::string& manager, const std::string& kind, const std::string& yaml) {
    const Resource resource = MakeResource(yaml);
    const std::string path = Path(kind) + "/" + resource.ref.name;
    const ApiAnswer answer = cluster.As(manager, "PATCH", path, resource.body, kApply);
    INFO(answer.body.dump());
    REQUIRE(answer.IsSuccess());
  }
  Surroundings Before(const std::string& yaml) { return {MakeResources(yaml), {}}; }
};

void CheckConflict(const Prediction& prediction, const std::string& field,
                   const std::string& manager) {
  REQUIRE(prediction.kind == Kind::kConflict);
  CHECK(std::ranges::any_of(prediction.conflicts, [&](const FieldConflict& conflict) {
    return conflict.field == field && conflict.manager == manager && conflict.is_former;
  }));
}

TEST_CASE("a field that Git drops and another manager keeps is a conflict, and goes by force") {
  for (const char* manager : {"helm", "argocd-controller", "Terraform"}) {
    Place place;
    place.ApplyAs(manager, "configmaps", Map("keep: a, legacy: b"));
    Deploy(place.cluster, *place.driver, Map("keep: a, legacy: b"));
    const auto next = MakeResources(Map("keep: a"));
    CheckConflict(PredictionOf(MakePass(place.cluster, *place.driver, next), "ConfigMap", "m"),
                  ".data.legacy", manager);
    const Pass forced = MakePass(place.cluster, *place.driver, next, Force::kYes);
    const Prediction& prediction = PredictionOf(forced, "ConfigMap", "m");
    REQUIRE(prediction.kind == Kind::kUpdate);
    CHECK(prediction.after["data"] == json({{"keep", "a"}}));
    ApplyAll(place.cluster, *place.driver, forced.prepared.objects, forced.live, Force::kYes);
    CHECK(place.Live("configmaps", "m")["data"] == json({{"keep", "a"}}));
    const Pass after = MakePass(place.cluster, *place.cluster.Driver(place.ns), next);
    CHECK(PredictionOf(after, "ConfigMap", "m").kind == Kind::kSame);
  }
}

TEST_CASE("an apply without force takes nothing from others, and says whose it is") {
  Place place;
  place.ApplyAs("helm", "configmaps", Map("keep: a, legacy: b"));
  Deploy(place.cluster, *place.driver, Map("keep: a, legacy: b"));
  const Pass pass = MakePass(place.cluster, *place.driver, MakeResources(Map("keep: a")));
  const auto results = place.driver->Apply(pass.prepared.objects, pass.live, WriteMode::kApply,
                                           Force::kNo, place.cluster.Deadline());
  REQUIRE_FALSE(results.at(0).status);
  CHECK(results.at(0).status.error().reason() == kReasonFieldConflict);
  CHECK_THAT(results.at(0).status.error().message(), Catch::Contains("'helm'"));
  CHECK(place.Live("configmaps", "m")["data"].contains("legacy"));
}

TEST_CASE("an item of a list goes with its parts, in one revision of the workload") {
  Place place;
  const std::string before =
      Web(", env: [{name: KEEP, value: \"1\"}, {name: DEBUG, value: \"1\"}]");
  const std::string after = Web(", env: [{name: KEEP, value: \"1\"}]");
  place.ApplyAs("helm", "deployments", before);
  Deploy(place.cluster, *place.driver, before);
  const auto generation = place.Live("deployments", "web")["metadata"]["generation"].get<int>();
  Deploy(place.cluster, *place.driver, after, Force::kYes);
  const json live = place.Live("deployments", "web");
  CHECK(live["spec"]["template"]["spec"]["containers"][0]["env"] ==
        json::parse(R"([{"name":"KEEP","value":"1"}])"));
  CHECK(live["metadata"]["generation"] == generation + 1);
}

TEST_CASE("what somebody edited and Git drops is known from what was declared before") {
  Place place;
  Deploy(place.cluster, *place.driver, Map("keep: a, legacy: b"));
  REQUIRE(place.cluster
              .As("kubectl-edit", "PATCH", place.Path("configmaps") + "/m",
                  {{"data", {{"legacy", "edited"}}}}, kMerge)
              .IsSuccess());
  const auto next = MakeResources(Map("keep: a"));
  const Surroundings before = place.Before(Map("keep: a, legacy: b"));
  const Pass pass = MakePass(place.cluster, *place.driver, next, Force::kNo, TestOwner(), before);
  CheckConflict(PredictionOf(pass, "ConfigMap", "m"), ".data.legacy", "kubectl-edit");
  const Pass forced =
      MakePass(place.cluster, *place.driver, next, Force::kYes, TestOwner(), before);
  ApplyAll(place.cluster, *place.driver, forced.prepared.objects, forced.live, Force::kYes);
  CHECK(place.Live("configmaps", "m")["data"] == json({{"keep", "a"}}));
}

TEST_CASE("a field of an object whose owners were wiped goes all the same") {
  Place place;
  Deploy(place.cluster, *place.driver, Map("keep: a, legacy: b"));
  REQUIRE(place.cluster
              .As("t", "PATCH", place.Path("configmaps") + "/m",
                  {{"metadata", {{"managedFields", json::array({json::object()})}}}}, kMerge)
              .IsSuccess());
  const Pass pass = MakePass(place.cluster, *place.driver, MakeResources(Map("keep: a")),
                             Force::kNo, TestOwner(), place.Before(Map("keep: a, legacy: b")));
  ApplyAll(place.cluster, *place.driver, pass.prepared.objects, pass.live);
  CHECK(place.Live("configmaps", "m")["data"] == json({{"keep", "a"}}));
}

TEST_CASE("an item that changes its kind of value does so beside another owner") {
  Place place;
  const std::string before = Web(", env: [{name: A, value: \"1\"}]");
  const std::string after =
      Web(", env: [{name: A, valueFrom: {configMapKeyRef: {name: m, key: a, optional: true}}}]");
  place.ApplyAs("helm", "deployments", before);
  Deploy(place.cluster, *place.driver, before);
  const Pass pass = MakePass(place.cluster, *place.driver, MakeResources(after));
  CHECK(PredictionOf(pass, "Deployment", "web").kind == Kind::kConflict);
  Deploy(place.cluster, *place.driver, after, Force::kYes);
  const json env =
      place.Live("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["env"][0];
  CHECK_FALSE(env.contains("value"));
  CHECK(env.contains("valueFrom"));
}

TEST_CASE("a default that nobody owns does not block the other member of a union") {
  Place place;
  Deploy(place.cluster, *place.driver, Web(""));
  const std::string recreate = Web("", "  strategy: {type: Recreate}\n");
  const Pass pass = MakePass(place.cluster, *place.driver, MakeResources(recreate));
  INFO(PredictionOf(pass, "Deployment", "web").message);
  REQUIRE(PredictionOf(pass, "Deployment", "web").kind == Kind::kUpdate);
  ApplyAll(place.cluster, *place.driver, pass.prepared.objects, pass.live);
  CHECK(place.Live("deployments", "web")["spec"]["strategy"] == json({{"type", "Recreate"}}));
  const Pass again =
      MakePass(place.cluster, *place.cluster.Driver(place.ns), MakeResources(recreate));
  CHECK(PredictionOf(again, "Deployment", "web").kind == Kind::kSame);
  // And back.
  Deploy(place.cluster, *place.driver, Web(""));
  CHECK(place.Live("deployments", "web")["spec"]["strategy"]["type"] == "RollingUpdate");
}

TEST_CASE("fields that others write are created as declared, and never sent again") {
  Place place;
  Surroundings around;
  around.ignored = {{"ConfigMap", "m", {"/data/theirs"}}};
  const auto deploy = [&](const std::string& data) {
    const Pass pass = MakePass(place.cluster, *place.driver, MakeResources(Map(data)), Force::kNo,
                               TestOwner(), around);
    ApplyAll(place.cluster, *place.driver, pass.prepared.objects, pass.live);
    return pass;
  };
  deploy("ours: a, theirs: first");
  CHECK(place.Live("configmaps", "m")["data"]["theirs"] == "first");
  // Nobody has written it yet, so it is still ours; it stays all the same.
  deploy("ours: b, theirs: second");
  CHECK(place.Live("configmaps", "m")["data"] == json({{"ours", "b"}, {"theirs", "first"}}));
  REQUIRE(place.cluster
              .As("writer", "PATCH", place.Path("configmaps") + "/m",
                  {{"data", {{"theirs", "written"}}}}, kMerge)
              .IsSuccess());
  const Pass same = deploy("ours: b, theirs: third");
  CHECK(PredictionOf(same, "ConfigMap", "m").kind == Kind::kSame);
  REQUIRE(same.prepared.objects[0].left.size() == 1);
  CHECK(same.prepared.objects[0].left[0].why == "spec.ignore");
  deploy("ours: c");  // dropped, and still the other's
  CHECK(place.Live("configmaps", "m")["data"] == json({{"ours", "c"}, {"theirs", "written"}}));
}

constexpr const char* kScaler = R"(---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {minReplicas: 3, maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
)";

TEST_CASE("the number of replicas stays when an autoscaler takes over, and comes back from Git") {
  Place place;
  const auto replicas = [&] { return place.Live("deployments", "web")["spec"]["replicas"]; };
  Deploy(place.cluster, *place.driver, Web("", "  replicas: 4\n"));
  const Pass pass = Deploy(place.cluster, *place.driver, Web("") + kScaler);
  CHECK(replicas() == 4);
  const Prediction& prediction = PredictionOf(pass, "Deployment", "web");
  CHECK((prediction.kind == Kind::kSame ||
         prediction.before["spec"]["replicas"] == prediction.after["spec"]["replicas"]));
  // A later change of the workload keeps it, too.
  Deploy(place.cluster, *place.driver, Web(", args: [x]") + kScaler);
  CHECK(replicas() == 4);
}

TEST_CASE("an autoscaler that is not in Git keeps its number, too") {
  Place place;
  Deploy(place.cluster, *place.driver, Web("", "  replicas: 4\n"));
  const Resource scaler = MakeResource(std::string(kScaler).substr(4));
  REQUIRE(place.cluster
              .As("kubectl", "POST",
                  "/apis/autoscaling/v2/namespaces/" + place.ns + "/horizontalpodautoscalers",
                  scaler.body)
              .IsSuccess());
  Deploy(place.cluster, *place.driver, Web(""));
  CHECK(place.Live("deployments", "web")["spec"]["replicas"] == 4);
}

TEST_CASE("what is being deleted is created again when it is gone") {
  Place place;
  Deploy(place.cluster, *place.driver, Map("a: \"1\""));
  const std::string path = place.Path("configmaps") + "/m";
  const json hold = {{"metadata", {{"finalizers", {"example.test/hold"}}}}};
  REQUIRE(place.cluster.As("t", "PATCH", path, hold, kMerge).IsSuccess());
  const std::string uid = place.Live("configmaps", "m")["metadata"]["uid"];
  REQUIRE(place.cluster.As("t", "DELETE", path).IsSuccess());
  const Pass pass = MakePass(place.cluster, *place.driver, MakeResources(Map("a: \"1\"")));
  const Prediction& prediction = PredictionOf(pass, "ConfigMap", "m");
  REQUIRE(prediction.kind == Kind::kDeleting);
  CHECK_THAT(prediction.message, Catch::Contains("example.test/hold"));
  std::thread release([&] {
    const json none = {{"metadata", {{"finalizers", nullptr}}}};
    place.cluster.As("t", "PATCH", path, none, kMerge);
  });
  ApplyAll(place.cluster, *place.driver, pass.prepared.objects, pass.live);
  release.join();
  const json live = place.Live("configmaps", "m");
  CHECK(live["metadata"]["uid"] != uid);
  CHECK_FALSE(live["metadata"].contains("deletionTimestamp"));
}

}  // namespace
}  // namespace sluice::targets::kubernetes
