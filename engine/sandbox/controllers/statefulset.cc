#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/sandbox/controllers/controller_host.h"

namespace sluice::sandbox {
namespace {

constexpr char kStatefulSets[] = "statefulsets.apps";
constexpr char kRevisions[] = "controllerrevisions.apps";
constexpr char kHash[] = "controller-revision-hash";

int64_t Ordinal(const Json& pod) {
  const std::string name = NameOf(pod);
  return std::strtoll(name.substr(name.rfind('-') + 1).c_str(), nullptr, 10);
}

// One look at one StatefulSet. With OrderedReady it never goes past a pod that is not ready, so a
// broken new pod stays although the template was put back, until somebody deletes it (k/k#67250).
class Rollout {
 public:
  Rollout(const Json& set, const ObjectKey& key, ControllerContext& context)
      : set_(set), key_(key), context_(context) {
    replicas_ = IntAt(set, {"spec", "replicas"}, 1);
    start_ = IntAt(set, {"spec", "ordinals", "start"});
    parallel_ = TextAt(set, {"spec", "podManagementPolicy"}) == "Parallel";
    partition_ = IntAt(set, {"spec", "updateStrategy", "rollingUpdate", "partition"});
    update_revision_ = NameOf(set) + "-" + TemplateHash(ObjectAt(set, {"spec", "template"}));
    current_revision_ = TextAt(set, {"status", "currentRevision"});
    if (current_revision_.empty()) current_revision_ = update_revision_;
    for (const ObjectPtr& pod : context.ControlledBy("pods", set)) pods_[Ordinal(*pod)] = pod;
  }

  void Step() {
    EnsureRevision();
    if (!IsTerminating(set_)) {
      if (CreateMissing() && RemoveSurplus()) ReplaceOutdated();
    }
    WriteStatus();
  }

 private:
  void EnsureRevision() {
    if (context_.Get(kRevisions, key_.ns, update_revision_) != nullptr) return;
    int64_t number = 0;
    for (const ObjectPtr& revision : context_.ControlledBy(kRevisions, set_)) {
      number = std::max(number, IntAt(*revision, {"revision"}));
    }
    Json labels = ObjectAt(set_, {"spec", "template", "metadata", "labels"});
    labels[kHash] = update_revision_;
    context_.Create(kRevisions,
                    {{"metadata",
                      {{"name", update_revision_},
                       {"namespace", key_.ns},
                       {"labels", labels},
                       {"ownerReferences", Json::array({OwnerReference(set_)})}}},
                     {"data", {{"spec", {{"template", ObjectAt(set_, {"spec", "template"})}}}}},
                     {"revision", number + 1}});
  }

  Json TemplateOf(const std::string& revision) const {
    if (revision == update_revision_) return ObjectAt(set_, {"spec", "template"});
    const ObjectPtr stored = context_.Get(kRevisions, key_.ns, revision);
    return stored == nullptr ? ObjectAt(set_, {"spec", "template"})
                             : ObjectAt(*stored, {"data", "spec", "template"});
  }

  void CreateClaims(Json& pod) {
    for (const Json& claim : ArrayAt(set_, {"spec", "volumeClaimTemplates"})) {
      const std::string name = NameOf(claim) + "-" + NameOf(pod);
      Json& volumes = pod["spec"]["volumes"];
      if (FindByKey(volumes, "name", NameOf(claim)) == nullptr) {
        volumes.push_back(
            {{"name", NameOf(claim)}, {"persistentVolumeClaim", {{"claimName", name}}}});
      }
      if (context_.Get("persistentvolumeclaims", key_.ns, name) != nullptr) continue;
      Json object = claim;
      object["metadata"]["name"] = name;
      object["metadata"]["namespace"] = key_.ns;
      object["metadata"]["labels"] = ObjectAt(set_, {"spec", "selector", "matchLabels"});
      object.erase("status");
      context_.Create("persistentvolumeclaims", std::move(object));
    }
  }

  bool CreatePod(int64_t ordinal) {
    // Below the partition, and while others still run it, a lost pod comes back at the current
    // revision.
    const std::string& revision = ordinal < partition_ ? current_revision_ : update_revision_;
    Json pod = PodFromTemplate(set_, TemplateOf(revision), {{kHash, revision}});
    const std::string name = NameOf(set_) + "-" + std::to_string(ordinal);
    pod["metadata"]["name"] = name;
    pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = name;
    pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = std::to_string(ordinal);
    pod["spec"]["hostname"] = name;
    pod["spec"]["subdomain"] = TextAt(set_, {"spec", "serviceName"});
    if (TextAt(pod, {"spec", "subdomain"}).empty()) pod["spec"].erase("subdomain");
    CreateClaims(pod);
    const ObjectPtr created = context_.Create("pods", std::move(pod));
    if (created == nullptr) return false;
    pods_[ordinal] = created;
    context_.Tell(set_, "Normal", "SuccessfulCreate",
                  "create Pod " + name + " in StatefulSet " + NameOf(set_) + " successful");
    return true;
  }

