// Preparing a set for a cluster: scope, namespaces, types that come with the set, order.
#include "engine/base/hash.h"
#include "engine/targets/kubernetes/health_json.h"
#include "tests/unit/kubernetes/driver_steps.h"

namespace sluice::targets::kubernetes {
namespace {

std::string BlockerOf(LiveCluster& cluster, const std::string& yaml) {
  const auto driver = cluster.Driver("default");
  const auto prepared = driver->Prepare(MakeResources(yaml), TestOwner(), cluster.Deadline());
  INFO((prepared ? "" : prepared.error().message()));
  REQUIRE(prepared);
  REQUIRE(prepared->blockers.size() == 1);
  return prepared->blockers[0].reason + ": " + prepared->blockers[0].message;
}

TEST_CASE("what cannot be placed blocks the plan and says why") {
  LiveCluster cluster;
  struct Row {
    const char* yaml;
    const char* reason;
    const char* words;
  };
  const Row row = GENERATE(values<Row>({
      {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, namespace: b}\n", "WrongScope",
       "cluster-scoped and has the namespace 'b'"},
      {"apiVersion: apps/v1\nkind: Deploymnt\nmetadata: {name: a}\n", "UnknownKind",
       "did you mean 'Deployment'?"},
      {"apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\n", "UnknownKind",
       "the cluster serves it as apps/v1: write that apiVersion"},
      {"apiVersion: example.org/v1\nkind: Zebra\nmetadata: {name: a}\n", "UnknownKind",
       "test.yaml:1"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: not-there}\n",
       "NamespaceMissing", "has no namespace 'not-there'"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a}\n", "ContentRejected",
       "metadata.name"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ..}\n", "ContentRejected",
       "cannot be a name"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: a/../b}\n",
       "ContentRejected", "cannot be a name"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: "
       "ConfigMap\nmetadata: {name: a, namespace: default}\n",
       "DuplicateObject", "declared before"},
  }));
  const std::string blocker = BlockerOf(cluster, row.yaml);
  CHECK_THAT(blocker, Catch::StartsWith(std::string(row.reason) + ":"));
  CHECK_THAT(blocker, Catch::Contains(row.words));
}

TEST_CASE("content that no server could take stays declared, is refused, and is never sent") {
  LiveCluster cluster;
  const auto driver = cluster.Driver("default");
  const auto prepared = driver->Prepare(
      MakeResources("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {port: 80}\n"),
      TestOwner(), cluster.Deadline());
  INFO((prepared ? "" : prepared.error().message()));
  REQUIRE(prepared);
  CHECK(prepared->blockers.empty());
  REQUIRE(prepared->objects.size() == 1);
  CHECK(prepared->objects[0].resource.ref == ObjectRef{"", "Secret", "default", "a"});
  const auto predictions = driver->Predict(prepared->objects, {}, Force::kNo, cluster.Deadline());
  REQUIRE(predictions);
  REQUIRE(predictions->size() == 1);
  CHECK(predictions->at(0).kind == Prediction::Kind::kRefused);
  CHECK_THAT(predictions->at(0).message, Catch::Contains("stringData.port is not text"));
  for (const WriteMode mode : {WriteMode::kDryRun, WriteMode::kApply}) {
    const auto results =
        driver->Apply(prepared->objects, {}, mode, Force::kYes, cluster.Deadline());
    REQUIRE_FALSE(results.at(0).status);
    CHECK(results.at(0).status.error().code() == ErrorCode::kRejected);
  }
  const auto live = driver->Observe({prepared->objects[0].resource.ref}, cluster.Deadline());
  REQUIRE(live);
  CHECK(live->objects.empty());
}

