#include "engine/targets/kubernetes/diagnosis.h"

#include <algorithm>
#include <array>
#include <set>

#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets {
namespace {

// What ends a wait, by the kubelet's own names.
const std::set<std::string, std::less<>> kNeverRecovers = {"InvalidImageName",
                                                           "CreateContainerConfigError"};
const std::set<std::string, std::less<>> kImageTroubles = {
    "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "RegistryUnavailable",
    "ImageInspectError"};
const std::set<std::string, std::less<>> kStartTroubles = {"CreateContainerError",
                                                           "RunContainerError"};

// When the present trouble began: the pod's start, or later when it has been ready in between.
SystemTime UnreadySince(const nlohmann::json& pod) {
  SystemTime since =
      TimeAt(At(pod, "status", "startTime"))
          .value_or(TimeAt(At(pod, "metadata", "creationTimestamp")).value_or(SystemTime{}));
  const nlohmann::json& ready = Condition(pod, "Ready");
  if (ToText(At(ready, "status")) == "False") {
    since = std::max(since, TimeAt(At(ready, "lastTransitionTime")).value_or(since));
  }
  return since;
}

bool IsGraceOver(const nlohmann::json& pod, const HealthContext& context) {
  return context.now - UnreadySince(pod) >= context.grace;
}

SystemTime EventTime(const nlohmann::json& event) {
  for (const nlohmann::json* time :
       {&At(event, "series", "lastObservedTime"), &At(event, "lastTimestamp"),
        &At(event, "eventTime"), &At(event, "firstTimestamp"),
        &At(event, "metadata", "creationTimestamp")}) {
    if (const std::optional<SystemTime> parsed = TimeAt(*time)) return *parsed;
  }
  return {};
}

// The newest Warning about `uid` whose reason is one of `reasons`; null for none.
const nlohmann::json& NewestWarning(const HealthContext& context, const std::string& uid,
                                    const std::set<std::string, std::less<>>& reasons) {
  const nlohmann::json* newest = nullptr;
  for (const nlohmann::json& event : Items(context.events)) {
    if (ToText(At(event, "type")) != "Warning" || ToText(At(event, "involvedObject", "uid")) != uid)
      continue;
    if (!reasons.contains(ToText(At(event, "reason")))) continue;
    if (!newest || EventTime(event) >= EventTime(*newest)) newest = &event;
  }
  return newest ? *newest : NullJson();
}

std::string Place(const nlohmann::json& pod, const nlohmann::json& container) {
  return "pod " + NameOf(pod) + " container " + ToText(At(container, "name"));
}

// "exited with code 137 (OOMKilled): last words".
std::string ExitText(const nlohmann::json& terminated) {
  std::string text;
  if (const int64_t signal = ToInt(At(terminated, "signal")); signal != 0) {
    text = "was ended by signal " + std::to_string(signal);
  } else {
    text = "exited with code " + std::to_string(ToInt(At(terminated, "exitCode")));
  }
  if (const std::string reason = ToText(At(terminated, "reason")); !reason.empty())
    text += " (" + reason + ")";
  if (const std::string words = OneLine(ToText(At(terminated, "message")), 256); !words.empty())
    text += ": " + words;
  return text;
}

std::string RestartText(const nlohmann::json& container) {
  const int64_t count = ToInt(At(container, "restartCount"));
  return count == 0 ? "" : ", " + std::to_string(count) + (count == 1 ? " restart" : " restarts");
}

std::optional<Diagnosis> DiagnoseWaiting(const nlohmann::json& pod, const nlohmann::json& container,
                                         const HealthContext& context) {
  const nlohmann::json& waiting = At(container, "state", "waiting");
  const std::string reason = ToText(At(waiting, "reason"));
  const std::string place = Place(pod, container);
  const std::string said = OneLine(ToText(At(waiting, "message")));
  if (kNeverRecovers.contains(reason)) return Diagnosis{reason, place + ": " + said, true};
  if (kImageTroubles.contains(reason)) {
    const std::string image = ToText(At(container, "image"));
    std::string message = place + ": cannot pull image '" + OneLine(image) + "'";
    // The back-off message names no cause; the event of the pull itself does.
    const std::string cause =
        OneLine(ToText(At(NewestWarning(context, UidOf(pod), {"Failed"}), "message")));
    if (!said.empty()) message += ": " + said;
    if (!cause.empty() && cause.find("ImagePullBackOff") == std::string::npos && cause != said)
      message += " (" + cause + ")";
    return Diagnosis{reason, message, IsGraceOver(pod, context)};
  }
  if (kStartTroubles.contains(reason))
    return Diagnosis{reason, place + ": " + said, IsGraceOver(pod, context)};
  if (reason == "CrashLoopBackOff") {
    const nlohmann::json& last = At(container, "lastState", "terminated");
    const bool is_oom = ToText(At(last, "reason")) == "OOMKilled";
    const bool is_terminal =
        ToInt(At(container, "restartCount")) >= context.crash_restarts && IsGraceOver(pod, context);
    const std::string how = last.is_null() ? "keeps crashing" : ExitText(last);
    return Diagnosis{is_oom ? "OOMKilled" : reason, place + " " + how + RestartText(container),
                     is_terminal};
  }
  return std::nullopt;
}

std::optional<Diagnosis> DiagnoseContainer(const nlohmann::json& pod,
                                           const nlohmann::json& container,
                                           const HealthContext& context) {
  if (At(container, "state", "waiting").is_object())
    return DiagnoseWaiting(pod, container, context);
  const nlohmann::json& terminated = At(container, "state", "terminated");
  if (terminated.is_object() && ToInt(At(terminated, "exitCode")) != 0) {
    const bool is_oom = ToText(At(terminated, "reason")) == "OOMKilled";
    return Diagnosis{is_oom ? "OOMKilled" : "ContainerExited",
                     Place(pod, container) + " " + ExitText(terminated) + RestartText(container),
                     false};
  }
  return std::nullopt;
}

std::optional<Diagnosis> DiagnoseContainers(const nlohmann::json& pod,
                                            const HealthContext& context) {
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const nlohmann::json& container : Items(At(pod, "status", list))) {
      if (auto found = DiagnoseContainer(pod, container, context)) return found;
    }
  }
  return std::nullopt;
}

