#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/time_format.h"
#include "engine/sandbox/controllers/controller_host.h"

namespace sluice::sandbox {
namespace {

constexpr char kDeployments[] = "deployments.apps";
constexpr char kSets[] = "replicasets.apps";
constexpr char kHash[] = "pod-template-hash";
constexpr char kRevision[] = "deployment.kubernetes.io/revision";

int64_t Replicas(const Json& object) { return IntAt(object, {"spec", "replicas"}, 1); }
int64_t Available(const Json& set) { return IntAt(set, {"status", "availableReplicas"}); }
int64_t Revision(const Json& object) {
  return std::strtoll(TextAt(object, {"metadata", "annotations", kRevision}).c_str(), nullptr, 10);
}
Json BareTemplate(const Json& object) {
  Json bare = ObjectAt(object, {"spec", "template"});
  Erase(bare, {"metadata", "labels", kHash});
  return bare;
}

// One look at one Deployment. The arithmetic is that of the real controller (k/k
// deployment/rolling.go).
class Rollout {
 public:
  Rollout(const Json& deployment, const ObjectKey& key, ControllerContext& context)
      : deployment_(deployment), key_(key), context_(context) {
    sets_ = context.ControlledBy(kSets, deployment);
    std::sort(sets_.begin(), sets_.end(), [](const ObjectPtr& a, const ObjectPtr& b) {
      return std::pair(Revision(*a), NameOf(*a)) < std::pair(Revision(*b), NameOf(*b));
    });
    const Json wanted = BareTemplate(deployment);
    for (const ObjectPtr& set : sets_) {
      if (BareTemplate(*set) == wanted) newest_ = set;
    }
  }

  void Step() {
    const bool recreate = TextAt(deployment_, {"spec", "strategy", "type"}) == "Recreate";
    if (BoolAt(deployment_, {"spec", "paused"})) {
      FollowScale();
    } else if (recreate) {
      Recreate();
    } else {
      EnsureNewest(NewReplicas());
      RollForward();
      ShrinkOld();
    }
    WriteStatus();
    DropHistory();
  }

 private:
  int64_t MaxSurge() const {
    return Resolve(Find(deployment_, {"spec", "strategy", "rollingUpdate", "maxSurge"}),
                   Replicas(deployment_), true);
  }
  int64_t MaxUnavailable() const {
    if (TextAt(deployment_, {"spec", "strategy", "type"}) != "RollingUpdate") return 0;
    const Json* value = Find(deployment_, {"spec", "strategy", "rollingUpdate", "maxUnavailable"});
    const int64_t out = Resolve(value, Replicas(deployment_), false);
    // Both may round to nothing; then one pod may be missing.
    return out == 0 && MaxSurge() == 0 ? 1 : std::min(out, Replicas(deployment_));
  }

  std::vector<ObjectPtr> Old() const {
    std::vector<ObjectPtr> out;
    for (const ObjectPtr& set : sets_) {
      if (newest_ == nullptr || NameOf(*set) != NameOf(*newest_)) out.push_back(set);
    }
    return out;
  }
  int64_t TotalReplicas() const {
    int64_t total = 0;
    for (const ObjectPtr& set : sets_) total += Replicas(*set);
    return total;
  }

  // How many pods the new set may have now.
  int64_t NewReplicas() const {
    const int64_t wanted = Replicas(deployment_);
    const int64_t current = newest_ == nullptr ? 0 : Replicas(*newest_);
    const int64_t room = wanted + MaxSurge() - TotalReplicas();
    if (current >= wanted) return wanted;
    return room <= 0 ? current : std::min(current + room, wanted);
  }

  void Replace(const ObjectPtr& stored) {
    if (stored == nullptr) return;
    for (ObjectPtr& set : sets_) {
      if (NameOf(*set) == NameOf(*stored)) set = stored;
    }
    if (newest_ != nullptr && NameOf(*newest_) == NameOf(*stored)) newest_ = stored;
  }

  void ScaleSet(const ObjectPtr& set, int64_t replicas) {
    if (Replicas(*set) == replicas) return;
    const bool up = replicas > Replicas(*set);
    Json next = *set;
    next["spec"]["replicas"] = replicas;
    context_.Tell(deployment_, "Normal", "ScalingReplicaSet",
                  std::string("Scaled ") + (up ? "up" : "down") + " replica set " + NameOf(*set) +
                      " from " + std::to_string(Replicas(*set)) + " to " +
                      std::to_string(replicas));
    Replace(context_.Update(kSets, std::move(next)));
  }

