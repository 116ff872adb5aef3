#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {

Verdict JudgeReplicaSet(const nlohmann::json& live, const HealthContext&) {
  const int64_t want = ToInt(At(live, "spec", "replicas"), 1);
  const nlohmann::json& status = At(live, "status");
  if (IsConditionTrue(live, "ReplicaFailure")) {
    const nlohmann::json& failure = Condition(live, "ReplicaFailure");
    return {Health::kDegraded, ToText(At(failure, "reason")),
            OneLine(ToText(At(failure, "message")))};
  }
  const int64_t total = ToInt(At(status, "replicas"));
  const int64_t labelled = ToInt(At(status, "fullyLabeledReplicas"));
  const int64_t available = ToInt(At(status, "availableReplicas"));
  const int64_t ready = ToInt(At(status, "readyReplicas"));
  if (labelled < want) return InProgress(CountText(labelled, want, "pods created"));
  if (available < want) return InProgress(CountText(available, want, "pods available"));
  if (ready < want) return InProgress(CountText(ready, want, "pods ready"));
  if (total > want)
    return InProgress(std::to_string(total - want) + " pods too many still running");
  return {};
}

}  // namespace sluice::targets
