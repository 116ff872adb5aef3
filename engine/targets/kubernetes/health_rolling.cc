// Kinds of other software that roll pods themselves: the change has run when their pods run it.
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {
namespace {

// "20%" of `want`, or a number.
int64_t Share(const nlohmann::json& value, int64_t want) {
  const std::string text = ToText(value);
  if (!text.ends_with('%')) return ToInt(value);
  const auto percent = Number(text.substr(0, text.size() - 1));
  return percent ? (want * std::clamp<int64_t>(*percent, 0, 100) + 99) / 100 : 0;
}

std::string MissingCount(const nlohmann::json& live, int64_t due) {
  const nlohmann::json& status = At(live, "status");
  const int64_t want = ToInt(At(live, "spec", "replicas"), 1);
  const int64_t updated = ToInt(At(status, "updatedReplicas"));
  const int64_t ready = ToInt(At(status, "readyReplicas"));
  if (updated < due) return CountText(updated, due, "pods updated");
  if (ready < want) return CountText(ready, want, "pods ready");
  return "";
}

}  // namespace

// Argo Rollouts says where it stands in a phase; its older versions by counts only.
Verdict JudgeRollout(const nlohmann::json& live, const HealthContext& context) {
  const Verdict said = JudgeGeneric(live, context);
  const bool has_phase = !ToText(At(live, "status", "phase")).empty();
  if (said.health != Health::kHealthy || has_phase || At(live, "status").is_null()) return said;
  const std::string missing = MissingCount(live, ToInt(At(live, "spec", "replicas"), 1));
  return missing.empty() ? said : InProgress(missing);
}

// OpenKruise's CloneSet and StatefulSet: a partition keeps that many pods on the old revision.
Verdict JudgeCloneSet(const nlohmann::json& live, const HealthContext& context) {
  const Verdict said = JudgeGeneric(live, context);
  if (said.health != Health::kHealthy) return said;
  const nlohmann::json& status = At(live, "status");
  const nlohmann::json& strategy = At(live, "spec", "updateStrategy");
  const int64_t want = ToInt(At(live, "spec", "replicas"), 1);
  const nlohmann::json& rolling = At(strategy, "rollingUpdate", "partition");
  const int64_t kept = Share(rolling.is_null() ? At(strategy, "partition") : rolling, want);
  const bool has_new =
      ToText(At(status, "currentRevision")) != ToText(At(status, "updateRevision"));
  if (has_new && want > 0 && kept >= want && ToInt(At(status, "updatedReplicas")) == 0) {
    return {Health::kSuspended, "PartitionHoldsBack",
            "no pod runs the new template: its partition keeps " + std::to_string(kept) +
                " pods on the old one; lower it to roll"};
  }
  const std::string missing = MissingCount(live, std::max<int64_t>(0, want - kept));
  return missing.empty() ? said : InProgress(missing);
}

}  // namespace sluice::targets
