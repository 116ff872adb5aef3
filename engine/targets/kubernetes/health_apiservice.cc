#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {

// An APIService that is not available makes its whole group undiscoverable, so it is waited for.
Verdict JudgeApiService(const nlohmann::json& live, const HealthContext&) {
  const nlohmann::json& available = Condition(live, "Available");
  if (ToText(At(available, "status")) == "True") return {};
  const std::string reason = ToText(At(available, "reason"));
  return {Health::kProgressing, reason.empty() ? "NotAvailable" : reason,
          available.is_null() ? "the aggregator has not looked at it yet"
                              : OneLine(ToText(At(available, "message")))};
}

}  // namespace sluice::targets
