#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/sandbox/controllers/controller_host.h"

namespace sluice::sandbox {
namespace {

constexpr char kNamespaces[] = "namespaces";
constexpr char kGarbage[] = "garbage";

void DropFinalizer(const std::string& storage_key, const Json& object, const std::string& name,
                   ControllerContext& context) {
  Json next = object;
  Json& finalizers = next["metadata"]["finalizers"];
  finalizers.erase(std::remove(finalizers.begin(), finalizers.end(), Json(name)), finalizers.end());
  if (finalizers.empty()) next["metadata"].erase("finalizers");
  context.Update(storage_key, std::move(next));
}

bool HasFinalizer(const Json& object, const std::string& name) {
  const Json& finalizers = ArrayAt(object, {"metadata", "finalizers"});
  return std::find(finalizers.begin(), finalizers.end(), Json(name)) != finalizers.end();
}

// Gives a namespace its default service account and root certificate, and empties one that is
// deleted.
class NamespaceController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key == kNamespaces && event.kind != EventKind::kDeleted)
      return {KeyOf(kNamespaces, *event.object)};
    const std::string ns = NamespaceOf(*event.object);
    if (ns.empty() || event.kind != EventKind::kDeleted) return {};
    return {{kNamespaces, "", ns}};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr ns = context.Get(kNamespaces, "", key.name);
    if (ns == nullptr) return;
    if (IsTerminating(*ns)) return Empty(*ns, context);
    if (context.Get("serviceaccounts", key.name, "default") == nullptr) {
      context.Create("serviceaccounts",
                     {{"metadata", {{"name", "default"}, {"namespace", key.name}}}});
    }
    if (context.Get("configmaps", key.name, "kube-root-ca.crt") == nullptr) {
      context.Create("configmaps",
                     {{"metadata", {{"name", "kube-root-ca.crt"}, {"namespace", key.name}}},
                      {"data", {{"ca.crt", "simulated"}}}});
    }
  }

 private:
  static void Empty(const Json& ns, ControllerContext& context) {
    const std::vector<ObjectKey> content = context.cluster().store.InNamespace(NameOf(ns));
    for (const ObjectKey& key : content) {
      const ObjectPtr object = context.Get(key.storage_key, key.ns, key.name);
      if (object != nullptr && !IsTerminating(*object)) context.Delete(key.storage_key, *object);
    }
    const std::vector<ObjectKey> left = context.cluster().store.InNamespace(NameOf(ns));
    if (left.empty()) return context.Remove(kNamespaces, ns);
    Tell(ns, left, context);
  }

  // What is left, by kind and by finalizer.
  static void Tell(const Json& ns, const std::vector<ObjectKey>& left, ControllerContext& context) {
    std::map<std::string, int> kinds, finalizers;
    for (const ObjectKey& key : left) {
      ++kinds[key.storage_key];
      const ObjectPtr object = context.Get(key.storage_key, key.ns, key.name);
      if (object == nullptr) continue;
      for (const Json& finalizer : ArrayAt(*object, {"metadata", "finalizers"}))
        ++finalizers[finalizer.get<std::string>()];
    }
    Json next = ns;
    SetCondition(next, "NamespaceContentRemaining", "True", "SomeResourcesRemain",
                 "Some resources are remaining: " + Count(kinds, " has ", " resource instances"));
    if (finalizers.empty()) {
      SetCondition(next, "NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers",
                   "All content-preserving finalizers finished");
    } else {
      SetCondition(next, "NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain",
                   "Some content in the namespace has finalizers remaining: " +
                       Count(finalizers, " in ", " resource instances"));
    }
    context.UpdateStatus(kNamespaces, std::move(next));
  }

  static std::string Count(const std::map<std::string, int>& counts, const std::string& between,
                           const std::string& after) {
    std::string out;
    for (const auto& [name, count] : counts)
      out += (out.empty() ? "" : ", ") + name + (between == " has " ? "." : "") + between +
             std::to_string(count) + after;
    return out;
  }
};

