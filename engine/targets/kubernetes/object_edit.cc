#include "engine/targets/kubernetes/object_edit.h"

#include <array>

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/targets/kubernetes/api_status.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kinds.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr const char* kCliUtilsDeletion = "client.lifecycle.config.k8s.io/deletion";

// Generated manifests carry "creationTimestamp: null" in every metadata, pod templates included.
void EraseNullTimestamps(nlohmann::json& value) {
  if (value.is_object()) {
    if (const auto it = value.find("creationTimestamp"); it != value.end() && it->is_null())
      value.erase(it);
  }
  if (value.is_structured()) {
    for (nlohmann::json& member : value) EraseNullTimestamps(member);
  }
}

// What makes an item of a list the same item in another version of the list; null when nothing
// does.
nlohmann::json IdentityOf(const nlohmann::json& item) {
  for (const char* key : {"name", "containerPort", "port", "mountPath", "type", "key", "ip"}) {
    if (const nlohmann::json& value = At(item, key); !value.is_null()) return {{key, value}};
  }
  return nullptr;
}

}  // namespace

std::string LabelOf(const nlohmann::json& object, const std::string& key) {
  return ToText(At(object, "metadata", "labels", key));
}

std::string AnnotationOf(const nlohmann::json& object, const std::string& key) {
  return ToText(At(object, "metadata", "annotations", key));
}

ReplaceConsent ConsentOf(const nlohmann::json& object) {
  const std::string value = AnnotationOf(object, kReplaceAnnotation);
  if (value == "when-immutable") return ReplaceConsent::kWhenImmutable;
  if (value == "when-immutable,load-balancer") return ReplaceConsent::kAlsoAddress;
  return ReplaceConsent::kNone;
}

