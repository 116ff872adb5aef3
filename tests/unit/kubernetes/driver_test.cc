// The driver against a cluster. One source for the real API server and the sandbox.
#include "engine/targets/kubernetes/driver.h"

#include "engine/targets/kubernetes/health_json.h"
#include "tests/support/catch.h"
#include "tests/unit/kubernetes/driver_steps.h"
#include "tests/unit/kubernetes/live_cluster.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr const char* kWeb = R"(
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, creationTimestamp: null}
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          ports: [{containerPort: 8080}]
          env: [{name: A, value: "1"}, {name: B, value: "2"}]
          resources: {requests: {cpu: 1000m, memory: 64Mi}, limits: {memory: 128Mi}}
      volumes: [{name: tmp, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {text: "line\ttab \u0085 \u2028 é 😀 \u007f"}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {password: s3cret}
)";

TEST_CASE("what is applied is live, and a second pass asks nothing of the server but reads") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const auto resources = MakeResources(kWeb);

  const Pass first = MakePass(cluster, *driver, resources);
  REQUIRE(first.prepared.blockers.empty());
  for (const Prediction& prediction : first.predictions)
    CHECK(prediction.kind == Prediction::Kind::kCreate);
  CHECK(first.live.objects.empty());
  ApplyAll(cluster, *driver, first.prepared.objects, first.live);

  const auto before = cluster.metrics.Snapshot().requests;
  const Pass second = MakePass(cluster, *cluster.Driver(ns), resources);
  const auto after = cluster.metrics.Snapshot().requests;
  for (size_t i = 0; i < second.predictions.size(); ++i) {
    INFO(ToString(second.prepared.objects[i].resource.ref));
    INFO(second.predictions[i].before.dump() << "\n" << second.predictions[i].after.dump());
    CHECK(second.predictions[i].kind == Prediction::Kind::kSame);
  }
  CHECK(after.at("dryrun") == before.at("dryrun"));
  CHECK(after.at("patch") == before.at("patch"));

  const LiveObject& map = second.live.objects.at({"", "ConfigMap", ns, "settings"});
  CHECK(map.body["data"]["text"] == "line\ttab \xC2\x85 \xE2\x80\xA8 é 😀 \x7F");
  CHECK(map.is_applied_by_us);
  CHECK(map.mark == TestOwner().Mark());
  CHECK(map.protected_by.empty());
  CHECK(second.live.objects.at({"", "Secret", ns, "key"}).body["data"]["password"] == "czNjcmV0");
}

constexpr const char* kMap =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: \"1\"}\n";

TEST_CASE("an update shows the fields before and after, and a removed field goes") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  Deploy(cluster, *driver,
         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: \"1\", b: \"2\"}\n");
  const Pass pass = MakePass(
      cluster, *driver,
      MakeResources("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: \"3\"}\n"));
  const Prediction& prediction = PredictionOf(pass, "ConfigMap", "m");
  REQUIRE(prediction.kind == Prediction::Kind::kUpdate);
  CHECK(prediction.before["data"] == nlohmann::json({{"a", "1"}, {"b", "2"}}));
  CHECK(prediction.after["data"] == nlohmann::json({{"a", "3"}}));
  CHECK_FALSE(prediction.after["metadata"].contains("managedFields"));
  CHECK_FALSE(prediction.after["metadata"].contains("resourceVersion"));
  // Nothing was written by predicting.
  CHECK(cluster.As("t", "GET", "/api/v1/namespaces/" + ns + "/configmaps/m").body["data"]["a"] ==
        "1");
  ApplyAll(cluster, *driver, pass.prepared.objects, pass.live);
  CHECK(cluster.As("t", "GET", "/api/v1/namespaces/" + ns + "/configmaps/m").body["data"] ==
        nlohmann::json({{"a", "3"}}));
}

TEST_CASE("applying the same again changes nothing, and says so") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const auto apply = [&] {
    const Pass pass = MakePass(cluster, *driver, MakeResources(kMap));
    return driver->Apply(pass.prepared.objects, pass.live, WriteMode::kApply, Force::kNo,
                         cluster.Deadline());
  };
  const auto first = apply();
  REQUIRE(first.at(0).status);
  CHECK(first.at(0).is_created);
  CHECK(first.at(0).is_changed);
  CHECK_FALSE(first.at(0).uid.empty());
  const auto again = apply();
  REQUIRE(again.at(0).status);
  CHECK_FALSE(again.at(0).is_created);
  CHECK_FALSE(again.at(0).is_changed);
  CHECK(again.at(0).resource_version == first.at(0).resource_version);
}

