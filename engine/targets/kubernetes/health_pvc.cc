#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {

Verdict JudgePvc(const nlohmann::json& live, const HealthContext&) {
  const std::string phase = ToText(At(live, "status", "phase"));
  if (phase == "Bound") return {};
  if (phase == "Lost") {
    return {Health::kDegraded, "ClaimLost",
            "the volume '" + ToText(At(live, "spec", "volumeName")) + "' it was bound to is gone"};
  }
  return {Health::kProgressing, "ClaimPending", "the claim is not bound to a volume yet"};
}

}  // namespace sluice::targets
