#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {

// A StatefulSet has no progress deadline and never says that it failed: only the caller's deadline
// and the diagnosis of its pods do.
Verdict JudgeStatefulSet(const nlohmann::json& live, const HealthContext&) {
  const nlohmann::json& strategy = At(live, "spec", "updateStrategy");
  const int64_t want = ToInt(At(live, "spec", "replicas"), 1);
  const nlohmann::json& status = At(live, "status");
  const int64_t total = ToInt(At(status, "replicas"));
  const int64_t ready = ToInt(At(status, "readyReplicas"));
  const int64_t updated = ToInt(At(status, "updatedReplicas"));
  const int64_t current = ToInt(At(status, "currentReplicas"));
  const bool is_on_delete = ToText(At(strategy, "type")) == "OnDelete";
  const nlohmann::json& partition = At(strategy, "rollingUpdate", "partition");
  const bool has_new =
      ToText(At(status, "currentRevision")) != ToText(At(status, "updateRevision"));
  // None of the pods runs what is declared, however they are: nothing is known of it.
  const bool is_held_back = partition.is_number_integer() && ToInt(partition) >= want;
  if (has_new && updated == 0 && total > 0) {
    if (is_on_delete) return AwaitsDeletion(updated, want);
    if (is_held_back) {
      return {Health::kSuspended, "PartitionHoldsBack",
              "no pod runs the new template: updateStrategy.rollingUpdate.partition is " +
                  std::to_string(ToInt(partition)) + "; lower it to roll"};
    }
  }
  if (total < want) return InProgress(CountText(total, want, "pods created"));
  if (ready < want) return InProgress(CountText(ready, want, "pods ready"));
  if (total > want)
    return InProgress(std::to_string(total - want) + " pods too many still running");
  // The controller never moves currentRevision of these.
  if (is_on_delete) return updated < want && has_new ? AwaitsDeletion(updated, want) : Verdict{};
  if (partition.is_number_integer()) {
    const int64_t due = std::max<int64_t>(0, want - ToInt(partition));
    if (updated < due) return InProgress(CountText(updated, due, "pods updated"));
    return {};
  }
  if (current < want) return InProgress(CountText(current, want, "pods at the current revision"));
  return has_new ? InProgress(CountText(updated, want, "pods updated")) : Verdict{};
}

}  // namespace sluice::targets
