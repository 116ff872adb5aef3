#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {
namespace {

constexpr std::string_view kDeadlineExceeded = "ProgressDeadlineExceeded";

// The controller leaves an old ProgressDeadlineExceeded in place when the template goes back to one
// whose ReplicaSet still exists, although observedGeneration is current; it counts only once it has
// moved.
bool IsDeadlineStale(const nlohmann::json& live, const HealthContext& context) {
  const nlohmann::json& now = Condition(live, "Progressing");
  const nlohmann::json& then = Condition(context.before, "Progressing");
  return !then.is_null() && UidOf(live) == UidOf(context.before) &&
         ToText(At(then, "reason")) == kDeadlineExceeded &&
         ToText(At(then, "lastUpdateTime")) == ToText(At(now, "lastUpdateTime"));
}

// Nothing when every count is reached.
std::string MissingCount(const nlohmann::json& live, const HealthContext& context) {
  const int64_t want = ToInt(At(live, "spec", "replicas"), 1);
  const nlohmann::json& status = At(live, "status");
  const int64_t total = ToInt(At(status, "replicas"));
  const int64_t updated = ToInt(At(status, "updatedReplicas"));
  const int64_t ready = ToInt(At(status, "readyReplicas"));
  const int64_t available = ToInt(At(status, "availableReplicas"));
  if (total < want) return CountText(total, want, "pods created");
  if (updated < want) return CountText(updated, want, "pods updated");
  if (total > want) {
    const int64_t old = total - want;
    return std::to_string(old) + (old == 1 ? " old pod" : " old pods") + " still running";
  }
  if (available < updated) return CountText(available, updated, "updated pods available");
  if (ready < want) return CountText(ready, want, "pods ready");
  // The Deployment's own counts do not say of which revision the available pods are.
  const nlohmann::json& target = TargetReplicaSet(live, context.replica_sets);
  if (target.is_null() && !Items(context.replica_sets).empty())
    return "the new ReplicaSet does not exist yet";
  const int64_t of_target = ToInt(At(target, "status", "availableReplicas"));
  if (!target.is_null() && of_target < want)
    return CountText(of_target, want, "pods of the new ReplicaSet available");
  return "";
}

}  // namespace

Verdict JudgeDeployment(const nlohmann::json& live, const HealthContext& context) {
  const std::string missing = MissingCount(live, context);
  if (ToBool(At(live, "spec", "paused"))) {
    if (missing.empty())
      return {Health::kHealthy, "DeploymentPaused",
              "spec.paused is true; all pods run what is declared"};
    return {Health::kSuspended, "DeploymentPaused",
            "spec.paused is true; the new revision is not rolled out"};
  }
  const nlohmann::json& progressing = Condition(live, "Progressing");
  const std::string progress = ToText(At(progressing, "reason"));
  if (missing.empty()) {
    // A complete rollout cannot be late: the controller resets the condition in the same status
    // write or the next.
    const bool is_complete = progressing.is_null() || progress == "NewReplicaSetAvailable" ||
                             progress == kDeadlineExceeded;
    if (!is_complete)
      return InProgress("waiting for the controller to call the new ReplicaSet available");
    if (IsConditionTrue(live, "Available")) return {};
    return InProgress("condition Available is not True: " +
                      OneLine(ToText(At(Condition(live, "Available"), "message"))));
  }
  if (progress == kDeadlineExceeded && !IsDeadlineStale(live, context)) {
    return {Health::kDegraded, std::string(kDeadlineExceeded),
            missing + " after " +
                std::to_string(ToInt(At(live, "spec", "progressDeadlineSeconds"), 600)) +
                " s without progress",
            true};
  }
  if (IsConditionTrue(live, "ReplicaFailure")) {
    const nlohmann::json& failure = Condition(live, "ReplicaFailure");
    return {Health::kDegraded, ToText(At(failure, "reason")),
            missing + "; " + OneLine(ToText(At(failure, "message")))};
  }
  return InProgress(missing);
}

}  // namespace sluice::targets
