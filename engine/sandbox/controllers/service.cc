#include <map>
#include <nlohmann/json.hpp>

#include "engine/sandbox/controllers/controller_host.h"
#include "engine/sandbox/selectors.h"

namespace sluice::sandbox {
namespace {

constexpr char kServices[] = "services";
constexpr char kSlices[] = "endpointslices.discovery.k8s.io";
constexpr char kIngresses[] = "ingresses.networking.k8s.io";

// What a bare cluster's own controllers would do is played for the default class only: named
// classes are those of software that is not there.
bool IsOfDefaultClass(const Json& object) {
  return TextAt(object, {"spec", "ingressClassName"}).empty() &&
         TextAt(object, {"spec", "loadBalancerClass"}).empty();
}

// True once `delay` has passed since `uid` was first asked about; else asks to be called again.
bool Waited(std::map<std::string, SteadyTime>& since, const Json& object, const ObjectKey& key,
            ControllerContext& context) {
  const Duration delay = context.timings().load_balancer;
  const auto now = std::chrono::steady_clock::now();
  const auto [it, inserted] = since.try_emplace(UidOf(object), now);
  if (now - it->second >= delay) {
    since.erase(it);
    return true;
  }
  if (inserted) context.Later(delay, key);
  return false;
}

// Keeps one EndpointSlice for each Service with a selector, and gives load balancers an address.
class ServiceController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key == kServices && event.kind != EventKind::kDeleted)
      return {KeyOf(kServices, *event.object)};
    if (event.storage_key != "pods") return {};
    // Which Services select the pod is looked up later: one key stands for the whole namespace.
    return {{kServices, NamespaceOf(*event.object), ""}};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    if (key.name.empty()) {
      for (const ObjectPtr& service : context.List(kServices, key.ns))
        WriteSlice(*service, context);
      return;
    }
    const ObjectPtr service = context.Get(kServices, key.ns, key.name);
    if (service == nullptr || IsTerminating(*service)) return;
    WriteSlice(*service, context);
    if (TextAt(*service, {"spec", "type"}) != "LoadBalancer" || !IsOfDefaultClass(*service)) return;
    if (!ArrayAt(*service, {"status", "loadBalancer", "ingress"}).empty()) return;
    if (!Waited(since_, *service, key, context)) return;
    Json next = *service;
    next["status"]["loadBalancer"]["ingress"] = {{{"ip", "127.0.0.1"}, {"ipMode", "VIP"}}};
    context.UpdateStatus(kServices, std::move(next));
  }

 private:
  static void WriteSlice(const Json& service, ControllerContext& context) {
    const Json& selector = ObjectAt(service, {"spec", "selector"});
    if (selector.empty() || IsTerminating(service)) return;
    Json endpoints = Json::array();
    for (const ObjectPtr& pod : context.List("pods", NamespaceOf(service))) {
      if (!MatchesMap(selector, ObjectAt(*pod, {"metadata", "labels"}))) continue;
      const std::string ip = TextAt(*pod, {"status", "podIP"});
      const std::string phase = TextAt(*pod, {"status", "phase"});
      if (ip.empty() || phase == "Succeeded" || phase == "Failed") continue;
      const bool serving = IsPodReady(*pod);
      endpoints.push_back({{"addresses", Json::array({ip})},
                           {"conditions",
                            {{"ready", serving && !IsTerminating(*pod)},
                             {"serving", serving},
                             {"terminating", IsTerminating(*pod)}}},
                           {"nodeName", "node-0"},
                           {"targetRef",
                            {{"kind", "Pod"},
                             {"namespace", NamespaceOf(*pod)},
                             {"name", NameOf(*pod)},
                             {"uid", UidOf(*pod)}}}});
    }
    Json ports = Json::array();
    for (const Json& port : ArrayAt(service, {"spec", "ports"})) {
      Json entry = {{"name", TextAt(port, {"name"})}, {"protocol", TextAt(port, {"protocol"})}};
      const Json* target = Find(port, {"targetPort"});
      entry["port"] =
          target != nullptr && target->is_number_integer() ? *target : Json(IntAt(port, {"port"}));
      ports.push_back(std::move(entry));
    }
    const std::string name = NameOf(service) + "-slice";
    const ObjectPtr existing = context.Get(kSlices, NamespaceOf(service), name);
    Json slice = existing == nullptr
                     ? Json{{"metadata",
                             {{"name", name},
                              {"namespace", NamespaceOf(service)},
                              {"labels",
                               {{"kubernetes.io/service-name", NameOf(service)},
                                {"endpointslice.kubernetes.io/managed-by",
                                 "endpointslice-controller.k8s.io"}}},
                              {"ownerReferences", Json::array({OwnerReference(service)})}}},
                            {"addressType", "IPv4"}}
                     : *existing;
    slice["endpoints"] = std::move(endpoints);
    slice["ports"] = std::move(ports);
    if (existing == nullptr) {
      context.Create(kSlices, std::move(slice));
    } else {
      context.Update(kSlices, std::move(slice));
    }
  }

  std::map<std::string, SteadyTime> since_;
};

// Plays the ingress controller a bare cluster does not have.
class IngressController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key != kIngresses || event.kind == EventKind::kDeleted) return {};
    return {KeyOf(kIngresses, *event.object)};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr ingress = context.Get(kIngresses, key.ns, key.name);
    if (ingress == nullptr || IsTerminating(*ingress) || !IsOfDefaultClass(*ingress)) return;
    if (!ArrayAt(*ingress, {"status", "loadBalancer", "ingress"}).empty()) return;
    if (!Waited(since_, *ingress, key, context)) return;
    Json next = *ingress;
    next["status"]["loadBalancer"]["ingress"] = {{{"ip", "127.0.0.1"}}};
    context.UpdateStatus(kIngresses, std::move(next));
  }

 private:
  std::map<std::string, SteadyTime> since_;
};

}  // namespace

std::unique_ptr<Controller> MakeServiceController() {
  return std::make_unique<ServiceController>();
}
std::unique_ptr<Controller> MakeIngressController() {
  return std::make_unique<IngressController>();
}

}  // namespace sluice::sandbox
