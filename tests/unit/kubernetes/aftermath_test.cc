// What comes after an apply: health, marked objects, deletion, stuck pods, jobs.
#include <thread>

#include "engine/targets/kubernetes/health_json.h"
#include "tests/unit/kubernetes/driver_steps.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr const char* kMap =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: \"1\"}\n";

std::string Workload(const std::string& kind, const std::string& tag) {
  return "apiVersion: apps/v1\nkind: " + kind + "\nmetadata: {name: web}\nspec:\n  replicas: 2\n" +
         (kind == "StatefulSet" ? "  serviceName: web\n" : "") +
         "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n "
         "   spec: {containers: [{name: web, image: \"registry.example/web:" +
         tag + "\"}]}\n";
}

ObjectHealth HealthOf(LiveCluster& cluster, TargetDriver& driver, const ObjectRef& ref) {
  auto healths = driver.Assess({ref}, {}, TargetDriver::Diagnose::kFully, cluster.Deadline());
  INFO((healths ? "" : healths.error().message()));
  REQUIRE(healths);
  REQUIRE(healths->size() == 1);
  CHECK(healths->front().ref == ref);
  return healths->front();
}

TEST_CASE("a deployment becomes healthy, and a bad image is diagnosed from its pods") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const ObjectRef ref{"apps", "Deployment", ns, "web"};
  CHECK(HealthOf(cluster, *driver, ref).health == Health::kMissing);
  Deploy(cluster, *driver, Workload("Deployment", "v1"));
  CHECK(cluster.Eventually(
      [&] { return HealthOf(cluster, *driver, ref).health == Health::kHealthy; }));
  Deploy(cluster, *driver, Workload("Deployment", "pullfail-1"));
  ObjectHealth health;
  CHECK(cluster.Eventually([&] {
    health = HealthOf(cluster, *driver, ref);
    return health.reason == "ImagePullBackOff";
  }));
  INFO(health.reason << ": " << health.message);
  CHECK(health.health != Health::kHealthy);
  CHECK_THAT(health.message, Catch::Contains("web"));
}

TEST_CASE("a rolled back stateful set goes on when its stuck pods are replaced") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const ObjectRef ref{"apps", "StatefulSet", ns, "web"};
  const auto is_healthy = [&] {
    return HealthOf(cluster, *driver, ref).health == Health::kHealthy;
  };
  Deploy(cluster, *driver, Workload("StatefulSet", "v1"));
  REQUIRE(cluster.Eventually(is_healthy));
  Deploy(cluster, *driver, Workload("StatefulSet", "pullfail-1"));
  REQUIRE(cluster.Eventually(
      [&] { return HealthOf(cluster, *driver, ref).reason == "ImagePullBackOff"; }));
  Deploy(cluster, *driver, Workload("StatefulSet", "v1"));
  const Status status =
      driver->Unstick({ref, {"", "ConfigMap", ns, "ignored"}}, cluster.Deadline());
  INFO((status ? "" : status.error().message()));
  REQUIRE(status);
  CHECK(cluster.Eventually(is_healthy));
}

TEST_CASE("an object is deleted only under the uid that was seen") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  Deploy(cluster, *driver, kMap);
  const ObjectRef ref{"", "ConfigMap", ns, "m"};
  const auto live = driver->Observe({ref}, cluster.Deadline());
  REQUIRE(live);
  const Deletion seen = DeletionOf(ref, live->objects.at(ref));
  Deletion other = seen;
  other.uid = "00000000-0000-0000-0000-000000000000";
  const auto stale = driver->Delete({other}, WriteMode::kApply, cluster.Deadline());
  REQUIRE_FALSE(stale.at(0).status);
  CHECK(stale.at(0).status.error().reason() == "ChangedMeanwhile");
  CHECK(driver->Delete({seen}, WriteMode::kApply, cluster.Deadline()).at(0).status);
  CHECK(cluster.As("t", "GET", "/api/v1/namespaces/" + ns + "/configmaps/m").status == 404);
  CHECK(driver->Delete({seen}, WriteMode::kApply, cluster.Deadline()).at(0).status);
}

TEST_CASE("what is marked is found by kind, and by nothing") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const Ownership owner = TestOwner(ns);  // other tests leave marked objects of cluster scope
  Deploy(cluster, *driver,
         std::string(kMap) +
             "---\napiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {a: b}, "
             "ports: [{port: 80}]}\n",
         Force::kNo, owner);
  // Somebody copied the label: the mark alone does not make it ours.
  const nlohmann::json copy = {
      {"apiVersion", "v1"},
      {"kind", "ConfigMap"},
      {"metadata", {{"name", "copy"}, {"labels", {{"sluice.dev/unit", owner.Mark()}}}}}};
  REQUIRE(
      cluster.As("kubectl", "POST", "/api/v1/namespaces/" + ns + "/configmaps", copy).IsSuccess());
  const ObjectRef map{"", "ConfigMap", ns, "m"}, service{"", "Service", ns, "s"};
  const auto of_kind = driver->FindMarked(owner, {{"", "ConfigMap", ns, "x"}}, cluster.Deadline());
  REQUIRE(of_kind);
  CHECK(*of_kind == std::vector<ObjectRef>{map});
  const auto all = driver->FindMarked(owner, {}, cluster.Deadline());
  INFO((all ? "" : all.error().message()));
  REQUIRE(all);
  CHECK(*all == std::vector<ObjectRef>{map, service});
  const auto others = driver->FindMarked(TestOwner("other"), {}, cluster.Deadline());
  REQUIRE(others);
  CHECK(others->empty());
}

