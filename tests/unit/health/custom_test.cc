// Custom resources are judged by what their controllers say in the words that are common.
#include "tests/unit/health/fixtures.h"

namespace sluice::targets {
namespace {

using namespace fixtures;

Json Says(const Json& conditions) { return Custom({{"conditions", conditions}}); }
Json InPhase(const std::string& phase) { return Custom({{"phase", phase}}); }

TEST_CASE("conditions that mean bad when they are True, or when they are False") {
  const std::string type =
      GENERATE("Degraded", "Failed", "Error", "Errored", "NotReady", "InvalidSpec");
  CHECK(AssessObject(Says(List(Condition(type, "True", "", "why"))), {}).health ==
        Health::kDegraded);
  CHECK(AssessObject(Says(List(Condition(type, "False"))), {}).health == Health::kHealthy);
  const std::string good =
      GENERATE("Available", "Healthy", "Synced", "Accepted", "Programmed", "Reconciled");
  const ObjectHealth bad = AssessObject(Says(List(Condition(good, "False", "", "why"))), {});
  CHECK(bad.health == Health::kDegraded);
  CHECK(bad.reason == "Not" + good);
  CHECK(bad.message == "why");
  CHECK_FALSE(bad.is_terminal);
  CHECK(AssessObject(Says(List(Condition(good, "True"))), {}).health == Health::kHealthy);
  CHECK(AssessObject(Says(List(Condition(good, "Unknown"))), {}).health == Health::kProgressing);
}

TEST_CASE("conditions of several controllers together") {
  const Json ready = Condition("Ready", "True");
  Check({
      {"cert-manager: issuing",
       Says(List(Condition("Issuing", "True"), Condition("Ready", "False", "DoesNotExist", "no"))),
       Health::kProgressing, "DoesNotExist"},
      {"Crossplane: a refused spec",
       Says(List(Condition("Synced", "False", "ReconcileError", "denied"), ready)),
       Health::kDegraded, "ReconcileError"},
      {"Crossplane: creating",
       Says(List(Condition("Synced", "True", "ReconcileSuccess"),
                 Condition("Ready", "False", "Creating"))),
       Health::kProgressing, "Creating"},
      {"Knative: a revision is deployed",
       Says(List(Condition("ConfigurationsReady", "Unknown"), Condition("Ready", "Unknown"))),
       Health::kProgressing, "NotReady"},
      {"Strimzi: not ready", Says(List(Condition("NotReady", "True", "Fatal", "bad listener"))),
       Health::kDegraded, "Fatal"},
      {"Tekton: failed", Says(List(Condition("Succeeded", "False", "TaskRunTimeout"))),
       Health::kDegraded, "TaskRunTimeout"},
      {"Tekton: runs", Says(List(Condition("Succeeded", "Unknown", "Running"))),
       Health::kProgressing, "Running"},
      {"an operator at work: what is not there yet is no fault",
       Says(List(Condition("Available", "False", "TooFew"), Condition("Progressing", "True"))),
       Health::kProgressing, "TooFew"},
      {"an operator at work, still available",
       Says(List(Condition("Available", "True"), Condition("Progressing", "True", "Rolling"))),
       Health::kProgressing, "Rolling"},
      {"degraded while at work",
       Says(List(Condition("Degraded", "True", "Crash"), Condition("Progressing", "True"))),
       Health::kDegraded, "Crash"},
      {"as a Deployment: progressed",
       Says(List(Condition("Progressing", "True", "NewReplicaSetAvailable"))), Health::kHealthy,
       ""},
      {"as a Deployment: gave up",
       Says(List(Condition("Progressing", "False", "ProgressDeadlineExceeded"))), Health::kDegraded,
       "ProgressDeadlineExceeded"},
      {"an operator that is done", Says(List(Condition("Progressing", "False", "AsExpected"))),
       Health::kHealthy, ""},
      {"ready sums up", Says(List(ready, Condition("Progressing", "True", "x"))), Health::kHealthy,
       ""},
      {"a condition nobody knows", Says(List(Condition("Weird", "False", "Odd"))), Health::kHealthy,
       ""},
  });
}

TEST_CASE("a route is judged by what its Gateways say of it") {
  const auto route = [](const Json& conditions) {
    return Custom({{"parents", List(Json{{"controllerName", "x"}, {"conditions", conditions}})}},
                  Json::object(), "HTTPRoute", "gateway.networking.k8s.io/v1");
  };
  Check({
      {"taken", route(List(ConditionOf(2, "Accepted", "True"))), Health::kHealthy, ""},
      {"not taken", route(List(Condition("Accepted", "False", "NoMatchingParent"))),
       Health::kDegraded, "NoMatchingParent"},
      {"not looked at since the change", route(List(ConditionOf(1, "Accepted", "True"))),
       Health::kProgressing, "GenerationNotObserved"},
  });
}

TEST_CASE("a condition of an older generation says nothing of this one") {
  Check({
      {"good before", Says(List(ConditionOf(1, "Ready", "True"))), Health::kProgressing,
       "GenerationNotObserved"},
      {"bad before", Says(List(ConditionOf(1, "Degraded", "True"))), Health::kProgressing,
       "GenerationNotObserved"},
      {"bad now", Says(List(ConditionOf(2, "Degraded", "True"))), Health::kDegraded, "Degraded"},
  });
}

TEST_CASE("a generation written as text is a generation") {
  Check({
      {"behind", Custom({{"observedGeneration", "1"}, {"phase", "Healthy"}}), Health::kProgressing,
       "GenerationNotObserved"},
      {"current", Custom({{"observedGeneration", "2"}, {"phase", "Healthy"}}), Health::kHealthy,
       ""},
      {"a hash", Custom({{"observedGeneration", "5f7c9d"}, {"phase", "Healthy"}}), Health::kHealthy,
       ""},
  });
}

TEST_CASE("phases that mean bad, not yet or stopped; others condemn nothing") {
  const auto [phase, health] = GENERATE(table<std::string, Health>({
      {"Degraded", Health::kDegraded},
      {"Failed", Health::kDegraded},
      {"Error", Health::kDegraded},
      {"ERROR", Health::kDegraded},
      {"Pending", Health::kProgressing},
      {"Progressing", Health::kProgressing},
      {"Provisioning", Health::kProgressing},
      {"Paused", Health::kSuspended},
      {"Healthy", Health::kHealthy},
      {"Running", Health::kHealthy},
      {"Active", Health::kHealthy},
      {"Frobnicated", Health::kHealthy},
      {"FailedOver", Health::kHealthy},
  }));
  const ObjectHealth seen = AssessObject(InPhase(phase), {});
  CHECK(ToString(seen.health) == ToString(health));
  CHECK(seen.reason == (health == Health::kHealthy ? "" : phase));
  CHECK_FALSE(seen.is_terminal);
  CHECK(AssessObject(Custom({{"state", phase}}), {}).health == health);
  CHECK(AssessObject(Custom({{"health", {{"status", phase}}}}), {}).health == health);
}

TEST_CASE("phase and conditions together: the worse counts, and the condition has the reason") {
  const auto both = [](const std::string& phase, const Json& condition) {
    return Custom({{"phase", phase}, {"conditions", List(condition)}});
  };
  Check({
      {"bad phase", both("Degraded", Condition("Available", "True")), Health::kDegraded,
       "Degraded"},
      {"bad condition", both("Running", Condition("Degraded", "True", "Disk")), Health::kDegraded,
       "Disk"},
      {"on its way", both("Progressing", Condition("Available", "False", "TooFew")),
       Health::kProgressing, "TooFew"},
  });
}

TEST_CASE("a status of before the change is not believed at once where it names no generation") {
  Json before = Custom({{"conditions", List(Condition("Ready", "True"))}});
  Json now = before;
  now["metadata"]["generation"] = 3;
  HealthContext context;
  context.before = before;
  CHECK(AssessObject(now, context).reason == "GenerationNotObserved");
  context.quiet_for = Duration{60000};
  CHECK(AssessObject(now, context).health == Health::kHealthy);
  context.quiet_for = {};
  now["status"]["conditions"][0]["message"] = "looked again";
  CHECK(AssessObject(now, context).health == Health::kHealthy);
}

}  // namespace
}  // namespace sluice::targets
