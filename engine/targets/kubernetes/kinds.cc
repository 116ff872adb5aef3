#include "engine/targets/kubernetes/kinds.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::targets::kubernetes {
namespace {

enum Stage { kFoundations, kConfiguration, kBindings, kWorkloads, kCustom, kInterceptors };

// Deleted first to last, what is served before what serves it: custom objects need their operators
// and definitions, what intercepts writes its workload, workloads what they use; namespaces come at
// the very end.
enum DeletionGroup {
  kServed,  // by a definition or an operator: custom objects, and what nobody knows
  kIntercepting,
  kRouting,
  kFronting,
  kRunning,
  kConfiguring,
  kGranting,
  kStoring,
  kDefining,
  kHolding,
};

struct Row {
  Stage stage;
  DeletionGroup deletion;
  std::string_view group;
  std::string_view kind;
};

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::string_view kAdmission = "admissionregistration.k8s.io";

// Rows of one stage are in the order they are sent (Helm's, but for what SSA needs). Bindings come
// a stage after roles: the server looks a role up before it lets us bind it.
constexpr auto kTable = std::to_array<Row>({
    {kFoundations, kHolding, "", "Namespace"},
    {kFoundations, kDefining, "apiextensions.k8s.io", "CustomResourceDefinition"},
    {kFoundations, kStoring, "scheduling.k8s.io", "PriorityClass"},
    {kFoundations, kStoring, "storage.k8s.io", "StorageClass"},
    {kFoundations, kStoring, "storage.k8s.io", "VolumeAttributesClass"},
    {kFoundations, kStoring, "storage.k8s.io", "CSIDriver"},
    {kFoundations, kStoring, "snapshot.storage.k8s.io", "VolumeSnapshotClass"},
    {kFoundations, kStoring, "node.k8s.io", "RuntimeClass"},
    {kFoundations, kStoring, "networking.k8s.io", "IngressClass"},
    {kFoundations, kStoring, "resource.k8s.io", "DeviceClass"},
    {kFoundations, kGranting, kRbac, "ClusterRole"},

    {kConfiguration, kConfiguring, "networking.k8s.io", "NetworkPolicy"},
    {kConfiguration, kConfiguring, "", "ResourceQuota"},
    {kConfiguration, kConfiguring, "", "LimitRange"},
    {kConfiguration, kGranting, "", "ServiceAccount"},
    {kConfiguration, kGranting, kRbac, "Role"},
    {kConfiguration, kConfiguring, "", "Secret"},
    {kConfiguration, kConfiguring, "", "ConfigMap"},
    {kConfiguration, kStoring, "", "PersistentVolume"},
    {kConfiguration, kStoring, "", "PersistentVolumeClaim"},
    {kConfiguration, kConfiguring, "", "PodTemplate"},

    {kBindings, kGranting, kRbac, "ClusterRoleBinding"},
    {kBindings, kGranting, kRbac, "RoleBinding"},

    {kWorkloads, kFronting, "policy", "PodDisruptionBudget"},
    {kWorkloads, kFronting, "", "Service"},
    {kWorkloads, kFronting, "", "Endpoints"},
    {kWorkloads, kFronting, "discovery.k8s.io", "EndpointSlice"},
    {kWorkloads, kRunning, "apps", "DaemonSet"},
    {kWorkloads, kRunning, "", "Pod"},
    {kWorkloads, kRunning, "", "ReplicationController"},
    {kWorkloads, kRunning, "apps", "ReplicaSet"},
    {kWorkloads, kRunning, "apps", "Deployment"},
    {kWorkloads, kFronting, "autoscaling", "HorizontalPodAutoscaler"},
    {kWorkloads, kRunning, "apps", "StatefulSet"},
    {kWorkloads, kRunning, "batch", "Job"},
    {kWorkloads, kRunning, "batch", "CronJob"},
    {kWorkloads, kRouting, "networking.k8s.io", "Ingress"},
    {kWorkloads, kConfiguring, "coordination.k8s.io", "Lease"},

    // What is called for every write of others comes when its own workload is there.
    {kInterceptors, kDefining, "apiregistration.k8s.io", "APIService"},
    {kInterceptors, kIntercepting, kAdmission, "ValidatingAdmissionPolicy"},
    {kInterceptors, kIntercepting, kAdmission, "ValidatingAdmissionPolicyBinding"},
    {kInterceptors, kIntercepting, kAdmission, "MutatingAdmissionPolicy"},
    {kInterceptors, kIntercepting, kAdmission, "MutatingAdmissionPolicyBinding"},
    {kInterceptors, kIntercepting, kAdmission, "MutatingWebhookConfiguration"},
    {kInterceptors, kIntercepting, kAdmission, "ValidatingWebhookConfiguration"},
});

const Row* Find(std::string_view group, std::string_view kind) {
  const auto* row = std::ranges::find_if(
      kTable, [&](const Row& known) { return known.group == group && known.kind == kind; });
  return row == kTable.end() ? nullptr : row;
}

}  // namespace

