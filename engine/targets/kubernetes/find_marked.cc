// Every object of a cluster that carries a unit's mark and was applied by us.
#include <algorithm>

#include "engine/base/log.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr const char* kMetadataOnly =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

struct Scan {
  ResourceType type;
  std::string ns;
  bool is_asked_for = false;  // the caller named the kind: not being allowed to list it is an error
  Status status;
  std::vector<ObjectRef> found;
};

void Add(std::vector<Scan>& scans, const ResourceType& type,
         const std::set<std::string>& namespaces, bool is_asked_for) {
  if (!type.is_namespaced) {
    scans.push_back({type, "", is_asked_for, {}, {}});
    return;
  }
  for (const std::string& ns : namespaces) scans.push_back({type, ns, is_asked_for, {}, {}});
}

bool IsOursToApply(const ResourceType& type) {
  return type.verbs.contains("list") && type.verbs.contains("patch") &&
         type.verbs.contains("delete");
}

void Keep(Scan& scan, const std::vector<nlohmann::json>& items) {
  for (const nlohmann::json& item : items) {
    // Controllers copy labels to what they make (a Service's to its EndpointSlices).
    if (OwnFields(item).is_null()) continue;
    scan.found.push_back({scan.type.group, scan.type.kind,
                          ToText(At(item, "metadata", "namespace")),
                          ToText(At(item, "metadata", "name"))});
  }
}

Result<std::vector<ObjectRef>> Union(std::vector<Scan>& scans) {
  std::vector<ObjectRef> found;
  for (Scan& scan : scans) {
    SLUICE_CHECK(std::move(scan.status));
    found.insert(found.end(), scan.found.begin(), scan.found.end());
  }
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace

// With `kinds_of`: these kinds, in the namespaces of the refs and the target's own. Without: every
// kind we may list, in the target's namespace and in cluster scope.
Result<std::vector<ObjectRef>> KubernetesDriver::FindMarked(const Ownership& owner,
                                                            const std::vector<ObjectRef>& kinds_of,
                                                            const Call& call) {
  std::set<std::string> namespaces = {ns_};
  std::set<GroupKind> kinds;
  for (const ObjectRef& ref : kinds_of) {
    if (!ref.ns.empty()) namespaces.insert(ref.ns);
    kinds.emplace(ref.group, ref.kind);
  }
  std::vector<Scan> scans;
  for (const auto& [group, kind] : kinds) {
    auto type = TypeOf(group, "", kind, call);
    if (type) {
      Add(scans, *type, namespaces, true);
    } else if (type.error().code() != ErrorCode::kNotFound) {
      return Fail(std::move(type).error());
    }
  }
  if (kinds_of.empty()) {
    SLUICE_TRY(const auto catalog, connection_->discovery.Get(call));
    for (const ResourceType* type : catalog->All()) {
      if (IsOursToApply(*type)) Add(scans, *type, namespaces, false);
    }
  }
  const std::string selector = std::string(kMarkLabel) + "=" + owner.Mark();
  ForEachInParallel(scans.size(), [&](size_t i) {
    Scan& scan = scans[i];
    auto items = ReadList(scan.type, scan.ns, {{"labelSelector", selector}}, kMetadataOnly, call);
    if (items) return Keep(scan, *items);
    // What we may not list we cannot have applied, either.
    if (!scan.is_asked_for && items.error().code() == ErrorCode::kPermissionDenied) {
      log::Debug("kind_not_listed", {{"target", connection_->credentials.access().context},
                                     {"object", scan.type.plural}});
    } else {
      scan.status = Fail(std::move(items).error());
    }
  });
  return Union(scans);
}

}  // namespace sluice::targets::kubernetes
