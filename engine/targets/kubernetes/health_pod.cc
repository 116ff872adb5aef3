#include "engine/targets/kubernetes/diagnosis.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {

Verdict JudgePod(const nlohmann::json& live, const HealthContext& context) {
  const std::string phase = ToText(At(live, "status", "phase"));
  if (phase == "Succeeded") return {};
  if (phase == "Running" && IsConditionTrue(live, "Ready")) return {};
  const std::optional<Diagnosis> trouble = DiagnosePod(live, context);
  if (phase == "Failed") {
    // A bare pod is never replaced; its end is final.
    const std::string reason = trouble ? trouble->reason : "PodFailed";
    return {Health::kDegraded, reason,
            trouble ? trouble->message : "pod " + NameOf(live) + " has failed", true};
  }
  if (trouble) {
    return {trouble->is_terminal ? Health::kDegraded : Health::kProgressing, trouble->reason,
            trouble->message, trouble->is_terminal};
  }
  return {
      Health::kProgressing, "PodNotReady",
      "pod " + NameOf(live) + " is " + (phase.empty() ? "not started" : phase) + " and not ready"};
}

}  // namespace sluice::targets
