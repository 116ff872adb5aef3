#include <random>

#include "engine/targets/kubernetes/health.h"
#include "tests/support/catch.h"
#include "tests/unit/health/fixtures.h"

namespace sluice::targets {
namespace {

using fixtures::Condition;
using fixtures::Deployment;
using fixtures::Json;
using fixtures::List;
using fixtures::Object;
using fixtures::StatefulSet;

// Replaces one random member of the object, at any depth, by something of another type.
void Spoil(Json& value, std::mt19937& random) {
  const std::vector<Json> odd = {nullptr,
                                 7,
                                 -1,
                                 INT64_MIN,
                                 UINT64_MAX,
                                 "x",
                                 true,
                                 Json::array(),
                                 Json::object(),
                                 List(1, "a", nullptr)};
  if (!value.is_structured() || value.empty() || random() % 4 == 0) {
    value = odd[random() % odd.size()];
    return;
  }
  auto it = value.begin();
  std::advance(it, static_cast<long>(random() % value.size()));
  Spoil(*it, random);
}

TEST_CASE("no object, however malformed, throws or reads out of bounds") {
  std::mt19937 random(20261121);
  const Json deployment =
      Deployment(4, 1, 3, 3,
                 List(Condition("Available", "True"),
                      Condition("Progressing", "False", "ProgressDeadlineExceeded"),
                      Condition("ReplicaFailure", "True", "FailedCreate", "quota")));
  const Json pod = fixtures::OwnedBy(
      fixtures::Labelled(
          fixtures::Pod("p", "Pending", List(Condition("Ready", "False")),
                        List(fixtures::Container(fixtures::Waiting("CrashLoopBackOff"), 3,
                                                 fixtures::Terminated(1, "Error")))),
          "pod-template-hash", "new"),
      fixtures::ReplicaSetOf(deployment, "new", "shop/web:2", 0));
  const std::vector<Json> kinds = {
      deployment,
      pod,
      StatefulSet(4, 2, 1, 1, {{"type", "RollingUpdate"}, {"rollingUpdate", {{"partition", 1}}}}),
      Object("apps/v1", "DaemonSet", {{"selector", {{"matchLabels", {{"a", "b"}}}}}},
             {{"observedGeneration", 2}, {"desiredNumberScheduled", 4}}),
      Object("batch/v1", "Job", {{"completions", 2}},
             {{"conditions", List(Condition("Failed", "True"))}}),
      Object("v1", "Service", {{"type", "LoadBalancer"}},
             {{"loadBalancer", {{"ingress", List(1)}}}}),
      Object("example.com/v1", "Widget", Json::object(),
             {{"conditions", List(Condition("Ready", "False"))}})};
  for (int i = 0; i < 4000; ++i) {
    Json live = kinds[random() % kinds.size()];
    HealthContext context;
    context.before = deployment;
    context.replica_sets = List(fixtures::ReplicaSetOf(deployment, "new", "shop/web:2", 0));
    context.pods = List(pod);
    context.events = List(fixtures::Warning(pod, "Unhealthy", "Readiness probe failed"));
    context.has_status_subresource = i % 2 == 0;
    for (Json* part :
         {&live, &context.before, &context.replica_sets, &context.pods, &context.events})
      Spoil(*part, random);
    INFO(live.dump());
    REQUIRE_NOTHROW(AssessObject(live, context));
    REQUIRE_NOTHROW(NeedsFor(live, Depth::kDiagnose));
    REQUIRE_NOTHROW(EventSubjects(live, context));
  }
}

}  // namespace
}  // namespace sluice::targets
