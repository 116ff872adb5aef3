// How the driver finds the type of an object.
#include "engine/targets/kubernetes/kubernetes_driver.h"

namespace sluice::targets::kubernetes {
namespace {

const ResourceType* FindIn(const Catalog& catalog, const std::string& group,
                           const std::string& version, const std::string& kind) {
  return version.empty() ? catalog.FindPreferred(group, kind) : catalog.Find(group, version, kind);
}

}  // namespace

Result<ResourceType> KubernetesDriver::TypeOf(const std::string& group, const std::string& version,
                                              const std::string& kind, const Call& call) {
  SLUICE_TRY(std::shared_ptr<const Catalog> catalog, connection_->discovery.Get(call));
  if (const ResourceType* type = FindIn(*catalog, group, version, kind)) return *type;
  // Another unit may have brought it since; one look for each driver is enough.
  SLUICE_TRY(catalog, connection_->discovery.Refresh(made_at_, call));
  if (const ResourceType* type = FindIn(*catalog, group, version, kind)) return *type;
  const std::string api_version = group + (group.empty() || version.empty() ? "" : "/") + version;
  if (catalog->IsUnknown(group, version)) {
    return Fail(ErrorCode::kUnavailable, "DiscoveryStale",
                client_.Name() + " cannot say whether it serves " + kind + " of " + api_version +
                    ": the group's API service is down; see 'kubectl get apiservices'");
  }
  const std::string suggestion = catalog->Suggestion(group, version, kind);
  return Fail(
      ErrorCode::kNotFound, std::string(kReasonTypeNotServed),
      client_.Name() + " serves no kind '" + kind + "' in " + api_version +
          (suggestion.empty() ? "; install its CustomResourceDefinition, or declare it in the unit"
                              : suggestion));
}

Result<ResourceType> KubernetesDriver::TypeOf(const ObjectRef& ref, const Call& call) {
  if (const auto it = declared_.versions.find({ref.group, ref.kind});
      it != declared_.versions.end()) {
    auto type = TypeOf(ref.group, it->second, ref.kind, call);
    if (type || type.error().code() != ErrorCode::kNotFound) return type;
  }
  return TypeOf(ref.group, "", ref.kind, call);
}

Result<bool> KubernetesDriver::IsTypeGone(const ResourceType& type, const Call& call) {
  SLUICE_TRY(const auto catalog, connection_->discovery.Refresh(client_.clock().SteadyNow(), call));
  return catalog->Find(type.group, type.version, type.kind) == nullptr &&
         !catalog->IsUnknown(type.group, type.version);
}

// The objects are the same in every version that is served.
Result<std::optional<ResourceType>> KubernetesDriver::OtherVersionOf(const ResourceType& type,
                                                                     const Call& call) {
  auto other = TypeOf(type.group, "", type.kind, call);
  if (other && other->version != type.version) return std::optional(std::move(*other));
  if (!other && other.error().code() != ErrorCode::kNotFound) return Fail(std::move(other).error());
  return std::nullopt;
}

}  // namespace sluice::targets::kubernetes
