// What becomes of objects that are ours and are no longer declared (design 1: no surprise deletes).
#pragma once

#include "engine/plan/plan_builder.h"

namespace sluice::plan {

// Appends one change for each leftover: Prune when everything allows it, else Skip with the reason;
// and the blocker PruneCapExceeded when too many would go. Prunes come in the order of deletion.
void PlanLeftovers(const Input& input, Plan& plan);

}  // namespace sluice::plan
