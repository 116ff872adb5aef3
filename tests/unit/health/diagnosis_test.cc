#include "engine/targets/kubernetes/diagnosis.h"

#include "tests/support/catch.h"
#include "tests/unit/health/fixtures.h"

namespace sluice::targets {
namespace {

using fixtures::Condition;
using fixtures::Container;
using fixtures::Json;
using fixtures::List;
using fixtures::Pod;
using fixtures::Terminated;
using fixtures::Waiting;

const Json kUnready =
    Condition("Ready", "False", "ContainersNotReady", "containers with unready status: [web]");
const Json kRunning = {{"running", {{"startedAt", "2026-11-21T07:00:01Z"}}}};

HealthContext After(const std::string& time) {
  HealthContext context;
  context.now = fixtures::At(time);
  return context;
}
HealthContext Early() { return After("2026-11-21T07:00:59Z"); }
HealthContext Late() { return After("2026-11-21T07:01:00Z"); }

struct Row {
  std::string name;
  Json pod;
  std::string reason;
  bool is_terminal_early, is_terminal_late;
  std::string says;
};

TEST_CASE(
    "each cause is named with pod and container, and ends the wait only when it cannot recover") {
  const auto waiting = [](const std::string& reason, const std::string& message, int restarts = 0,
                          const Json& last = Json::object()) {
    return Pod("web-1", "Pending", List(kUnready),
               List(Container(Waiting(reason, message), restarts, last)));
  };
  Json init = Pod("web-1", "Pending", List(kUnready), List(Container(Waiting("PodInitializing"))));
  init["status"]["initContainerStatuses"] =
      List(Container(Waiting("ImagePullBackOff", "Back-off")));
  init["status"]["initContainerStatuses"][0]["name"] = "migrate";
  Json evicted = Pod("web-1", "Failed");
  evicted["status"]["reason"] = "Evicted";
  evicted["status"]["message"] = "The node was low on resource: memory";
  const Json crash = Terminated(1, "Error", "panic: no database\n");
  const std::vector<Row> rows = {
      {"pull", waiting("ImagePullBackOff", "Back-off pulling image"), "ImagePullBackOff", false,
       true, "pod web-1 container web: cannot pull image 'shop/web:2': Back-off"},
      {"pull error", waiting("ErrImagePull", "manifest unknown"), "ErrImagePull", false, true,
       "manifest unknown"},
      {"init container", init, "ImagePullBackOff", false, true, "container migrate"},
      {"bad name", waiting("InvalidImageName", "couldn't parse image"), "InvalidImageName", true,
       true, "couldn't parse image"},
      {"config", waiting("CreateContainerConfigError", "configmap \"x\" not found"),
       "CreateContainerConfigError", true, true, "configmap \"x\" not found"},
      {"create", waiting("CreateContainerError", "no such file"), "CreateContainerError", false,
       true, "no such file"},
      {"crash loop", waiting("CrashLoopBackOff", "back-off 40s", 3, crash), "CrashLoopBackOff",
       false, true, "exited with code 1 (Error): panic: no database, 3 restarts"},
      {"crash loop, few restarts", waiting("CrashLoopBackOff", "back-off 20s", 2, crash),
       "CrashLoopBackOff", false, false, "2 restarts"},
      {"out of memory",
       waiting("CrashLoopBackOff", "back-off 40s", 4, Terminated(137, "OOMKilled")), "OOMKilled",
       false, true, "exited with code 137 (OOMKilled), 4 restarts"},
      {"just ended",
       Pod("web-1", "Running", List(kUnready), List(Container(Terminated(2, "Error"), 1))),
       "ContainerExited", false, false, "exited with code 2 (Error), 1 restart"},
      {"just out of memory",
       Pod("web-1", "Running", List(kUnready), List(Container(Terminated(137, "OOMKilled")))),
       "OOMKilled", false, false, "137"},
      {"no node",
       Pod("web-1", "Pending",
           List(Condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available"))),
       "Unschedulable", false, true, "0/3 nodes are available"},
      {"gated",
       Pod("web-1", "Pending",
           List(Condition("PodScheduled", "False", "SchedulingGated", "gated"))),
       "SchedulingGated", false, false, "scheduling gates"},
      {"not ready", Pod("web-1", "Running", List(kUnready), List(Container(kRunning))),
       "ContainersNotReady", false, false, "container web runs but is not ready"},
      {"gate of readiness",
       Pod("web-1", "Running",
           List(Condition("Ready", "False", "ReadinessGatesNotReady", "target not registered"))),
       "ReadinessGatesNotReady", false, false, "target not registered"},
      {"evicted", evicted, "Evicted", false, false, "low on resource"},
      {"disrupted",
       Pod("web-1", "Failed",
           List(Condition("DisruptionTarget", "True", "PreemptionByScheduler", "preempted"))),
       "PreemptionByScheduler", false, false, "preempted"},
      {"job pod", Pod("web-1", "Failed", List(), List(Container(Terminated(3, "Error")))),
       "ContainerExited", false, false, "exited with code 3"},
      {"failed silently", Pod("web-1", "Failed"), "PodFailed", false, false,
       "pod web-1 has failed"},
  };
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      const auto early = DiagnosePod(row.pod, Early());
      const auto late = DiagnosePod(row.pod, Late());
      REQUIRE(early);
      REQUIRE(late);
      CHECK(early->reason == row.reason);
      CHECK(early->is_terminal == row.is_terminal_early);
      CHECK(late->is_terminal == row.is_terminal_late);
      CHECK(late->message.find("web-1") != std::string::npos);
      INFO(late->message);
      CHECK(late->message.find(row.says) != std::string::npos);
    }
  }
}

TEST_CASE("pods without trouble have no diagnosis") {
  CHECK_FALSE(DiagnosePod(Pod("web-1", "Running", List(Condition("Ready", "True"))), Late()));
  CHECK_FALSE(DiagnosePod(Pod("web-1", "Succeeded"), Late()));
  CHECK_FALSE(DiagnosePod(
      Pod("web-1", "Pending", List(), List(Container(Waiting("ContainerCreating")))), Late()));
}

TEST_CASE("the grace is configurable and starts anew when the pod was ready in between") {
  const Json pod =
      Pod("web-1", "Pending", List(kUnready), List(Container(Waiting("ImagePullBackOff"))));
  HealthContext context = Early();
  context.grace = std::chrono::seconds(10);
  CHECK(DiagnosePod(pod, context)->is_terminal);
  Json relapsed = pod;
  relapsed["status"]["conditions"][0]["lastTransitionTime"] = "2026-11-21T07:00:55Z";
  CHECK_FALSE(DiagnosePod(relapsed, context)->is_terminal);
  Json never_started =
      Pod("web-1", "Pending", List(Condition("PodScheduled", "False", "Unschedulable")));
  never_started["status"].erase("startTime");
  CHECK(DiagnosePod(never_started, context)->is_terminal);
}

TEST_CASE("events add what the pod does not say") {
  const Json unready = Pod("web-1", "Running", List(kUnready), List(Container(kRunning)));
  HealthContext context = Late();
  context.events =
      List(fixtures::Warning(unready, "Unhealthy",
                             "Readiness probe failed: HTTP probe failed with statuscode: 503"),
           fixtures::Warning(unready, "Unhealthy", "Readiness probe failed: old",
                             "2026-11-21T07:00:10Z"),
           fixtures::Warning(Pod("other", "Running"), "Unhealthy", "Liveness probe failed: other",
                             "2026-11-21T07:00:50Z"));
  const auto probe = DiagnosePod(unready, context);
  CHECK(probe->reason == "ReadinessProbeFailed");
  CHECK(probe->message.find("statuscode: 503") != std::string::npos);
  const Json creating =
      Pod("web-1", "Pending", List(kUnready), List(Container(Waiting("ContainerCreating"))));
  context.events = List(fixtures::Warning(creating, "FailedMount",
                                          "MountVolume.SetUp failed: secret \"db\" not found"));
  CHECK(DiagnosePod(creating, context)->reason == "FailedMount");
  const Json pulling = Pod("web-1", "Pending", List(kUnready),
                           List(Container(Waiting("ImagePullBackOff", "Back-off"))));
  context.events =
      List(fixtures::Warning(pulling, "Failed", "Failed to pull image: manifest unknown"));
  CHECK(DiagnosePod(pulling, context)->message.find("manifest unknown") != std::string::npos);
}

TEST_CASE("a message is one line without control characters or credentials") {
  const Json pod = Pod("web-1", "Pending", List(kUnready),
                       List(Container(Waiting("CreateContainerConfigError",
                                              "a\n\tb \x1b[31m https://me:secret@example.com/x"))));
  const auto found = DiagnosePod(pod, Late());
  CHECK(found->message.find('\n') == std::string::npos);
  CHECK(found->message.find('\x1b') == std::string::npos);
  CHECK(found->message.find("secret") == std::string::npos);
}

TEST_CASE("the gravest pod speaks for all, and those being deleted are silent") {
  const Json slow = Pod("web-0", "Running", List(kUnready), List(Container(kRunning)));
  const Json bad =
      Pod("web-1", "Pending", List(kUnready), List(Container(Waiting("ImagePullBackOff"))));
  Json bad_too =
      Pod("web-2", "Pending", List(kUnready), List(Container(Waiting("ImagePullBackOff"))));
  Json going =
      Pod("web-3", "Pending", List(kUnready), List(Container(Waiting("InvalidImageName"))));
  going["metadata"]["deletionTimestamp"] = "2026-11-21T07:00:00Z";
  Json evicted = Pod("web-4", "Failed");
  evicted["status"]["reason"] = "Evicted";
  const auto found = DiagnosePods(List(evicted, slow, bad, bad_too, going), Early());
  CHECK(found->reason == "ImagePullBackOff");
  CHECK(found->message.find("web-1") != std::string::npos);
  CHECK(found->message.find("(and 1 more pod)") != std::string::npos);
}

TEST_CASE("the cause turns a waiting Deployment Degraded when it is terminal") {
  const Json live = fixtures::Deployment(
      4, 1, 3, 3,
      List(Condition("Available", "True"), Condition("Progressing", "True", "ReplicaSetUpdated")));
  const Json old_set = fixtures::ReplicaSetOf(live, "old", "shop/web:1", 3);
  const Json new_set = fixtures::ReplicaSetOf(live, "new", "shop/web:2", 0);
  const auto pod_of = [](const Json& set, const std::string& hash, Json pod) {
    return fixtures::OwnedBy(fixtures::Labelled(std::move(pod), "pod-template-hash", hash), set);
  };
  HealthContext context = Late();
  context.replica_sets = List(old_set, new_set);
  context.pods = List(pod_of(old_set, "old",
                             Pod("web-old", "Pending", List(kUnready),
                                 List(Container(Waiting("InvalidImageName"))))),
                      pod_of(new_set, "new",
                             Pod("web-new", "Pending", List(kUnready),
                                 List(Container(Waiting("ImagePullBackOff"))))));
  const ObjectHealth late = AssessObject(live, context);
  CHECK(late.health == Health::kDegraded);
  CHECK(late.reason == "ImagePullBackOff");
  CHECK(late.is_terminal);
  CHECK(late.message.find("web-new") != std::string::npos);
  context.now = Early().now;
  const ObjectHealth early = AssessObject(live, context);
  CHECK(early.health == Health::kProgressing);
  CHECK(early.reason == "ImagePullBackOff");
  CHECK_FALSE(early.is_terminal);
}

TEST_CASE("a Job's own reason wins, and it counts its crashes itself") {
  Json job = fixtures::Object("batch/v1", "Job", {{"backoffLimit", 6}}, {{"active", 1}}, "migrate");
  HealthContext context = Late();
  context.pods = List(fixtures::OwnedBy(
      Pod("migrate-x", "Running", List(kUnready),
          List(Container(Waiting("CrashLoopBackOff"), 5, Terminated(9, "Error")))),
      job));
  ObjectHealth seen = AssessObject(job, context);
  CHECK(seen.reason == "CrashLoopBackOff");
  CHECK(seen.health == Health::kProgressing);
  job["status"]["conditions"] =
      List(Condition("Failed", "True", "BackoffLimitExceeded", "limit reached"));
  seen = AssessObject(job, context);
  CHECK(seen.reason == "BackoffLimitExceeded");
  CHECK(seen.is_terminal);
  CHECK(seen.message.find("exited with code 9") != std::string::npos);
}

TEST_CASE("an object without pods is explained by its events") {
  const Json set = fixtures::Object("apps/v1", "StatefulSet", {{"replicas", 1}},
                                    {{"observedGeneration", 2}}, "db");
  HealthContext context = Late();
  context.events =
      List(fixtures::Warning(set, "FailedCreate", "create Pod db-0 failed: exceeded quota"));
  const ObjectHealth seen = AssessObject(set, context);
  CHECK(seen.reason == "FailedCreate");
  CHECK(seen.health == Health::kProgressing);
  CHECK(seen.message.find("exceeded quota") != std::string::npos);
}

TEST_CASE("a bare Pod that Failed is Degraded for good") {
  CHECK(AssessObject(Pod("one", "Succeeded"), Late()).health == Health::kHealthy);
  CHECK(AssessObject(Pod("one", "Running", List(Condition("Ready", "True"))), Late()).health ==
        Health::kHealthy);
  const ObjectHealth failed =
      AssessObject(Pod("one", "Failed", List(), List(Container(Terminated(3, "Error")))), Late());
  CHECK(failed.health == Health::kDegraded);
  CHECK(failed.is_terminal);
  CHECK(AssessObject(Pod("one", "Pending"), Late()).reason == "PodNotReady");
  CHECK(AssessObject(
            Pod("one", "Pending", List(kUnready), List(Container(Waiting("ImagePullBackOff")))),
            Late())
            .is_terminal);
}

}  // namespace
}  // namespace sluice::targets
