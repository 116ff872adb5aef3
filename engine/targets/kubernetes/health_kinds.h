// The verdict of each kind. Called by AssessObject after what holds for every kind (deletion,
// observed generation, Reconciling, Stalled). A new kind: one file, one line here, one in
// health.cc's table.
#pragma once

#include "engine/targets/kubernetes/health.h"

namespace sluice::targets {

struct Verdict {
  Health health = Health::kHealthy;
  std::string reason;
  std::string message;
  bool is_terminal = false;
};

// Used by every kind that waits for pods.
inline constexpr const char* kRolloutInProgress = "RolloutInProgress";
inline Verdict InProgress(std::string message) {
  return {Health::kProgressing, kRolloutInProgress, std::move(message)};
}

using Rule = Verdict (*)(const nlohmann::json& live, const HealthContext& context);

Verdict JudgeApiService(const nlohmann::json& live, const HealthContext& context);
Verdict JudgeCrd(const nlohmann::json& live, const HealthContext& context);
Verdict JudgeDaemonSet(const nlohmann::json& live, const HealthContext& context);
Verdict JudgeDeployment(const nlohmann::json& live, const HealthContext& context);
Verdict JudgeGeneric(const nlohmann::json& live, const HealthContext& context);
Verdict JudgeIngress(const nlohmann::json& live, const HealthContext& context);
Verdict JudgeJob(const nlohmann::json& live, const HealthContext& context);
Verdict JudgePod(const nlohmann::json& live, const HealthContext& context);
Verdict JudgePvc(const nlohmann::json& live, const HealthContext& context);
Verdict JudgeReplicaSet(const nlohmann::json& live,
                        const HealthContext& context);  // and ReplicationController
Verdict JudgeService(const nlohmann::json& live, const HealthContext& context);
Verdict JudgeStatefulSet(const nlohmann::json& live, const HealthContext& context);

// The ReplicaSet a Deployment rolls out to: owned by it, same template; null when not among those
// read.
const nlohmann::json& TargetReplicaSet(const nlohmann::json& deployment,
                                       const nlohmann::json& replica_sets);

}  // namespace sluice::targets
