#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/sandbox/controllers/controller_host.h"

namespace sluice::sandbox {
namespace {

constexpr char kDefinitions[] = "customresourcedefinitions.apiextensions.k8s.io";
constexpr char kApiServices[] = "apiservices.apiregistration.k8s.io";
constexpr char kCleanup[] = "customresourcecleanup.apiextensions.k8s.io";

// Establishes definitions, serves their kinds, and empties the ones that are deleted.
class DefinitionController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key == kDefinitions) return {KeyOf(kDefinitions, *event.object)};
    // A custom object's end may let its definition go.
    if (event.kind != EventKind::kDeleted) return {};
    const size_t dot = event.storage_key.find('.');
    if (dot == std::string::npos) return {};
    return {{kDefinitions, "", event.storage_key}};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr definition = context.Get(kDefinitions, "", key.name);
    TypeRegistry& types = context.cluster().types;
    if (definition == nullptr) {
      types.WithdrawDefinition(key.name);
      return;
    }
    if (IsTerminating(*definition)) return CleanUp(*definition, context);
    if (ArrayAt(*definition, {"metadata", "finalizers"}).empty()) {
      Json next = *definition;
      next["metadata"]["finalizers"] = Json::array({kCleanup});
      context.Update(kDefinitions, std::move(next));
      return;  // called again by that write
    }
    Establish(*definition, context);
    types.ServeDefinition(*definition);
  }

 private:
  static void Establish(const Json& definition, ControllerContext& context) {
    Json next = definition;
    Json& status = Ensure(next, {"status"});
    status["acceptedNames"] = ObjectAt(definition, {"spec", "names"});
    Json stored = ArrayAt(definition, {"status", "storedVersions"});
    for (const Json& version : ArrayAt(definition, {"spec", "versions"})) {
      const Json name = TextAt(version, {"name"});
      if (BoolAt(version, {"storage"}) &&
          std::find(stored.begin(), stored.end(), name) == stored.end())
        stored.push_back(name);
    }
    status["storedVersions"] = std::move(stored);
    SetCondition(next, "NamesAccepted", "True", "NoConflicts", "no conflicts found");
    SetCondition(next, "Established", "True", "InitialNamesAccepted",
                 "the initial names have been accepted");
    context.UpdateStatus(kDefinitions, std::move(next));
  }

  static void CleanUp(const Json& definition, ControllerContext& context) {
    const std::string storage_key = NameOf(definition);
    for (const ObjectPtr& object : context.List(storage_key, "")) {
      if (!IsTerminating(*object)) context.Delete(storage_key, *object);
    }
    Json next = definition;
    if (!context.List(storage_key, "").empty()) {
      SetCondition(next, "Terminating", "True", "InstanceDeletionInProgress",
                   "CustomResource deletion is in progress");
      context.UpdateStatus(kDefinitions, std::move(next));
      return;
    }
    Json& finalizers = next["metadata"]["finalizers"];
    finalizers.erase(std::remove(finalizers.begin(), finalizers.end(), Json(kCleanup)),
                     finalizers.end());
    if (finalizers.empty()) next["metadata"].erase("finalizers");
    context.Update(kDefinitions, std::move(next));
  }
};

// A local group is available; one that names a service never is: nothing here could serve it, and
// its discovery is stale, as on a cluster whose aggregated server is down.
class ApiServiceController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key != kApiServices) return {};
    return {KeyOf(kApiServices, *event.object)};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr service = context.Get(kApiServices, "", key.name);
    const size_t dot = key.name.find('.');
    const std::string version = key.name.substr(0, dot);
    const std::string group = dot == std::string::npos ? "" : key.name.substr(dot + 1);
    const bool remote = service != nullptr && Find(*service, {"spec", "service"}) != nullptr;
    context.cluster().types.SetStaleGroup(group, version, remote);
    if (service == nullptr) return;
    Json next = *service;
    if (remote) {
      SetCondition(next, "Available", "False", "ServiceNotFound",
                   "service/" + TextAt(*service, {"spec", "service", "name"}) + " in \"" +
                       TextAt(*service, {"spec", "service", "namespace"}) + "\" is not present");
    } else {
      SetCondition(next, "Available", "True", "Local", "Local APIServices are always available");
    }
    context.UpdateStatus(kApiServices, std::move(next));
  }
};

}  // namespace

std::unique_ptr<Controller> MakeDefinitionController() {
  return std::make_unique<DefinitionController>();
}
std::unique_ptr<Controller> MakeApiServiceController() {
  return std::make_unique<ApiServiceController>();
}

}  // namespace sluice::sandbox
