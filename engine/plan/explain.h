// Why a change exists, in the few words that stand behind it in a plan.
#pragma once

#include <string>
#include <vector>

#include "engine/model/plan.h"
#include "engine/model/target_kind.h"

namespace sluice::plan {

// "image shop/web:1 -> shop/web:2", "replicas 2 -> 3", "data changed: key a, key b", "4 fields
// changed".
std::string ExplainUpdate(const TargetKind& kind, const std::vector<FieldChange>& fields);

// "/spec/replicas, /spec/paused and 3 more".
std::string ListPaths(const std::vector<FieldChange>& fields);

}  // namespace sluice::plan
