// Kubernetes as a kind of target: what its manifests mean before any cluster is asked. Pure.
#pragma once

#include "engine/model/target_kind.h"

namespace sluice::targets::kubernetes {

// The settings of a target.
inline constexpr const char* kContext = "context";  // of the daemon's kubeconfig, or "in-cluster"
inline constexpr const char* kNamespace = "namespace";

const TargetKind& KindOfTarget();

}  // namespace sluice::targets::kubernetes
