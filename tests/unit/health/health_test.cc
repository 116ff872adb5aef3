#include "engine/targets/kubernetes/health.h"

#include "tests/support/catch.h"
#include "tests/unit/health/fixtures.h"

namespace sluice::targets {
namespace {

using fixtures::Check;
using fixtures::Condition;
using fixtures::Deployment;
using fixtures::Json;
using fixtures::List;
using fixtures::Object;
using fixtures::StatefulSet;

const Json kAvailable = Condition("Available", "True", "MinimumReplicasAvailable");
const Json kUnavailable = Condition("Available", "False", "MinimumReplicasUnavailable", "too few");
const Json kDone = Condition("Progressing", "True", "NewReplicaSetAvailable");
const Json kMoving = Condition("Progressing", "True", "ReplicaSetUpdated");
const Json kLate = Condition("Progressing", "False", "ProgressDeadlineExceeded");

TEST_CASE("a Deployment is judged by its counts and conditions") {
  Json paused = Deployment(3, 0, 3, 3, List(kAvailable, kDone));
  paused["spec"]["paused"] = true;
  Json paused_behind = Deployment(3, 3, 3, 3, List(kAvailable, kDone));
  paused_behind["spec"]["paused"] = true;
  Json endless = Deployment(3, 3, 3, 3, List(kAvailable));
  Json empty = Deployment(0, 0, 0, 0, List(kAvailable, kDone));
  empty["spec"]["replicas"] = 0;
  Json one_by_default = Deployment(1, 1, 1, 1, List(kAvailable, kDone));
  one_by_default["spec"].erase("replicas");
  Json no_status = Deployment(0, 0, 0, 0, Json::array());
  no_status.erase("status");
  const Json quota = Condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota: pods");
  Check({
      {"complete", Deployment(3, 3, 3, 3, List(kAvailable, kDone)), Health::kHealthy, ""},
      {"complete without a progress deadline", endless, Health::kHealthy, ""},
      {"scaled to zero", empty, Health::kHealthy, ""},
      {"replicas default to one", one_by_default, Health::kHealthy, ""},
      {"no status yet", no_status, Health::kProgressing, "RolloutInProgress"},
      {"too few pods", Deployment(2, 2, 2, 2, List(kAvailable, kMoving)), Health::kProgressing,
       "RolloutInProgress"},
      {"not all updated", Deployment(3, 2, 3, 3, List(kAvailable, kMoving)), Health::kProgressing,
       "RolloutInProgress"},
      {"an old pod still runs", Deployment(4, 3, 4, 4, List(kAvailable, kMoving)),
       Health::kProgressing, "RolloutInProgress"},
      {"updated but not available", Deployment(3, 3, 3, 2, List(kAvailable, kMoving)),
       Health::kProgressing, "RolloutInProgress"},
      {"not ready", Deployment(3, 3, 2, 3, List(kAvailable, kMoving)), Health::kProgressing,
       "RolloutInProgress"},
      {"controller not done", Deployment(3, 3, 3, 3, List(kAvailable, kMoving)),
       Health::kProgressing, "RolloutInProgress"},
      {"not Available", Deployment(3, 3, 3, 3, List(kUnavailable, kDone)), Health::kProgressing,
       "RolloutInProgress"},
      {"too late", Deployment(3, 1, 2, 2, List(kAvailable, kLate)), Health::kDegraded,
       "ProgressDeadlineExceeded", true},
      {"quota", Deployment(2, 0, 2, 2, List(kAvailable, kMoving, quota)), Health::kDegraded,
       "FailedCreate"},
      {"paused", paused, Health::kSuspended, "DeploymentPaused"},
      {"paused behind its rollout", paused_behind, Health::kHealthy, "DeploymentPaused"},
  });
}

TEST_CASE("a ProgressDeadlineExceeded that has not moved since before the apply says nothing") {
  HealthContext context;
  context.before = Deployment(3, 1, 2, 2, List(kAvailable, kLate), "shop/web:bad");
  const Json live = Deployment(3, 1, 2, 2, List(kAvailable, kLate));
  CHECK(AssessObject(live, context).health == Health::kProgressing);
  SECTION("but counts once its time has moved") {
    const Json again =
        Condition("Progressing", "False", "ProgressDeadlineExceeded", "", "2026-11-21T07:20:00Z");
    const ObjectHealth seen =
        AssessObject(Deployment(3, 1, 2, 2, List(kAvailable, again)), context);
    CHECK(seen.health == Health::kDegraded);
    CHECK(seen.is_terminal);
  }
  SECTION("and does not hide a complete rollback") {
    CHECK(AssessObject(Deployment(3, 3, 3, 3, List(kAvailable, kLate)), context).health ==
          Health::kHealthy);
  }
  SECTION("a former object of the same name is no witness") {
    context.before["metadata"]["uid"] = "another";
    CHECK(AssessObject(live, context).health == Health::kDegraded);
  }
}

TEST_CASE("pods of the old revision are counted in words that fit") {
  Json live = Deployment(4, 3, 3, 3, List(kAvailable, kMoving));
  CHECK(AssessObject(live, {}).message.find("1 old pod still running") != std::string::npos);
  live["status"]["replicas"] = 5;
  CHECK(AssessObject(live, {}).message.find("2 old pods still running") != std::string::npos);
}

TEST_CASE("a Deployment's counts are believed only when its new ReplicaSet has the pods") {
  const Json live = Deployment(3, 3, 3, 3, List(kAvailable, kLate));
  HealthContext context;
  context.before = live;
  context.replica_sets = List(fixtures::ReplicaSetOf(live, "old", "shop/web:1", 3),
                              fixtures::ReplicaSetOf(live, "new", "shop/web:2", 1));
  const ObjectHealth seen = AssessObject(live, context);
  CHECK(seen.health == Health::kProgressing);
  CHECK(seen.message.find("1 of 3 pods of the new ReplicaSet") != std::string::npos);
  context.replica_sets[1]["status"]["availableReplicas"] = 3;
  CHECK(AssessObject(live, context).health == Health::kHealthy);
  context.replica_sets.erase(1);
  CHECK(AssessObject(live, context).health == Health::kProgressing);
}

TEST_CASE("a ReplicaSet and a ReplicationController are judged by their counts") {
  const auto set = [](const std::string& api, const std::string& kind, int total, int labelled,
                      int available, int ready) {
    return Object(api, kind, {{"replicas", 2}},
                  {{"observedGeneration", 2},
                   {"replicas", total},
                   {"fullyLabeledReplicas", labelled},
                   {"availableReplicas", available},
                   {"readyReplicas", ready}});
  };
  Json failing = set("apps/v1", "ReplicaSet", 1, 1, 1, 1);
  failing["status"]["conditions"] =
      List(Condition("ReplicaFailure", "True", "FailedCreate", "forbidden: quota"));
  Check({
      {"complete", set("apps/v1", "ReplicaSet", 2, 2, 2, 2), Health::kHealthy, ""},
      {"a controller of old", set("v1", "ReplicationController", 2, 2, 2, 2), Health::kHealthy, ""},
      {"not created", set("v1", "ReplicationController", 1, 1, 1, 1), Health::kProgressing,
       "RolloutInProgress"},
      {"not available", set("apps/v1", "ReplicaSet", 2, 2, 1, 2), Health::kProgressing,
       "RolloutInProgress"},
      {"not ready", set("apps/v1", "ReplicaSet", 2, 2, 2, 1), Health::kProgressing,
       "RolloutInProgress"},
      {"one too many", set("apps/v1", "ReplicaSet", 3, 3, 3, 3), Health::kProgressing,
       "RolloutInProgress"},
      {"cannot create pods", failing, Health::kDegraded, "FailedCreate"},
  });
}

TEST_CASE("a StatefulSet is judged by its counts and never fails by itself") {
  const Json rolling = {{"type", "RollingUpdate"}};
  const auto partition = [](int at) {
    return Json{{"type", "RollingUpdate"}, {"rollingUpdate", {{"partition", at}}}};
  };
  Check({
      {"complete", StatefulSet(3, 3, 3, 3, rolling), Health::kHealthy, ""},
      {"complete, partition defaulted", StatefulSet(3, 3, 3, 3, partition(0)), Health::kHealthy,
       ""},
      {"pods missing", StatefulSet(2, 2, 2, 2, rolling), Health::kProgressing, "RolloutInProgress"},
      {"not ready", StatefulSet(3, 2, 3, 3, rolling), Health::kProgressing, "RolloutInProgress"},
      {"too many", StatefulSet(4, 3, 3, 3, rolling), Health::kProgressing, "RolloutInProgress"},
      {"update revision not reached", StatefulSet(3, 3, 1, 3, rolling, false), Health::kProgressing,
       "RolloutInProgress"},
      {"current too few", StatefulSet(3, 3, 3, 2, rolling), Health::kProgressing,
       "RolloutInProgress"},
      {"partition reached", StatefulSet(3, 3, 1, 2, partition(2), false), Health::kHealthy, ""},
      {"partition not reached", StatefulSet(3, 3, 0, 3, partition(2), false), Health::kProgressing,
       "RolloutInProgress"},
      {"partition zero not reached", StatefulSet(3, 3, 2, 1, partition(0), false),
       Health::kProgressing, "RolloutInProgress"},
      {"on delete, all pods made anew", StatefulSet(3, 3, 3, 0, {{"type", "OnDelete"}}, false),
       Health::kHealthy, ""},
      {"on delete, no pod made anew", StatefulSet(3, 3, 0, 3, {{"type", "OnDelete"}}, false),
       Health::kSuspended, "PodsNotReplaced"},
      {"on delete, old pods broken", StatefulSet(3, 0, 0, 3, {{"type", "OnDelete"}}, false),
       Health::kSuspended, "PodsNotReplaced"},
      {"on delete, the new pod broken", StatefulSet(3, 2, 1, 2, {{"type", "OnDelete"}}, false),
       Health::kProgressing, "RolloutInProgress"},
      {"on delete, one of three made anew", StatefulSet(3, 3, 1, 2, {{"type", "OnDelete"}}, false),
       Health::kSuspended, "PodsNotReplaced"},
      {"on delete, first pods missing", StatefulSet(0, 0, 0, 0, {{"type", "OnDelete"}}),
       Health::kProgressing, "RolloutInProgress"},
      {"a partition that holds all back", StatefulSet(3, 3, 0, 3, partition(3), false),
       Health::kSuspended, "PartitionHoldsBack"},
  });
}

TEST_CASE("a DaemonSet waits for every node it should run on") {
  const auto daemon = [](int current, int updated, int available, int ready,
                         const std::string& strategy = "RollingUpdate") {
    return Object("apps/v1", "DaemonSet", {{"updateStrategy", {{"type", strategy}}}},
                  {{"observedGeneration", 2},
                   {"desiredNumberScheduled", 4},
                   {"currentNumberScheduled", current},
                   {"updatedNumberScheduled", updated},
                   {"numberAvailable", available},
                   {"numberReady", ready}});
  };
  Json unseen = daemon(4, 4, 4, 4);
  unseen["status"].erase("observedGeneration");
  Json uncounted = daemon(4, 4, 4, 4);
  uncounted["status"].erase("desiredNumberScheduled");
  Check({
      {"complete", daemon(4, 4, 4, 4), Health::kHealthy, ""},
      {"no observed generation", unseen, Health::kProgressing, "RolloutInProgress"},
      {"not counted yet", uncounted, Health::kProgressing, "RolloutInProgress"},
      {"not on every node", daemon(3, 3, 3, 3), Health::kProgressing, "RolloutInProgress"},
      {"not updated", daemon(4, 3, 4, 4), Health::kProgressing, "RolloutInProgress"},
      {"not available", daemon(4, 4, 3, 4), Health::kProgressing, "RolloutInProgress"},
      {"not ready", daemon(4, 4, 4, 3), Health::kProgressing, "RolloutInProgress"},
      {"on delete, no pod made anew", daemon(4, 0, 4, 4, "OnDelete"), Health::kSuspended,
       "PodsNotReplaced"},
      {"on delete, some made anew", daemon(4, 1, 4, 4, "OnDelete"), Health::kSuspended,
       "PodsNotReplaced"},
      {"on delete, the new pod broken", daemon(4, 1, 3, 3, "OnDelete"), Health::kProgressing,
       "RolloutInProgress"},
      {"on delete, all made anew", daemon(4, 4, 4, 4, "OnDelete"), Health::kHealthy, ""},
  });
}

TEST_CASE("a Job is Healthy only when it is Complete") {
  const auto job = [](const Json& conditions, const Json& spec = {{"completions", 2}}) {
    return Object(
        "batch/v1", "Job", spec,
        {{"active", 1}, {"startTime", "2026-11-21T07:00:00Z"}, {"conditions", conditions}});
  };
  Check({
      {"complete", job(List(Condition("Complete", "True"))), Health::kHealthy, ""},
      {"merely started", job(Json::array()), Health::kProgressing, "JobRunning"},
      {"failed", job(List(Condition("Failed", "True", "BackoffLimitExceeded", "too many"))),
       Health::kDegraded, "BackoffLimitExceeded", true},
      {"past its deadline", job(List(Condition("Failed", "True", "DeadlineExceeded", "late"))),
       Health::kDegraded, "DeadlineExceeded", true},
      {"failed by policy", job(List(Condition("Failed", "True", "PodFailurePolicy", "exit 42"))),
       Health::kDegraded, "PodFailurePolicy", true},
      {"suspended", job(Json::array(), {{"suspend", true}}), Health::kSuspended, "JobSuspended"},
      {"suspended by condition", job(List(Condition("Suspended", "True"))), Health::kSuspended,
       "JobSuspended"},
  });
}

TEST_CASE("kinds with nothing to wait for are Healthy at once") {
  for (const auto& [api, kind] : std::vector<std::pair<std::string, std::string>>{
           {"batch/v1", "CronJob"},
           {"v1", "ConfigMap"},
           {"v1", "Secret"},
           {"policy/v1", "PodDisruptionBudget"},
           {"v1", "Namespace"},
           {"autoscaling/v2", "HorizontalPodAutoscaler"},
           {"v1", "ServiceAccount"},
           {"rbac.authorization.k8s.io/v1", "ClusterRole"},
           {"rbac.authorization.k8s.io/v1", "RoleBinding"}}) {
    DYNAMIC_SECTION(kind) {
      Json live = Object(api, kind, Json::object(), Json::object());
      live.erase("status");
      CHECK(AssessObject(live, {}) ==
            ObjectHealth{{api.substr(0, api.find('/') == std::string::npos ? 0 : api.find('/')),
                          kind, "shop", "web"},
                         Health::kHealthy,
                         "",
                         "",
                         false});
    }
  }
}

TEST_CASE("a PodDisruptionBudget waits for its observed generation") {
  const Json live =
      Object("policy/v1", "PodDisruptionBudget", Json::object(), {{"observedGeneration", 1}});
  CHECK(AssessObject(live, {}).reason == "GenerationNotObserved");
}

TEST_CASE("a claim, a CRD and an APIService are judged by their own words") {
  const auto claim = [](const std::string& phase) {
    return Object("v1", "PersistentVolumeClaim", {{"volumeName", "pv-1"}}, {{"phase", phase}});
  };
  const auto crd = [](const Json& conditions) {
    return Object("apiextensions.k8s.io/v1", "CustomResourceDefinition", Json::object(),
                  {{"conditions", conditions}});
  };
  const auto api = [](const Json& conditions) {
    return Object("apiregistration.k8s.io/v1", "APIService", Json::object(),
                  {{"conditions", conditions}});
  };
  Check({
      {"bound", claim("Bound"), Health::kHealthy, ""},
      {"pending", claim("Pending"), Health::kProgressing, "ClaimPending"},
      {"lost", claim("Lost"), Health::kDegraded, "ClaimLost"},
      {"established",
       crd(List(Condition("NamesAccepted", "True"), Condition("Established", "True"))),
       Health::kHealthy, ""},
      {"new", crd(Json::array()), Health::kProgressing, "Installing"},
      {"installing",
       crd(List(Condition("NamesAccepted", "True"),
                Condition("Established", "False", "Installing"))),
       Health::kProgressing, "Installing"},
      {"names taken",
       crd(List(Condition("NamesAccepted", "False", "MultipleNamesNotAllowed", "taken"))),
       Health::kDegraded, "NamesNotAccepted", true},
      {"not established",
       crd(List(Condition("Established", "False", "NotAccepted", "not all names"))),
       Health::kDegraded, "NotAccepted"},
      {"api available", api(List(Condition("Available", "True", "Passed"))), Health::kHealthy, ""},
      {"api unavailable", api(List(Condition("Available", "False", "MissingEndpoints", "none"))),
       Health::kProgressing, "MissingEndpoints"},
      {"api unseen", api(Json::array()), Health::kProgressing, "NotAvailable"},
  });
}

TEST_CASE("custom resources follow the conditions Ready, Reconciling and Stalled") {
  const auto custom = [](const Json& status) {
    return Object("example.com/v1", "Widget", Json::object(), status);
  };
  Json stale_ready = Condition("Ready", "True");
  stale_ready["observedGeneration"] = 1;
  Check({
      {"ready", custom({{"conditions", List(Condition("Ready", "True"))}}), Health::kHealthy, ""},
      {"not ready",
       custom({{"conditions", List(Condition("Ready", "False", "DependencyNotReady", "waits"))}}),
       Health::kProgressing, "DependencyNotReady"},
      {"unknown", custom({{"conditions", List(Condition("Ready", "Unknown"))}}),
       Health::kProgressing, "NotReady"},
      {"ready of an older generation", custom({{"conditions", List(stale_ready)}}),
       Health::kProgressing, "GenerationNotObserved"},
      {"reconciling",
       custom({{"conditions",
                List(Condition("Ready", "True"), Condition("Reconciling", "True", "", "busy"))}}),
       Health::kProgressing, "Reconciling"},
      {"stalled at this generation",
       custom({{"observedGeneration", 2},
               {"conditions", List(Condition("Stalled", "True", "BadSpec", "no"))}}),
       Health::kDegraded, "BadSpec", true},
      {"stalled at an unknown generation",
       custom({{"conditions", List(Condition("Stalled", "True", "", "no"))}}), Health::kDegraded,
       "Stalled"},
      {"older generation",
       custom({{"observedGeneration", 1}, {"conditions", List(Condition("Ready", "True"))}}),
       Health::kProgressing, "GenerationNotObserved"},
      {"no conditions", custom({{"phase", "whatever"}}), Health::kHealthy, ""},
  });
}

TEST_CASE("an object being deleted is Progressing and names its finalizers") {
  Json live = Deployment(3, 3, 3, 3, List(kAvailable, kDone));
  live["metadata"]["deletionTimestamp"] = "2026-11-21T07:00:00Z";
  live["metadata"]["finalizers"] = {"example.com/guard"};
  const ObjectHealth seen = AssessObject(live, {});
  CHECK(seen.health == Health::kProgressing);
  CHECK(seen.reason == "Terminating");
  CHECK(seen.message.find("example.com/guard") != std::string::npos);
}

TEST_CASE("an observed generation behind comes before every count") {
  Json live = Deployment(3, 3, 3, 3, List(kAvailable, kDone));
  live["status"]["observedGeneration"] = 1;
  CHECK(AssessObject(live, {}).reason == "GenerationNotObserved");
  live["metadata"].erase("generation");
  CHECK(AssessObject(live, {}).health == Health::kHealthy);
}

TEST_CASE("absent and malformed objects are told apart from unhealthy ones") {
  CHECK(AssessObject(nullptr, {}).health == Health::kMissing);
  CHECK(AssessObject(Json::array(), {}).health == Health::kUnknown);
  const Json wild = {{"apiVersion", "apps/v1"},
                     {"kind", "Deployment"},
                     {"metadata", {{"name", "x"}}},
                     {"spec", 7},
                     {"status", {{"conditions", "no"}, {"replicas", "x"}}}};
  CHECK(AssessObject(wild, {}).health == Health::kProgressing);
}

}  // namespace
}  // namespace sluice::targets
