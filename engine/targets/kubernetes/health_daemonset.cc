#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {

Verdict JudgeDaemonSet(const nlohmann::json& live, const HealthContext&) {
  const nlohmann::json& status = At(live, "status");
  if (!At(status, "observedGeneration").is_number_integer() ||
      !At(status, "desiredNumberScheduled").is_number_integer()) {
    return InProgress("the controller has not looked at it yet");
  }
  const int64_t want = ToInt(At(status, "desiredNumberScheduled"));
  const int64_t current = ToInt(At(status, "currentNumberScheduled"));
  const int64_t updated = ToInt(At(status, "updatedNumberScheduled"));
  const int64_t available = ToInt(At(status, "numberAvailable"));
  const int64_t ready = ToInt(At(status, "numberReady"));
  if (current < want) return InProgress(CountText(current, want, "nodes have a pod"));
  const bool is_on_delete = ToText(At(live, "spec", "updateStrategy", "type")) == "OnDelete";
  // None of the pods runs what is declared, however they are: nothing is known of it.
  if (is_on_delete && want > 0 && updated == 0) return AwaitsDeletion(updated, want);
  if (!is_on_delete && updated < want) return InProgress(CountText(updated, want, "pods updated"));
  if (available < want) return InProgress(CountText(available, want, "pods available"));
  if (ready < want) return InProgress(CountText(ready, want, "pods ready"));
  if (updated < want) return AwaitsDeletion(updated, want);
  return {};
}

}  // namespace sluice::targets