TEST_CASE("a prepared object is in a namespace, marked, and free of what the server owns") {
  LiveCluster cluster;
  const auto driver = cluster.Driver("default");
  const auto prepared = driver->Prepare(MakeResources(R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: a, uid: x, resourceVersion: "1", creationTimestamp: null, managedFields: [], annotations: null, labels: null}
spec: {template: {metadata: {creationTimestamp: null, labels: {app: a}}}}
status: {replicas: 1}
---
apiVersion: v1
kind: Secret
metadata: {name: s, annotations: {sluice.dev/prune: disabled}}
data: {a: b2xk}
stringData: {a: new, b: x}
---
apiVersion: v1
kind: Namespace
metadata: {name: own}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: rb, namespace: own}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: w}
)"),
                                        TestOwner(), cluster.Deadline());
  REQUIRE(prepared);
  CHECK(prepared->blockers.empty());
  std::vector<std::string> order;
  for (const auto& object : prepared->objects) order.push_back(object.resource.ref.kind);
  CHECK(order == std::vector<std::string>{"Namespace", "Secret", "RoleBinding", "Deployment",
                                          "ValidatingWebhookConfiguration"});
  for (size_t i = 1; i < prepared->objects.size(); ++i)
    CHECK(prepared->objects[i - 1].stage <= prepared->objects[i].stage);

  const auto& deployment = prepared->objects[3].resource;
  CHECK(deployment.ref == ObjectRef{"apps", "Deployment", "default", "a"});
  CHECK(deployment.body["metadata"] ==
        nlohmann::json({{"name", "a"},
                        {"namespace", "default"},
                        {"labels", {{"sluice.dev/unit", TestOwner().Mark()}}}}));
  CHECK(deployment.body["spec"]["template"]["metadata"] ==
        nlohmann::json({{"labels", {{"app", "a"}}}}));
  CHECK_FALSE(deployment.body.contains("status"));
  const auto& secret = prepared->objects[1];
  CHECK(secret.opts_out_of_prune);
  CHECK(secret.resource.body["data"] == nlohmann::json({{"a", "bmV3"}, {"b", "eA=="}}));
  CHECK_FALSE(secret.resource.body.contains("stringData"));
  CHECK(prepared->objects[0].resource.ref.ns.empty());
}

// A type, its namespace, and an object of each.
std::string OwnTypeYaml(const std::string& group, const std::string& ns) {
  return "apiVersion: " + group + "/v1\nkind: Widget\nmetadata: {name: w, namespace: " + ns +
         "}\nspec: {size: 3}\n"
         "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: " +
         ns +
         "}\n"
         "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " +
         ns +
         "}\n"
         "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: "
         "{name: "
         "widgets." +
         group +
         "}\n"
         "spec:\n  group: " +
         group +
         "\n  scope: Namespaced\n  names: {kind: Widget, plural: widgets, singular: widget, "
         "listKind: "
         "WidgetList}\n"
         "  versions:\n    - name: v1\n      served: true\n      storage: true\n      "
         "subresources: "
         "{status: {}}\n      schema:\n        openAPIV3Schema:\n"
         "          type: object\n          properties: {spec: {type: object, properties: {size: "
         "{type: integer}}}, status: {type: object, properties: {ready: {type: boolean}}}}\n";
}

void DeleteAll(LiveCluster& cluster, TargetDriver& driver, const LiveState& live,
               const std::string& group, const std::string& ns) {
  std::vector<Deletion> deletions;
  for (const auto& [ref, object] : live.objects) deletions.push_back(DeletionOf(ref, object));
  for (const WriteResult& result : driver.Delete(deletions, WriteMode::kDryRun, cluster.Deadline()))
    CHECK(result.status);
  CHECK(
      cluster.As("t", "GET", "/apis/" + group + "/v1/namespaces/" + ns + "/widgets/w").IsSuccess());
  for (const WriteResult& result :
       driver.Delete(deletions, WriteMode::kApply, cluster.Deadline())) {
    INFO((result.status ? "" : result.status.error().message()));
    CHECK(result.status);
  }
  REQUIRE(cluster.Eventually(
      [&] { return cluster.As("t", "GET", "/apis/" + group + "/v1").status == 404; }));
  // A kind that is no longer served has no objects; that is not an error.
  REQUIRE(cluster.Eventually([&] {
    const auto fresh = cluster.Driver("default");
    const auto left = fresh->Observe({{group, "Widget", ns, "w"}}, cluster.Deadline());
    return left && left->objects.empty();
  }));
}