  // False while an ordinal is being waited for.
  bool CreateMissing() {
    for (int64_t ordinal = start_; ordinal < start_ + replicas_; ++ordinal) {
      const auto it = pods_.find(ordinal);
      if (it == pods_.end()) {
        if (!CreatePod(ordinal) || !parallel_) return false;
        continue;
      }
      const std::string phase = TextAt(*it->second, {"status", "phase"});
      if ((phase == "Failed" || phase == "Succeeded") && !IsTerminating(*it->second)) {
        context_.Delete("pods", *it->second);
        return false;
      }
      if (!parallel_ &&
          (IsTerminating(*it->second) || !IsPodAvailable(*it->second, MinReady(), nullptr)))
        return false;
    }
    return true;
  }

  bool RemoveSurplus() {
    for (auto it = pods_.rbegin(); it != pods_.rend(); ++it) {
      if (it->first >= start_ && it->first < start_ + replicas_) continue;
      if (!IsTerminating(*it->second)) context_.Delete("pods", *it->second);
      if (!parallel_) return false;
    }
    return true;
  }

  // From the highest ordinal down, one at a time, never past one that is not ready.
  void ReplaceOutdated() {
    if (TextAt(set_, {"spec", "updateStrategy", "type"}) == "OnDelete") return;
    for (auto it = pods_.rbegin(); it != pods_.rend(); ++it) {
      const Json& pod = *it->second;
      if (it->first < std::max(partition_, start_)) return;
      if (IsTerminating(pod)) return;
      if (TextAt(pod, {"metadata", "labels", kHash}) != update_revision_) {
        context_.Delete("pods", pod);
        context_.Tell(
            set_, "Normal", "SuccessfulDelete",
            "delete Pod " + NameOf(pod) + " in StatefulSet " + NameOf(set_) + " successful");
        return;
      }
      if (!IsPodAvailable(pod, MinReady(), nullptr)) return;
    }
  }

  int64_t MinReady() const { return IntAt(set_, {"spec", "minReadySeconds"}); }

  void WriteStatus() {
    int64_t replicas = 0, ready = 0, available = 0, updated = 0, current = 0;
    for (const auto& [ordinal, pod] : pods_) {
      const ObjectPtr now = context_.Get("pods", key_.ns, NameOf(*pod));
      if (now == nullptr) continue;
      ++replicas;
      ready += IsPodReady(*now) ? 1 : 0;
      available += IsPodAvailable(*now, MinReady(), nullptr) ? 1 : 0;
      if (IsTerminating(*now)) continue;
      const std::string revision = TextAt(*now, {"metadata", "labels", kHash});
      updated += revision == update_revision_ ? 1 : 0;
      current += revision == current_revision_ ? 1 : 0;
    }
    const bool done =
        updated == replicas_ && ready == replicas_ && replicas == replicas_ && partition_ == 0;
    if (done) {
      current_revision_ = update_revision_;
      current = updated;
    }
    Json next = set_;
    Json status = {{"replicas", replicas},
                   {"availableReplicas", available},
                   {"observedGeneration", IntAt(set_, {"metadata", "generation"})},
                   {"collisionCount", 0},
                   {"currentRevision", current_revision_},
                   {"updateRevision", update_revision_}};
    if (ready > 0) status["readyReplicas"] = ready;
    if (updated > 0) status["updatedReplicas"] = updated;
    if (current > 0) status["currentReplicas"] = current;
    next["status"] = std::move(status);
    context_.UpdateStatus(kStatefulSets, std::move(next));
    if (MinReady() > 0 && available < ready) context_.Later(std::chrono::seconds(1), key_);
  }

  const Json& set_;
  const ObjectKey& key_;
  ControllerContext& context_;
  int64_t replicas_ = 0;
  int64_t start_ = 0;
  int64_t partition_ = 0;
  bool parallel_ = false;
  std::string update_revision_;
  std::string current_revision_;
  std::map<int64_t, ObjectPtr> pods_;
};

class StatefulSetController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key == kStatefulSets && event.kind != EventKind::kDeleted) {
      return {KeyOf(kStatefulSets, *event.object)};
    }
    if (event.storage_key != "pods") return {};
    const Json* owner = ControllerOf(*event.object);
    if (owner == nullptr || TextAt(*owner, {"kind"}) != "StatefulSet") return {};
    return {{kStatefulSets, NamespaceOf(*event.object), TextAt(*owner, {"name"})}};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr set = context.Get(kStatefulSets, key.ns, key.name);
    if (set == nullptr || IsTerminating(*set)) return;
    Rollout(*set, key, context).Step();
  }
};

}  // namespace

std::unique_ptr<Controller> MakeStatefulSetController() {
  return std::make_unique<StatefulSetController>();
}

}  // namespace sluice::sandbox
