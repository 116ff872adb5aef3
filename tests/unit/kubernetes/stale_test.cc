// A server that is behind: what it says of an object before our own write is no live state.
#include "engine/targets/kubernetes/health_json.h"
#include "tests/unit/kubernetes/driver_steps.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr const char* kStale = "stale:seconds=3";  // far more than the steps between need

std::string Map(const std::string& value) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: \"" + value + "\"}\n";
}

std::string WebDeployment(const std::string& tag) {
  return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n"
         "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
         "    spec: {containers: [{name: web, image: \"registry.example/web:" +
         tag + "\"}]}\n";
}

Result<ObjectHealth> Assess(LiveCluster& cluster, TargetDriver& driver, const ObjectRef& ref) {
  auto healths = driver.Assess({ref}, {}, TargetDriver::Diagnose::kFully, cluster.Deadline());
  if (!healths) return Fail(healths.error());
  return healths->at(0);
}

bool IsHealthy(const Result<ObjectHealth>& health) {
  return health && health->health == Health::kHealthy;
}

std::string ValueIn(const LiveState& live, const ObjectRef& ref) {
  const auto it = live.objects.find(ref);
  return it == live.objects.end() ? "absent" : ToText(At(it->second.body, "data", "a"));
}

TEST_CASE("health is never that of an object as it was before our own apply") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const ObjectRef ref{"apps", "Deployment", ns, "web"};
  Deploy(cluster, *driver, WebDeployment("v1"));
  if (!cluster.InjectFault(kStale)) return;
  REQUIRE(cluster.Eventually([&] { return IsHealthy(Assess(cluster, *driver, ref)); }));
  Deploy(cluster, *driver, WebDeployment("pullfail-1"));
  bool was_stale = false, was_healthy = false;
  CHECK(cluster.Eventually([&] {
    const auto health = Assess(cluster, *driver, ref);
    was_healthy |= IsHealthy(health);
    was_stale |= !health && health.error().reason() == "StaleRead";
    return health && health->reason == "ImagePullBackOff";
  }));
  CHECK(was_stale);
  CHECK_FALSE(was_healthy);
  // The way back, by another driver of the same cluster.
  const auto other = cluster.Driver(ns);
  Deploy(cluster, *other, WebDeployment("v1"));
  const auto at_once = Assess(cluster, *other, ref);
  CHECK((!at_once || at_once->reason != "ImagePullBackOff"));
  CHECK(cluster.Eventually([&] { return IsHealthy(Assess(cluster, *other, ref)); }));
}

TEST_CASE("what is observed is never older than our own write, also where there is no generation") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const ObjectRef ref{"", "ConfigMap", ns, "m"};
  Deploy(cluster, *driver, Map("1"));
  if (!cluster.InjectFault(kStale)) return;
  const auto observe = [&](TargetDriver& by) {
    auto live = by.Observe({ref}, cluster.Deadline());
    INFO((live ? "" : live.error().message()));
    REQUIRE(live);
    return ValueIn(*live, ref);
  };
  REQUIRE(cluster.Eventually([&] { return observe(*driver) == "1"; }));
  Deploy(cluster, *driver, Map("2"));
  CHECK(observe(*cluster.Driver(ns)) == "2");
  // Put back at once: it is seen that there is something to do.
  Deploy(cluster, *driver, Map("3"));
  const auto back = cluster.Driver(ns);
  Pass pass = MakePass(cluster, *back, MakeResources(Map("2")));
  CHECK(pass.predictions.at(0).kind == Prediction::Kind::kUpdate);
  // Without the time to wait for it there is no state at all.
  ApplyAll(cluster, *back, pass.prepared.objects, pass.live);
  const auto live = back->Observe({ref}, cluster.Deadline(1));
  CHECK((live ? ValueIn(*live, ref) == "2" : live.error().reason() == "StaleRead"));
}

TEST_CASE("many objects of a kind are listed, and none of them as before our own write") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const auto maps = [](const std::string& value) {
    std::string yaml;
    for (int i = 0; i < 21; ++i) {
      yaml += (i == 0 ? "" : "---\n") + ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m" +
                                         std::to_string(i) + "}\ndata: {a: \"" + value + "\"}\n");
    }
    return yaml;
  };
  const auto refs = RefsOf(Deploy(cluster, *driver, maps("1")).prepared);
  if (!cluster.InjectFault(kStale)) return;
  REQUIRE(cluster.Eventually([&] {
    const auto live = driver->Observe(refs, cluster.Deadline());
    return live && live->objects.size() == refs.size();
  }));
  Deploy(cluster, *driver, maps("2"));
  const auto live = driver->Observe(refs, cluster.Deadline());
  REQUIRE(live);
  for (const ObjectRef& ref : refs) CHECK(ValueIn(*live, ref) == "2");
}

TEST_CASE("an object that others change or make anew after our write is what they made of it") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const ObjectRef ref{"apps", "Deployment", ns, "web"};
  const std::string path = "/apis/apps/v1/namespaces/" + ns + "/deployments";
  Deploy(cluster, *driver, WebDeployment("v1"));
  Deploy(cluster, *driver, WebDeployment("v1"));  // changes nothing
  REQUIRE(cluster.Eventually([&] { return IsHealthy(Assess(cluster, *driver, ref)); }));
  REQUIRE(cluster
              .As("kubectl", "PATCH", path + "/web", {{"spec", {{"replicas", 2}}}},
                  "application/merge-patch+json")
              .IsSuccess());
  REQUIRE(cluster.Eventually([&] { return IsHealthy(Assess(cluster, *driver, ref)); }));
  REQUIRE(cluster.As("kubectl", "DELETE", path + "/web").IsSuccess());
  REQUIRE(cluster.Eventually([&] {
    const auto health = Assess(cluster, *driver, ref);
    return health && health->health == Health::kMissing;
  }));
  const Resource anew = MakeResource(WebDeployment("v2"));
  REQUIRE(cluster.As("kubectl", "POST", path, anew.body).IsSuccess());
  CHECK(cluster.Eventually([&] { return IsHealthy(Assess(cluster, *driver, ref)); }));
}

TEST_CASE("a smoke job that the server does not show yet is waited for") {
  LiveCluster cluster;
  const auto driver = cluster.Driver(cluster.MakeNamespace());
  if (!cluster.InjectFault(kStale)) return;
  const auto job = MakeResource(
      "apiVersion: batch/v1\nkind: Job\nmetadata: {name: check}\nspec: {backoffLimit: 0, template: "
      "{spec: {restartPolicy: Never, containers: [{name: c, image: "
      "\"registry.example/c:v1\"}]}}}\n");
  const auto outcome = driver->RunTask(job.body, TestOwner(), "r-1", cluster.Deadline());
  INFO((outcome ? outcome->message : outcome.error().message()));
  REQUIRE(outcome);
  CHECK(outcome->has_passed);
}

}  // namespace
}  // namespace sluice::targets::kubernetes
