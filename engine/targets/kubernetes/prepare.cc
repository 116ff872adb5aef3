// Makes rendered objects ready for one cluster: scope and namespace, ownership mark, what the
// server owns removed, order.
#include <algorithm>
#include <tuple>

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/targets/kubernetes/answers.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kinds.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"

namespace sluice::targets {

std::string Ownership::Mark() const {
  // 40 hex digits: a valid label value of fixed length that tells nothing and collides with
  // nothing.
  return Sha256Hex(pipeline + "\n" + ToString(unit)).substr(0, 40);
}

namespace kubernetes {
namespace {

using namespace std::chrono_literals;

// How long a namespace that was there is believed to be there.
constexpr Duration kNamespaceAge = 60s;

std::string VersionOf(const std::string& api_version) {
  const size_t slash = api_version.find('/');
  return slash == std::string::npos ? api_version : api_version.substr(slash + 1);
}

// "environments/prod/web/api.yaml:3"
std::string PlaceOf(const Resource& resource) {
  return resource.at.file + (resource.at.line > 0 ? ":" + std::to_string(resource.at.line) : "");
}

// "Deployment web/api (environments/prod/web/api.yaml:3)".
std::string Describe(const Resource& resource) {
  return ToString(resource.ref) + (resource.at.file.empty() ? "" : " (" + PlaceOf(resource) + ")");
}

}  // namespace

KubernetesDriver::CrdScopes KubernetesDriver::ScopesOf(const std::vector<Resource>& resources) {
  CrdScopes scopes;
  for (const Resource& resource : resources) {
    if (!IsCrd(resource.ref)) continue;
    const nlohmann::json& spec = At(resource.body, "spec");
    CrdScope& scope = scopes[{ToText(At(spec, "group")), ToText(At(spec, "names", "kind"))}];
    scope.is_namespaced = ToText(At(spec, "scope")) == "Namespaced";
    for (const nlohmann::json& version : Items(At(spec, "versions"))) {
      if (ToBool(At(version, "served"))) scope.versions.insert(ToText(At(version, "name")));
    }
  }
  return scopes;
}

Result<std::optional<PlanBlocker>> KubernetesDriver::Place(Resource& resource,
                                                           const CrdScopes& crds,
                                                           const Call& call) {
  ObjectRef& ref = resource.ref;
  const std::string version = VersionOf(resource.api_version);
  bool is_namespaced = false;
  const auto crd = crds.find({ref.group, ref.kind});
  if (crd != crds.end() && crd->second.versions.contains(version)) {
    is_namespaced = crd->second.is_namespaced;
  } else {
    auto type = TypeOf(ref.group, version, ref.kind, call);
    if (!type) {
      if (type.error().code() != ErrorCode::kNotFound) return Fail(std::move(type).error());
      return PlanBlocker{"UnknownKind", Describe(resource) + ": " + type.error().message()};
    }
    is_namespaced = type->is_namespaced;
  }
  const std::string declared = ToText(At(resource.body, "metadata", "namespace"));
  if (!is_namespaced && !declared.empty()) {
    return PlanBlocker{"WrongScope", Describe(resource) + ": " + ref.kind +
                                         " is cluster-scoped and has the namespace '" + declared +
                                         "'; remove metadata.namespace"};
  }
  nlohmann::json& metadata = resource.body["metadata"];
  if (!is_namespaced) {
    ref.ns.clear();
    metadata.erase("namespace");
    return std::nullopt;
  }
  ref.ns = declared.empty() ? ns_ : declared;
  metadata["namespace"] = ref.ns;
  return std::nullopt;
}

Status KubernetesDriver::PrepareOne(const Resource& resource, const Ownership& owner,
                                    const CrdScopes& crds, Prepared& prepared, const Call& call) {
  PreparedObject object{resource};
  nlohmann::json& body = object.resource.body;
  if (!body.is_object() || !At(body, "metadata").is_object() ||
      ToText(At(body, "metadata", "name")).empty()) {
    prepared.blockers.push_back(
        {std::string(kReasonContentRejected),
         Describe(resource) + ": no metadata.name; generateName cannot be applied", "", true});
    return {};
  }
  for (const std::string& name :
       {ToText(At(body, "metadata", "name")), ToText(At(body, "metadata", "namespace"))}) {
    if (name == "." || name == ".." || name.find_first_of("/%") != std::string::npos) {
      prepared.blockers.push_back(
          {std::string(kReasonContentRejected),
           Describe(resource) + ": '" + EscapeControl(name) + "' cannot be a name in Kubernetes",
           "", true});
      return {};
    }
  }
  SLUICE_TRY(const std::optional<PlanBlocker> blocker, Place(object.resource, crds, call));
  if (blocker) {
    prepared.blockers.push_back(*blocker);
    return {};
  }
  const ObjectRef& ref = object.resource.ref;
  StripServerOwned(body);
  body["metadata"].erase("generateName");
  if (IsSecret(ref)) {
    // Refused as by the server, and declared all the same: it must not look like a leftover.
    if (auto status = EncodeStringData(body); !status) {
      declared_.refused.insert_or_assign(ref, Error(status.error()).With(PlaceOf(resource)));
    }
  }
  const auto is_same = [&](const PreparedObject& other) { return other.resource.ref == ref; };
  if (const auto first = std::ranges::find_if(prepared.objects, is_same);
      first != prepared.objects.end()) {
    prepared.blockers.push_back(
        {"DuplicateObject", Describe(object.resource) + " is declared before, at " +
                                Describe(first->resource) + "; remove one of them"});
    return {};
  }
  nlohmann::json& labels = body["metadata"]["labels"];
  if (!labels.is_object()) labels = nlohmann::json::object();
  labels[kMarkLabel] = owner.Mark();
  object.stage = OrderOf(ref.group, ref.kind).stage;
  object.work = WorkOf(ref, body);
  if (!At(body, "spec", "ttlSecondsAfterFinished").is_null() && !object.work.empty())
    declared_.vanishing.insert(ref);
  object.opts_out_of_prune = OptsOutOfPrune(body);
  object.replace = ConsentOf(body);
  prepared.objects.push_back(std::move(object));
  return {};
}

Result<bool> KubernetesDriver::NamespaceExists(const std::string& name, const Call& call) {
  if (name == "default" || name == "kube-system") return true;  // the server makes them itself
  const SteadyTime now = client_.clock().SteadyNow();
  const bool is_known = connection_->namespaces.With([&](auto& seen) {
    const auto it = seen.find(name);
    return it != seen.end() && now < it->second;
  });
  if (is_known) return true;
  const ResourceType type{.version = "v1", .kind = "Namespace", .plural = "namespaces"};
  SLUICE_TRY(ApiAnswer answer,
             client_.Send({.path = ObjectPath(type, "", name), .what = "Namespace " + name}, call));
  if (answer.status == 404) return false;
  // An account bound to a namespace may not look at it; the dry run will tell.
  if (answer.status == 403) return true;
  SLUICE_CHECK(ToStatus(answer));
  SLUICE_CHECK(ExpectObject(answer.body, type, {"", "Namespace", "", name}));
  connection_->namespaces.With([&](auto& seen) { seen[name] = now + kNamespaceAge; });
  return true;
}

Status KubernetesDriver::CheckNamespaces(Prepared& prepared, const Call& call) {
  std::map<std::string, std::string> users;  // namespace -> the first object in it
  for (const PreparedObject& object : prepared.objects) {
    const std::string& ns = object.resource.ref.ns;
    if (!ns.empty() && !declared_.namespaces.contains(ns))
      users.emplace(ns, Describe(object.resource));
  }
  for (const auto& [ns, user] : users) {
    SLUICE_TRY(const bool exists, NamespaceExists(ns, call));
    if (exists) continue;
    declared_.missing_namespaces.insert(ns);
    prepared.blockers.push_back({std::string(kReasonNamespaceMissing),
                                 user + ": " + client_.Name() + " has no namespace '" + ns +
                                     "'; create it, or declare it in the unit"});
  }
  return {};
}

Result<Prepared> KubernetesDriver::Prepare(const std::vector<Resource>& resources,
                                           const Ownership& owner, const Call& call) {
  declared_ = {};
  const CrdScopes crds = ScopesOf(resources);
  for (const Resource& resource : resources) {
    declared_.versions[{resource.ref.group, resource.ref.kind}] = VersionOf(resource.api_version);
    if (IsNamespace(resource.ref)) declared_.namespaces.insert(resource.ref.name);
  }
  for (const auto& [kind, scope] : crds) declared_.custom_kinds.insert(kind);

  Prepared prepared;
  for (const Resource& resource : resources)
    SLUICE_CHECK(PrepareOne(resource, owner, crds, prepared, call));
  SLUICE_CHECK(CheckNamespaces(prepared, call));
  std::ranges::stable_sort(prepared.objects, {}, [](const PreparedObject& object) {
    return std::pair(object.stage,
                     OrderOf(object.resource.ref.group, object.resource.ref.kind).rank);
  });
  return prepared;
}

}  // namespace kubernetes
}  // namespace sluice::targets
