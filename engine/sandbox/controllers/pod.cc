#include <map>
#include <nlohmann/json.hpp>

#include "engine/sandbox/controllers/controller_host.h"
#include "engine/sandbox/image.h"

namespace sluice::sandbox {
namespace {

constexpr char kPods[] = "pods";

// The node's and kubelet's part: schedules, starts, fails as the image tag says, ends.
class PodController final : public Controller {
 public:
  std::vector<ObjectKey> Affected(const StoreEvent& event) const override {
    if (event.storage_key != kPods || event.kind == EventKind::kDeleted) return {};
    return {KeyOf(kPods, *event.object)};
  }

  void Reconcile(const ObjectKey& key, ControllerContext& context) override {
    const ObjectPtr pod = context.Get(kPods, key.ns, key.name);
    if (pod == nullptr) return;
    if (IsTerminating(*pod)) return Terminate(*pod, key, context);
    if (TextAt(*pod, {"spec", "nodeName"}).empty()) {
      Schedule(*pod, context);
      return;
    }
    const std::string phase = TextAt(*pod, {"status", "phase"});
    if (phase == "Pending" && !HasWaitingReason(*pod)) Begin(*pod, key, context);
    if (phase == "Running" && IsOfJob(*pod)) EndJobPod(*pod, key, context);
  }

 private:
  // True once `delay` has passed since the pod entered this step; else asks to be called again.
  bool Due(const Json& pod, const std::string& step, Duration delay, const ObjectKey& key,
           ControllerContext& context) {
    const auto now = std::chrono::steady_clock::now();
    const auto [it, inserted] = since_.try_emplace({UidOf(pod), step}, now);
    if (now - it->second >= delay) {
      since_.erase(it);
      return true;
    }
    if (inserted) context.Later(delay, key);
    return false;
  }

  void Terminate(const Json& pod, const ObjectKey& key, ControllerContext& context) {
    if (!ArrayAt(pod, {"metadata", "finalizers"}).empty()) return;
    if (!Due(pod, "end", context.timings().pod_termination, key, context)) return;
    std::erase_if(since_, [&](const auto& entry) { return entry.first.first == UidOf(pod); });
    context.Remove(kPods, pod);
  }

  static bool FitsNode(const Json& pod, ControllerContext& context) {
    const ObjectPtr node = context.Get("nodes", "", "node-0");
    const Json& labels = node == nullptr ? pod : ObjectAt(*node, {"metadata", "labels"});
    for (const auto& [name, value] : ObjectAt(pod, {"spec", "nodeSelector"}).items()) {
      const Json* label = Find(labels, {name});
      if (label == nullptr || *label != value) return false;
    }
    return true;
  }

  static void Schedule(const Json& pod, ControllerContext& context) {
    Json next = pod;
    if (!FitsNode(pod, context)) {
      const char* why =
          "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
      if (FindCondition(pod, "PodScheduled") != nullptr) return;
      SetCondition(next, "PodScheduled", "False", "Unschedulable", why);
      context.UpdateStatus(kPods, std::move(next));
      context.Tell(pod, "Warning", "FailedScheduling", why);
      return;
    }
    next["spec"]["nodeName"] = "node-0";
    const ObjectPtr bound = context.Update(kPods, std::move(next));
    if (bound == nullptr) return;
    Json status = *bound;
    SetCondition(status, "PodScheduled", "True", "", "");
    context.UpdateStatus(kPods, std::move(status));
    context.Tell(pod, "Normal", "Scheduled",
                 "Successfully assigned " + NamespaceOf(pod) + "/" + NameOf(pod) + " to node-0");
  }

  static bool HasWaitingReason(const Json& pod) {
    for (const Json& container : ArrayAt(pod, {"status", "containerStatuses"})) {
      if (!TextAt(container, {"state", "waiting", "reason"}).empty()) return true;
    }
    return false;
  }

  static bool IsOfJob(const Json& pod) {
    const Json* owner = ControllerOf(pod);
    return owner != nullptr && TextAt(*owner, {"kind"}) == "Job";
  }

  static Json ContainerStatus(const Json& container, bool ready, int restarts, bool started,
                              const Json& state) {
    return {{"name", TextAt(container, {"name"})},
            {"image", TextAt(container, {"image"})},
            {"imageID", ""},
            {"ready", ready},
            {"restartCount", restarts},
            {"started", started},
            {"state", state}};
  }

  static void SetContainers(Json& pod, bool ready, int restarts, bool started, const Json& state,
                            const Json& last_state = nullptr) {
    Json statuses = Json::array();
    for (const Json& container : ArrayAt(pod, {"spec", "containers"})) {
      Json status = ContainerStatus(container, ready, restarts, started, state);
      if (!last_state.is_null()) status["lastState"] = last_state;
      statuses.push_back(std::move(status));
    }
    Json& status = Ensure(pod, {"status"});
    status["containerStatuses"] = std::move(statuses);
    if (!status.contains("startTime")) status["startTime"] = NowText();
  }

