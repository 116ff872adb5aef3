// Service and Ingress: what waits for an address from outside the cluster.
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"
#include "engine/targets/kubernetes/health_report.h"

namespace sluice::targets {
namespace {

Verdict AwaitAddress(const nlohmann::json& live) {
  if (HasReport(live)) return {};
  return {.health = Health::kProgressing,
          .reason = "AddressPending",
          .message = "no address in status.loadBalancer.ingress yet",
          .is_unreported = true};
}

}  // namespace

Verdict JudgeService(const nlohmann::json& live, const HealthContext&) {
  return ToText(At(live, "spec", "type")) == "LoadBalancer" ? AwaitAddress(live) : Verdict{};
}

Verdict JudgeIngress(const nlohmann::json& live, const HealthContext&) {
  return AwaitAddress(live);
}

}  // namespace sluice::targets
