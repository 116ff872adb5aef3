// Every kind without a rule of its own, custom resources above all: the kstatus conventions.
#include <algorithm>

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {
namespace {

// A status that a schema default wrote (Gateway API does) holds conditions that are all Unknown.
bool HasObservedStatus(const nlohmann::json& live) {
  const nlohmann::json& status = At(live, "status");
  if (!status.is_object() || status.empty()) return false;
  const nlohmann::json& conditions = Items(At(status, "conditions"));
  const bool has_only_conditions = status.size() == 1 && status.contains("conditions");
  return !has_only_conditions ||
         std::ranges::any_of(conditions, [](const nlohmann::json& condition) {
           return ToText(At(condition, "status")) != "Unknown";
         });
}

}  // namespace

Verdict JudgeGeneric(const nlohmann::json& live, const HealthContext& context) {
  if (context.has_status_subresource && !HasObservedStatus(live)) {
    return {Health::kProgressing, "StatusNotReported", "its controller has written no status yet"};
  }
  const nlohmann::json& ready = Condition(live, "Ready");
  if (ready.is_null()) return {};
  const nlohmann::json& observed = At(ready, "observedGeneration");
  const nlohmann::json& generation = At(live, "metadata", "generation");
  if (observed.is_number_integer() && generation.is_number_integer() && observed < generation) {
    return {Health::kProgressing, "GenerationNotObserved",
            "condition Ready is of an older generation"};
  }
  if (ToText(At(ready, "status")) == "True") return {};
  const std::string reason = ToText(At(ready, "reason"));
  const std::string message = OneLine(ToText(At(ready, "message")));
  return {Health::kProgressing, reason.empty() ? "NotReady" : reason,
          message.empty() ? "condition Ready is " + ToText(At(ready, "status")) : message};
}

}  // namespace sluice::targets
