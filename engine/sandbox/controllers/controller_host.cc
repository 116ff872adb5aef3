#include "engine/sandbox/controllers/controller_host.h"

#include <mutex>
#include <nlohmann/json.hpp>

namespace sluice::sandbox {

ControllerHost::ControllerHost(Cluster& cluster, Timers& timers, const Timings& timings)
    : ControllerContext(cluster, timings), timers_(timers) {
  controllers_["pods"] = MakePodController();
  controllers_["replicasets.apps"] = MakeReplicaSetController();
  controllers_["deployments.apps"] = MakeDeploymentController();
  controllers_["statefulsets.apps"] = MakeStatefulSetController();
  controllers_["daemonsets.apps"] = MakeDaemonSetController();
  controllers_["jobs.batch"] = MakeJobController();
  controllers_["services"] = MakeServiceController();
  controllers_["ingresses.networking.k8s.io"] = MakeIngressController();
  controllers_["namespaces"] = MakeNamespaceController();
  controllers_["persistentvolumeclaims"] = MakeClaimController();
  controllers_["customresourcedefinitions.apiextensions.k8s.io"] = MakeDefinitionController();
  controllers_["apiservices.apiregistration.k8s.io"] = MakeApiServiceController();
  controllers_["horizontalpodautoscalers.autoscaling"] = MakeAutoscalerController();
  controllers_["poddisruptionbudgets.policy"] = MakeDisruptionController();
  controllers_["garbage"] = MakeGarbageCollector();
}

void ControllerHost::Start() {
  cluster_.store.Observe([this](const StoreEvent& event) { OnEvent(event); });
}

void ControllerHost::OnEvent(const StoreEvent& event) {
  if (event.storage_key == "events") return;
  for (const auto& [name, controller] : controllers_) {
    for (const ObjectKey& key : controller->Affected(event)) {
      if (!queued_.insert(key).second) continue;
      timers_.After(timings_.controller, [this, key] { Run(key); });
    }
  }
}

void ControllerHost::Later(Duration delay, const ObjectKey& key) {
  timers_.After(delay, [this, key] { Run(key); });
}

void ControllerHost::Run(const ObjectKey& key) {
  const std::lock_guard lock(cluster_.mutex);
  queued_.erase(key);
  const auto it = controllers_.find(key.storage_key);
  if (it != controllers_.end()) it->second->Reconcile(key, *this);
}

}  // namespace sluice::sandbox
