// What else to read for a verdict, and which pods belong to the revision that is rolled out.
#include <algorithm>
#include <array>
#include <map>

#include "engine/model/resource.h"
#include "engine/targets/kubernetes/health.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/health_kinds.h"

namespace sluice::targets {
namespace {

constexpr size_t kMaxEventSubjects = 6;

bool IsKind(const nlohmann::json& live, std::string_view group, std::string_view kind) {
  return ToText(At(live, "kind")) == kind && GroupOf(ToText(At(live, "apiVersion"))) == group;
}

// The controller adds the label pod-template-hash to the ReplicaSet's copy of the template.
nlohmann::json TemplateWithoutHash(const nlohmann::json& owner) {
  nlohmann::json copy = At(owner, "spec", "template");
  if (!copy.is_object()) return copy;
  nlohmann::json& metadata = copy["metadata"];
  if (metadata.is_object()) {
    metadata.erase("creationTimestamp");
    if (metadata.contains("labels") && metadata["labels"].is_object()) {
      metadata["labels"].erase("pod-template-hash");
      if (metadata["labels"].empty()) metadata.erase("labels");
    }
  }
  if (metadata.is_null() || metadata.empty()) copy.erase("metadata");
  return copy;
}

std::string Label(const nlohmann::json& object, std::string_view key) {
  return ToText(At(object, "metadata", "labels", key));
}

std::string NewestRevisionHash(const nlohmann::json& live, const nlohmann::json& revisions) {
  const nlohmann::json* newest = nullptr;
  for (const nlohmann::json& revision : Items(revisions)) {
    if (!IsControlledBy(revision, UidOf(live))) continue;
    if (!newest || ToInt(At(revision, "revision")) > ToInt(At(*newest, "revision")))
      newest = &revision;
  }
  return newest ? Label(*newest, "controller-revision-hash") : "";
}

// Pods controlled by `uid`; with a label key only those whose label equals `hash`.
nlohmann::json OwnedPods(const nlohmann::json& pods, std::string_view uid,
                         std::string_view key = "", const std::string& hash = "") {
  nlohmann::json owned = nlohmann::json::array();
  for (const nlohmann::json& pod : Items(pods)) {
    if (IsControlledBy(pod, uid) && (key.empty() || Label(pod, key) == hash)) owned.push_back(pod);
  }
  return owned;
}

bool HasController(const nlohmann::json& live) {
  return std::ranges::any_of(
      Items(At(live, "metadata", "ownerReferences")),
      [](const nlohmann::json& owner) { return ToBool(At(owner, "controller")); });
}

std::string PodSelector(const nlohmann::json& live) {
  const nlohmann::json& selector = At(live, "spec", "selector");
  // A ReplicationController's selector is a bare map.
  if (IsKind(live, "", "ReplicationController")) return SelectorText({{"matchLabels", selector}});
  return SelectorText(selector);
}

}  // namespace

const nlohmann::json& TargetReplicaSet(const nlohmann::json& deployment,
                                       const nlohmann::json& replica_sets) {
  const nlohmann::json wanted = TemplateWithoutHash(deployment);
  const nlohmann::json* oldest = nullptr;
  const auto age_key = [](const nlohmann::json& rs) {
    return std::pair(ToText(At(rs, "metadata", "creationTimestamp")), NameOf(rs));
  };
  for (const nlohmann::json& candidate : Items(replica_sets)) {
    if (!IsControlledBy(candidate, UidOf(deployment)) || TemplateWithoutHash(candidate) != wanted)
      continue;
    if (!oldest || age_key(candidate) < age_key(*oldest)) oldest = &candidate;
  }
  if (oldest) return *oldest;
  // Defaults of a newer server may sit in one template only; the revision number still agrees.
  constexpr const char* kRevision = "deployment.kubernetes.io/revision";
  const std::string revision = ToText(At(deployment, "metadata", "annotations", kRevision));
  for (const nlohmann::json& candidate : Items(replica_sets)) {
    if (!revision.empty() && IsControlledBy(candidate, UidOf(deployment)) &&
        ToText(At(candidate, "metadata", "annotations", kRevision)) == revision) {
      return candidate;
    }
  }
  return NullJson();
}

nlohmann::json PodsOfNewRevision(const nlohmann::json& live, const HealthContext& context) {
  if (IsKind(live, "", "Pod")) return nlohmann::json::array({live});
  if (IsKind(live, "apps", "Deployment")) {
    const nlohmann::json& target = TargetReplicaSet(live, context.replica_sets);
    if (target.is_null()) return nlohmann::json::array();
    return OwnedPods(context.pods, UidOf(target), "pod-template-hash",
                     Label(target, "pod-template-hash"));
  }
  if (IsKind(live, "apps", "StatefulSet")) {
    const std::string hash = ToText(At(live, "status", "updateRevision"));
    return hash.empty() ? nlohmann::json::array()
                        : OwnedPods(context.pods, UidOf(live), "controller-revision-hash", hash);
  }
  if (IsKind(live, "apps", "DaemonSet")) {
    const std::string hash = NewestRevisionHash(live, context.controller_revisions);
    return hash.empty() ? nlohmann::json::array()
                        : OwnedPods(context.pods, UidOf(live), "controller-revision-hash", hash);
  }
  const bool owns_all = IsKind(live, "batch", "Job") || IsKind(live, "apps", "ReplicaSet") ||
                        IsKind(live, "", "ReplicationController");
  return owns_all ? OwnedPods(context.pods, UidOf(live)) : nlohmann::json::array();
}

RelatedNeeds NeedsFor(const nlohmann::json& live, Depth depth) {
  RelatedNeeds needs;
  const bool is_deployment = IsKind(live, "apps", "Deployment");
  const ObjectHealth alone = AssessObject(live, {});
  const bool is_late =
      ToText(At(Condition(live, "Progressing"), "reason")) == "ProgressDeadlineExceeded";
  if (is_deployment && is_late && alone.reason != "Terminating") {
    // The condition may be stale: the target ReplicaSet's counts decide.
    needs.replica_sets = true;
    needs.selector = PodSelector(live);
  }
  const bool keeps_its_pods = IsKind(live, "", "ReplicationController") ||
                              (IsKind(live, "apps", "ReplicaSet") && !HasController(live));
  if (keeps_its_pods && alone.health == Health::kHealthy &&
      ToInt(At(live, "spec", "replicas"), 1) > 0) {
    needs.selector = PodSelector(live);
    needs.pods = !needs.selector.empty();
  }
  const bool is_unwell = alone.health == Health::kProgressing || alone.health == Health::kDegraded;
  if (!is_unwell || alone.reason == "Terminating") return needs;
  const bool is_claim = IsKind(live, "", "PersistentVolumeClaim");
  if (is_claim) needs.storage_class = ToText(At(live, "spec", "storageClassName"));
  needs.events = is_claim;
  if (depth == Depth::kJudge) return needs;
  // Nobody writes events about what nobody reports on, save a Service's cloud.
  needs.events = !alone.is_unreported || IsKind(live, "", "Service");
  const bool has_pods = is_deployment || IsKind(live, "apps", "StatefulSet") ||
                        IsKind(live, "apps", "DaemonSet") || IsKind(live, "apps", "ReplicaSet") ||
                        IsKind(live, "batch", "Job") || IsKind(live, "", "ReplicationController");
  if (!has_pods) return needs;
  needs.selector = PodSelector(live);
  if (needs.selector.empty()) return needs;  // never list the pods of a whole namespace
  needs.pods = true;
  needs.replica_sets = is_deployment;
  needs.controller_revisions = IsKind(live, "apps", "DaemonSet");
  return needs;
}

std::vector<std::string> EventSubjects(const nlohmann::json& live, const HealthContext& context) {
  std::vector<std::string> uids;
  const auto add = [&](const nlohmann::json& object) {
    const std::string uid = UidOf(object);
    if (!uid.empty() && uids.size() < kMaxEventSubjects &&
        std::ranges::find(uids, uid) == uids.end())
      uids.push_back(uid);
  };
  add(live);
  if (IsKind(live, "apps", "Deployment")) add(TargetReplicaSet(live, context.replica_sets));
  for (const nlohmann::json& pod : PodsOfNewRevision(live, context)) {
    if (!IsConditionTrue(pod, "Ready") && ToText(At(pod, "status", "phase")) != "Succeeded")
      add(pod);
  }
  return uids;
}

std::string SelectorText(const nlohmann::json& label_selector) {
  std::string text;
  const auto add = [&](const std::string& term) { text += (text.empty() ? "" : ",") + term; };
  const nlohmann::json& labels = At(label_selector, "matchLabels");
  if (labels.is_object()) {
    for (const auto& [key, value] : labels.items()) add(key + "=" + ToText(value));
  }
  for (const nlohmann::json& expression : Items(At(label_selector, "matchExpressions"))) {
    const std::string key = ToText(At(expression, "key"));
    const std::string op = ToText(At(expression, "operator"));
    std::string values;
    for (const nlohmann::json& value : Items(At(expression, "values")))
      values += (values.empty() ? "" : ",") + ToText(value);
    if (op == "In") add(key + " in (" + values + ")");
    if (op == "NotIn") add(key + " notin (" + values + ")");
    if (op == "Exists") add(key);
    if (op == "DoesNotExist") add("!" + key);
  }
  return text;
}

bool IsBuiltInGroup(std::string_view group) {
  // Groups under k8s.io are no proof: gateway.networking.k8s.io and snapshot.storage.k8s.io come
  // from CRDs.
  static constexpr std::array<std::string_view, 24> kGroups = {"",
                                                               "apps",
                                                               "batch",
                                                               "autoscaling",
                                                               "policy",
                                                               "extensions",
                                                               "events.k8s.io",
                                                               "networking.k8s.io",
                                                               "rbac.authorization.k8s.io",
                                                               "storage.k8s.io",
                                                               "apiextensions.k8s.io",
                                                               "apiregistration.k8s.io",
                                                               "admissionregistration.k8s.io",
                                                               "authentication.k8s.io",
                                                               "authorization.k8s.io",
                                                               "certificates.k8s.io",
                                                               "coordination.k8s.io",
                                                               "discovery.k8s.io",
                                                               "flowcontrol.apiserver.k8s.io",
                                                               "node.k8s.io",
                                                               "resource.k8s.io",
                                                               "scheduling.k8s.io",
                                                               "storagemigration.k8s.io",
                                                               "internal.apiserver.k8s.io"};
  return std::ranges::find(kGroups, group) != kGroups.end();
}

}  // namespace sluice::targets