  // The new set exists, carries the highest revision, and the Deployment shows it.
  void EnsureNewest(int64_t replicas) {
    int64_t highest = 0;
    for (const ObjectPtr& set : Old()) highest = std::max(highest, Revision(*set));
    if (newest_ == nullptr) {
      CreateSet(replicas, highest + 1);
    } else if (Revision(*newest_) <= highest) {
      Json next = *newest_;
      Ensure(next, {"metadata", "annotations"})[kRevision] = std::to_string(highest + 1);
      Replace(context_.Update(kSets, std::move(next)));
    }
    FollowPatience();
    if (newest_ == nullptr || Revision(deployment_) == Revision(*newest_)) return;
    Json next = deployment_;
    Ensure(next, {"metadata", "annotations"})[kRevision] = std::to_string(Revision(*newest_));
    if (const ObjectPtr stored = context_.UpdateStatus(kDeployments, std::move(next)))
      deployment_ = *stored;
  }

  // minReadySeconds is no part of the template: the set takes a change of it.
  void FollowPatience() {
    if (newest_ == nullptr) return;
    const int64_t wanted = IntAt(deployment_, {"spec", "minReadySeconds"});
    if (IntAt(*newest_, {"spec", "minReadySeconds"}) == wanted) return;
    Json next = *newest_;
    next["spec"]["minReadySeconds"] = wanted;
    Replace(context_.Update(kSets, std::move(next)));
  }

  void CreateSet(int64_t replicas, int64_t revision) {
    const std::string hash = TemplateHash(ObjectAt(deployment_, {"spec", "template"}));
    const std::string desired = std::to_string(Replicas(deployment_));
    Json pod_template = ObjectAt(deployment_, {"spec", "template"});
    Ensure(pod_template, {"metadata", "labels"})[kHash] = hash;
    Json selector = ObjectAt(deployment_, {"spec", "selector"});
    Ensure(selector, {"matchLabels"})[kHash] = hash;
    Json set = {
        {"metadata",
         {{"name", NameOf(deployment_) + "-" + hash},
          {"namespace", NamespaceOf(deployment_)},
          {"labels", pod_template["metadata"]["labels"]},
          {"annotations",
           {{kRevision, std::to_string(revision)},
            {"deployment.kubernetes.io/desired-replicas", desired},
            {"deployment.kubernetes.io/max-replicas",
             std::to_string(Replicas(deployment_) + MaxSurge())}}},
          {"ownerReferences", Json::array({OwnerReference(deployment_)})}}},
        {"spec", {{"replicas", replicas}, {"selector", selector}, {"template", pod_template}}}};
    if (const Json* seconds = Find(deployment_, {"spec", "minReadySeconds"}))
      set["spec"]["minReadySeconds"] = *seconds;
    newest_ = context_.Create(kSets, std::move(set));
    if (newest_ == nullptr) return;
    sets_.push_back(newest_);
    created_ = true;
    context_.Tell(
        deployment_, "Normal", "ScalingReplicaSet",
        "Scaled up replica set " + NameOf(*newest_) + " from 0 to " + std::to_string(replicas));
  }

  void RollForward() {
    if (newest_ != nullptr) ScaleSet(newest_, NewReplicas());
  }

  void ShrinkOld() {
    if (newest_ == nullptr) return;
    int64_t old_pods = 0;
    for (const ObjectPtr& set : Old()) old_pods += Replicas(*set);
    if (old_pods == 0) return;
    const int64_t min_available = Replicas(deployment_) - MaxUnavailable();
    const int64_t new_missing = Replicas(*newest_) - Available(*newest_);
    int64_t budget = TotalReplicas() - min_available - new_missing;
    if (budget <= 0) return;
    // Old pods that do not serve go first; they cost no availability.
    for (const ObjectPtr& set : Old()) {
      const int64_t unhealthy = std::min(budget, Replicas(*set) - Available(*set));
      if (unhealthy <= 0) continue;
      ScaleSet(set, Replicas(*set) - unhealthy);
      budget -= unhealthy;
    }
    int64_t available = 0;
    for (const ObjectPtr& set : sets_) available += std::min(Available(*set), Replicas(*set));
    int64_t spare = available - min_available;
    for (const ObjectPtr& set : Old()) {
      const int64_t fewer = std::min(spare, Replicas(*set));
      if (fewer <= 0) continue;
      ScaleSet(set, Replicas(*set) - fewer);
      spare -= fewer;
    }
  }

