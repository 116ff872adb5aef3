#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {

Verdict JudgeCrd(const nlohmann::json& live, const HealthContext&) {
  const nlohmann::json& names = Condition(live, "NamesAccepted");
  if (ToText(At(names, "status")) == "False") {
    return {Health::kDegraded, "NamesNotAccepted", OneLine(ToText(At(names, "message"))), true};
  }
  const nlohmann::json& established = Condition(live, "Established");
  const std::string status = ToText(At(established, "status"));
  if (status == "True") return {};
  const std::string reason = ToText(At(established, "reason"));
  if (status == "False" && reason != "Installing") {
    return {Health::kDegraded, reason.empty() ? "NotEstablished" : reason,
            OneLine(ToText(At(established, "message")))};
  }
  return {Health::kProgressing, "Installing", "the server does not serve the new type yet"};
}

}  // namespace sluice::targets
