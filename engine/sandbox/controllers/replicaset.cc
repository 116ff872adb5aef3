#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/sandbox/controllers/controller_host.h"

namespace sluice::sandbox {
namespace {

constexpr char kSets[] = "replicasets.apps";

class ReplicaSetController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key == kSets && event.kind != EventKind::kDeleted)
      return {KeyOf(kSets, *event.object)};
    if (event.storage_key != "pods") return {};
    const Json* owner = ControllerOf(*event.object);
    if (owner == nullptr || TextAt(*owner, {"kind"}) != "ReplicaSet") return {};
    return {{kSets, NamespaceOf(*event.object), TextAt(*owner, {"name"})}};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr set = context.Get(kSets, key.ns, key.name);
    if (set == nullptr) return;
    std::vector<ObjectPtr> pods = context.ControlledBy("pods", *set);
    std::erase_if(pods, [](const ObjectPtr& pod) { return !IsPodActive(*pod); });
    std::string refusal;
    if (!IsTerminating(*set)) refusal = Scale(*set, pods, context);
    UpdateStatus(*set, refusal, key, context);
    if (!refusal.empty()) context.Later(Duration(500), key);
  }

 private:
  // Which pod goes first when there are too many: not ready before ready, younger before older.
  static bool GoesFirst(const ObjectPtr& a, const ObjectPtr& b) {
    if (IsPodReady(*a) != IsPodReady(*b)) return !IsPodReady(*a);
    return TextAt(*a, {"metadata", "creationTimestamp"}) >
           TextAt(*b, {"metadata", "creationTimestamp"});
  }

  // Returns why a pod was refused, or "".
  static std::string Scale(const Json& set, std::vector<ObjectPtr> pods,
                           ControllerContext& context) {
    const int64_t wanted = IntAt(set, {"spec", "replicas"}, 1);
    const auto have = static_cast<int64_t>(pods.size());
    for (int64_t i = have; i < wanted; ++i) {
      Json pod = PodFromTemplate(set, ObjectAt(set, {"spec", "template"}), Json::object());
      pod["metadata"]["generateName"] = NameOf(set) + "-";
      std::string why;
      const ObjectPtr created = context.Create("pods", std::move(pod), &why);
      if (created == nullptr) {
        if (FindCondition(set, "ReplicaFailure") == nullptr) {
          context.Tell(set, "Warning", "FailedCreate", "Error creating: " + why);
        }
        return why;
      }
      context.Tell(set, "Normal", "SuccessfulCreate", "Created pod: " + NameOf(*created));
    }
    std::stable_sort(pods.begin(), pods.end(), GoesFirst);
    for (int64_t i = wanted; i < have; ++i) {
      const Json& pod = *pods[static_cast<size_t>(i - wanted)];
      context.Delete("pods", pod);
      context.Tell(set, "Normal", "SuccessfulDelete", "Deleted pod: " + NameOf(pod));
    }
    return "";
  }

  static void UpdateStatus(const Json& set, const std::string& refusal, const ObjectKey& key,
                           ControllerContext& context) {
    int64_t replicas = 0, ready = 0, available = 0;
    Duration soonest{0};
    for (const ObjectPtr& pod : context.ControlledBy("pods", set)) {
      if (!IsPodActive(*pod)) continue;
      ++replicas;
      ready += IsPodReady(*pod) ? 1 : 0;
      Duration wait{0};
      available += IsPodAvailable(*pod, IntAt(set, {"spec", "minReadySeconds"}), &wait) ? 1 : 0;
      if (wait.count() > 0 && (soonest.count() == 0 || wait < soonest)) soonest = wait;
    }
    Json next = set;
    Json& status = next["status"];
    status = {{"replicas", replicas},
              {"observedGeneration", IntAt(set, {"metadata", "generation"})}};
    if (replicas > 0) status["fullyLabeledReplicas"] = replicas;
    if (ready > 0) status["readyReplicas"] = ready;
    if (available > 0) status["availableReplicas"] = available;
    if (const Json* known = FindCondition(set, "ReplicaFailure");
        known != nullptr && !refusal.empty()) {
      status["conditions"] = Json::array({*known});
    }
    if (!refusal.empty()) SetCondition(next, "ReplicaFailure", "True", "FailedCreate", refusal);
    context.UpdateStatus(kSets, std::move(next));
    if (soonest.count() > 0) context.Later(soonest, key);
  }
};

}  // namespace

std::unique_ptr<Controller> MakeReplicaSetController() {
  return std::make_unique<ReplicaSetController>();
}

}  // namespace sluice::sandbox