void StripServerOwned(nlohmann::json& object) {
  if (!object.is_object()) return;
  object.erase("status");
  EraseNullTimestamps(object);
  const auto it = object.find("metadata");
  if (it == object.end() || !it->is_object()) return;
  nlohmann::json& metadata = *it;
  for (const char* key :
       {"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "selfLink", "managedFields"}) {
    metadata.erase(key);
  }
  for (const char* key : {"labels", "annotations"}) {
    const auto map = metadata.find(key);
    if (map == metadata.end()) continue;
    if (map->is_object()) map->erase(kLastApplied);
    if (map->is_null() || map->empty()) metadata.erase(map);
  }
}

Status EncodeStringData(nlohmann::json& secret) {
  const auto it = secret.find("stringData");
  if (it == secret.end()) return {};
  const nlohmann::json plain = *it;
  secret.erase(it);
  if (plain.is_null()) return {};
  nlohmann::json& data = secret["data"];
  if (data.is_null()) data = nlohmann::json::object();
  if (!plain.is_object() || !data.is_object()) {
    return Fail(ErrorCode::kRejected, std::string(kReasonContentRejected),
                "data and stringData of a Secret are maps");
  }
  for (const auto& [key, value] : plain.items()) {
    if (!value.is_string()) {
      return Fail(ErrorCode::kRejected, std::string(kReasonContentRejected),
                  "stringData." + key + " is not text; quote the value");
    }
    data[key] =
        Base64Encode(value.get_ref<const std::string&>());  // stringData wins, as in the server
  }
  return {};
}

const nlohmann::json* Counterpart(const nlohmann::json& list, const nlohmann::json& item,
                                  size_t index) {
  if (const nlohmann::json identity = IdentityOf(item); !identity.is_null()) {
    for (const nlohmann::json& other : list) {
      if (IdentityOf(other) == identity) return &other;
    }
    return nullptr;
  }
  return index < list.size() ? &list[index] : nullptr;
}

nlohmann::json Normalise(nlohmann::json object) {
  StripServerOwned(object);
  return object;
}

nlohmann::json ProjectOnto(const nlohmann::json& live, const nlohmann::json& desired) {
  if (live.is_object() && desired.is_object()) {
    nlohmann::json out = nlohmann::json::object();
    for (const auto& [key, value] : desired.items()) {
      if (const auto it = live.find(key); it != live.end()) out[key] = ProjectOnto(*it, value);
    }
    return out;
  }
  if (live.is_array() && desired.is_array()) {
    nlohmann::json out = nlohmann::json::array();
    for (size_t i = 0; i < desired.size(); ++i) {
      if (const nlohmann::json* other = Counterpart(live, desired[i], i))
        out.push_back(ProjectOnto(*other, desired[i]));
    }
    return out;
  }
  return live;
}

bool IsOwnEntry(const nlohmann::json& entry) {
  return ToText(At(entry, "manager")) == kFieldManager &&
         ToText(At(entry, "operation")) == "Apply" && ToText(At(entry, "subresource")).empty();
}

bool IsRemnant(const nlohmann::json& entry) {
  if (!ToText(At(entry, "subresource")).empty()) return false;
  const std::string manager = ToText(At(entry, "manager"));
  if (ToText(At(entry, "operation")) != "Update") return manager == "kubectl";
  return manager == kFieldManager || manager == "kubectl-client-side-apply" ||
         manager == "kubectl-create" || manager == "before-first-apply";
}

const nlohmann::json& OwnEntry(const nlohmann::json& live) {
  for (const nlohmann::json& entry : Items(At(live, "metadata", "managedFields"))) {
    if (IsOwnEntry(entry)) return entry;
  }
  return NullJson();
}

const nlohmann::json& OwnFields(const nlohmann::json& live) {
  return At(OwnEntry(live), "fieldsV1");
}

std::optional<nlohmann::json> WithoutKubectlEntries(const nlohmann::json& live) {
  nlohmann::json kept = nlohmann::json::array();
  const nlohmann::json& entries = Items(At(live, "metadata", "managedFields"));
  for (const nlohmann::json& entry : entries) {
    const bool is_kubectls = IsRemnant(entry) && ToText(At(entry, "manager")) != kFieldManager;
    if (!is_kubectls) kept.push_back(entry);
  }
  if (kept.size() == entries.size()) return std::nullopt;
  return kept;
}

std::string FinalizersOf(const nlohmann::json& live) {
  std::vector<std::string> names;
  for (const nlohmann::json& name : Items(At(live, "metadata", "finalizers")))
    names.push_back(OneLine(ToText(name), 100));
  return names.empty() ? "no finalizer" : "finalizers " + Join(names, ", ");
}

bool OptsOutOfPrune(const nlohmann::json& object) {
  return AnnotationOf(object, kPruneAnnotation) == "disabled" ||
         AnnotationOf(object, kCliUtilsDeletion) == "detach";
}

std::string ProtectionOf(const nlohmann::json& live, const ObjectRef& ref) {
  for (const nlohmann::json& owner : Items(At(live, "metadata", "ownerReferences"))) {
    if (ToBool(At(owner, "controller"))) {
      return "controlled by " +
             OneLine(ToText(At(owner, "kind")) + " " + ToText(At(owner, "name")), 200);
    }
  }
  if (AnnotationOf(live, kPruneAnnotation) == "disabled")
    return "annotation sluice.dev/prune: disabled";
  if (AnnotationOf(live, kCliUtilsDeletion) == "detach")
    return std::string("annotation ") + kCliUtilsDeletion + ": detach";
  struct Row {
    bool is_label;
    const char* key;
    const char* owner;
  };
  // Marks that a tool's controller puts on live objects. The label app.kubernetes.io/managed-by:
  // Helm is not among them: charts rendered into plain manifests carry it, too.
  constexpr auto kTools = std::to_array<Row>({
      {false, "meta.helm.sh/release-name", "helm release"},
      {false, "argocd.argoproj.io/tracking-id", "argo cd application"},
      {true, "applyset.kubernetes.io/part-of", "applyset"},
      {true, "kustomize.toolkit.fluxcd.io/name", "flux kustomization"},
      {true, "helm.toolkit.fluxcd.io/name", "flux helm release"},
      {false, "config.k8s.io/owning-inventory", "cli-utils inventory"},
  });
  for (const Row& tool : kTools) {
    const std::string name = tool.is_label ? LabelOf(live, tool.key) : AnnotationOf(live, tool.key);
    if (!name.empty()) return std::string(tool.owner) + " " + OneLine(name, 200);
  }
  if (NeedsOptInToPrune(ref) && AnnotationOf(live, kPruneAnnotation) != "enabled") {
    return "a " + ref.kind +
           " holds data of others; annotate it sluice.dev/prune: enabled to let it go";
  }
  return "";
}

std::string WorkOf(const ObjectRef& ref, const nlohmann::json& body) {
  if (ref.group != "batch" || ref.kind != "Job") return "";
  nlohmann::json spec = At(body, "spec");
  if (!spec.is_object()) return "";
  for (const char* member : {"activeDeadlineSeconds", "backoffLimit", "parallelism", "suspend",
                             "podReplacementPolicy", "ttlSecondsAfterFinished"})
    spec.erase(member);
  const std::string text = spec.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return Sha256Hex(text).substr(0, 16);
}

}  // namespace sluice::targets::kubernetes