std::optional<Diagnosis> DiagnosePending(const nlohmann::json& pod, const HealthContext& context) {
  const nlohmann::json& scheduled = Condition(pod, "PodScheduled");
  if (ToText(At(scheduled, "status")) == "False") {
    const std::string reason = ToText(At(scheduled, "reason"));
    const std::string said = OneLine(ToText(At(scheduled, "message")));
    if (reason == "Unschedulable") {
      return Diagnosis{reason, "pod " + NameOf(pod) + " fits no node: " + said,
                       IsGraceOver(pod, context)};
    }
    if (reason == "SchedulingGated") {
      return Diagnosis{
          reason, "pod " + NameOf(pod) + " waits for its scheduling gates to be removed", false};
    }
  }
  const nlohmann::json& event = NewestWarning(
      context, UidOf(pod),
      {"FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "NetworkNotReady"});
  if (event.is_null()) return std::nullopt;
  return Diagnosis{ToText(At(event, "reason")),
                   "pod " + NameOf(pod) + ": " + OneLine(ToText(At(event, "message"))), false};
}

// Runs, but is not ready: what the probe said, from the newest event.
std::optional<Diagnosis> DiagnoseUnready(const nlohmann::json& pod, const HealthContext& context) {
  const nlohmann::json& event = NewestWarning(context, UidOf(pod), {"Unhealthy", "ProbeError"});
  const std::string said = OneLine(ToText(At(event, "message")));
  std::string reason = "ContainersNotReady";
  for (const auto& [start, name] : {std::pair{"Readiness probe", "ReadinessProbeFailed"},
                                    std::pair{"Liveness probe", "LivenessProbeFailed"},
                                    std::pair{"Startup probe", "StartupProbeFailed"}}) {
    if (said.starts_with(start)) reason = name;
  }
  std::string unready;
  for (const nlohmann::json& container : Items(At(pod, "status", "containerStatuses"))) {
    if (!ToBool(At(container, "ready")))
      unready += (unready.empty() ? "" : ", ") + ToText(At(container, "name"));
  }
  std::string message = "pod " + NameOf(pod);
  if (unready.empty()) {
    const nlohmann::json& ready = Condition(pod, "Ready");
    if (ToText(At(ready, "reason")) == "ReadinessGatesNotReady") reason = "ReadinessGatesNotReady";
    message += ": " + OneLine(ToText(At(ready, "message")));
  } else {
    message +=
        " container " + unready + " runs but is not ready" + (said.empty() ? "" : ": " + said);
  }
  return Diagnosis{reason, message, false};
}

std::optional<Diagnosis> DiagnoseFailed(const nlohmann::json& pod, const HealthContext& context) {
  const std::string reason = ToText(At(pod, "status", "reason"));
  const std::string said = OneLine(ToText(At(pod, "status", "message")));
  if (!reason.empty())
    return Diagnosis{reason, "pod " + NameOf(pod) + " has failed: " + said, false};
  if (auto container = DiagnoseContainers(pod, context)) {
    container->is_terminal = false;
    return container;
  }
  const nlohmann::json& disruption = Condition(pod, "DisruptionTarget");
  if (ToText(At(disruption, "status")) == "True") {
    return Diagnosis{
        ToText(At(disruption, "reason")),
        "pod " + NameOf(pod) + " was disrupted: " + OneLine(ToText(At(disruption, "message"))),
        false};
  }
  return Diagnosis{"PodFailed",
                   "pod " + NameOf(pod) + " has failed" + (said.empty() ? "" : ": " + said), false};
}

// Graver first: a verdict, then what names a cause, then what only says that it is not ready; the
// ends of replaced pods last.
int Gravity(const nlohmann::json& pod, const Diagnosis& found) {
  if (found.is_terminal) return 0;
  if (ToText(At(pod, "status", "phase")) == "Failed") return 3;
  return found.reason == "ContainersNotReady" || found.reason == "SchedulingGated" ? 2 : 1;
}

}  // namespace

std::optional<Diagnosis> DiagnosePod(const nlohmann::json& pod, const HealthContext& context) {
  const std::string phase = ToText(At(pod, "status", "phase"));
  if (phase == "Succeeded" || (phase == "Running" && IsConditionTrue(pod, "Ready")))
    return std::nullopt;
  if (phase == "Failed") return DiagnoseFailed(pod, context);
  if (auto container = DiagnoseContainers(pod, context)) return container;
  return phase == "Running" ? DiagnoseUnready(pod, context) : DiagnosePending(pod, context);
}

std::optional<Diagnosis> DiagnosePods(const nlohmann::json& pods, const HealthContext& context) {
  std::optional<Diagnosis> gravest;
  int gravity = 0;
  std::map<std::string, int> counts;
  for (const nlohmann::json& pod : Items(pods)) {
    if (!At(pod, "metadata", "deletionTimestamp").is_null()) continue;
    std::optional<Diagnosis> found = DiagnosePod(pod, context);
    if (!found) continue;
    ++counts[found->reason];
    const int g = Gravity(pod, *found);
    if (!gravest || g < gravity) {
      gravest = std::move(found);
      gravity = g;
    }
  }
  if (!gravest) return std::nullopt;
  if (const int others = counts[gravest->reason] - 1; others > 0) {
    gravest->message +=
        " (and " + std::to_string(others) + (others == 1 ? " more pod)" : " more pods)");
  }
  return gravest;
}

std::string NewestEventReason(const nlohmann::json& events, const std::string& uid) {
  const nlohmann::json* newest = nullptr;
  for (const nlohmann::json& event : Items(events)) {
    if (ToText(At(event, "involvedObject", "uid")) != uid) continue;
    if (!newest || EventTime(event) >= EventTime(*newest)) newest = &event;
  }
  return newest ? ToText(At(*newest, "reason")) : "";
}

std::optional<Diagnosis> DiagnoseEvents(const nlohmann::json& object,
                                        const HealthContext& context) {
  std::vector<std::string> uids = EventSubjects(object, context);
  for (const std::string& uid : uids) {
    const nlohmann::json& event =
        NewestWarning(context, uid,
                      {"FailedCreate", "ProvisioningFailed", "FailedBinding",
                       "SyncLoadBalancerFailed", "FailedScheduling", "FailedUpdate"});
    if (event.is_null()) continue;
    return Diagnosis{ToText(At(event, "reason")), OneLine(ToText(At(event, "message"))), false};
  }
  return std::nullopt;
}

}  // namespace sluice::targets
