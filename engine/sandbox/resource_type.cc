#include "engine/sandbox/resource_type.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/base/strings.h"

namespace sluice::sandbox {
namespace {

// group/version plural Kind singular scope(N|C) shortNames categories subresources; "-" = none.
constexpr char kBuiltIn[] = R"(
v1 configmaps ConfigMap configmap N cm - -
v1 endpoints Endpoints endpoints N ep - -
v1 events Event event N ev - -
v1 limitranges LimitRange limitrange N limits - -
v1 namespaces Namespace namespace C ns - status
v1 nodes Node node C no - status
v1 persistentvolumeclaims PersistentVolumeClaim persistentvolumeclaim N pvc - status
v1 persistentvolumes PersistentVolume persistentvolume C pv - status
v1 pods Pod pod N po all status
v1 podtemplates PodTemplate podtemplate N - - -
v1 replicationcontrollers ReplicationController replicationcontroller N rc all status,scale
v1 resourcequotas ResourceQuota resourcequota N quota - status
v1 secrets Secret secret N - - -
v1 serviceaccounts ServiceAccount serviceaccount N sa - -
v1 services Service service N svc all status
apiregistration.k8s.io/v1 apiservices APIService apiservice C - api-extensions status
apps/v1 controllerrevisions ControllerRevision controllerrevision N - - -
apps/v1 daemonsets DaemonSet daemonset N ds all status
apps/v1 deployments Deployment deployment N deploy all status,scale
apps/v1 replicasets ReplicaSet replicaset N rs all status,scale
apps/v1 statefulsets StatefulSet statefulset N sts all status,scale
autoscaling/v2 horizontalpodautoscalers HorizontalPodAutoscaler horizontalpodautoscaler N hpa all status
batch/v1 cronjobs CronJob cronjob N cj all status
batch/v1 jobs Job job N - all status
networking.k8s.io/v1 ingressclasses IngressClass ingressclass C - - -
networking.k8s.io/v1 ingresses Ingress ingress N ing - status
networking.k8s.io/v1 networkpolicies NetworkPolicy networkpolicy N netpol - -
policy/v1 poddisruptionbudgets PodDisruptionBudget poddisruptionbudget N pdb - status
rbac.authorization.k8s.io/v1 clusterrolebindings ClusterRoleBinding clusterrolebinding C - - -
rbac.authorization.k8s.io/v1 clusterroles ClusterRole clusterrole C - - -
rbac.authorization.k8s.io/v1 rolebindings RoleBinding rolebinding N - - -
rbac.authorization.k8s.io/v1 roles Role role N - - -
storage.k8s.io/v1 csidrivers CSIDriver csidriver C - - -
storage.k8s.io/v1 csinodes CSINode csinode C - - -
storage.k8s.io/v1 storageclasses StorageClass storageclass C sc - -
storage.k8s.io/v1 volumeattachments VolumeAttachment volumeattachment C - - status
admissionregistration.k8s.io/v1 mutatingwebhookconfigurations MutatingWebhookConfiguration mutatingwebhookconfiguration C - api-extensions -
admissionregistration.k8s.io/v1 validatingadmissionpolicies ValidatingAdmissionPolicy validatingadmissionpolicy C - api-extensions status
admissionregistration.k8s.io/v1 validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding validatingadmissionpolicybinding C - api-extensions -
admissionregistration.k8s.io/v1 validatingwebhookconfigurations ValidatingWebhookConfiguration validatingwebhookconfiguration C - api-extensions -
apiextensions.k8s.io/v1 customresourcedefinitions CustomResourceDefinition customresourcedefinition C crd,crds api-extensions status
scheduling.k8s.io/v1 priorityclasses PriorityClass priorityclass C pc - -
coordination.k8s.io/v1 leases Lease lease N - - -
discovery.k8s.io/v1 endpointslices EndpointSlice endpointslice N - - -
)";

std::vector<std::string> Words(const std::string& list) {
  return list == "-" ? std::vector<std::string>() : Split(list, ',');
}

std::vector<std::string> AllVerbs() {
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

bool Contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<std::string> TextList(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

}  // namespace

TypeRegistry::TypeRegistry() {
  std::istringstream lines(kBuiltIn);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string group_version, scope, short_names, categories, subresources;
    auto type = std::make_shared<ResourceType>();
    if (!(words >> group_version >> type->plural >> type->kind >> type->singular >> scope >>
          short_names >> categories >> subresources)) {
      continue;
    }
    const size_t slash = group_version.find('/');
    type->group = slash == std::string::npos ? "" : group_version.substr(0, slash);
    type->version = slash == std::string::npos ? group_version : group_version.substr(slash + 1);
    type->namespaced = scope == "N";
    type->short_names = Words(short_names);
    type->categories = Words(categories);
    type->has_status = Contains(Words(subresources), "status");
    type->has_scale = Contains(Words(subresources), "scale");
    type->verbs = AllVerbs();
    if (type->kind == "Namespace") std::erase(type->verbs, "deletecollection");
    const std::string suffix = type->group == "autoscaling" ? ".autoscaling.v2" : "";
    type->schema = Schema::BuiltIn().FindType(type->kind + suffix);
    types_.push_back(std::move(type));
  }
}

TypePtr TypeRegistry::FindPlural(std::string_view group, std::string_view version,
                                 std::string_view plural) const {
  for (const TypePtr& type : types_) {
    if (type->plural == plural && type->group == group && type->version == version) return type;
  }
  return nullptr;
}

TypePtr TypeRegistry::FindKind(std::string_view group, std::string_view kind) const {
  for (const TypePtr& type : types_) {
    if (type->kind == kind && type->group == group) return type;
  }
  return nullptr;
}

TypePtr TypeRegistry::FindStorage(std::string_view storage_key) const {
  for (const TypePtr& type : types_) {
    if (type->StorageKey() == storage_key) return type;
  }
  return nullptr;
}

void TypeRegistry::ServeDefinition(const Json& crd) {
  WithdrawDefinition(NameOf(crd));
  const Json& names = ObjectAt(crd, {"spec", "names"});
  for (const Json& version : ArrayAt(crd, {"spec", "versions"})) {
    if (!BoolAt(version, {"served"})) continue;
    auto type = std::make_shared<ResourceType>();
    type->crd = NameOf(crd);
    type->group = TextAt(crd, {"spec", "group"});
    type->version = TextAt(version, {"name"});
    type->kind = TextAt(names, {"kind"});
    type->plural = TextAt(names, {"plural"});
    type->singular = TextAt(names, {"singular"});
    type->short_names = TextList(ArrayAt(names, {"shortNames"}));
    type->categories = TextList(ArrayAt(names, {"categories"}));
    type->verbs = AllVerbs();
    type->namespaced = TextAt(crd, {"spec", "scope"}) == "Namespaced";
    const Json& subresources = ObjectAt(version, {"subresources"});
    type->has_status = subresources.contains("status");
    type->has_scale = subresources.contains("scale");
    type->spec_replicas_path = TextAt(subresources, {"scale", "specReplicasPath"});
    type->status_replicas_path = TextAt(subresources, {"scale", "statusReplicasPath"});
    type->selector_path = TextAt(subresources, {"scale", "labelSelectorPath"});
    type->schema_owner = Schema::FromCrd(ObjectAt(version, {"schema", "openAPIV3Schema"}));
    type->schema = type->schema_owner->Root();
    // The storage version first: it is the one garbage collection and namespace deletion see.
    const bool first = BoolAt(version, {"storage"});
    const auto at = std::find_if(types_.begin(), types_.end(),
                                 [&](const TypePtr& t) { return t->crd == type->crd; });
    types_.insert(first ? at : types_.end(), std::move(type));
  }
}

void TypeRegistry::WithdrawDefinition(const std::string& crd_name) {
  std::erase_if(types_, [&](const TypePtr& type) { return type->crd == crd_name; });
}

void TypeRegistry::SetStaleGroup(const std::string& group, const std::string& version, bool stale) {
  if (stale) {
    stale_groups_[group] = version;
  } else {
    stale_groups_.erase(group);
  }
}

}  // namespace sluice::sandbox