// Deletes what its owners left behind, and finishes foreground and orphaning deletions. The name of
// a key is the uid of an owner.
class GarbageCollector final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    std::vector<ObjectKey> out;
    if (event.kind == EventKind::kDeleted || IsTerminating(*event.object)) {
      out.push_back({kGarbage, "", UidOf(*event.object)});
    }
    if (event.kind == EventKind::kModified) return out;
    // A dependent that ends may be waited for; one that begins may find its owner gone.
    for (const Json& owner : ArrayAt(*event.object, {"metadata", "ownerReferences"})) {
      out.push_back({kGarbage, "", TextAt(owner, {"uid"})});
    }
    return out;
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const std::string& uid = key.name;
    Store& store = context.cluster().store;
    const ObjectKey* found = store.FindUid(uid);
    if (found == nullptr) {
      for (const ObjectKey& dependent : store.OwnedBy(uid)) DropOwner(dependent, uid, context);
      return;
    }
    const std::string storage_key = found->storage_key;
    const ObjectPtr owner = context.Get(found->storage_key, found->ns, found->name);
    if (owner == nullptr || !IsTerminating(*owner)) return;
    if (HasFinalizer(*owner, "orphan")) {
      Orphan(storage_key, *owner, context);
    } else if (HasFinalizer(*owner, "foregroundDeletion")) {
      Foreground(storage_key, *owner, context);
    }
  }

 private:
  static void Foreground(const std::string& storage_key, const Json& owner,
                         ControllerContext& context) {
    bool blocked = false;
    for (const ObjectKey& key : context.cluster().store.OwnedBy(UidOf(owner))) {
      const ObjectPtr dependent = context.Get(key.storage_key, key.ns, key.name);
      if (dependent == nullptr) continue;
      const Json* reference =
          FindByKey(ArrayAt(*dependent, {"metadata", "ownerReferences"}), "uid", UidOf(owner));
      if (!IsTerminating(*dependent)) {
        const TypePtr type = context.cluster().types.FindStorage(key.storage_key);
        DeleteOptions options;
        options.propagation = "Foreground";
        if (type != nullptr)
          (void)context.cluster().writer.Delete(*type, key.ns, key.name, options);
      }
      blocked = blocked || (reference != nullptr && BoolAt(*reference, {"blockOwnerDeletion"}));
    }
    if (!blocked) DropFinalizer(storage_key, owner, "foregroundDeletion", context);
  }

  static void Orphan(const std::string& storage_key, const Json& owner,
                     ControllerContext& context) {
    for (const ObjectKey& key : context.cluster().store.OwnedBy(UidOf(owner)))
      RemoveReference(key, UidOf(owner), context);
    DropFinalizer(storage_key, owner, "orphan", context);
  }

  static void RemoveReference(const ObjectKey& key, const std::string& uid,
                              ControllerContext& context) {
    const ObjectPtr object = context.Get(key.storage_key, key.ns, key.name);
    if (object == nullptr) return;
    Json next = *object;
    Json kept = Json::array();
    for (const Json& owner : ArrayAt(next, {"metadata", "ownerReferences"})) {
      if (TextAt(owner, {"uid"}) != uid) kept.push_back(owner);
    }
    if (kept.empty()) {
      next["metadata"].erase("ownerReferences");
    } else {
      next["metadata"]["ownerReferences"] = std::move(kept);
    }
    context.Update(key.storage_key, std::move(next));
  }

  // One owner of this object is gone: without another it goes too.
  static void DropOwner(const ObjectKey& key, const std::string& uid, ControllerContext& context) {
    const ObjectPtr object = context.Get(key.storage_key, key.ns, key.name);
    if (object == nullptr || IsTerminating(*object)) return;
    for (const Json& owner : ArrayAt(*object, {"metadata", "ownerReferences"})) {
      if (TextAt(owner, {"uid"}) != uid && context.cluster().store.HasUid(TextAt(owner, {"uid"}))) {
        return RemoveReference(key, uid, context);
      }
    }
    context.Delete(key.storage_key, *object);
  }
};

}  // namespace

std::unique_ptr<Controller> MakeNamespaceController() {
  return std::make_unique<NamespaceController>();
}
std::unique_ptr<Controller> MakeGarbageCollector() { return std::make_unique<GarbageCollector>(); }

}  // namespace sluice::sandbox