TEST_CASE("a unit brings its namespace, its type and objects of both") {
  LiveCluster cluster;
  const std::string id = RandomHex(4);
  const std::string ns = "own-" + id;
  const std::string group = "g" + id + ".example.org";
  const auto driver = cluster.Driver("default");
  cluster.GrantOnGroup(group);
  const std::string yaml = OwnTypeYaml(group, ns);
  const Pass first = Deploy(cluster, *driver, yaml);
  CHECK(PredictionOf(first, "Namespace", ns).kind == Prediction::Kind::kCreate);
  CHECK(PredictionOf(first, "ConfigMap", "m").kind == Prediction::Kind::kUnknowable);
  CHECK(PredictionOf(first, "Widget", "w").kind == Prediction::Kind::kUnknowable);

  const Pass second = MakePass(cluster, *cluster.Driver("default"), MakeResources(yaml));
  for (size_t i = 0; i < second.predictions.size(); ++i) {
    INFO(ToString(second.prepared.objects[i].resource.ref)
         << second.predictions[i].before << second.predictions[i].after);
    CHECK(second.predictions[i].kind == Prediction::Kind::kSame);
  }
  CHECK_FALSE(second.live.objects.at({"", "Namespace", "", ns}).protected_by.empty());
  std::vector<ObjectRef> refs = RefsOf(second.prepared);
  const auto healths = driver->Assess(refs, {}, TargetDriver::Diagnose::kFully, cluster.Deadline());
  REQUIRE(healths);
  for (const ObjectHealth& health : *healths) {
    INFO(ToString(health.ref) << health.reason << health.message);
    // A custom resource that nobody looks at has no status yet.
    CHECK(health.health == (health.ref.kind == "Widget" ? Health::kProgressing : Health::kHealthy));
  }

  DeleteAll(cluster, *driver, second.live, group, ns);
}

TEST_CASE("a type that came since is found by the next driver, without a pause") {
  LiveCluster cluster;
  const std::string group = "g" + RandomHex(4) + ".example.org";
  cluster.GrantOnGroup(group);
  const std::string widget = "apiVersion: " + group + "/v1\nkind: Widget\nmetadata: {name: w}\n";
  CHECK_THAT(BlockerOf(cluster, widget), Catch::StartsWith("UnknownKind:"));
  const auto driver = cluster.Driver("default");
  Deploy(cluster, *driver,
         "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
         "metadata: {name: widgets." +
             group + "}\nspec:\n  group: " + group +
             "\n  scope: Namespaced\n  names: {kind: Widget, plural: widgets, singular: widget, "
             "listKind: WidgetList}\n  versions:\n    - {name: v1, served: true, storage: true, "
             "schema: {openAPIV3Schema: {type: object}}}\n");
  REQUIRE(cluster.Eventually(
      [&] { return cluster.As("t", "GET", "/apis/" + group + "/v1").IsSuccess(); }));
  const auto is_found = [&] {
    const auto next = cluster.Driver("default");
    const auto prepared = next->Prepare(MakeResources(widget), TestOwner(), cluster.Deadline());
    return prepared && prepared->blockers.empty();
  };
  // A real server's discovery comes a moment after the type itself.
  CHECK((cluster.IsReal() ? cluster.Eventually(is_found) : is_found()));
}

TEST_CASE("a role and its binding in one unit are no missing role") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const Pass pass = Deploy(cluster, *driver, R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: app}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [get]}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: app}
---
apiVersion: v1
kind: Pod
metadata: {name: bare}
spec: {serviceAccountName: app, containers: [{name: a, image: "registry.example/a:1"}]}
)");
  for (const Prediction& prediction : pass.predictions) {
    INFO(prediction.message);
    const bool is_fine = prediction.kind == Prediction::Kind::kCreate ||
                         prediction.kind == Prediction::Kind::kUnknowable;
    CHECK(is_fine);
  }
}

TEST_CASE("replicas are left to an autoscaler once it has written them") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const std::string yaml = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: "registry.example/a:1"}]}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
)";
  const Pass first = Deploy(cluster, *driver, yaml);
  REQUIRE(first.prepared.warnings.size() == 1);
  CHECK_THAT(first.prepared.warnings[0], Catch::Contains("leave spec.replicas out of Git"));
  const nlohmann::json scale = {{"spec", {{"replicas", 4}}}};
  REQUIRE(cluster
              .As("kube-controller-manager", "PATCH",
                  "/apis/apps/v1/namespaces/" + ns + "/deployments/web/scale", scale,
                  "application/merge-patch+json")
              .IsSuccess());
  const Pass second = MakePass(cluster, *cluster.Driver(ns), MakeResources(yaml));
  CHECK(second.prepared.warnings.empty());
  CHECK(PredictionOf(second, "Deployment", "web").kind != Prediction::Kind::kConflict);
  ApplyAll(cluster, *driver, second.prepared.objects, second.live);
  CHECK(cluster.As("t", "GET", "/apis/apps/v1/namespaces/" + ns + "/deployments/web")
            .body["spec"]["replicas"] == 4);
}

}  // namespace
}  // namespace sluice::targets::kubernetes
