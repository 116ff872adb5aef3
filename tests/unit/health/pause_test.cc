// What somebody stopped has not run: Suspended, with the field that says so.
#include "tests/unit/health/fixtures.h"

namespace sluice::targets {
namespace {

using namespace fixtures;

Json Annotated(const std::string& key, const std::string& value) {
  Json live = Custom({{"conditions", List(Condition("Ready", "True"))}});
  live["metadata"]["annotations"][key] = value;
  return live;
}

TEST_CASE("custom resources that are paused or suspended") {
  const Json ready = {{"conditions", List(Condition("Ready", "True"))}};
  Json behind = Custom(ready, {{"suspend", true}});
  behind["status"]["observedGeneration"] = 1;
  Check({
      {"Argo Rollouts: by field",
       Custom(ready, {{"paused", true}}, "Rollout", "argoproj.io/v1alpha1"), Health::kSuspended,
       "Paused"},
      {"Argo Rollouts: in a canary step",
       Custom({{"pauseConditions", List(Json{{"reason", "CanaryPauseStep"}})}}, {}, "Rollout",
              "argoproj.io/v1alpha1"),
       Health::kSuspended, "Paused"},
      {"Flux, which then observes no generation", behind, Health::kSuspended, "Suspended"},
      {"OpenKruise", Custom(ready, {{"updateStrategy", {{"paused", true}}}}), Health::kSuspended,
       "Paused"},
      {"KEDA", Annotated("autoscaling.keda.sh/paused", "true"), Health::kSuspended, "Paused"},
      {"KEDA at a count", Annotated("autoscaling.keda.sh/paused-replicas", "0"), Health::kSuspended,
       "Paused"},
      {"KEDA, not paused", Annotated("autoscaling.keda.sh/paused", "false"), Health::kHealthy, ""},
      {"Cluster API", Annotated("cluster.x-k8s.io/paused", ""), Health::kSuspended, "Paused"},
      {"Crossplane", Annotated("crossplane.io/paused", "true"), Health::kSuspended, "Paused"},
      {"Strimzi", Annotated("strimzi.io/pause-reconciliation", "true"), Health::kSuspended,
       "Paused"},
      {"by a condition", Custom({{"conditions", List(Condition("Paused", "True"))}}),
       Health::kSuspended, "Paused"},
  });
}

TEST_CASE("what was bad before it was stopped stays bad") {
  const Json rollout = Custom({{"phase", "Degraded"}, {"observedGeneration", "2"}},
                              {{"paused", true}}, "Rollout", "argoproj.io/v1alpha1");
  CHECK(AssessObject(rollout, {}).health == Health::kDegraded);
}

TEST_CASE("a suspended CronJob starts nothing, and fields of that name mean nothing elsewhere") {
  Check({
      {"suspended", Object("batch/v1", "CronJob", {{"suspend", true}}, {}), Health::kHealthy,
       "CronJobSuspended"},
      {"scheduled", Object("batch/v1", "CronJob", {{"suspend", false}}, {}), Health::kHealthy, ""},
      {"a ConfigMap's annotation",
       [] {
         Json map = Object("v1", "ConfigMap", {}, {});
         map["metadata"]["annotations"]["example.com/paused"] = "true";
         return map;
       }(),
       Health::kHealthy, ""},
  });
}

}  // namespace
}  // namespace sluice::targets
