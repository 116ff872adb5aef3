#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

const std::string kSets = "/dev/apis/apps/v1/namespaces/default/replicasets";

Json Items(Client& client, const std::string& path) { return client.Get(path).json()["items"]; }

std::string ProgressReason(Client& client, const std::string& name) {
  const Json condition = Condition(client.Get(kDeployments + "/" + name).json(), "Progressing");
  return condition.value("reason", "");
}

TEST_CASE("a Deployment makes a ReplicaSet with hash and revision, and that makes pods") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1", 2));
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  const Json live = client.Get(kDeployments + "/web").json();
  CHECK(live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1");
  CHECK(Condition(live, "Available")["reason"] == "MinimumReplicasAvailable");
  const Json sets = Items(client, kSets);
  REQUIRE(sets.size() == 1);
  const std::string hash = sets[0]["metadata"]["labels"]["pod-template-hash"];
  CHECK(sets[0]["metadata"]["name"] == "web-" + hash);
  CHECK(sets[0]["metadata"]["ownerReferences"][0]["uid"] == live["metadata"]["uid"]);
  const Json pods = Items(client, kPods);
  REQUIRE(pods.size() == 2);
  CHECK(pods[0]["metadata"]["labels"]["pod-template-hash"] == hash);
  CHECK(pods[0]["metadata"]["ownerReferences"][0]["uid"] == sets[0]["metadata"]["uid"]);
  CHECK(pods[0]["status"]["phase"] == "Running");
}

TEST_CASE("an update rolls to a new ReplicaSet and keeps the old one empty") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1", 3));
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v2", 3));
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  CHECK(Items(client, kSets).size() == 2);
  CHECK(Eventually([&] { return Items(client, kPods).size() == 3; }));
  CHECK(client.Get(kDeployments + "/web")
            .json()["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2");
}

TEST_CASE("going back reuses the old ReplicaSet under a new revision") {
  World world;
  Client& client = world.client();
  for (const char* image : {"shop/web:v1", "shop/web:v2", "shop/web:v1"}) {
    client.Apply(kDeployments + "/web", Deployment("web", image));
    REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  }
  CHECK(Items(client, kSets).size() == 2);
  CHECK(client.Get(kDeployments + "/web")
            .json()["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3");
}

TEST_CASE("a rollout that makes no progress passes its deadline") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web:unready-1", 1);
  manifest["spec"]["progressDeadlineSeconds"] = 1;
  client.Apply(kDeployments + "/web", manifest);
  REQUIRE(Eventually([&] { return ProgressReason(client, "web") == "ProgressDeadlineExceeded"; }));
  const Json live = client.Get(kDeployments + "/web").json();
  CHECK(Condition(live, "Progressing")["status"] == "False");
  CHECK(Condition(live, "Available")["status"] == "False");
}

TEST_CASE("the words of an image tag script how its pods fail") {
  World world;
  Client& client = world.client();
  const auto [image, reason, event] = GENERATE(table<std::string, std::string, std::string>(
      {{"shop/web:pullfail-1", "ImagePullBackOff", "Failed"},
       {"shop/web:crash-1", "CrashLoopBackOff", "BackOff"}}));
  client.Apply(kDeployments + "/web", Deployment("web", image));
  const std::string wanted = reason;
  Json pod;
  REQUIRE(Eventually([&] {
    const Json pods = Items(client, kPods);
    if (pods.empty()) return false;
    pod = pods[0];
    return pod.value("/status/containerStatuses/0/state/waiting/reason"_json_pointer, "") == wanted;
  }));
  const Json events =
      Items(client, "/dev/api/v1/namespaces/default/events?fieldSelector=involvedObject.uid=" +
                        pod["metadata"]["uid"].get<std::string>());
  bool told = false;
  for (const Json& item : events)
    told = told || (item["reason"] == event && item["type"] == "Warning");
  CHECK(told);
  if (reason == "CrashLoopBackOff") {
    CHECK(pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1);
    CHECK(pod["status"]["containerStatuses"][0]["restartCount"] == 3);
  }
}

TEST_CASE("an unready image runs but is never ready") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:unready-1"));
  REQUIRE(Eventually([&] {
    const Json pods = Items(client, kPods);
    return pods.size() == 1 && pods[0]["status"]["phase"] == "Running";
  }));
  const Json pod = Items(client, kPods)[0];
  CHECK(Condition(pod, "Ready")["status"] == "False");
  CHECK(pod["status"]["containerStatuses"][0]["started"] == true);
}

