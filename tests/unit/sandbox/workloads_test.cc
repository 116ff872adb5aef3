#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

const std::string kStatefulSets = "/dev/apis/apps/v1/namespaces/default/statefulsets";
const std::string kDaemonSets = "/dev/apis/apps/v1/namespaces/default/daemonsets";
const std::string kJobs = "/dev/apis/batch/v1/namespaces/default/jobs";
const std::string kClaims = "/dev/api/v1/namespaces/default/persistentvolumeclaims";

Json Workload(const std::string& kind, const std::string& image) {
  Json manifest = Deployment("db", image);
  manifest["kind"] = kind;
  manifest["spec"].erase("replicas");
  return manifest;
}

Json StatefulSet(const std::string& image, int replicas) {
  Json manifest = Workload("StatefulSet", image);
  manifest["spec"]["replicas"] = replicas;
  manifest["spec"]["serviceName"] = "db";
  return manifest;
}

Json Job(const std::string& image) {
  return {
      {"apiVersion", "batch/v1"},
      {"kind", "Job"},
      {"metadata", {{"name", "j"}}},
      {"spec",
       {{"backoffLimit", 1},
        {"template",
         {{"spec",
           {{"restartPolicy", "Never"}, {"containers", {{{"name", "x"}, {"image", image}}}}}}}}}}};
}

bool IsSettled(Client& client) {
  const Json live = client.Get(kStatefulSets + "/db").json();
  const Json status = live.value("status", Json::object());
  return status.value("observedGeneration", 0) == live["metadata"]["generation"] &&
         status.value("readyReplicas", 0) == live["spec"]["replicas"] &&
         status.value("updatedReplicas", 0) == live["spec"]["replicas"] &&
         status.value("currentRevision", "a") == status.value("updateRevision", "b");
}

