// A unit as operators ship them: a namespace, a type, cluster roles, a webhook's configuration, the
// workload, and an object of the type. Run with the rights of ClusterRole sluice-platform.
#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

using Kinds = std::vector<std::string>;
using nlohmann::json;

std::string Text(const Ran& ran) {
  return "exit code " + std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

const std::string kRoles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
const std::string kBindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings";
const std::string kWebhooks =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
const std::string kTypes = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

// Worlds share a real plane, so what has no namespace, and the unit, is named after this one, and
// removed with it: a mark of the same unit would be of a log that was lost.
class Operator {
 public:
  explicit Operator(World& world)
      : world_(world),
        name(world.Ns("dev")),
        directory("environments/dev/" + name),
        ns(name + "-sys"),
        group(name + ".example.com"),
        type_path(kTypes + "/gizmos." + group),
        webhook_path(kWebhooks + "/" + name),
        gizmo_path("/apis/" + group + "/v1/namespaces/" + ns + "/gizmos/first"),
        deployment_path("/apis/apps/v1/namespaces/" + ns + "/deployments/" + name) {
    if (World::IsReal()) GrantGroup();
  }
  ~Operator() {
    for (const std::string& path :
         {webhook_path, type_path, kBindings + "/" + name, kRoles + "/" + name,
          kBindings + "/grant-" + name, kRoles + "/grant-" + name, "/api/v1/namespaces/" + ns}) {
      try {
        world_.Cluster("dev").Delete(path);
      } catch (const std::exception&) {  // a plane that has gone has no leftovers
      }
    }
  }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;

  void WriteUnit() const;

 private:
  void GrantGroup() const;
  void Manifest(const std::string& file, const std::string& text) const {
    world_.Write(directory + "/" + file + ".yaml", text);
  }

  World& world_;

 public:
  const std::string name, directory, ns, group, type_path, webhook_path, gizmo_path,
      deployment_path;
};

// What an administrator adds for a unit's own custom resources (examples/rbac/).
void Operator::GrantGroup() const {
  const auto make = [&](const std::string& path, const json& object) {
    const HttpAnswer answer = world_.Cluster("dev").Request("POST", path, object.dump());
    if (answer.status != 201) throw std::runtime_error(path + ": " + answer.body);
  };
  const json rule = {{"apiGroups", {group}},
                     {"resources", {"gizmos"}},
                     {"verbs", {"get", "list", "create", "patch", "delete"}}};
  make(kRoles, {{"apiVersion", "rbac.authorization.k8s.io/v1"},
                {"kind", "ClusterRole"},
                {"metadata", {{"name", "grant-" + name}}},
                {"rules", json::array({rule})}});
  const json subject = {{"kind", "ServiceAccount"}, {"name", "platform"}, {"namespace", "sluice"}};
  make(kBindings, {{"apiVersion", "rbac.authorization.k8s.io/v1"},
                   {"kind", "ClusterRoleBinding"},
                   {"metadata", {{"name", "grant-" + name}}},
                   {"roleRef",
                    {{"apiGroup", "rbac.authorization.k8s.io"},
                     {"kind", "ClusterRole"},
                     {"name", "grant-" + name}}},
                   {"subjects", json::array({subject})}});
}

void Operator::WriteUnit() const {
  world_.WritePipeline({{.name = "dev"}});
  world_.WriteApp("dev", {.name = name, .health_timeout = "20s", .has_smoke_test = false});
  world_.Remove(directory + "/service.yaml");
  std::string deployment = world_.Read(directory + "/deployment.yaml");
  const std::string own = "  name: " + name + "\n";
  deployment.insert(deployment.find(own) + own.size(), "  namespace: " + ns + "\n");
  Manifest("deployment", deployment);
  Manifest("namespace", "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + ns + "}\n");
  Manifest("type",
           "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: "
           "gizmos." +
               group + "}\nspec:\n  group: " + group +
               "\n  scope: Namespaced\n  names: {kind: Gizmo, plural: gizmos, singular: gizmo}\n"
               "  versions:\n    - name: v1\n      served: true\n      storage: true\n"
               "      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, "
               "properties: {size: {type: integer, default: 3}, colour: {type: string}}}}}}\n");
  Manifest("gizmo", "apiVersion: " + group +
                        "/v1\nkind: Gizmo\nmetadata: {name: first, namespace: " + ns +
                        "}\nspec: {colour: green}\n");
  Manifest(
      "roles",
      "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: operator, namespace: " + ns +
          "}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: "
          "{name: " +
          name + "}\nrules:\n  - {apiGroups: [" + group +
          "], resources: [gizmos, gizmos/status], verbs: [get, list, watch, update]}\n"
          "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n"
          "metadata: {name: " +
          name + "}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: " +
          name + "}\nsubjects: [{kind: ServiceAccount, name: operator, namespace: " + ns + "}]\n");
  Manifest("webhook",
           "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\n"
           "metadata: {name: " +
               name + "}\nwebhooks:\n  - name: gizmos." + group +
               "\n    admissionReviewVersions: [v1]\n    sideEffects: None\n    failurePolicy: "
               "Ignore\n    timeoutSeconds: 1\n    rules:\n      - {apiGroups: [" +
               group +
               "], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [gizmos]}\n"
               "    clientConfig: {service: {name: operator, namespace: " +
               ns + ", path: /validate}}\n");
  Manifest("settings", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: " +
                           ns + "}\ndata: {level: info}\n");
}

}  // namespace