TEST_CASE("a slow image is ready only after its time") {
  SandboxOptions options;
  options.timings.slow_ready = Duration(400);
  World world(std::move(options));
  Client& client = world.client();
  const auto start = std::chrono::steady_clock::now();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:slow-1"));
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  CHECK(std::chrono::steady_clock::now() - start >= Duration(400));
}

TEST_CASE("a pod no node fits stays pending with the scheduler's words") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web:v1");
  manifest["spec"]["template"]["spec"]["nodeSelector"] = {{"disk", "none"}};
  client.Apply(kDeployments + "/web", manifest);
  REQUIRE(Eventually([&] {
    const Json pods = Items(client, kPods);
    return pods.size() == 1 &&
           Condition(pods[0], "PodScheduled").value("reason", "") == "Unschedulable";
  }));
}

TEST_CASE("a paused Deployment rolls nothing out until it is resumed") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1"));
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  Json manifest = Deployment("web", "shop/web:v2");
  manifest["spec"]["paused"] = true;
  client.Apply(kDeployments + "/web", manifest);
  REQUIRE(Eventually([&] {
    return client.Get(kDeployments + "/web").json()["status"]["observedGeneration"] == 2;
  }));
  CHECK(Items(client, kSets).size() == 1);
  manifest["spec"].erase("paused");
  client.Apply(kDeployments + "/web", manifest);
  CHECK(Eventually([&] { return IsRolledOut(client, "web") && Items(client, kSets).size() == 2; }));
}

TEST_CASE("minReadySeconds holds availability back") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web:v1");
  manifest["spec"]["minReadySeconds"] = 2;
  client.Apply(kDeployments + "/web", manifest);
  REQUIRE(Eventually([&] {
    return client.Get(kDeployments + "/web").json()["status"].value("readyReplicas", 0) == 1;
  }));
  CHECK(client.Get(kDeployments + "/web").json()["status"].value("availableReplicas", 0) == 0);
  CHECK(Eventually([&] { return IsRolledOut(client, "web"); }));
}

TEST_CASE("a change of minReadySeconds alone reaches the pods that run") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web:v1");
  client.Apply(kDeployments + "/web", manifest);
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  manifest["spec"]["minReadySeconds"] = 500;
  client.Apply(kDeployments + "/web", manifest);
  CHECK(Eventually([&] {
    return client.Get(kDeployments + "/web").json()["status"].value("availableReplicas", 0) == 0;
  }));
  CHECK(Items(client, kSets).size() == 1);
}

TEST_CASE("old ReplicaSets beyond the history limit go") {
  World world;
  Client& client = world.client();
  for (const char* tag : {"v1", "v2", "v3"}) {
    Json manifest = Deployment("web", std::string("shop/web:") + tag);
    manifest["spec"]["revisionHistoryLimit"] = 1;
    client.Apply(kDeployments + "/web", manifest);
    REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  }
  CHECK(Eventually([&] { return Items(client, kSets).size() == 2; }));
}

TEST_CASE("pods that are refused show as ReplicaFailure with the server's words") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web:v1", 2);
  std::string words;
  SECTION("a service account that does not exist") {
    manifest["spec"]["template"]["spec"]["serviceAccountName"] = "nobody";
    words = "serviceaccount \"nobody\" not found";
  }
  SECTION("a quota") {
    client.Post("/dev/api/v1/namespaces/default/resourcequotas",
                {{"apiVersion", "v1"},
                 {"kind", "ResourceQuota"},
                 {"metadata", {{"name", "few"}}},
                 {"spec", {{"hard", {{"pods", "1"}}}}}});
    words = "exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1";
  }
  client.Apply(kDeployments + "/web", manifest);
  REQUIRE(Eventually([&] {
    const Json failure = Condition(client.Get(kDeployments + "/web").json(), "ReplicaFailure");
    return failure.value("reason", "") == "FailedCreate" &&
           failure.value("message", "").find(words) != std::string::npos;
  }));
  client.Post(
      "/dev/api/v1/namespaces/default/serviceaccounts",
      {{"apiVersion", "v1"}, {"kind", "ServiceAccount"}, {"metadata", {{"name", "nobody"}}}});
  client.Delete("/dev/api/v1/namespaces/default/resourcequotas/few");
  CHECK(Eventually([&] { return IsRolledOut(client, "web"); }));
  CHECK(Condition(client.Get(kDeployments + "/web").json(), "ReplicaFailure").empty());
}

}  // namespace
}  // namespace sluice::sandbox
