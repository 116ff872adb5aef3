// Kinds whose pods roll, or do not: judged by what the change was for.
#include "tests/unit/health/fixtures.h"

namespace sluice::targets {
namespace {

using namespace fixtures;

Json Rollout(const Json& status) {
  return Custom(status, {{"replicas", 3}}, "Rollout", "argoproj.io/v1alpha1");
}

TEST_CASE("an Argo Rollout says where it stands in a phase") {
  const Json unavailable = Condition("Available", "False", "AvailableReason", "too few");
  Check({
      {"healthy", Rollout({{"phase", "Healthy"}, {"observedGeneration", "2"}}), Health::kHealthy,
       ""},
      {"degraded",
       Rollout({{"phase", "Degraded"}, {"observedGeneration", "2"}, {"message", "aborted"}}),
       Health::kDegraded, "Degraded"},
      {"degraded before the change", Rollout({{"phase", "Degraded"}, {"observedGeneration", "1"}}),
       Health::kProgressing, "GenerationNotObserved"},
      {"progressing", Rollout({{"phase", "Progressing"}, {"conditions", List(unavailable)}}),
       Health::kProgressing, "AvailableReason"},
      {"an older version: too few updated", Rollout({{"updatedReplicas", 1}, {"readyReplicas", 3}}),
       Health::kProgressing, "RolloutInProgress"},
      {"an older version: done", Rollout({{"updatedReplicas", 3}, {"readyReplicas", 3}}),
       Health::kHealthy, ""},
  });
}

Json CloneSet(int updated, int ready, const Json& strategy = Json::object()) {
  return Custom({{"observedGeneration", 2},
                 {"updatedReplicas", updated},
                 {"readyReplicas", ready},
                 {"currentRevision", updated == 3 ? "b" : "a"},
                 {"updateRevision", "b"}},
                {{"replicas", 3}, {"updateStrategy", strategy}}, "CloneSet",
                "apps.kruise.io/v1alpha1");
}

TEST_CASE("a CloneSet has rolled when its pods are of the new revision") {
  Check({
      {"done", CloneSet(3, 3), Health::kHealthy, ""},
      {"on its way", CloneSet(1, 3), Health::kProgressing, "RolloutInProgress"},
      {"not ready", CloneSet(3, 2), Health::kProgressing, "RolloutInProgress"},
      {"up to its partition", CloneSet(2, 3, {{"partition", 1}}), Health::kHealthy, ""},
      {"up to its share", CloneSet(2, 3, {{"partition", "30%"}}), Health::kHealthy, ""},
      {"held back", CloneSet(0, 3, {{"partition", 3}}), Health::kSuspended, "PartitionHoldsBack"},
  });
}

Json Controller(const std::string& image) {
  Json live =
      Object("v1", "ReplicationController",
             {{"replicas", 1}, {"selector", {{"app", "web"}}}, {"template", Template(image)}},
             {{"observedGeneration", 2},
              {"replicas", 1},
              {"fullyLabeledReplicas", 1},
              {"readyReplicas", 1},
              {"availableReplicas", 1}});
  live["metadata"]["managedFields"] =
      List(Json{{"manager", "sluice"}, {"time", "2026-11-21T08:00:00Z"}});
  return live;
}

// As a webhook may have altered it.
Json PodOf(const Json& owner, const std::string& image, const std::string& made) {
  Json pod = OwnedBy(Pod("web-x", "Running", List(Condition("Ready", "True"))), owner);
  pod["spec"] = {{"nodeName", "n"},
                 {"containers",
                  {{{"name", "web"}, {"image", image}, {"imagePullPolicy", "Always"}},
                   {{"name", "sidecar"}, {"image", "mesh:1"}}}}};
  pod["metadata"]["creationTimestamp"] = made;
  return pod;
}

TEST_CASE("a ReplicationController whose pods run the old template has not rolled") {
  const Json live = Controller("shop/web:2");
  HealthContext context;
  const auto judged = [&](const std::string& image, const std::string& made) {
    context.pods = List(PodOf(live, image, made));
    return AssessObject(live, context);
  };
  const ObjectHealth old = judged("shop/web:1", "2026-11-21T07:00:00Z");
  CHECK(old.health == Health::kSuspended);
  CHECK(old.reason == "PodsNotReplaced");
  CHECK(old.message.find("0 of 1 pods") != std::string::npos);
  CHECK(judged("shop/web:2", "2026-11-21T07:00:00Z").health == Health::kHealthy);
  // Made after the change, and altered by a webhook.
  CHECK(judged("mirror/shop/web:2", "2026-11-21T08:00:01Z").health == Health::kHealthy);
}

TEST_CASE("the pods of what keeps them are asked for, those of a Deployment's ReplicaSet are not") {
  const RelatedNeeds needs = NeedsFor(Controller("shop/web:2"), Depth::kJudge);
  CHECK(needs.pods);
  CHECK(needs.selector == "app=web");
  const Json owner = Deployment(3, 3, 3, 3, Json::array());
  Json set = ReplicaSetOf(owner, "h", "shop/web:2", 3);
  set["status"] = {{"observedGeneration", 2},
                   {"replicas", 3},
                   {"fullyLabeledReplicas", 3},
                   {"availableReplicas", 3},
                   {"readyReplicas", 3}};
  set["spec"]["selector"] = {{"matchLabels", {{"app", "web"}}}};
  CHECK(NeedsFor(set, Depth::kJudge).IsNothing());
  set["metadata"].erase("ownerReferences");
  CHECK(NeedsFor(set, Depth::kJudge).pods);
}

}  // namespace
}  // namespace sluice::targets