TEST_CASE(
    "an operator with its type, roles and webhook goes live, stays, goes back, and is pruned") {
  World world({.clusters = {"dev"}, .may_manage_cluster = true});
  const Operator unit(world);
  const KubeApi& cluster = world.Cluster("dev");
  unit.WriteUnit();
  world.Commit("Add the operator");
  const Ran first = world.Sluice({"sync"});
  INFO(Text(first));
  REQUIRE(first.exit_code == 0);
  CHECK(cluster.Get(unit.gizmo_path)["spec"]["colour"] == "green");
  const auto image = [&] {
    return cluster.Get(unit.deployment_path)["spec"]["template"]["spec"]["containers"][0]["image"]
        .get<std::string>();
  };
  CHECK(image() == "registry.example/shop/" + unit.name + ":good-1");
  const std::string type = cluster.Get(unit.type_path)["metadata"]["uid"];

  const Ran planned = world.Sluice({"plan", "--exit-code"});
  INFO(Text(planned));
  CHECK(planned.exit_code == 0);
  const size_t writes = world.WriteCount();
  CHECK(world.Sluice({"sync"}).exit_code == 0);
  CHECK(world.Sluice({"drift", "--exit-code"}).exit_code == 0);
  CHECK(world.WriteCount() == writes);

  world.WriteRelease("dev", unit.name, "pullfail-1", "bad");
  world.Commit("Bad");
  const Ran bad = world.Sluice({"sync"});
  INFO(Text(bad));
  CHECK(bad.exit_code == 3);
  CHECK(image() == "registry.example/shop/" + unit.name + ":good-1");
  CHECK(cluster.Get(unit.type_path)["metadata"]["uid"] == type);
  CHECK(world.EventKinds("dev/" + unit.name) ==
        Kinds{"started", "succeeded", "started", "failed", "rolledback", "reverted", "succeeded"});

  world.Pull();
  world.Remove(unit.directory + "/webhook.yaml");
  world.Remove(unit.directory + "/settings.yaml");
  world.Commit("Without webhook and settings");
  const Ran pruned = world.Sluice({"sync"});
  INFO(Text(pruned));
  CHECK(pruned.exit_code == 0);
  CHECK(cluster.Get(unit.webhook_path).is_null());
  CHECK(cluster.Get("/api/v1/namespaces/" + unit.ns + "/configmaps/settings").is_null());
  CHECK_FALSE(cluster.Get(unit.gizmo_path).is_null());
}