  // All old pods must be gone before the first new one begins.
  void Recreate() {
    bool old_runs = false;
    for (const ObjectPtr& set : Old()) {
      ScaleSet(set, 0);
      for (const ObjectPtr& pod : context_.ControlledBy("pods", *set)) {
        const std::string phase = TextAt(*pod, {"status", "phase"});
        old_runs = old_runs || (phase != "Succeeded" && phase != "Failed");
      }
    }
    if (old_runs) return context_.Later(Duration(10), key_);
    EnsureNewest(Replicas(deployment_));
    if (newest_ != nullptr) ScaleSet(newest_, Replicas(deployment_));
  }

  // A paused Deployment still follows a change of replicas.
  void FollowScale() {
    const ObjectPtr active = newest_ != nullptr ? newest_ : sets_.empty() ? nullptr : sets_.back();
    if (active != nullptr && Replicas(*active) > 0) ScaleSet(active, Replicas(deployment_));
  }

  void WriteStatus() {
    Json next = deployment_;
    const Json before = ObjectAt(deployment_, {"status"});
    int64_t replicas = 0, ready = 0, available = 0;
    for (const ObjectPtr& set : sets_) {
      replicas += IntAt(*set, {"status", "replicas"});
      ready += IntAt(*set, {"status", "readyReplicas"});
      available += Available(*set);
    }
    const int64_t updated = newest_ == nullptr ? 0 : IntAt(*newest_, {"status", "replicas"});
    const int64_t unavailable = std::max<int64_t>(0, TotalReplicas() - available);
    Json status = {{"observedGeneration", IntAt(deployment_, {"metadata", "generation"})}};
    const auto put = [&](const char* name, int64_t number) {
      if (number > 0) status[name] = number;
    };
    put("replicas", replicas);
    put("updatedReplicas", updated);
    put("readyReplicas", ready);
    put("availableReplicas", available);
    put("unavailableReplicas", unavailable);
    if (before.contains("conditions")) status["conditions"] = before["conditions"];
    next["status"] = std::move(status);
    const bool enough = available >= Replicas(deployment_) - MaxUnavailable();
    const Json* known = FindCondition(next, "Available");
    const bool news = known == nullptr || (TextAt(*known, {"status"}) == "True") != enough;
    SetCondition(next, "Available", enough ? "True" : "False",
                 enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                 enough ? "Deployment has minimum availability."
                        : "Deployment does not have minimum availability.",
                 news);
    JudgeProgress(before, next);
    ReportRefusal(next);
    context_.UpdateStatus(kDeployments, std::move(next));
  }

  // Why a set cannot make its pods, the new set's reason first.
  void ReportRefusal(Json& next) {
    const Json* failure = newest_ == nullptr ? nullptr : FindCondition(*newest_, "ReplicaFailure");
    for (const ObjectPtr& set : sets_) {
      if (failure == nullptr) failure = FindCondition(*set, "ReplicaFailure");
    }
    if (failure != nullptr) {
      const Json* known = FindCondition(next, "ReplicaFailure");
      const bool news =
          known == nullptr || TextAt(*known, {"message"}) != TextAt(*failure, {"message"});
      return SetCondition(next, "ReplicaFailure", "True", TextAt(*failure, {"reason"}),
                          TextAt(*failure, {"message"}), news);
    }
    Json* conditions = Find(next, {"status", "conditions"});
    for (auto it = conditions->begin(); it != conditions->end(); ++it) {
      if (TextAt(*it, {"type"}) != "ReplicaFailure") continue;
      conditions->erase(it);
      return;
    }
  }

