#include "engine/targets/kubernetes/diagnosis.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {

namespace {

// By design such a claim is bound for the first pod that uses it, which may come much later or
// never; once a node is chosen for that pod, the volume is due. Without the right to read storage
// classes the claim's own newest event tells.
bool WaitsForConsumer(const nlohmann::json& live, const HealthContext& context) {
  constexpr const char* kNode = "volume.kubernetes.io/selected-node";
  if (!At(live, "metadata", "annotations", kNode).is_null()) return false;
  if (!context.binding_mode.empty()) return context.binding_mode == "WaitForFirstConsumer";
  return NewestEventReason(context.events, UidOf(live)) == "WaitForFirstConsumer";
}

}  // namespace

Verdict JudgePvc(const nlohmann::json& live, const HealthContext& context) {
  const std::string phase = ToText(At(live, "status", "phase"));
  if (phase == "Bound") return {};
  if (phase == "Lost") {
    return {Health::kDegraded, "ClaimLost",
            "the volume '" + ToText(At(live, "spec", "volumeName")) + "' it was bound to is gone"};
  }
  if (WaitsForConsumer(live, context)) {
    return {Health::kHealthy, "WaitsForConsumer",
            "not bound yet: its storage class waits for the first pod that uses it"};
  }
  return {Health::kProgressing, "ClaimPending", "the claim is not bound to a volume yet"};
}

}  // namespace sluice::targets
