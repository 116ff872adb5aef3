// Every kind without a rule of its own, custom resources above all: what the phase and the common
// conditions say. A custom resource that says nothing at all is one that nobody reports on.
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"
#include "engine/targets/kubernetes/health_report.h"

namespace sluice::targets {
namespace {

// The status is as it was before the change, and no generation in it says of which content it is:
// its controller gets a moment to look again.
bool IsStatusOfBefore(const nlohmann::json& live, const HealthContext& context) {
  const nlohmann::json& then = context.before;
  if (then.is_null() || UidOf(then) != UidOf(live) || context.quiet_for >= kReportGrace)
    return false;
  if (At(live, "status").is_null() || Number(At(live, "status", "observedGeneration")))
    return false;
  return At(then, "metadata", "generation") != At(live, "metadata", "generation") &&
         At(then, "status") == At(live, "status");
}

}  // namespace

Verdict JudgeGeneric(const nlohmann::json& live, const HealthContext& context) {
  if (context.has_status_subresource && !HasReport(live)) {
    return {.health = Health::kProgressing,
            .reason = "StatusNotReported",
            .message = "its controller has written no status yet",
            .is_unreported = true};
  }
  const std::optional<Verdict> phase = JudgePhase(live);
  const std::optional<Verdict> conditions =
      JudgeConditions(live, phase && phase->health == Health::kProgressing);
  if (!conditions && !phase) {
    if (!IsStatusOfBefore(live, context)) return {};
    return {Health::kProgressing, "GenerationNotObserved",
            "its status has not moved since the change"};
  }
  if (!conditions) return *phase;
  if (!phase) return *conditions;
  // The worse of both; of two alike the condition, which has a reason.
  if (phase->health == Health::kDegraded && conditions->health != Health::kDegraded) return *phase;
  return *conditions;
}

}  // namespace sluice::targets
