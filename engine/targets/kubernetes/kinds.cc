#include "engine/targets/kubernetes/kinds.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::targets::kubernetes {
namespace {

enum Stage { kFoundations, kConfiguration, kBindings, kWorkloads, kCustom, kInterceptors };

struct Row {
  Stage stage;
  std::string_view group;
  std::string_view kind;
};

constexpr std::string_view kRbac = "rbac.authorization.k8s.io";
constexpr std::string_view kAdmission = "admissionregistration.k8s.io";

// Rows of one stage are in the order they are sent (Helm's, but for what SSA needs). Bindings come
// a stage after roles: the server looks a role up before it lets us bind it.
constexpr auto kTable = std::to_array<Row>({
    {kFoundations, "", "Namespace"},
    {kFoundations, "apiextensions.k8s.io", "CustomResourceDefinition"},
    {kFoundations, "scheduling.k8s.io", "PriorityClass"},
    {kFoundations, "storage.k8s.io", "StorageClass"},
    {kFoundations, "storage.k8s.io", "VolumeAttributesClass"},
    {kFoundations, "storage.k8s.io", "CSIDriver"},
    {kFoundations, "snapshot.storage.k8s.io", "VolumeSnapshotClass"},
    {kFoundations, "node.k8s.io", "RuntimeClass"},
    {kFoundations, "networking.k8s.io", "IngressClass"},
    {kFoundations, "resource.k8s.io", "DeviceClass"},
    {kFoundations, kRbac, "ClusterRole"},

    {kConfiguration, "networking.k8s.io", "NetworkPolicy"},
    {kConfiguration, "", "ResourceQuota"},
    {kConfiguration, "", "LimitRange"},
    {kConfiguration, "", "ServiceAccount"},
    {kConfiguration, kRbac, "Role"},
    {kConfiguration, "", "Secret"},
    {kConfiguration, "", "ConfigMap"},
    {kConfiguration, "", "PersistentVolume"},
    {kConfiguration, "", "PersistentVolumeClaim"},
    {kConfiguration, "", "PodTemplate"},

    {kBindings, kRbac, "ClusterRoleBinding"},
    {kBindings, kRbac, "RoleBinding"},

    {kWorkloads, "policy", "PodDisruptionBudget"},
    {kWorkloads, "", "Service"},
    {kWorkloads, "", "Endpoints"},
    {kWorkloads, "discovery.k8s.io", "EndpointSlice"},
    {kWorkloads, "apps", "DaemonSet"},
    {kWorkloads, "", "Pod"},
    {kWorkloads, "", "ReplicationController"},
    {kWorkloads, "apps", "ReplicaSet"},
    {kWorkloads, "apps", "Deployment"},
    {kWorkloads, "autoscaling", "HorizontalPodAutoscaler"},
    {kWorkloads, "apps", "StatefulSet"},
    {kWorkloads, "batch", "Job"},
    {kWorkloads, "batch", "CronJob"},
    {kWorkloads, "networking.k8s.io", "Ingress"},
    {kWorkloads, "coordination.k8s.io", "Lease"},

    // What is called for every write of others comes when its own workload is there.
    {kInterceptors, "apiregistration.k8s.io", "APIService"},
    {kInterceptors, kAdmission, "ValidatingAdmissionPolicy"},
    {kInterceptors, kAdmission, "ValidatingAdmissionPolicyBinding"},
    {kInterceptors, kAdmission, "MutatingAdmissionPolicy"},
    {kInterceptors, kAdmission, "MutatingAdmissionPolicyBinding"},
    {kInterceptors, kAdmission, "MutatingWebhookConfiguration"},
    {kInterceptors, kAdmission, "ValidatingWebhookConfiguration"},
});

}  // namespace

KindOrder OrderOf(std::string_view group, std::string_view kind) {
  for (size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].group == group && kTable[i].kind == kind)
      return {kTable[i].stage, static_cast<int>(i)};
  }
  return {kCustom, static_cast<int>(kTable.size())};
}

int DeletionRank(std::string_view group, std::string_view kind) {
  if (kind == "Namespace" && group.empty()) return 6;
  if (kind == "CustomResourceDefinition") return 5;
  switch (static_cast<Stage>(OrderOf(group, kind).stage)) {
    case kInterceptors:
      return 0;
    case kCustom:
      return 1;
    case kWorkloads:
      return 2;
    case kConfiguration:
      return group == kRbac ? 4 : 3;
    case kBindings:
      return 4;
    case kFoundations:
      return 4;
  }
  return 4;
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