TEST_CASE("an operator is removed after what it serves, its types and its namespace last") {
  World world({.clusters = {"dev"}, .may_manage_cluster = true});
  const Operator unit(world);
  const KubeApi& cluster = world.Cluster("dev");
  unit.WriteUnit();
  world.Write("environments/dev/environment.yaml", world.Read("environments/dev/environment.yaml") +
                                                       "  prune: {removedApplications: delete}\n");
  world.Commit("Add the operator");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const auto patch = [&](const std::string& path, const std::string& body) {
    REQUIRE(cluster.Request("PATCH", path, body, "application/merge-patch+json").status == 200);
  };
  const std::string ns_path = "/api/v1/namespaces/" + unit.ns;
  for (const std::string& path : {unit.type_path, ns_path})
    patch(path, R"({"metadata":{"annotations":{"sluice.dev/prune":"enabled"}}})");
  patch(unit.gizmo_path, R"({"metadata":{"finalizers":["example.test/operator"]}})");
  const size_t before = world.Requests().size();
  world.Remove(unit.directory);
  world.Commit("Remove the operator");
  const auto plan = json::parse(world.Sluice({"plan", "-o", "json"}).out);
  CHECK(plan.at(0)["changes"].front()["kind"] == "Gizmo");
  CHECK(plan[0]["changes"].back()["kind"] == "Namespace");

  const Ran held = world.Sluice({"sync"});
  INFO(Text(held));
  CHECK(held.exit_code == 4);
  CHECK(held.out.find("held by finalizer example.test/operator; 8 more go when these are gone") !=
        std::string::npos);
  CHECK_FALSE(cluster.Get(unit.deployment_path).is_null());
  CHECK_FALSE(cluster.Get(unit.webhook_path).is_null());

  patch(unit.gizmo_path, R"({"metadata":{"finalizers":null}})");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(Eventually([&] { return world.Sluice({"sync"}).exit_code == 0; }));
  CHECK(world.EventKinds("dev/" + unit.name).back() == "removed");
  CHECK(cluster.Get(ns_path).is_null());
  CHECK(cluster.Get(unit.type_path).is_null());
  std::vector<std::string> order;
  const auto requests = world.Requests();
  for (size_t i = before; i < requests.size(); ++i) {
    if (requests[i].verb == "delete" && !requests[i].is_dry_run) order.push_back(requests[i].uri);
  }
  REQUIRE_FALSE(order.empty());
  CHECK(order.front().find("/gizmos/first") != std::string::npos);
}

TEST_CASE("an operator's own webhook that nobody answers does not stop its removal") {
  World world({.clusters = {"dev"}, .may_manage_cluster = true});
  const Operator unit(world);
  const KubeApi& cluster = world.Cluster("dev");
  unit.WriteUnit();
  world.Write("environments/dev/environment.yaml", world.Read("environments/dev/environment.yaml") +
                                                       "  prune: {removedApplications: delete}\n");
  world.Commit("Add the operator");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  json hook = cluster.Get(unit.webhook_path);
  hook["webhooks"][0]["failurePolicy"] = "Fail";
  hook["webhooks"][0]["rules"][0]["operations"] = {"DELETE"};
  REQUIRE(cluster.Request("PUT", unit.webhook_path, hook.dump()).status == 200);
  REQUIRE(Eventually(
      [&] { return cluster.Request("DELETE", unit.gizmo_path + "?dryRun=All").status == 500; }));
  world.Remove(unit.directory);
  world.Commit("Remove the operator");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 0);
  CHECK(cluster.Get(unit.gizmo_path).is_null());
  CHECK(cluster.Get(unit.webhook_path).is_null());
  CHECK(cluster.Get(unit.deployment_path).is_null());
}

}  // namespace sluice::e2e
