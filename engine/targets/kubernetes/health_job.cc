#include <set>

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {
namespace {

// Reasons of the events with which the controller ends a Job.
const std::set<std::string, std::less<>> kJobFailures = {
    "BackoffLimitExceeded", "DeadlineExceeded",        "FailedIndexes", "JobFailed",
    "PodFailurePolicy",     "MaxFailedIndexesExceeded"};

}  // namespace

// Stricter than kstatus, to which a Job that has started is done.
Verdict JudgeJob(const nlohmann::json& live, const HealthContext&) {
  if (IsConditionTrue(live, "Complete")) return {.is_done = true};
  if (IsConditionTrue(live, "Failed")) {
    const nlohmann::json& failed = Condition(live, "Failed");
    const std::string reason = ToText(At(failed, "reason"));
    return {Health::kDegraded, reason.empty() ? "JobFailed" : reason,
            OneLine(ToText(At(failed, "message"))), true};
  }
  if (ToBool(At(live, "spec", "suspend")) || IsConditionTrue(live, "Suspended")) {
    return {Health::kSuspended, "JobSuspended", "spec.suspend is true; the job does not run"};
  }
  const int64_t want = ToInt(At(live, "spec", "completions"), 1);
  return {Health::kProgressing, "JobRunning",
          CountText(ToInt(At(live, "status", "succeeded")), want, "pods completed")};
}

ObjectHealth JudgeGoneJob(const ObjectRef& ref, const std::string& uid,
                          const nlohmann::json& events) {
  ObjectHealth health{ref, Health::kHealthy, "DoneAndRemoved", "", false};
  if (!events.is_array()) {
    health.message = "it was removed after its end, which nobody here may read of";
    health.is_done = true;
    return health;
  }
  for (const nlohmann::json& event : events) {
    if (ToText(At(event, "involvedObject", "uid")) != uid) continue;
    const std::string reason = ToText(At(event, "reason"));
    if (reason == "Completed") {
      health.message = "it completed, and was removed since";
      health.is_done = true;
      return health;
    }
    if (kJobFailures.contains(reason))
      return {ref, Health::kDegraded, reason, OneLine(ToText(At(event, "message"))), true};
  }
  return {ref, Health::kMissing, "Missing",
          "the object does not exist, and no event tells how the Job ended", false};
}

Verdict JudgeCronJob(const nlohmann::json& live, const HealthContext&) {
  if (!ToBool(At(live, "spec", "suspend"))) return {};
  // A rollout starts nothing of a CronJob in any case, so that it has not run says nothing of it.
  return {Health::kHealthy, "CronJobSuspended", "spec.suspend is true; no job is started"};
}

}  // namespace sluice::targets
