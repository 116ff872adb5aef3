#include "engine/sandbox/defaults.h"

#include <map>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/sandbox/decode.h"

namespace sluice::sandbox {
namespace {

void Default(Json& object, const char* name, const Json& value) {
  if (!object.contains(name)) object[name] = value;
}

void DefaultTemplate(Json& object) {
  if (Json* spec = Find(object, {"spec", "template", "spec"});
      spec != nullptr && spec->is_object()) {
    ApplyPodSpecDefaults(*spec);
  }
}

void DefaultDeployment(Json& object) {
  DefaultTemplate(object);
  Json& spec = Ensure(object, {"spec"});
  Default(spec, "replicas", 1);
  Default(spec, "revisionHistoryLimit", 10);
  Default(spec, "progressDeadlineSeconds", 600);
  Json& strategy = Ensure(spec, {"strategy"});
  Default(strategy, "type", "RollingUpdate");
  if (strategy["type"] == "RollingUpdate") {
    Json& rolling = Ensure(strategy, {"rollingUpdate"});
    Default(rolling, "maxSurge", "25%");
    Default(rolling, "maxUnavailable", "25%");
  }
}

void DefaultReplicaSet(Json& object) {
  DefaultTemplate(object);
  Default(Ensure(object, {"spec"}), "replicas", 1);
}

void DefaultClaimSpec(Json& claim) { Default(Ensure(claim, {"spec"}), "volumeMode", "Filesystem"); }

void DefaultStatefulSet(Json& object) {
  DefaultTemplate(object);
  Json& spec = Ensure(object, {"spec"});
  Default(spec, "replicas", 1);
  Default(spec, "podManagementPolicy", "OrderedReady");
  Default(spec, "revisionHistoryLimit", 10);
  Json& retention = Ensure(spec, {"persistentVolumeClaimRetentionPolicy"});
  Default(retention, "whenDeleted", "Retain");
  Default(retention, "whenScaled", "Retain");
  Json& strategy = Ensure(spec, {"updateStrategy"});
  Default(strategy, "type", "RollingUpdate");
  if (strategy["type"] == "RollingUpdate")
    Default(Ensure(strategy, {"rollingUpdate"}), "partition", 0);
  if (Json* claims = Find(spec, {"volumeClaimTemplates"});
      claims != nullptr && claims->is_array()) {
    for (Json& claim : *claims) {
      Default(claim, "apiVersion", "v1");
      Default(claim, "kind", "PersistentVolumeClaim");
      DefaultClaimSpec(claim);
      Default(Ensure(claim, {"status"}), "phase", "Pending");
    }
  }
}

void DefaultDaemonSet(Json& object) {
  DefaultTemplate(object);
  Json& spec = Ensure(object, {"spec"});
  Default(spec, "revisionHistoryLimit", 10);
  Json& strategy = Ensure(spec, {"updateStrategy"});
  Default(strategy, "type", "RollingUpdate");
  if (strategy["type"] == "RollingUpdate") {
    Json& rolling = Ensure(strategy, {"rollingUpdate"});
    Default(rolling, "maxSurge", 0);
    Default(rolling, "maxUnavailable", 1);
  }
  Default(Ensure(object, {"metadata", "annotations"}), "deprecated.daemonset.template.generation",
          "1");
}

void DefaultJobSpec(Json& spec) {
  if (!spec.contains("completions") && !spec.contains("parallelism")) spec["completions"] = 1;
  Default(spec, "parallelism", 1);
  Default(spec, "backoffLimit", 6);
  Default(spec, "completionMode", "NonIndexed");
  Default(spec, "suspend", false);
  Default(spec, "podReplacementPolicy", "TerminatingOrFailed");
  if (Json* pod = Find(spec, {"template", "spec"}); pod != nullptr && pod->is_object()) {
    ApplyPodSpecDefaults(*pod);
  }
}

// The server gives a Job a selector by its own uid, unless the manifest brings one.
void GenerateJobSelector(Json& object) {
  const std::string uid = UidOf(object);
  if (uid.empty() || BoolAt(object, {"spec", "manualSelector"})) return;
  Json& labels = Ensure(object, {"spec", "template", "metadata", "labels"});
  labels["batch.kubernetes.io/controller-uid"] = uid;
  labels["batch.kubernetes.io/job-name"] = NameOf(object);
  labels["controller-uid"] = uid;
  labels["job-name"] = NameOf(object);
  Ensure(object, {"spec", "selector", "matchLabels"})["batch.kubernetes.io/controller-uid"] = uid;
  Default(object["spec"], "manualSelector", false);
  if (ObjectAt(object, {"metadata", "labels"}).empty()) object["metadata"]["labels"] = labels;
}

void DefaultJob(Json& object) {
  DefaultJobSpec(Ensure(object, {"spec"}));
  GenerateJobSelector(object);
}

void DefaultCronJob(Json& object) {
  Json& spec = Ensure(object, {"spec"});
  Default(spec, "concurrencyPolicy", "Allow");
  Default(spec, "suspend", false);
  Default(spec, "successfulJobsHistoryLimit", 3);
  Default(spec, "failedJobsHistoryLimit", 1);
  Ensure(spec, {"jobTemplate", "metadata"});
  Ensure(spec, {"jobTemplate", "spec", "template", "metadata"});
  if (Json* pod = Find(spec, {"jobTemplate", "spec", "template", "spec"});
      pod != nullptr && pod->is_object()) {
    ApplyPodSpecDefaults(*pod);
  }
}

void DefaultService(Json& object) {
  Json& spec = Ensure(object, {"spec"});
  Default(spec, "type", "ClusterIP");
  Default(spec, "sessionAffinity", "None");
  const std::string type = TextAt(spec, {"type"});
  if (Json* ports = Find(spec, {"ports"}); ports != nullptr && ports->is_array()) {
    for (Json& port : *ports) {
      Default(port, "protocol", "TCP");
      if (port.contains("port")) Default(port, "targetPort", port["port"]);
    }
  }
  if (type == "ExternalName") return;
  Default(spec, "internalTrafficPolicy", "Cluster");
  if (type == "NodePort" || type == "LoadBalancer")
    Default(spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") Default(spec, "allocateLoadBalancerNodePorts", true);
  if (TextAt(spec, {"sessionAffinity"}) == "ClientIP") {
    Default(Ensure(spec, {"sessionAffinityConfig", "clientIP"}), "timeoutSeconds", 10800);
  }
}

void DefaultSecret(Json& object) {
  Default(object, "type", "Opaque");
  const Json plain = ObjectAt(object, {"stringData"});
  for (const auto& [key, value] : plain.items()) {
    if (value.is_string()) Ensure(object, {"data"})[key] = Base64Encode(value.get<std::string>());
  }
  Erase(object, {"stringData"});
}

void DefaultNamespace(Json& object) {
  Ensure(object, {"metadata", "labels"})["kubernetes.io/metadata.name"] = NameOf(object);
}

void DefaultNetworkPolicy(Json& object) {
  Json& spec = Ensure(object, {"spec"});
  if (!spec.contains("policyTypes")) {
    spec["policyTypes"] = Json::array({"Ingress"});
    if (!ArrayAt(spec, {"egress"}).empty()) spec["policyTypes"].push_back("Egress");
  }
  for (const char* direction : {"ingress", "egress"}) {
    Json* rules = Find(spec, {direction});
    if (rules == nullptr || !rules->is_array()) continue;
    for (Json& rule : *rules) {
      Json* ports = Find(rule, {"ports"});
      if (ports == nullptr || !ports->is_array()) continue;
      for (Json& port : *ports) Default(port, "protocol", "TCP");
    }
  }
}

void DefaultBinding(Json& object) {
  const std::string group = "rbac.authorization.k8s.io";
  if (Json* role = Find(object, {"roleRef"})) Default(*role, "apiGroup", group);
  if (Json* subjects = Find(object, {"subjects"}); subjects != nullptr && subjects->is_array()) {
    for (Json& subject : *subjects) {
      const std::string kind = TextAt(subject, {"kind"});
      if (kind == "User" || kind == "Group") Default(subject, "apiGroup", group);
    }
  }
}

void DefaultAutoscaler(Json& object) {
  Json& spec = Ensure(object, {"spec"});
  Default(spec, "minReplicas", 1);
  if (ArrayAt(spec, {"metrics"}).empty()) {
    spec["metrics"] = Json::array(
        {{{"type", "Resource"},
          {"resource",
           {{"name", "cpu"}, {"target", {{"type", "Utilization"}, {"averageUtilization", 80}}}}}}});
  }
}

void DefaultDefinition(Json& object) {
  Json& spec = Ensure(object, {"spec"});
  Json& names = Ensure(spec, {"names"});
  const std::string kind = TextAt(names, {"kind"});
  Default(names, "singular", ToLower(kind));
  Default(names, "listKind", kind + "List");
  Default(Ensure(spec, {"conversion"}), "strategy", "None");
}

void DefaultWebhooks(Json& object) {
  Json* webhooks = Find(object, {"webhooks"});
  if (webhooks == nullptr || !webhooks->is_array()) return;
  for (Json& webhook : *webhooks) {
    Default(webhook, "failurePolicy", "Fail");
    Default(webhook, "matchPolicy", "Equivalent");
    Default(webhook, "timeoutSeconds", 10);
    Default(webhook, "namespaceSelector", Json::object());
    Default(webhook, "objectSelector", Json::object());
    if (object["kind"] == "MutatingWebhookConfiguration")
      Default(webhook, "reinvocationPolicy", "Never");
    if (Json* service = Find(webhook, {"clientConfig", "service"})) Default(*service, "port", 443);
    if (Json* rules = Find(webhook, {"rules"}); rules != nullptr && rules->is_array()) {
      for (Json& rule : *rules) Default(rule, "scope", "*");
    }
  }
}

void DefaultStorageClass(Json& object) {
  Default(object, "reclaimPolicy", "Delete");
  Default(object, "volumeBindingMode", "Immediate");
}

void DefaultVolume(Json& object) {
  Json& spec = Ensure(object, {"spec"});
  Default(spec, "persistentVolumeReclaimPolicy", "Retain");
  Default(spec, "volumeMode", "Filesystem");
}

void DefaultPod(Json& object) {
  Json& spec = Ensure(object, {"spec"});
  ApplyPodSpecDefaults(spec);
  Default(spec, "enableServiceLinks", true);
  Default(spec, "serviceAccountName", "default");
  Default(spec, "serviceAccount", TextAt(spec, {"serviceAccountName"}));
  Default(spec, "preemptionPolicy", "PreemptLowerPriority");
  Default(spec, "priority", 0);
}

void DefaultPriorityClass(Json& object) {
  Default(object, "preemptionPolicy", "PreemptLowerPriority");
}

void DefaultApiService(Json& object) {
  if (Json* service = Find(object, {"spec", "service"})) Default(*service, "port", 443);
}

using DefaultFunction = void (*)(Json&);

const std::map<std::string, DefaultFunction>& Functions() {
  static const std::map<std::string, DefaultFunction> functions = {
      {"Deployment", DefaultDeployment},
      {"ReplicaSet", DefaultReplicaSet},
      {"ReplicationController", DefaultReplicaSet},
      {"StatefulSet", DefaultStatefulSet},
      {"DaemonSet", DefaultDaemonSet},
      {"Job", DefaultJob},
      {"CronJob", DefaultCronJob},
      {"Pod", DefaultPod},
      {"Service", DefaultService},
      {"Secret", DefaultSecret},
      {"Namespace", DefaultNamespace},
      {"NetworkPolicy", DefaultNetworkPolicy},
      {"RoleBinding", DefaultBinding},
      {"ClusterRoleBinding", DefaultBinding},
      {"HorizontalPodAutoscaler", DefaultAutoscaler},
      {"CustomResourceDefinition", DefaultDefinition},
      {"MutatingWebhookConfiguration", DefaultWebhooks},
      {"ValidatingWebhookConfiguration", DefaultWebhooks},
      {"StorageClass", DefaultStorageClass},
      {"PersistentVolume", DefaultVolume},
      {"PersistentVolumeClaim", DefaultClaimSpec},
      {"PriorityClass", DefaultPriorityClass},
      {"APIService", DefaultApiService},
  };
  return functions;
}

}  // namespace

void ApplyDefaults(const ResourceType& type, Json& object) {
  if (type.IsCustom()) {
    ApplySchemaDefaults(*type.schema, object);
    return;
  }
  const auto it = Functions().find(type.kind);
  if (it != Functions().end()) it->second(object);
}

}  // namespace sluice::sandbox