KindOrder OrderOf(std::string_view group, std::string_view kind) {
  const Row* row = Find(group, kind);
  const auto rank =
      row == nullptr ? static_cast<int>(kTable.size()) : static_cast<int>(row - kTable.data());
  return {row == nullptr ? kCustom : row->stage, rank};
}

int DeletionRank(std::string_view group, std::string_view kind) {
  const Row* row = Find(group, kind);
  return row == nullptr ? kServed : row->deletion;
}

bool IsClusterScoped(const ObjectRef& ref) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 21> kKinds = {{
      {"", "Namespace"},
      {"", "Node"},
      {"", "PersistentVolume"},
      {"admissionregistration.k8s.io", "MutatingWebhookConfiguration"},
      {"admissionregistration.k8s.io", "ValidatingAdmissionPolicy"},
      {"admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"},
      {"admissionregistration.k8s.io", "ValidatingWebhookConfiguration"},
      {"apiextensions.k8s.io", "CustomResourceDefinition"},
      {"apiregistration.k8s.io", "APIService"},
      {"certificates.k8s.io", "CertificateSigningRequest"},
      {"flowcontrol.apiserver.k8s.io", "FlowSchema"},
      {"flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"},
      {"gateway.networking.k8s.io", "GatewayClass"},
      {"networking.k8s.io", "IngressClass"},
      {"node.k8s.io", "RuntimeClass"},
      {"rbac.authorization.k8s.io", "ClusterRole"},
      {"rbac.authorization.k8s.io", "ClusterRoleBinding"},
      {"scheduling.k8s.io", "PriorityClass"},
      {"storage.k8s.io", "CSIDriver"},
      {"storage.k8s.io", "StorageClass"},
      {"storage.k8s.io", "VolumeAttachment"},
  }};
  return std::ranges::find(kKinds, std::pair<std::string_view, std::string_view>(
                                       ref.group, ref.kind)) != kKinds.end();
}

bool IsCrd(const ObjectRef& ref) {
  return ref.group == "apiextensions.k8s.io" && ref.kind == "CustomResourceDefinition";
}
bool IsNamespace(const ObjectRef& ref) { return ref.group.empty() && ref.kind == "Namespace"; }
bool IsSecret(const ObjectRef& ref) { return ref.group.empty() && ref.kind == "Secret"; }

bool IsService(const ObjectRef& ref) { return ref.group.empty() && ref.kind == "Service"; }

bool IsWorkload(const ObjectRef& ref) {
  if (ref.group == "apps") {
    return ref.kind == "Deployment" || ref.kind == "StatefulSet" || ref.kind == "DaemonSet" ||
           ref.kind == "ReplicaSet";
  }
  if (ref.group == "batch") return ref.kind == "Job" || ref.kind == "CronJob";
  return ref.group.empty() && ref.kind == "ReplicationController";
}

bool NeedsOptInToPrune(const ObjectRef& ref) {
  const bool is_volume =
      ref.group.empty() && (ref.kind == "PersistentVolume" || ref.kind == "PersistentVolumeClaim");
  return IsCrd(ref) || IsNamespace(ref) || is_volume;
}

}  // namespace sluice::targets::kubernetes
