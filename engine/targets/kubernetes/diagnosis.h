// Why pods do not come up, in one line a person can act on (kubernetes.md 5.5). Reads pods, then
// owner conditions, then events; events are best effort and never the only evidence of a verdict.
// Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "engine/targets/kubernetes/health.h"

namespace sluice::targets {

struct Diagnosis {
  std::string reason;   // "ImagePullBackOff", "OOMKilled", ...; docs/reference/reasons.md
  std::string message;  // "pod web-7c9 container web: ..."
  bool is_terminal = false;
};

// Nothing for a pod that is ready, has succeeded, or shows no trouble yet.
std::optional<Diagnosis> DiagnosePod(const nlohmann::json& pod, const HealthContext& context);

// The gravest of the pods, with a count of the others that have the same trouble. Pods being
// deleted are left out.
std::optional<Diagnosis> DiagnosePods(const nlohmann::json& pods, const HealthContext& context);

// What events say about the object itself: quota, admission, provisioning.
std::optional<Diagnosis> DiagnoseEvents(const nlohmann::json& object, const HealthContext& context);

// The reason of the newest event about `uid`, Warning or not; "" for none.
std::string NewestEventReason(const nlohmann::json& events, const std::string& uid);

}  // namespace sluice::targets
