// What becomes of objects that are ours and are no longer declared (design 1: no surprise deletes).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/plan/plan_builder.h"

namespace sluice::plan {

// Appends one change for each leftover: Prune when everything allows it, else Skip with the reason;
// and the blocker PruneCapExceeded when too many would go. Prunes come in the order of deletion.
void PlanLeftovers(const Input& input, Plan& plan);

// The blocker PruneCapExceeded when more of `inventory_size` objects would go than `allowed`;
// `remedy` is what to do.
std::optional<PlanBlocker> CheckCap(const std::string& target, std::vector<std::string> going,
                                    size_t allowed, size_t inventory_size,
                                    const std::string& remedy);

}  // namespace sluice::plan