TEST_CASE("throttling, server errors and lost connections are outlived") {
  LiveCluster cluster;
  const std::string fault =
      GENERATE(as<std::string>{}, "429:every=3,retryAfter=1,count=6", "503:every=3",
               "drop:when=before,every=4", "drop:when=after,every=4", "drop:when=mid,every=4");
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  if (!cluster.InjectFault(fault)) return;
  Deploy(cluster, *driver, kWeb);
  const Pass second = MakePass(cluster, *driver, MakeResources(kWeb));
  cluster.InjectFault("");
  for (const Prediction& prediction : second.predictions)
    CHECK(prediction.kind == Prediction::Kind::kSame);
}

TEST_CASE("a server that stays broken is no verdict, and is not read as absence") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const auto prepared = driver->Prepare(MakeResources(kWeb), TestOwner(), cluster.Deadline());
  REQUIRE(prepared);
  const std::string fault = GENERATE(as<std::string>{}, "500", "429", "drop:when=before");
  if (!cluster.InjectFault(fault)) return;
  const auto live = driver->Observe(RefsOf(*prepared), cluster.Deadline(8));
  const auto writes =
      driver->Apply(prepared->objects, {}, WriteMode::kApply, Force::kNo, cluster.Deadline(8));
  const auto health =
      driver->Assess(RefsOf(*prepared), {}, TargetDriver::Diagnose::kFully, cluster.Deadline(8));
  cluster.InjectFault("");
  REQUIRE_FALSE(live);
  CHECK(IsRetryable(live.error().code()));
  REQUIRE_FALSE(health);
  CHECK(IsRetryable(health.error().code()));
  for (const WriteResult& write : writes) {
    REQUIRE_FALSE(write.status);
    CHECK(IsRetryable(write.status.error().code()));
  }
}

TEST_CASE("a dry run writes nothing and counts as no live write") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const Pass pass = MakePass(cluster, *driver, MakeResources(kMap));
  CHECK(driver
            ->Apply(pass.prepared.objects, pass.live, WriteMode::kDryRun, Force::kNo,
                    cluster.Deadline())
            .at(0)
            .status);
  CHECK(cluster.As("t", "GET", "/api/v1/namespaces/" + ns + "/configmaps/m").status == 404);
  CHECK(cluster.effects.Counts().empty());
  CHECK(driver
            ->Apply(pass.prepared.objects, pass.live, WriteMode::kApply, Force::kNo,
                    cluster.Deadline())
            .at(0)
            .status);
  CHECK(cluster.effects.Counts().size() == 1);
}

TEST_CASE(
    "a field another manager owns is a conflict that names it, and is taken over only by force") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  Deploy(cluster, *driver, kMap);
  REQUIRE(cluster
              .As("kubectl-edit", "PATCH", "/api/v1/namespaces/" + ns + "/configmaps/m",
                  {{"data", {{"a", "theirs"}}}}, "application/merge-patch+json")
              .IsSuccess());
  const Pass pass = MakePass(cluster, *driver, MakeResources(kMap));
  const Prediction& prediction = PredictionOf(pass, "ConfigMap", "m");
  REQUIRE(prediction.kind == Prediction::Kind::kConflict);
  REQUIRE(prediction.conflicts.size() == 1);
  CHECK(prediction.conflicts[0].field == ".data.a");
  CHECK(prediction.conflicts[0].manager == "kubectl-edit");
  CHECK(prediction.before["data"]["a"] == "theirs");
  CHECK(prediction.after["data"]["a"] == "1");

  const auto refused = driver->Apply(pass.prepared.objects, pass.live, WriteMode::kApply,
                                     Force::kNo, cluster.Deadline());
  REQUIRE_FALSE(refused.at(0).status);
  CHECK(refused.at(0).status.error().code() == ErrorCode::kConflict);
  CHECK(refused.at(0).status.error().message().find("kubectl-edit") != std::string::npos);

  const Pass forced = MakePass(cluster, *driver, MakeResources(kMap), Force::kYes);
  CHECK(PredictionOf(forced, "ConfigMap", "m").kind == Prediction::Kind::kUpdate);
  ApplyAll(cluster, *driver, pass.prepared.objects, pass.live, Force::kYes);
  CHECK(cluster.As("t", "GET", "/api/v1/namespaces/" + ns + "/configmaps/m").body["data"]["a"] ==
        "1");
}

