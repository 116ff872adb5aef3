#include "engine/targets/kubernetes/health.h"
#include "tests/support/catch.h"
#include "tests/unit/health/fixtures.h"

namespace sluice::targets {
namespace {

using fixtures::Condition;
using fixtures::Json;
using fixtures::List;
using fixtures::Pod;

const Json kIsAvailable = Condition("Available", "True");

std::vector<std::string> Names(const Json& objects) {
  std::vector<std::string> names;
  for (const Json& object : objects) names.push_back(object["metadata"]["name"]);
  return names;
}

TEST_CASE("a healthy object needs nothing beside itself") {
  const Json done = fixtures::Deployment(
      3, 3, 3, 3, List(kIsAvailable, Condition("Progressing", "True", "NewReplicaSetAvailable")));
  CHECK(NeedsFor(done, Depth::kDiagnose).IsNothing());
  CHECK(NeedsFor(fixtures::Object("v1", "ConfigMap", nullptr, nullptr), Depth::kDiagnose)
            .IsNothing());
}

TEST_CASE("what is read depends on the kind and on the depth") {
  const Json moving = fixtures::Deployment(
      3, 1, 3, 3, List(kIsAvailable, Condition("Progressing", "True", "ReplicaSetUpdated")));
  CHECK(NeedsFor(moving, Depth::kJudge).IsNothing());
  const RelatedNeeds needs = NeedsFor(moving, Depth::kDiagnose);
  CHECK((needs.replica_sets && needs.pods && needs.events && !needs.controller_revisions));
  CHECK(needs.selector == "app=web");
  const Json late = fixtures::Deployment(
      3, 3, 3, 3,
      List(kIsAvailable, Condition("Progressing", "False", "ProgressDeadlineExceeded")));
  CHECK(NeedsFor(late, Depth::kJudge).replica_sets);
  Json daemon = fixtures::Object(
      "apps/v1", "DaemonSet", {{"selector", {{"matchLabels", {{"app", "log"}}}}}}, Json::object());
  CHECK(NeedsFor(daemon, Depth::kDiagnose).controller_revisions);
  Json controller =
      fixtures::Object("v1", "ReplicationController",
                       {{"replicas", 1}, {"selector", {{"app", "old"}}}}, Json::object());
  CHECK(NeedsFor(controller, Depth::kDiagnose).selector == "app=old");
  const Json claim =
      fixtures::Object("v1", "PersistentVolumeClaim", nullptr, {{"phase", "Pending"}});
  const RelatedNeeds of_claim = NeedsFor(claim, Depth::kDiagnose);
  CHECK((of_claim.events && !of_claim.pods));
}

TEST_CASE("an object without a selector never lists the pods of a namespace") {
  const Json set = fixtures::Object("apps/v1", "StatefulSet", {{"replicas", 1}}, Json::object());
  CHECK_FALSE(NeedsFor(set, Depth::kDiagnose).pods);
}

TEST_CASE(
    "pods of the new revision of a Deployment are those of the ReplicaSet with its template") {
  const Json live = fixtures::Deployment(4, 1, 3, 3, List(kIsAvailable));
  const Json other = fixtures::Object(
      "apps/v1", "Deployment", {{"template", fixtures::Template("shop/web:2")}}, nullptr, "other");
  const Json old_set = fixtures::ReplicaSetOf(live, "old", "shop/web:1", 3);
  const Json new_set = fixtures::ReplicaSetOf(live, "new", "shop/web:2", 0);
  const Json newer_twin =
      fixtures::ReplicaSetOf(live, "twin", "shop/web:2", 0, "2026-11-21T08:00:00Z");
  const Json foreign_set =
      fixtures::ReplicaSetOf(other, "foreign", "shop/web:2", 0, "2026-11-20T07:00:00Z");
  HealthContext context;
  context.replica_sets = List(newer_twin, foreign_set, old_set, new_set);
  const auto pod_of = [](const Json& set, const std::string& hash, const std::string& name) {
    return fixtures::OwnedBy(fixtures::Labelled(Pod(name, "Running"), "pod-template-hash", hash),
                             set);
  };
  context.pods = List(pod_of(old_set, "old", "a"), pod_of(new_set, "new", "b"),
                      pod_of(newer_twin, "twin", "c"), pod_of(foreign_set, "new", "d"),
                      fixtures::Labelled(Pod("orphan", "Running"), "pod-template-hash", "new"));
  CHECK(Names(PodsOfNewRevision(live, context)) == std::vector<std::string>{"b"});
  context.replica_sets = nullptr;
  CHECK(PodsOfNewRevision(live, context).empty());
}

TEST_CASE("a ReplicaSet whose template was defaulted otherwise is found by its revision") {
  Json live = fixtures::Deployment(3, 3, 3, 3, List(kIsAvailable));
  live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "7";
  Json set = fixtures::ReplicaSetOf(live, "new", "shop/web:2", 3);
  set["spec"]["template"]["spec"]["newDefault"] = true;
  set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "7";
  HealthContext context;
  context.replica_sets = List(set);
  context.pods = List(
      fixtures::OwnedBy(fixtures::Labelled(Pod("b", "Running"), "pod-template-hash", "new"), set));
  CHECK(Names(PodsOfNewRevision(live, context)) == std::vector<std::string>{"b"});
}

TEST_CASE("pods of StatefulSets and DaemonSets are told apart by revision hash") {
  const Json set =
      fixtures::Object("apps/v1", "StatefulSet", nullptr, {{"updateRevision", "db-2"}}, "db");
  HealthContext context;
  const auto pod = [](const Json& owner, const std::string& hash, const std::string& name) {
    return fixtures::OwnedBy(
        fixtures::Labelled(Pod(name, "Running"), "controller-revision-hash", hash), owner);
  };
  context.pods = List(pod(set, "db-1", "db-0"), pod(set, "db-2", "db-1"));
  CHECK(Names(PodsOfNewRevision(set, context)) == std::vector<std::string>{"db-1"});
  const Json daemon = fixtures::Object("apps/v1", "DaemonSet", nullptr, nullptr, "log");
  const auto revision = [&](int number, const std::string& hash) {
    Json object = fixtures::Labelled(
        fixtures::Object("apps/v1", "ControllerRevision", nullptr, nullptr, "log-" + hash),
        "controller-revision-hash", hash);
    object["revision"] = number;
    return fixtures::OwnedBy(object, daemon);
  };
  context.controller_revisions = List(revision(9, "b"), revision(10, "c"), revision(2, "a"));
  context.pods = List(pod(daemon, "b", "log-1"), pod(daemon, "c", "log-2"));
  CHECK(Names(PodsOfNewRevision(daemon, context)) == std::vector<std::string>{"log-2"});
}

TEST_CASE("events are asked for the object, its new ReplicaSet and unready new pods only") {
  const Json live = fixtures::Deployment(4, 1, 3, 3, List(kIsAvailable));
  const Json set = fixtures::ReplicaSetOf(live, "new", "shop/web:2", 0);
  HealthContext context;
  context.replica_sets = List(set);
  context.pods = Json::array();
  for (int i = 0; i < 9; ++i) {
    const Json conditions = List(Condition("Ready", i == 0 ? "True" : "False"));
    context.pods.push_back(
        fixtures::OwnedBy(fixtures::Labelled(Pod("p" + std::to_string(i), "Running", conditions),
                                             "pod-template-hash", "new"),
                          set));
  }
  CHECK(EventSubjects(live, context) ==
        std::vector<std::string>{"web-uid", "web-new-uid", "p1-uid", "p2-uid", "p3-uid", "p4-uid"});
}

TEST_CASE("selectors are written as the API reads them") {
  CHECK(SelectorText({{"matchLabels", {{"app", "web"}, {"tier", "front"}}},
                      {"matchExpressions",
                       {{{"key", "env"}, {"operator", "In"}, {"values", {"a", "b"}}},
                        {{"key", "zone"}, {"operator", "NotIn"}, {"values", {"c"}}},
                        {{"key", "x"}, {"operator", "Exists"}},
                        {{"key", "y"}, {"operator", "DoesNotExist"}}}}}) ==
        "app=web,tier=front,env in (a,b),zone notin (c),x,!y");
  CHECK(SelectorText(nullptr).empty());
}

TEST_CASE("groups of CRDs under k8s.io are not taken for Kubernetes' own") {
  CHECK(IsBuiltInGroup(""));
  CHECK(IsBuiltInGroup("apps"));
  CHECK_FALSE(IsBuiltInGroup("gateway.networking.k8s.io"));
  CHECK_FALSE(IsBuiltInGroup("cert-manager.io"));
}

}  // namespace
}  // namespace sluice::targets
