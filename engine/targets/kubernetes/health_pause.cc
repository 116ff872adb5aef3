// Objects whose controller was told to leave them alone: by the fields and annotations that are
// common among controllers. What they declare has not run.
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {
namespace {

Verdict Stopped(std::string reason, const std::string& why) {
  return {Health::kSuspended, std::move(reason), why + "; its controller leaves it as it is"};
}

// "autoscaling.keda.sh/paused", "crossplane.io/paused", "strimzi.io/pause-reconciliation",
// "cluster.x-k8s.io/paused" (whatever its value).
std::optional<Verdict> JudgeAnnotations(const nlohmann::json& live) {
  const nlohmann::json& annotations = At(live, "metadata", "annotations");
  if (!annotations.is_object()) return std::nullopt;
  for (const auto& [key, value] : annotations.items()) {
    const bool is_pause = key.ends_with("/paused") || key.ends_with("/pause-reconciliation");
    const bool holds = ToText(value) == "true" || key == "cluster.x-k8s.io/paused" ||
                       key == "autoscaling.keda.sh/paused-replicas";
    if ((is_pause || key == "autoscaling.keda.sh/paused-replicas") && holds)
      return Stopped("Paused", "annotation " + OneLine(key, 100) + " is set");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Verdict> JudgePause(const nlohmann::json& live) {
  const nlohmann::json& spec = At(live, "spec");
  if (ToBool(At(spec, "paused"))) return Stopped("Paused", "spec.paused is true");
  for (const char* field : {"suspend", "suspended"}) {
    if (ToBool(At(spec, field)))
      return Stopped("Suspended", "spec." + std::string(field) + " is true");
  }
  if (ToBool(At(spec, "updateStrategy", "paused")))
    return Stopped("Paused", "spec.updateStrategy.paused is true");
  const nlohmann::json& waits = Items(At(live, "status", "pauseConditions"));
  if (!waits.empty()) {
    return Stopped("Paused", "it pauses in the middle of its rollout (" +
                                 OneLine(ToText(At(waits.front(), "reason")), 60) + ")");
  }
  if (IsConditionTrue(live, "Paused")) return Stopped("Paused", "condition Paused is True");
  return JudgeAnnotations(live);
}

}  // namespace sluice::targets
