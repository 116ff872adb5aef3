// What the server refuses now and the same set of objects is about to change.
#include "engine/targets/kubernetes/health_json.h"
#include "tests/unit/kubernetes/driver_steps.h"

namespace sluice::targets::kubernetes {
namespace {

using Kind = Prediction::Kind;

struct Types {
  LiveCluster cluster;
  std::string ns = cluster.MakeNamespace();
  std::string group = ns + ".example.com";
  std::unique_ptr<TargetDriver> driver = cluster.Driver(ns);

  Types() { cluster.GrantOnGroup(group); }

  std::string Crd(const std::string& versions) const {
    return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
           "metadata: {name: gizmos." +
           group + "}\nspec:\n  group: " + group +
           "\n  scope: Namespaced\n  names: {kind: Gizmo, plural: gizmos, singular: gizmo, "
           "listKind: GizmoList}\n  versions:\n" +
           versions + "---\n";
  }
  static std::string Version(const std::string& name, const std::string& fields, bool is_stored) {
    return "    - {name: " + name + ", served: true, storage: " + (is_stored ? "true" : "false") +
           ", schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, "
           "properties: {" +
           fields + "}}}}}}\n";
  }
  std::string Gizmo(const std::string& version, const std::string& spec) const {
    return "apiVersion: " + group + "/" + version + "\nkind: Gizmo\nmetadata: {name: g}\nspec: {" +
           spec + "}\n";
  }
  nlohmann::json Live(const std::string& version) {
    return cluster
        .As("t", "GET", "/apis/" + group + "/" + version + "/namespaces/" + ns + "/gizmos/g")
        .body;
  }
};

TEST_CASE("a definition that gains a field and an object that uses it come in one set") {
  Types types;
  Deploy(types.cluster, *types.driver,
         types.Crd(Types::Version("v1", "a: {type: string}", true)) + types.Gizmo("v1", "a: x"));
  const std::string both =
      types.Crd(Types::Version("v1", "a: {type: string}, b: {type: string}", true)) +
      types.Gizmo("v1", "a: x, b: z");
  const Pass pass = MakePass(types.cluster, *types.driver, MakeResources(both));
  const Prediction& prediction = PredictionOf(pass, "Gizmo", "g");
  INFO(prediction.message);
  REQUIRE(prediction.kind == Kind::kUnknowable);
  CHECK_FALSE(prediction.before.is_null());  // it is there: an update, not a creation
  CHECK_THAT(prediction.message, Catch::Contains("CustomResourceDefinition"));
  ApplyAll(types.cluster, *types.driver, pass.prepared.objects, pass.live);
  CHECK(types.Live("v1")["spec"] == nlohmann::json({{"a", "x"}, {"b", "z"}}));
}

TEST_CASE("an object moves to a version that comes with the same set, and is read by the old one") {
  Types types;
  const std::string v1 = Types::Version("v1", "a: {type: string}", true);
  Deploy(types.cluster, *types.driver, types.Crd(v1) + types.Gizmo("v1", "a: x"));
  const std::string both = types.Crd(v1 + Types::Version("v2", "a: {type: string}", false)) +
                           types.Gizmo("v2", "a: moved");
  const Pass pass = MakePass(types.cluster, *types.driver, MakeResources(both));
  const Prediction& prediction = PredictionOf(pass, "Gizmo", "g");
  REQUIRE(prediction.kind == Kind::kUnknowable);
  CHECK_FALSE(prediction.before.is_null());
  ApplyAll(types.cluster, *types.driver, pass.prepared.objects, pass.live);
  CHECK(types.Live("v1")["spec"]["a"] == "moved");
}

TEST_CASE("an object moves to a newer version with a field that only this version has") {
  Types types;
  if (!types.cluster.IsReal()) return;  // the sandbox merges without versions
  const std::string old = Types::Version("v1", "a: {type: string}", false);
  const std::string both =
      types.Crd(old + Types::Version("v2", "a: {type: string}, b: {type: string}", true));
  const bool comes_with_it = GENERATE(false, true);
  Deploy(types.cluster, *types.driver,
         (comes_with_it ? types.Crd(Types::Version("v1", "a: {type: string}", true)) : both) +
             types.Gizmo("v1", "a: x"));
  const std::string moved = both + types.Gizmo("v2", "a: x, b: z");
  const Pass pass = MakePass(types.cluster, *types.driver, MakeResources(moved));
  const Prediction& prediction = PredictionOf(pass, "Gizmo", "g");
  INFO(prediction.message);
  REQUIRE(prediction.kind == Kind::kUnknowable);
  ApplyAll(types.cluster, *types.driver, pass.prepared.objects, pass.live);
  CHECK(types.Live("v2")["spec"] == nlohmann::json({{"a", "x"}, {"b", "z"}}));
  const Pass after = MakePass(types.cluster, *types.driver, MakeResources(moved));
  CHECK(PredictionOf(after, "Gizmo", "g").kind == Kind::kSame);
  // And back, as a rollback takes it.
  Deploy(types.cluster, *types.driver, both + types.Gizmo("v1", "a: back"));
  CHECK(types.Live("v1")["spec"] == nlohmann::json({{"a", "back"}}));
}

TEST_CASE("a definition that a later stage makes good keeps up nothing but what is of its type") {
  Types types;
  if (!types.cluster.IsReal()) return;  // the sandbox establishes every definition
  const std::string conversion =
      "  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: "
      "{caBundle: Cg==, service: {name: x, namespace: default, path: /c}}}}\n";
  std::string crd = types.Crd(Types::Version("v1", "a: {type: string}", true));
  crd.insert(crd.find("  versions:"), conversion);
  const Pass alone =
      MakePass(types.cluster, *types.driver,
               MakeResources(crd + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n"));
  ApplyAll(types.cluster, *types.driver, alone.prepared.objects, alone.live);
  const Pass used =
      MakePass(types.cluster, *types.driver, MakeResources(crd + types.Gizmo("v1", "a: x")));
  std::vector<PreparedObject> definition = {used.prepared.objects.front()};
  const Status waited = types.driver->AwaitStage(definition, types.cluster.Deadline(2));
  REQUIRE_FALSE(waited);
  CHECK(waited.error().reason() == "NotEstablished");
  CHECK_THAT(waited.error().message(), Catch::Contains("InvalidCABundle"));
}

TEST_CASE("what the new definition does not know either is refused all the same") {
  Types types;
  const std::string v1 = Types::Version("v1", "a: {type: string}", true);
  Deploy(types.cluster, *types.driver, types.Crd(v1) + types.Gizmo("v1", "a: x"));
  const Pass same = MakePass(types.cluster, *types.driver,
                             MakeResources(types.Crd(v1) + types.Gizmo("v1", "a: x, wrong: z")));
  CHECK(PredictionOf(same, "Gizmo", "g").kind == Kind::kRefused);
}

}  // namespace
}  // namespace sluice::targets::kubernetes
