#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/sandbox/controllers/controller_host.h"

namespace sluice::sandbox {
namespace {

constexpr char kDaemonSets[] = "daemonsets.apps";
constexpr char kRevisions[] = "controllerrevisions.apps";
constexpr char kHash[] = "controller-revision-hash";

// One pod on the one node; an update replaces it, old before new unless maxSurge allows both.
class DaemonSetController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key == kDaemonSets && event.kind != EventKind::kDeleted) {
      return {KeyOf(kDaemonSets, *event.object)};
    }
    if (event.storage_key != "pods") return {};
    const Json* owner = ControllerOf(*event.object);
    if (owner == nullptr || TextAt(*owner, {"kind"}) != "DaemonSet") return {};
    return {{kDaemonSets, NamespaceOf(*event.object), TextAt(*owner, {"name"})}};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr set = context.Get(kDaemonSets, key.ns, key.name);
    if (set == nullptr || IsTerminating(*set)) return;
    const std::string hash = TemplateHash(ObjectAt(*set, {"spec", "template"}));
    EnsureRevision(*set, hash, context);
    if (Fits(*set, context)) KeepOnePod(*set, hash, context);
    WriteStatus(*set, hash, context);
  }

 private:
  static bool Fits(const Json& set, ControllerContext& context) {
    const ObjectPtr node = context.Get("nodes", "", "node-0");
    if (node == nullptr) return false;
    for (const auto& [name, value] :
         ObjectAt(set, {"spec", "template", "spec", "nodeSelector"}).items()) {
      const Json* label = Find(*node, {"metadata", "labels", name});
      if (label == nullptr || *label != value) return false;
    }
    return true;
  }

  static void EnsureRevision(const Json& set, const std::string& hash, ControllerContext& context) {
    const std::string name = NameOf(set) + "-" + hash;
    int64_t highest = 0;
    for (const ObjectPtr& revision : context.ControlledBy(kRevisions, set)) {
      highest = std::max(highest, IntAt(*revision, {"revision"}));
    }
    const ObjectPtr existing = context.Get(kRevisions, NamespaceOf(set), name);
    if (existing == nullptr) {
      Json labels = ObjectAt(set, {"spec", "template", "metadata", "labels"});
      labels[kHash] = hash;
      context.Create(kRevisions,
                     {{"metadata",
                       {{"name", name},
                        {"namespace", NamespaceOf(set)},
                        {"labels", labels},
                        {"ownerReferences", Json::array({OwnerReference(set)})}}},
                      {"data", {{"spec", {{"template", ObjectAt(set, {"spec", "template"})}}}}},
                      {"revision", highest + 1}});
    } else if (IntAt(*existing, {"revision"}) < highest) {
      Json next = *existing;
      next["revision"] = highest + 1;
      context.Update(kRevisions, std::move(next));
    }
  }

  static void KeepOnePod(const Json& set, const std::string& hash, ControllerContext& context) {
    std::vector<ObjectPtr> old_pods, new_pods;
    for (const ObjectPtr& pod : context.ControlledBy("pods", set)) {
      (TextAt(*pod, {"metadata", "labels", kHash}) == hash ? new_pods : old_pods).push_back(pod);
    }
    for (const std::vector<ObjectPtr>* pods : {&old_pods, &new_pods}) {
      for (const ObjectPtr& pod : *pods) {
        const std::string phase = TextAt(*pod, {"status", "phase"});
        if ((phase == "Failed" || phase == "Succeeded") && !IsTerminating(*pod))
          context.Delete("pods", *pod);
      }
    }
    const bool on_delete = TextAt(set, {"spec", "updateStrategy", "type"}) == "OnDelete";
    const bool surge =
        Resolve(Find(set, {"spec", "updateStrategy", "rollingUpdate", "maxSurge"}), 1, true) > 0;
    const bool new_serves = std::any_of(new_pods.begin(), new_pods.end(),
                                        [](const ObjectPtr& pod) { return IsPodReady(*pod); });
    if (!on_delete && (!surge || new_serves)) {
      for (const ObjectPtr& pod : old_pods) {
        if (!IsTerminating(*pod)) context.Delete("pods", *pod);
      }
    }
    const bool room = old_pods.empty() || (surge && !on_delete);
    if (!new_pods.empty() || !room) return;
    Json pod = PodFromTemplate(
        set, ObjectAt(set, {"spec", "template"}),
        {{kHash, hash},
         {"pod-template-generation", std::to_string(IntAt(set, {"metadata", "generation"}))}});
    pod["metadata"]["generateName"] = NameOf(set) + "-";
    const ObjectPtr created = context.Create("pods", std::move(pod));
    if (created != nullptr)
      context.Tell(set, "Normal", "SuccessfulCreate", "Created pod: " + NameOf(*created));
  }

  static void WriteStatus(const Json& set, const std::string& hash, ControllerContext& context) {
    const int64_t desired = Fits(set, context) ? 1 : 0;
    int64_t current = 0, ready = 0, updated = 0;
    for (const ObjectPtr& pod : context.ControlledBy("pods", set)) {
      if (!IsPodActive(*pod)) continue;
      current = 1;
      if (IsPodReady(*pod)) ready = 1;
      if (TextAt(*pod, {"metadata", "labels", kHash}) == hash) updated = 1;
    }
    Json next = set;
    Json status = {{"currentNumberScheduled", current},
                   {"desiredNumberScheduled", desired},
                   {"numberMisscheduled", 0},
                   {"numberReady", ready},
                   {"observedGeneration", IntAt(set, {"metadata", "generation"})}};
    if (ready > 0) status["numberAvailable"] = ready;
    if (desired > ready) status["numberUnavailable"] = desired - ready;
    if (updated > 0) status["updatedNumberScheduled"] = updated;
    next["status"] = std::move(status);
    context.UpdateStatus(kDaemonSets, std::move(next));
  }
};

}  // namespace

std::unique_ptr<Controller> MakeDaemonSetController() {
  return std::make_unique<DaemonSetController>();
}

}  // namespace sluice::sandbox
