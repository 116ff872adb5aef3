// The values the API server fills in where a manifest is silent. Pure.
#pragma once

#include "engine/sandbox/json.h"
#include "engine/sandbox/resource_type.h"

namespace sluice::sandbox {

// Idempotent. Allocated values (clusterIP, nodePort) are the cluster's task, not this one's.
void ApplyDefaults(const ResourceType& type, Json& object);

void ApplyPodSpecDefaults(Json& spec);

}  // namespace sluice::sandbox