  static void SetUnready(Json& pod) {
    SetCondition(pod, "Initialized", "True", "", "");
    for (const char* type : {"Ready", "ContainersReady"}) {
      SetCondition(pod, type, "False", "ContainersNotReady", "containers with unready status");
    }
  }

  void SetReady(Json& pod) {
    const std::string now = NowText();
    for (const char* type : {"Initialized", "Ready", "ContainersReady"})
      SetCondition(pod, type, "True", "", "");
    for (const Json& gate : ArrayAt(pod, {"spec", "readinessGates"})) {
      SetCondition(pod, TextAt(gate, {"conditionType"}), "True", "", "");
    }
    SetContainers(pod, true, 0, true, {{"running", {{"startedAt", now}}}});
    Json inits = Json::array();
    for (const Json& container : ArrayAt(pod, {"spec", "initContainers"})) {
      inits.push_back(ContainerStatus(
          container, true, 0, false,
          {{"terminated",
            {{"exitCode", 0}, {"reason", "Completed"}, {"startedAt", now}, {"finishedAt", now}}}}));
    }
    if (!inits.empty()) pod["status"]["initContainerStatuses"] = std::move(inits);
    pod["status"]["phase"] = "Running";
    ++next_ip_;
    pod["status"]["podIP"] =
        "10.1." + std::to_string(next_ip_ / 250 % 250) + "." + std::to_string(next_ip_ % 250 + 1);
    pod["status"]["podIPs"] = {{{"ip", pod["status"]["podIP"]}}};
    pod["status"]["hostIP"] = "127.0.0.1";
  }

  void Begin(const Json& pod, const ObjectKey& key, ControllerContext& context) {
    const Json& spec = ObjectAt(pod, {"spec"});
    const Timings& timings = context.timings();
    Json next = pod;
    if (HasFault(spec, "pullfail")) {
      if (!Due(pod, "begin", timings.fault, key, context)) return;
      SetUnready(next);
      SetContainers(next, false, 0, false,
                    {{"waiting",
                      {{"reason", "ImagePullBackOff"},
                       {"message", "Back-off pulling image: manifest unknown"}}}});
      context.Tell(pod, "Warning", "Failed", "Failed to pull image: manifest unknown");
    } else if (HasFault(spec, "crash")) {
      if (!Due(pod, "begin", timings.fault, key, context)) return;
      const std::string now = NowText();
      SetUnready(next);
      next["status"]["phase"] = "Running";
      SetContainers(
          next, false, 3, false,
          {{"waiting",
            {{"reason", "CrashLoopBackOff"},
             {"message", "back-off 40s restarting failed container"}}}},
          {{"terminated",
            {{"exitCode", 1}, {"reason", "Error"}, {"startedAt", now}, {"finishedAt", now}}}});
      context.Tell(pod, "Warning", "BackOff", "Back-off restarting failed container");
    } else if (HasFault(spec, "unready")) {
      if (!Due(pod, "begin", timings.pod_ready, key, context)) return;
      SetUnready(next);
      next["status"]["phase"] = "Running";
      SetContainers(next, false, 0, true, {{"running", {{"startedAt", NowText()}}}});
      context.Tell(pod, "Warning", "Unhealthy",
                   "Readiness probe failed: HTTP probe failed with statuscode: 503");
    } else {
      const Duration delay = HasFault(spec, "slow") ? timings.slow_ready : timings.pod_ready;
      if (!Due(pod, "begin", delay, key, context)) return;
      SetReady(next);
    }
    context.UpdateStatus(kPods, std::move(next));
  }

  void EndJobPod(const Json& pod, const ObjectKey& key, ControllerContext& context) {
    const Json& spec = ObjectAt(pod, {"spec"});
    if (HasFault(spec, "crash") || HasFault(spec, "unready")) return;
    if (!Due(pod, "job", context.timings().job_run, key, context)) return;
    const bool failed = HasFault(spec, "jobfail");
    const std::string now = NowText();
    Json next = pod;
    next["status"]["phase"] = failed ? "Failed" : "Succeeded";
    for (const char* type : {"Ready", "ContainersReady"}) {
      SetCondition(next, type, "False", failed ? "PodFailed" : "PodCompleted", "");
    }
    SetContainers(next, false, 0, false,
                  {{"terminated",
                    {{"exitCode", failed ? 1 : 0},
                     {"reason", failed ? "Error" : "Completed"},
                     {"startedAt", now},
                     {"finishedAt", now}}}});
    context.UpdateStatus(kPods, std::move(next));
  }

  std::map<std::pair<std::string, std::string>, SteadyTime> since_;  // (uid, step)
  int next_ip_ = 0;
};

}  // namespace

std::unique_ptr<Controller> MakePodController() { return std::make_unique<PodController>(); }

}  // namespace sluice::sandbox
