#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {

// Stricter than kstatus, to which a Job that has started is done.
Verdict JudgeJob(const nlohmann::json& live, const HealthContext&) {
  if (IsConditionTrue(live, "Complete")) return {};
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

Verdict JudgeCronJob(const nlohmann::json& live, const HealthContext&) {
  if (!ToBool(At(live, "spec", "suspend"))) return {};
  return {Health::kSuspended, "CronJobSuspended", "spec.suspend is true; no job is started"};
}

}  // namespace sluice::targets
