// The verdict of each kind. Called by AssessObject after what holds for every kind (deletion,
// observed generation, Reconciling, Stalled; for custom resources a pause before these). A new
// kind: one file, one line here, one in health.cc's table.
#pragma once

#include <optional>

#include "engine/targets/kubernetes/health.h"

namespace sluice::targets {

struct Verdict {
  Health health = Health::kHealthy;
  std::string reason;
  std::string message;
  bool is_terminal = false;
  bool is_done = false;
  bool is_unreported = false;  // only because nobody has reported on the object yet
};

// Used by every kind that waits for pods.
inline constexpr const char* kRolloutInProgress = "RolloutInProgress";
inline Verdict InProgress(std::string message) {
  return {Health::kProgressing, kRolloutInProgress, std::move(message)};
}

// Pods keep the template they were made with until somebody deletes them, so the new one has not
// run, or not everywhere.
inline Verdict AwaitsDeletion(int64_t updated, int64_t want) {
  return {Health::kSuspended, "PodsNotReplaced",
          std::to_string(updated) + " of " + std::to_string(want) +
              " pods run the declared template; the others do once somebody deletes them"};
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
// CronJobs and kinds that other software brings and that roll pods: Argo Rollouts, CloneSets.
Verdict JudgeCronJob(const nlohmann::json& live, const HealthContext& context);
Verdict JudgeRollout(const nlohmann::json& live, const HealthContext& context);
Verdict JudgeCloneSet(const nlohmann::json& live, const HealthContext& context);

// What a custom resource says by conditions and by a phase; nullopt when it says nothing that
// matters. A word nobody knows condemns nothing.
// `is_at_work`: its phase says that it is on its way, so that what is not well yet is no fault.
std::optional<Verdict> JudgeConditions(const nlohmann::json& live, bool is_at_work);
std::optional<Verdict> JudgePhase(const nlohmann::json& live);
// Somebody told its controller to leave it alone: by a field, an annotation, a condition.
std::optional<Verdict> JudgePause(const nlohmann::json& live);

// The ReplicaSet a Deployment rolls out to: owned by it, same template; null when not among those
// read.
const nlohmann::json& TargetReplicaSet(const nlohmann::json& deployment,
                                       const nlohmann::json& replica_sets);

}  // namespace sluice::targets
