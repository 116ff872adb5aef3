#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/sandbox/controllers/controller_host.h"
#include "engine/sandbox/selectors.h"

namespace sluice::sandbox {
namespace {

constexpr char kClaims[] = "persistentvolumeclaims";
constexpr char kAutoscalers[] = "horizontalpodautoscalers.autoscaling";
constexpr char kBudgets[] = "poddisruptionbudgets.policy";

bool Uses(const Json& pod, const std::string& claim) {
  const Json& volumes = ArrayAt(pod, {"spec", "volumes"});
  return std::any_of(volumes.begin(), volumes.end(), [&](const Json& volume) {
    return TextAt(volume, {"persistentVolumeClaim", "claimName"}) == claim;
  });
}

// Binds every claim to a volume made for it; that of a class which waits for a consumer once a pod
// uses it.
class ClaimController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.kind == EventKind::kDeleted) return {};
    if (event.storage_key == kClaims) return {KeyOf(kClaims, *event.object)};
    std::vector<ObjectKey> keys;
    if (event.storage_key != "pods") return keys;
    for (const Json& volume : ArrayAt(*event.object, {"spec", "volumes"})) {
      const std::string name = TextAt(volume, {"persistentVolumeClaim", "claimName"});
      if (!name.empty()) keys.push_back({kClaims, NamespaceOf(*event.object), name});
    }
    return keys;
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr claim = context.Get(kClaims, key.ns, key.name);
    if (claim == nullptr) return;
    if (IsTerminating(*claim)) return Release(*claim, key, context);
    if (TextAt(*claim, {"status", "phase"}) == "Bound" || Waits(*claim, context)) return;
    const std::string volume = TextAt(*claim, {"spec", "volumeName"}).empty()
                                   ? "pvc-" + UidOf(*claim)
                                   : TextAt(*claim, {"spec", "volumeName"});
    Json next = *claim;
    next["spec"]["volumeName"] = volume;
    const ObjectPtr bound = context.Update(kClaims, std::move(next));
    if (bound == nullptr) return;
    Json status = *bound;
    status["status"] = {{"phase", "Bound"},
                        {"accessModes", ArrayAt(*claim, {"spec", "accessModes"})},
                        {"capacity", ObjectAt(*claim, {"spec", "resources", "requests"})}};
    context.UpdateStatus(kClaims, std::move(status));
  }

 private:
  static bool Waits(const Json& claim, ControllerContext& context) {
    const std::string name = TextAt(claim, {"spec", "storageClassName"});
    if (name.empty() || !TextAt(claim, {"spec", "volumeName"}).empty()) return false;
    const ObjectPtr storage = context.Get("storageclasses.storage.k8s.io", "", name);
    const bool is_new = TextAt(claim, {"status", "phase"}).empty();
    if (storage == nullptr) {
      if (is_new)
        context.Tell(claim, "Warning", "ProvisioningFailed",
                     "storageclass.storage.k8s.io \"" + name + "\" not found");
    } else if (TextAt(*storage, {"volumeBindingMode"}) != "WaitForFirstConsumer") {
      return false;
    } else {
      for (const ObjectPtr& pod : context.List("pods", NamespaceOf(claim))) {
        if (IsPodActive(*pod) && Uses(*pod, NameOf(claim))) return false;
      }
      if (is_new)
        context.Tell(claim, "Normal", "WaitForFirstConsumer",
                     "waiting for first consumer to be created before binding");
    }
    if (is_new) {
      Json next = claim;
      next["status"]["phase"] = "Pending";
      context.UpdateStatus(kClaims, std::move(next));
    }
    return true;
  }

  // A claim that is deleted stays while a pod uses it.
  static void Release(const Json& claim, const ObjectKey& key, ControllerContext& context) {
    for (const ObjectPtr& pod : context.List("pods", key.ns)) {
      if (TextAt(*pod, {"status", "phase"}) == "Succeeded" ||
          TextAt(*pod, {"status", "phase"}) == "Failed")
        continue;
      if (Uses(*pod, NameOf(claim))) return context.Later(context.timings().pod_termination, key);
    }
    Json next = claim;
    Json& finalizers = next["metadata"]["finalizers"];
    finalizers.erase(
        std::remove(finalizers.begin(), finalizers.end(), Json("kubernetes.io/pvc-protection")),
        finalizers.end());
    if (finalizers.empty()) next["metadata"].erase("finalizers");
    context.Update(kClaims, std::move(next));
  }
};

