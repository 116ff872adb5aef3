// Runs the simulated controllers of one cluster on the timers' thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/sandbox/controllers/controller.h"
#include "engine/sandbox/timers.h"

namespace sluice::sandbox {

class ControllerHost final : public ControllerContext {
 public:
  ControllerHost(Cluster& cluster, Timers& timers, const Timings& timings);

  // Begins to follow the store. Needs the cluster's lock, as everything below.
  void Start();
  void Later(Duration delay, const ObjectKey& key) override;

 private:
  void OnEvent(const StoreEvent& event);
  void Run(const ObjectKey& key);  // takes the lock itself

  Timers& timers_;
  std::map<std::string, std::unique_ptr<Controller>> controllers_;  // by their storage key
  std::set<ObjectKey> queued_;
};

// Each makes the controller of the kind in its name.
std::unique_ptr<Controller> MakePodController();
std::unique_ptr<Controller> MakeReplicaSetController();
std::unique_ptr<Controller> MakeDeploymentController();
std::unique_ptr<Controller> MakeStatefulSetController();
std::unique_ptr<Controller> MakeDaemonSetController();
std::unique_ptr<Controller> MakeJobController();
std::unique_ptr<Controller> MakeServiceController();
std::unique_ptr<Controller> MakeIngressController();
std::unique_ptr<Controller> MakeNamespaceController();
std::unique_ptr<Controller> MakeClaimController();
std::unique_ptr<Controller> MakeDefinitionController();
std::unique_ptr<Controller> MakeApiServiceController();
std::unique_ptr<Controller> MakeAutoscalerController();
std::unique_ptr<Controller> MakeDisruptionController();
std::unique_ptr<Controller> MakeGarbageCollector();

}  // namespace sluice::sandbox
