#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"
#include "engine/targets/kubernetes/health_report.h"

namespace sluice::targets {

namespace {

// All that `part` has is in `whole` too.
bool IsWithin(const nlohmann::json& part, const nlohmann::json& whole) {
  if (part.is_object()) {
    for (const auto& [key, value] : part.items()) {
      const auto it = whole.find(key);
      if (it == whole.end() || !IsWithin(value, *it)) return false;
    }
    return true;
  }
  if (!part.is_array()) return part == whole;
  // Admission adds volumes, mounts, containers and tolerations at any place.
  return whole.is_array() && std::ranges::all_of(part, [&](const nlohmann::json& item) {
           return std::ranges::any_of(
               whole, [&](const nlohmann::json& other) { return IsWithin(item, other); });
         });
}

// It keeps its pods whatever becomes of its template. Made before the last change and other than
// the template: webhooks make a pod differ, too, and a change may be about the count only.
bool RunsOldTemplate(const nlohmann::json& pod, const nlohmann::json& owner) {
  const SystemTime made =
      TimeAt(At(pod, "metadata", "creationTimestamp")).value_or(SystemTime::max());
  return made < LastChange(owner) &&
         !IsWithin(At(owner, "spec", "template", "spec"), At(pod, "spec"));
}

}  // namespace

Verdict JudgeReplicaSet(const nlohmann::json& live, const HealthContext& context) {
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
  int64_t old = 0;
  for (const nlohmann::json& pod : Items(context.pods))
    old += IsControlledBy(pod, UidOf(live)) && RunsOldTemplate(pod, live) ? 1 : 0;
  return old == 0 ? Verdict{} : AwaitsDeletion(want - std::min(old, want), want);
}

}  // namespace sluice::targets