TEST_CASE("an equal object of somebody else differs only in the ownership mark") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const nlohmann::json theirs = {{"apiVersion", "v1"},
                                 {"kind", "ConfigMap"},
                                 {"metadata", {{"name", "m"}}},
                                 {"data", {{"a", "1"}}}};
  REQUIRE(cluster.As("kubectl", "POST", "/api/v1/namespaces/" + ns + "/configmaps", theirs)
              .IsSuccess());
  const Pass pass = MakePass(cluster, *driver, MakeResources(kMap));
  const LiveObject& live = pass.live.objects.at({"", "ConfigMap", ns, "m"});
  CHECK(live.mark.empty());
  CHECK_FALSE(live.is_applied_by_us);
  Prediction prediction = PredictionOf(pass, "ConfigMap", "m");
  REQUIRE(prediction.kind == Prediction::Kind::kUpdate);
  CHECK(prediction.after["metadata"]["labels"]["sluice.dev/unit"] == TestOwner().Mark());
  prediction.after["metadata"].erase("labels");
  CHECK(prediction.after == prediction.before);
}

TEST_CASE("a field that leaves Git leaves live, also of an object that kubectl made") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const nlohmann::json theirs = {{"apiVersion", "v1"},
                                 {"kind", "ConfigMap"},
                                 {"metadata", {{"name", "m"}}},
                                 {"data", {{"a", "1"}, {"b", "2"}, {"c", "3"}}}};
  REQUIRE(cluster
              .As("kubectl-client-side-apply", "POST", "/api/v1/namespaces/" + ns + "/configmaps",
                  theirs)
              .IsSuccess());
  Deploy(cluster, *driver,
         "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: \"1\", b: \"2\"}\n");
  const auto data = [&] {
    return cluster.As("t", "GET", "/api/v1/namespaces/" + ns + "/configmaps/m").body["data"];
  };
  CHECK(data() ==
        theirs["data"]);  // taking over changes no value, not even of fields we do not declare
  Deploy(cluster, *driver, kMap);
  CHECK(data() == nlohmann::json({{"a", "1"}, {"c", "3"}}));
}

TEST_CASE("a change of an immutable field is told apart from other refusals") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const std::string yaml = kWeb;
  Deploy(cluster, *driver, yaml.substr(0, yaml.find("---\napiVersion: v1\nkind: Service")));
  std::string other = yaml.substr(0, yaml.find("---\napiVersion: v1\nkind: Service"));
  for (size_t at = other.find("{app: web}"); at != std::string::npos; at = other.find("{app: web}"))
    other.replace(at, 10, "{app: two}");
  const Pass pass = MakePass(cluster, *driver, MakeResources(other));
  const Prediction& prediction = PredictionOf(pass, "Deployment", "web");
  CHECK(prediction.kind == Prediction::Kind::kImmutable);
  CHECK(prediction.message.find("immutable") != std::string::npos);
  CHECK(prediction.before["spec"]["selector"]["matchLabels"]["app"] == "web");
  CHECK(prediction.after["spec"]["selector"]["matchLabels"]["app"] == "two");
  CHECK_FALSE(prediction.before["spec"].contains("strategy"));  // only what the unit speaks of
}

TEST_CASE("missing rights are no verdict about the content") {
  LiveCluster cluster;
  if (!cluster.IsReal()) return;  // the sandbox knows no rights
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const auto resources =
      MakeResources("apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: l}\n");
  const auto prepared = driver->Prepare(resources, TestOwner(), cluster.Deadline());
  REQUIRE(prepared);
  const auto live = driver->Observe(RefsOf(*prepared), cluster.Deadline());
  REQUIRE_FALSE(live);
  CHECK(live.error().code() == ErrorCode::kPermissionDenied);
  const auto results =
      driver->Apply(prepared->objects, {}, WriteMode::kDryRun, Force::kNo, cluster.Deadline());
  CHECK(results.at(0).status.error().code() == ErrorCode::kPermissionDenied);
}

TEST_CASE("many objects of a kind are read by one list") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  std::string yaml;
  for (int i = 0; i < 30; ++i) {
    yaml += "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m" + std::to_string(i) +
            "}\ndata: {a: \"1\"}\n";
  }
  const Pass first = Deploy(cluster, *driver, yaml);
  const auto before = cluster.metrics.Snapshot().requests;
  std::vector<ObjectRef> refs = RefsOf(first.prepared);
  refs.push_back({"", "ConfigMap", ns, "absent"});
  const auto live = driver->Observe(refs, cluster.Deadline());
  REQUIRE(live);
  CHECK(live->objects.size() == 30);
  CHECK(live->objects.at({"", "ConfigMap", ns, "m7"}).api_version == "v1");
  CHECK(live->objects.at({"", "ConfigMap", ns, "m7"}).is_applied_by_us);
  const auto after = cluster.metrics.Snapshot().requests;
  CHECK(after.at("list") - (before.contains("list") ? before.at("list") : 0) == 1);
  CHECK(after.at("get") == before.at("get"));
}

}  // namespace
}  // namespace sluice::targets::kubernetes