TEST_CASE("a StatefulSet begins its pods in order, with claims of their own") {
  World world;
  Client& client = world.client();
  Json manifest = StatefulSet("shop/db:v1", 2);
  manifest["spec"]["volumeClaimTemplates"] = {
      {{"metadata", {{"name", "data"}}},
       {"spec",
        {{"accessModes", {"ReadWriteOnce"}},
         {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}}};
  REQUIRE(client.Apply(kStatefulSets + "/db", manifest).code == 201);
  REQUIRE(Eventually([&] { return IsSettled(client); }));
  const Json first = client.Get(kPods + "/db-0").json();
  CHECK(first["metadata"]["labels"]["controller-revision-hash"] ==
        client.Get(kStatefulSets + "/db").json()["status"]["updateRevision"]);
  CHECK(Eventually(
      [&] { return client.Get(kClaims + "/data-db-1").json()["status"]["phase"] == "Bound"; }));
}

TEST_CASE(
    "a broken StatefulSet update stays stuck after the template is put back, until its pod is "
    "deleted") {
  World world;
  Client& client = world.client();
  client.Apply(kStatefulSets + "/db", StatefulSet("shop/db:v1", 2));
  REQUIRE(Eventually([&] { return IsSettled(client); }));
  client.Apply(kStatefulSets + "/db", StatefulSet("shop/db:crash-2", 2));
  const auto is_broken = [&] {
    return client.Get(kPods + "/db-1").body.find("CrashLoopBackOff") != std::string::npos;
  };
  REQUIRE(Eventually(is_broken));
  CHECK(client.Get(kPods + "/db-0").body.find("shop/db:v1") != std::string::npos);
  client.Apply(kStatefulSets + "/db", StatefulSet("shop/db:v1", 2));
  REQUIRE(Eventually([&] {
    const Json live = client.Get(kStatefulSets + "/db").json();
    return live["status"]["observedGeneration"] == 3;
  }));
  CHECK(is_broken());
  CHECK_FALSE(IsSettled(client));
  client.Delete(kPods + "/db-1");
  CHECK(Eventually([&] { return IsSettled(client); }));
}

TEST_CASE("a DaemonSet runs one pod on the one node and replaces it on update") {
  World world;
  Client& client = world.client();
  const auto is_current = [&](const std::string& image) {
    const Json live = client.Get(kDaemonSets + "/db").json();
    const Json pods = client.Get(kPods).json()["items"];
    return live["status"].value("observedGeneration", 0) == live["metadata"]["generation"] &&
           live["status"].value("updatedNumberScheduled", 0) == 1 &&
           live["status"].value("numberAvailable", 0) == 1 && pods.size() == 1 &&
           pods[0]["spec"]["containers"][0]["image"] == image;
  };
  client.Apply(kDaemonSets + "/db", Workload("DaemonSet", "shop/db:v1"));
  REQUIRE(Eventually([&] { return is_current("shop/db:v1"); }));
  client.Apply(kDaemonSets + "/db", Workload("DaemonSet", "shop/db:v2"));
  REQUIRE(Eventually([&] { return is_current("shop/db:v2"); }));
  const Json revisions =
      client.Get("/dev/apis/apps/v1/namespaces/default/controllerrevisions").json()["items"];
  REQUIRE(revisions.size() == 2);
  CHECK(client.Get(kPods).json()["items"][0]["metadata"]["labels"].contains(
      "controller-revision-hash"));
}

TEST_CASE("a Job completes") {
  World world;
  Client& client = world.client();
  client.Apply(kJobs + "/j", Job("shop/migrate:v1"));
  REQUIRE(
      Eventually([&] { return !Condition(client.Get(kJobs + "/j").json(), "Complete").empty(); }));
  const Json live = client.Get(kJobs + "/j").json();
  CHECK(live["status"]["succeeded"] == 1);
  CHECK(live["status"].contains("completionTime"));
  const std::string uid = live["metadata"]["uid"];
  CHECK(client.Get(kPods + "?labelSelector=batch.kubernetes.io/controller-uid%3D" + uid)
            .json()["items"]
            .size() == 1);
}

TEST_CASE("a failing Job tries as often as it may and is then Failed") {
  World world;
  Client& client = world.client();
  client.Apply(kJobs + "/j", Job("shop/migrate:jobfail-1"));
  REQUIRE(
      Eventually([&] { return !Condition(client.Get(kJobs + "/j").json(), "Failed").empty(); }));
  const Json live = client.Get(kJobs + "/j").json();
  CHECK(Condition(live, "Failed")["reason"] == "BackoffLimitExceeded");
  CHECK(live["status"]["failed"] == 2);
  CHECK(client.Get(kPods).json()["items"][0]["status"]["containerStatuses"][0]["state"]
                                ["terminated"]["exitCode"] == 1);
}

TEST_CASE("an ended Job goes when its time to live is over") {
  World world;
  Client& client = world.client();
  Json job = Job("shop/migrate:v1");
  job["spec"]["ttlSecondsAfterFinished"] = 0;
  REQUIRE(client.Apply(kJobs + "/j", job).code == 201);
  CHECK(Eventually([&] { return client.Get(kJobs + "/j").code == 404; }));
}

TEST_CASE("a load balancer and an Ingress get an address") {
  World world;
  Client& client = world.client();
  Json service = Service("web");
  service["spec"]["type"] = "LoadBalancer";
  CHECK(client.Apply(kServices + "/web", service).json()["status"]["loadBalancer"].empty());
  CHECK(Eventually([&] {
    return client.Get(kServices + "/web")
               .json()
               .value("/status/loadBalancer/ingress/0/ip"_json_pointer, "") == "127.0.0.1";
  }));
  const std::string ingresses = "/dev/apis/networking.k8s.io/v1/namespaces/default/ingresses";
  client.Apply(
      ingresses + "/web",
      {{"apiVersion", "networking.k8s.io/v1"},
       {"kind", "Ingress"},
       {"metadata", {{"name", "web"}}},
       {"spec",
        {{"defaultBackend", {{"service", {{"name", "web"}, {"port", {{"number", 80}}}}}}}}}});
  CHECK(Eventually([&] {
    return client.Get(ingresses + "/web")
               .json()
               .value("/status/loadBalancer/ingress/0/ip"_json_pointer, "") == "127.0.0.1";
  }));
}

TEST_CASE("a Service's EndpointSlice follows its pods") {
  World world;
  Client& client = world.client();
  client.Apply(kServices + "/web", Service("web"));
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1", 2));
  const std::string slices =
      "/dev/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/"
      "service-name%3Dweb";
  CHECK(Eventually([&] {
    const Json items = client.Get(slices).json()["items"];
    return items.size() == 1 && items[0].value("endpoints", Json::array()).size() == 2 &&
           items[0]["endpoints"][0]["conditions"]["ready"] == true;
  }));
}

TEST_CASE("a claim stays while a pod uses it") {
  World world;
  Client& client = world.client();
  client.Apply(kClaims + "/data", {{"apiVersion", "v1"},
                                   {"kind", "PersistentVolumeClaim"},
                                   {"metadata", {{"name", "data"}}},
                                   {"spec",
                                    {{"accessModes", {"ReadWriteOnce"}},
                                     {"resources", {{"requests", {{"storage", "1Gi"}}}}}}}});
  Json manifest = Deployment("web", "shop/web:v1");
  manifest["spec"]["template"]["spec"]["volumes"] = {
      {{"name", "d"}, {"persistentVolumeClaim", {{"claimName", "data"}}}}};
  client.Apply(kDeployments + "/web", manifest);
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  CHECK(client.Delete(kClaims + "/data").json()["metadata"].contains("deletionTimestamp"));
  REQUIRE(client.Get(kClaims + "/data").code == 200);
  client.Delete(kDeployments + "/web", {{"propagationPolicy", "Background"}});
  CHECK(Eventually([&] { return client.Get(kClaims + "/data").code == 404; }));
}

TEST_CASE("an autoscaler owns the replicas of its target through the scale subresource") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web:v1");
  manifest["spec"].erase("replicas");
  client.Apply(kDeployments + "/web", manifest);
  client.Apply("/dev/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/web",
               {{"apiVersion", "autoscaling/v2"},
                {"kind", "HorizontalPodAutoscaler"},
                {"metadata", {{"name", "web"}}},
                {"spec",
                 {{"minReplicas", 3},
                  {"maxReplicas", 5},
                  {"scaleTargetRef",
                   {{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", "web"}}}}}});
  REQUIRE(Eventually(
      [&] { return client.Get(kDeployments + "/web").json()["spec"]["replicas"] == 3; }));
  CHECK(FieldsOf(client.Get(kDeployments + "/web").json(), "kube-controller-manager",
                 "scale")["f:spec"]
            .contains("f:replicas"));
  CHECK(client.Apply(kDeployments + "/web", manifest).json()["spec"]["replicas"] == 3);
}

}  // namespace
}  // namespace sluice::sandbox
