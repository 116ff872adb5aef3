#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {

// A StatefulSet has no progress deadline and never says that it failed: only the caller's deadline
// and the diagnosis of its pods do.
Verdict JudgeStatefulSet(const nlohmann::json& live, const HealthContext&) {
  const nlohmann::json& strategy = At(live, "spec", "updateStrategy");
  // OnDelete: whoever deletes the pods decides when the new revision runs.
  if (ToText(At(strategy, "type")) == "OnDelete") return {};
  const int64_t want = ToInt(At(live, "spec", "replicas"), 1);
  const nlohmann::json& status = At(live, "status");
  const int64_t total = ToInt(At(status, "replicas"));
  const int64_t ready = ToInt(At(status, "readyReplicas"));
  const int64_t updated = ToInt(At(status, "updatedReplicas"));
  const int64_t current = ToInt(At(status, "currentReplicas"));
  if (total < want) return InProgress(CountText(total, want, "pods created"));
  if (ready < want) return InProgress(CountText(ready, want, "pods ready"));
  if (total > want)
    return InProgress(std::to_string(total - want) + " pods too many still running");
  const nlohmann::json& partition = At(strategy, "rollingUpdate", "partition");
  if (partition.is_number_integer()) {
    const int64_t due = std::max<int64_t>(0, want - ToInt(partition));
    if (updated < due) return InProgress(CountText(updated, due, "pods updated"));
    return {};
  }
  if (current < want) return InProgress(CountText(current, want, "pods at the current revision"));
  if (ToText(At(status, "currentRevision")) != ToText(At(status, "updateRevision"))) {
    return InProgress(CountText(updated, want, "pods updated"));
  }
  return {};
}

}  // namespace sluice::targets
