// Silence counts only where somebody is known to speak.
#include "engine/targets/kubernetes/health_report.h"
#include "tests/unit/health/fixtures.h"

namespace sluice::targets {
namespace {

using namespace fixtures;

const Json kAddress = {{"loadBalancer", {{"ingress", {{{"ip", "192.0.2.7"}}}}}}};
const Json kNoAddress = {{"loadBalancer", Json::object()}};
const Json kBalancer = {{"type", "LoadBalancer"}, {"clusterIP", "10.0.0.7"}};
// As the schema of Gateway API makes it.
const Json kDefaults = {{"conditions", List(Condition("Accepted", "Unknown", "Pending"),
                                            Condition("Programmed", "Unknown", "Pending"))}};

Json Silent(const std::string& what) {
  if (what == "Service") return Object("v1", "Service", kBalancer, kNoAddress);
  if (what == "Ingress") return Object("networking.k8s.io/v1", "Ingress", {}, kNoAddress);
  if (what == "Gateway") return Custom(kDefaults, {}, "Gateway", "gateway.networking.k8s.io/v1");
  Json bare = Custom({}, {}, "VirtualService", "networking.istio.io/v1");
  bare.erase("status");
  return bare;
}

HealthContext Context(Duration quiet, bool is_reported_on) {
  HealthContext context;
  context.has_status_subresource = true;
  context.quiet_for = quiet;
  context.is_reported_on = is_reported_on;
  return context;
}

TEST_CASE("what nobody reports on is given a moment, then it is Healthy with a note") {
  const std::string what = GENERATE("Service", "Ingress", "Gateway", "VirtualService");
  const ObjectHealth fresh = AssessObject(Silent(what), Context(Duration{0}, false));
  CHECK(fresh.health == Health::kProgressing);
  CHECK(fresh.is_unreported);  // no deadline condemns it
  const ObjectHealth later = AssessObject(Silent(what), Context(kReportGrace, false));
  CHECK(later.health == Health::kHealthy);
  CHECK(later.reason == "NotReported");
  CHECK(later.is_unreported);
  CHECK(later.message.find("health.require") != std::string::npos);
}

TEST_CASE("where somebody reports, silence is waited for and condemns") {
  const std::string what = GENERATE("Service", "Ingress", "Gateway", "VirtualService");
  const ObjectHealth seen = AssessObject(Silent(what), Context(Duration{600000}, true));
  CHECK(seen.health == Health::kProgressing);
  CHECK_FALSE(seen.is_unreported);
  CHECK(seen.reason ==
        (what == "Service" || what == "Ingress" ? "AddressPending" : "StatusNotReported"));
}

TEST_CASE("a kind that is nothing without its controller is waited for in any case") {
  Json rollout = Custom({}, {}, "Rollout", "argoproj.io/v1alpha1");
  rollout.erase("status");
  const ObjectHealth seen = AssessObject(rollout, Context(Duration{600000}, false));
  CHECK(seen.reason == "StatusNotReported");
  CHECK_FALSE(seen.is_unreported);
}

TEST_CASE("an address and a status that somebody wrote are reports") {
  CHECK(HasReport(Object("v1", "Service", kBalancer, kAddress)));
  CHECK(HasReport(Object("networking.k8s.io/v1", "Ingress", {}, kAddress)));
  CHECK(HasReport(Custom({{"replicas", 1}})));
  CHECK(HasReport(Custom({{"conditions", List(Condition("Ready", "False"))}})));
  for (const char* what : {"Service", "Ingress", "Gateway", "VirtualService"})
    CHECK_FALSE(HasReport(Silent(what)));
  Json by_default = Custom({{"replicas", 0}});
  by_default["metadata"]["managedFields"] = List(Json{{"manager", "sluice"}});
  CHECK_FALSE(HasReport(by_default));
  by_default["metadata"]["managedFields"].push_back(
      {{"manager", "operator"}, {"subresource", "status"}});
  CHECK(HasReport(by_default));
}

TEST_CASE("controllers answer for a class each") {
  CHECK(ReporterClass(Object("networking.k8s.io/v1", "Ingress", {{"ingressClassName", "a"}}, {})) ==
        "a");
  Json old = Object("networking.k8s.io/v1", "Ingress", {}, {});
  CHECK(ReporterClass(old).empty());
  old["metadata"]["annotations"]["kubernetes.io/ingress.class"] = "b";
  CHECK(ReporterClass(old) == "b");
  CHECK(ReporterClass(Custom({}, {{"gatewayClassName", "c"}})) == "c");
  CHECK(ReporterClass(Object("v1", "Service", {{"loadBalancerClass", "d"}}, {})) == "d");
}

TEST_CASE("the last change of an object is its own, not its status'") {
  Json live = Custom({});
  live["metadata"]["creationTimestamp"] = "2026-11-21T07:00:00Z";
  CHECK(LastChange(live) == At("2026-11-21T07:00:00Z"));
  live["metadata"]["managedFields"] =
      List(Json{{"manager", "sluice"}, {"time", "2026-11-21T08:00:00Z"}},
           Json{{"manager", "x"}, {"subresource", "status"}, {"time", "2026-11-21T09:00:00Z"}});
  CHECK(LastChange(live) == At("2026-11-21T08:00:00Z"));
  CHECK(LastChange(Json::object()) == SystemTime{});
}

}  // namespace
}  // namespace sluice::targets