// Holds the target between minReplicas and maxReplicas; there are no metrics to follow.
class AutoscalerController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key != kAutoscalers || event.kind == EventKind::kDeleted) return {};
    return {KeyOf(kAutoscalers, *event.object)};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr scaler = context.Get(kAutoscalers, key.ns, key.name);
    if (scaler == nullptr || IsTerminating(*scaler)) return;
    const std::string version = TextAt(*scaler, {"spec", "scaleTargetRef", "apiVersion"});
    const TypePtr type = context.cluster().types.FindKind(
        version.substr(0, version.find('/')), TextAt(*scaler, {"spec", "scaleTargetRef", "kind"}));
    const ObjectPtr target = type == nullptr || !type->has_scale || type->IsCustom()
                                 ? nullptr
                                 : context.Get(type->StorageKey(), key.ns,
                                               TextAt(*scaler, {"spec", "scaleTargetRef", "name"}));
    Json next = *scaler;
    if (target == nullptr) {
      SetCondition(next, "AbleToScale", "False", "FailedGetScale",
                   "the HPA controller was unable to get the target's current scale");
      context.UpdateStatus(kAutoscalers, std::move(next));
      return context.Later(Duration(1000), key);
    }
    const int64_t current = IntAt(*target, {"spec", "replicas"}, 1);
    const int64_t wanted = std::clamp(current, IntAt(*scaler, {"spec", "minReplicas"}, 1),
                                      IntAt(*scaler, {"spec", "maxReplicas"}, 1));
    if (wanted != current) {
      Json scaled = *target;
      scaled["spec"]["replicas"] = wanted;
      WriteOptions options;
      options.manager = "kube-controller-manager";
      options.subresource = "scale";
      (void)context.cluster().writer.Update(*type, std::move(scaled), options);
    }
    next["status"]["currentReplicas"] = current;
    next["status"]["desiredReplicas"] = wanted;
    SetCondition(next, "AbleToScale", "True", "ReadyForNewScale",
                 "recommended size matches current size");
    SetCondition(next, "ScalingActive", "True", "ValidMetricFound",
                 "simulated: the target is held within its bounds");
    context.UpdateStatus(kAutoscalers, std::move(next));
    if (wanted != current) context.Later(context.timings().controller, key);
  }
};

class DisruptionController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key != kBudgets || event.kind == EventKind::kDeleted) return {};
    return {KeyOf(kBudgets, *event.object)};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr budget = context.Get(kBudgets, key.ns, key.name);
    if (budget == nullptr || IsTerminating(*budget)) return;
    int64_t expected = 0, healthy = 0;
    for (const ObjectPtr& pod : context.List("pods", key.ns)) {
      if (!IsPodActive(*pod)) continue;
      if (!MatchesSelector(ObjectAt(*budget, {"spec", "selector"}),
                           ObjectAt(*pod, {"metadata", "labels"})))
        continue;
      ++expected;
      healthy += IsPodReady(*pod) ? 1 : 0;
    }
    const Json* least = Find(*budget, {"spec", "minAvailable"});
    const int64_t desired =
        least != nullptr
            ? Resolve(least, expected, true)
            : expected - Resolve(Find(*budget, {"spec", "maxUnavailable"}), expected, true);
    const int64_t allowed = std::max<int64_t>(0, healthy - desired);
    Json next = *budget;
    Json& status = Ensure(next, {"status"});
    status["expectedPods"] = expected;
    status["currentHealthy"] = healthy;
    status["desiredHealthy"] = std::max<int64_t>(0, desired);
    status["disruptionsAllowed"] = allowed;
    status["observedGeneration"] = IntAt(*budget, {"metadata", "generation"});
    SetCondition(next, "DisruptionAllowed", allowed > 0 ? "True" : "False",
                 allowed > 0 ? "SufficientPods" : "InsufficientPods", "");
    context.UpdateStatus(kBudgets, std::move(next));
  }
};

}  // namespace

std::unique_ptr<Controller> MakeClaimController() { return std::make_unique<ClaimController>(); }
std::unique_ptr<Controller> MakeAutoscalerController() {
  return std::make_unique<AutoscalerController>();
}
std::unique_ptr<Controller> MakeDisruptionController() {
  return std::make_unique<DisruptionController>();
}

}  // namespace sluice::sandbox
