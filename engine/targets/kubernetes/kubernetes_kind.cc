#include "engine/targets/kubernetes/kubernetes_kind.h"

#include "engine/targets/kubernetes/kinds.h"

namespace sluice::targets::kubernetes {
namespace {

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
};

}  // namespace

const TargetKind& Kind() {
  static const KubernetesKind kind;
  return kind;
}

}  // namespace sluice::targets::kubernetes
