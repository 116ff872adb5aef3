#include "engine/targets/kubernetes/kubernetes_kind.h"

#include <array>

#include "engine/targets/kubernetes/kinds.h"
#include "engine/targets/kubernetes/manifests.h"
#include "engine/targets/kubernetes/object_edit.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

// The keys by which Kubernetes merges its lists, most telling first: a mount has a name too, but
// the same volume may be mounted twice. TCP is its own default for the second half of both port
// keys.
constexpr auto kListKeys = std::to_array<ListKey>({
    {"containerPort", "protocol", "TCP"},
    {"port", "protocol", "TCP"},
    {"mountPath", "", ""},
    {"devicePath", "", ""},
    {"topologyKey", "whenUnsatisfiable", ""},
    {"name", "", ""},
    {"type", "", ""},
    {"ip", "", ""},
});

constexpr auto kFreeMaps = std::to_array<FreeMap>({
    {"/data", "data"},
    {"/stringData", "data"},
    {"/metadata/labels", "labels"},
    {"/metadata/annotations", "annotations"},
});

constexpr auto kIdentityFields =
    std::to_array<std::string_view>({"/apiVersion", "/kind", "/metadata/name",
                                     "/metadata/namespace", "/metadata/labels/sluice.dev~1unit"});

// Whether a top-level member of a Secret may be shown. A misspelt `stringDatas` holds values too,
// so all but what is known to hold none is a value.
bool IsHarmless(const std::string& key, const json& value) {
  if (key == "type") return value.is_string();
  if (key == "immutable") return value.is_boolean();
  return key == "apiVersion" || key == "kind" || key == "metadata";
}

// From a map of the metadata, and the map when nothing is left in it.
void EraseIn(json& body, const char* map, const char* key) {
  if (!body.is_object() || !body.contains("metadata") || !body["metadata"].is_object()) return;
  json& metadata = body["metadata"];
  if (!metadata.contains(map) || !metadata[map].is_object()) return;
  metadata[map].erase(key);
  if (metadata[map].empty()) metadata.erase(map);
}

class KubernetesKind final : public TargetKind {
 public:
  std::string_view Name() const override { return "kubernetes"; }

  std::vector<TargetSetting> Settings() const override {
    return {{.name = kContext, .is_required = true},
            {.name = kNamespace, .is_label = true, .fallback = "default"}};
  }

  std::string Identity(const Target& target) const override {
    return "kubernetes/" + target.Setting(kContext) + "/" + target.Setting(kNamespace);
  }

  std::string Place(const Target& target) const override {
    return "context " + target.Setting(kContext);
  }

  std::string_view ExampleObjects() const override {
    return "apps/Deployment/shop/web, or /ConfigMap/shop/web of the core group";
  }

  std::vector<DeclaredPart> Unpack(json document, const Report& report) const override {
    return UnpackManifest(std::move(document), report);
  }
  void Check(json& body, const Report& report) const override { CheckManifest(body, report); }
  void VisitImages(json& body, const ImageVisitor& visit) const override {
    VisitManifestImages(body, visit);
  }
  Resource ToResource(json body) const override {
    Resource resource;
    resource.api_version = body["apiVersion"].get<std::string>();
    // The namespace comes into `ref` with the scope, which only a cluster knows.
    resource.ref = {GroupOf(resource.api_version), body["kind"].get<std::string>(), "",
                    body["metadata"]["name"].get<std::string>()};
    resource.body = std::move(body);
    return resource;
  }

  Task TaskOfTests() const override { return {"job", "Job", "batch/v1"}; }
  bool IsTask(const json& manifest) const override {
    return manifest.is_object() && manifest.value("apiVersion", json()) == "batch/v1" &&
           manifest.value("kind", json()) == "Job";
  }

  ObjectRef RefIn(const Resource& resource, const Target& target) const override {
    ObjectRef ref = resource.ref;
    ref.ns = IsClusterScoped(ref)
                 ? ""
                 : resource.body["metadata"].value("namespace", target.Setting(kNamespace));
    return ref;
  }

  // Only a cluster knows the scope of a custom kind: without a namespace in its manifest an object
  // of one stands in the target's namespace or in none.
  std::vector<ObjectRef> Claims(const Resource& resource, const Target& target) const override {
    std::vector<ObjectRef> claims = {RefIn(resource, target)};
    if (resource.body["metadata"].contains("namespace")) return claims;
    claims.push_back(claims.front());
    claims.back().ns.clear();
    return claims;
  }

  bool IsCertain(const ObjectRef& claim) const override {
    return !claim.ns.empty() || IsClusterScoped(claim);
  }

  int DeletionRank(const ObjectRef& ref) const override {
    return kubernetes::DeletionRank(ref.group, ref.kind);
  }
  bool IsPrecious(const ObjectRef& ref) const override { return NeedsOptInToPrune(ref); }

  std::span<const ListKey> ListKeys() const override { return kListKeys; }
  std::span<const FreeMap> FreeMaps() const override { return kFreeMaps; }

  Hidden HiddenIn(const ObjectRef& ref, const json& body) const override {
    Hidden hidden;
    if (IsSecret(ref) && body.is_object()) {
      for (const auto& [key, value] : body.items()) {
        if (!IsHarmless(key, value)) hidden.values.push_back("/" + EscapeKey(key));
      }
    }
    const std::string copy = "/metadata/annotations/" + EscapeKey(kLastApplied);
    if (body.contains(json::json_pointer(copy))) hidden.copies.push_back(copy);
    return hidden;
  }

  json WithoutMark(json body) const override {
    EraseIn(body, "labels", kMarkLabel);
    return body;
  }

  std::span<const std::string_view> IdentityFields() const override { return kIdentityFields; }

  json WithoutIdentity(json body) const override {
    body.erase("apiVersion");
    body.erase("kind");
    if (body.contains("metadata") && body["metadata"].is_object()) {
      body["metadata"].erase("name");
      body["metadata"].erase("namespace");
      if (body["metadata"].empty()) body.erase("metadata");
    }
    return body;
  }
};

}  // namespace

const TargetKind& KindOfTarget() {
  static const KubernetesKind kind;
  return kind;
}

}  // namespace sluice::targets::kubernetes