  // The Progressing condition (k/k deployment/progress.go).
  void JudgeProgress(const Json& before, Json& next) {
    if (Find(deployment_, {"spec", "progressDeadlineSeconds"}) == nullptr || newest_ == nullptr)
      return;
    const Json& status = next["status"];
    const std::string set = "ReplicaSet \"" + NameOf(*newest_) + "\"";
    if (BoolAt(deployment_, {"spec", "paused"})) return;
    const Json* current = FindCondition(next, "Progressing");
    if (created_) {
      return SetCondition(next, "Progressing", "True", "NewReplicaSetCreated",
                          "Created new replica set \"" + NameOf(*newest_) + "\"", true);
    }
    if (current == nullptr) {
      SetCondition(next, "Progressing", "True", "FoundNewReplicaSet",
                   "Found new replica set \"" + NameOf(*newest_) + "\"", true);
      current = FindCondition(next, "Progressing");
    }
    const std::string reason = TextAt(*current, {"reason"});
    const auto number = [](const Json& from, const char* name) { return IntAt(from, {name}); };
    const bool settled = number(status, "replicas") == number(status, "updatedReplicas") &&
                         reason == "NewReplicaSetAvailable";
    if (settled) return;
    const int64_t wanted = Replicas(deployment_);
    const bool complete = number(status, "updatedReplicas") == wanted &&
                          number(status, "replicas") == wanted &&
                          number(status, "availableReplicas") == wanted;
    const int64_t old_before = number(before, "replicas") - number(before, "updatedReplicas");
    const int64_t old_now = number(status, "replicas") - number(status, "updatedReplicas");
    const bool moved = number(status, "updatedReplicas") > number(before, "updatedReplicas") ||
                       old_now < old_before ||
                       number(status, "readyReplicas") > number(before, "readyReplicas") ||
                       number(status, "availableReplicas") > number(before, "availableReplicas");
    if (complete) {
      SetCondition(next, "Progressing", "True", "NewReplicaSetAvailable",
                   set + " has successfully progressed.", true);
    } else if (moved) {
      SetCondition(next, "Progressing", "True", "ReplicaSetUpdated", set + " is progressing.",
                   true);
      WakeAtDeadline(*FindCondition(next, "Progressing"));
    } else if (reason == "ProgressDeadlineExceeded") {
      return;
    } else if (reason != "NewReplicaSetAvailable" && WakeAtDeadline(*current)) {
      SetCondition(next, "Progressing", "False", "ProgressDeadlineExceeded",
                   set + " has timed out progressing.", true);
    }
  }

  // True when the deadline has passed; else makes sure somebody looks when it does.
  bool WakeAtDeadline(const Json& condition) {
    const Result<SystemTime> since = ParseTime(TextAt(condition, {"lastUpdateTime"}));
    if (!since) return false;
    const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    const Duration left =
        *since + std::chrono::seconds(IntAt(deployment_, {"spec", "progressDeadlineSeconds"})) -
        now;
    if (left.count() < 0) return true;
    context_.Later(left + Duration(10), key_);
    return false;
  }

  void DropHistory() {
    if (newest_ == nullptr ||
        IntAt(*newest_, {"status", "availableReplicas"}) < Replicas(deployment_))
      return;
    std::vector<ObjectPtr> empty = Old();
    std::erase_if(empty, [](const ObjectPtr& set) {
      return Replicas(*set) != 0 || IntAt(*set, {"status", "replicas"}) != 0 || IsTerminating(*set);
    });
    const int64_t limit = IntAt(deployment_, {"spec", "revisionHistoryLimit"}, 10);
    for (size_t i = 0; i + static_cast<size_t>(limit) < empty.size(); ++i)
      context_.Delete(kSets, *empty[i]);
  }

  Json deployment_;
  const ObjectKey& key_;
  ControllerContext& context_;
  std::vector<ObjectPtr> sets_;
  ObjectPtr newest_;
  bool created_ = false;
};

class DeploymentController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key == kDeployments && event.kind != EventKind::kDeleted) {
      return {KeyOf(kDeployments, *event.object)};
    }
    if (event.storage_key != kSets) return {};
    const Json* owner = ControllerOf(*event.object);
    if (owner == nullptr || TextAt(*owner, {"kind"}) != "Deployment") return {};
    return {{kDeployments, NamespaceOf(*event.object), TextAt(*owner, {"name"})}};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr deployment = context.Get(kDeployments, key.ns, key.name);
    if (deployment == nullptr || IsTerminating(*deployment)) return;
    Rollout(*deployment, key, context).Step();
  }
};

}  // namespace

std::unique_ptr<Controller> MakeDeploymentController() {
  return std::make_unique<DeploymentController>();
}

}  // namespace sluice::sandbox