TEST_CASE("objects of controllers and other tools are protected from pruning") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const auto make = [&](const std::string& name, const nlohmann::json& metadata) {
    nlohmann::json body = {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", metadata}};
    body["metadata"]["name"] = name;
    REQUIRE(cluster.As("t", "POST", "/api/v1/namespaces/" + ns + "/configmaps", body).IsSuccess());
    const ObjectRef ref{"", "ConfigMap", ns, name};
    const auto live = driver->Observe({ref}, cluster.Deadline());
    REQUIRE(live);
    return live->objects.at(ref).protected_by;
  };
  CHECK(make("plain", {{"labels", {{"app.kubernetes.io/managed-by", "Helm"}}}}).empty());
  CHECK_THAT(make("helm", {{"annotations", {{"meta.helm.sh/release-name", "shop"}}}}),
             Catch::Contains("helm release shop"));
  CHECK_THAT(
      make("argo", {{"annotations", {{"argocd.argoproj.io/tracking-id", "shop:/ConfigMap:x/y"}}}}),
      Catch::Contains("argo cd"));
  CHECK_THAT(make("flux", {{"labels", {{"kustomize.toolkit.fluxcd.io/name", "shop"}}}}),
             Catch::Contains("flux"));
  CHECK_THAT(make("set", {{"labels", {{"applyset.kubernetes.io/part-of", "shop"}}}}),
             Catch::Contains("applyset"));
  CHECK_THAT(
      make("detach", {{"annotations", {{"client.lifecycle.config.k8s.io/deletion", "detach"}}}}),
      Catch::Contains("detach"));
  CHECK_THAT(make("ours", {{"annotations", {{"sluice.dev/prune", "disabled"}}}}),
             Catch::Contains("sluice.dev/prune"));
}

std::string SmokeJob(const std::string& tag) {
  return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: check}\nspec: {backoffLimit: 0, "
         "template: {spec: {restartPolicy: Never, containers: [{name: c, image: "
         "\"registry.example/c:" +
         tag + "\"}]}}}\n";
}

size_t JobsIn(LiveCluster& cluster, const std::string& ns) {
  const ApiAnswer answer = cluster.As("t", "GET", "/apis/batch/v1/namespaces/" + ns + "/jobs");
  size_t count = 0;
  for (const auto& job : Items(At(answer.body, "items")))
    count += At(job, "metadata", "deletionTimestamp").is_null() ? 1 : 0;
  return count;
}

TEST_CASE("a smoke job passes or fails, and is gone afterwards") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const auto good = driver->RunTask(MakeResource(SmokeJob("v1")).body, TestOwner(), "r-0123456789",
                                    cluster.Deadline());
  INFO((good ? good->message : good.error().message()));
  REQUIRE(good);
  CHECK(good->has_passed);
  const auto bad = driver->RunTask(MakeResource(SmokeJob("jobfail-1")).body, TestOwner(),
                                   "r-0123456789", cluster.Deadline());
  REQUIRE(bad);
  INFO(bad->message);
  CHECK_FALSE(bad->has_passed);
  CHECK_THAT(bad->message, Catch::Contains("exit code 1"));
  CHECK(cluster.Eventually([&] { return JobsIn(cluster, ns) == 0; }));
}

TEST_CASE("an interrupted smoke job is no verdict and is gone afterwards") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  std::stop_source stop;
  std::jthread stopper([&] {
    cluster.Eventually([&] { return JobsIn(cluster, ns) == 1; });
    stop.request_stop();
  });
  const auto outcome =
      driver->RunTask(MakeResource(SmokeJob("pullfail-1")).body, TestOwner(), "r-1",
                      {{cluster.clock.SteadyNow() + std::chrono::seconds(60), stop.get_token()},
                       cluster.Deadline().may_write});
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code() == ErrorCode::kCancelled);
  CHECK(cluster.Eventually([&] { return JobsIn(cluster, ns) == 0; }));
}

TEST_CASE("a smoke job that does not end in time has failed and says what it waits for") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const WriteCall call = cluster.Deadline(6);
  const auto outcome =
      driver->RunTask(MakeResource(SmokeJob("pullfail-1")).body, TestOwner(), "r-1", call);
  CHECK(cluster.clock.SteadyNow() >= call.deadline);
  INFO((outcome ? outcome->message : outcome.error().message()));
  REQUIRE(outcome);
  CHECK_FALSE(outcome->has_passed);
  CHECK_THAT(outcome->message, Catch::Contains("did not end in time"));
  CHECK_THAT(outcome->message, Catch::Contains("ImagePullBackOff"));
}

TEST_CASE("a smoke job has all of its time, however short that is") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const auto outcome = driver->RunTask(MakeResource(SmokeJob("v1")).body, TestOwner(), "r-1",
                                       cluster.Deadline(cluster.IsReal() ? 30 : 2));
  INFO((outcome ? outcome->message : outcome.error().message()));
  REQUIRE(outcome);
  CHECK(outcome->has_passed);
}

}  // namespace
}  // namespace sluice::targets::kubernetes
