// Service and Ingress: what waits for an address from outside the cluster.
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {
namespace {

Verdict AwaitAddress(const nlohmann::json& live) {
  if (!Items(At(live, "status", "loadBalancer", "ingress")).empty()) return {};
  return {Health::kProgressing, "AddressPending", "no address in status.loadBalancer.ingress yet"};
}

}  // namespace

Verdict JudgeService(const nlohmann::json& live, const HealthContext&) {
  return ToText(At(live, "spec", "type")) == "LoadBalancer" ? AwaitAddress(live) : Verdict{};
}

Verdict JudgeIngress(const nlohmann::json& live, const HealthContext&) {
  return AwaitAddress(live);
}

}  // namespace sluice::targets
