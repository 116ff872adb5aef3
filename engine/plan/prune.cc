#include "engine/plan/prune.h"

#include <algorithm>
#include <tuple>

#include "engine/base/strings.h"

namespace sluice::plan {
namespace {

constexpr size_t kListed = 5;

// Why it stays; "" when it may go. All three must agree that it is ours: inventory (it is a
// leftover), mark, and what the target says of who applied it.
std::string WhyKept(const Leftover& leftover, const Policy& policy) {
  if (!leftover.is_live) return "already gone";
  if (!leftover.held_by.empty())
    return "no longer declared; being deleted, held by " + leftover.held_by;
  if (!leftover.is_also.empty()) return "the same object as " + leftover.is_also;
  if (leftover.is_claimed) return "another unit declares it now; ownership moves";
  if (policy.keep_leftovers) return "no longer declared; kept";
  if (leftover.may_be_claimed)
    return "no longer declared here, but kept until all of the config repo can be read: another "
           "unit may declare it";
  if (!leftover.is_marked)
    return "no longer declared, but kept: it does not carry this unit's mark any more";
  if (!leftover.is_applied_by_us) return "no longer declared, but kept: sluice has not applied it";
  if (!leftover.protected_by.empty())
    return "no longer declared, but kept: " + leftover.protected_by;
  return "";
}

// A single object may always go (unless the policy says 0): in a unit of three, one is a third
// already.
size_t Allowed(const Policy& policy, size_t inventory_size) {
  if (policy.prune_max_count <= 0 || policy.prune_max_percent <= 0) return 0;
  const size_t by_percent = inventory_size * static_cast<size_t>(policy.prune_max_percent) / 100;
  return std::min(static_cast<size_t>(policy.prune_max_count), std::max<size_t>(1, by_percent));
}

}  // namespace

void PlanLeftovers(const Input& input, Plan& plan) {
  std::vector<Leftover> leftovers = input.leftovers;
  std::ranges::sort(leftovers, {}, [&](const Leftover& leftover) {
    return std::tuple(input.kind->DeletionRank(leftover.ref), leftover.ref);
  });
  std::vector<std::string> going;
  for (const Leftover& leftover : leftovers) {
    const std::string kept = WhyKept(leftover, input.policy);
    const Action action = kept.empty() ? Action::kPrune : Action::kSkip;
    if (action == Action::kPrune) going.push_back(ToString(leftover.ref));
    plan.changes.push_back({input.target,
                            action,
                            leftover.api_version,
                            leftover.ref,
                            kept.empty() ? "no longer declared" : kept,
                            {},
                            ""});
  }
  auto blocker = CheckCap(input.target, std::move(going),
                          Allowed(input.policy, input.inventory_size), input.inventory_size,
                          "put them back, or raise prune.maxCount or prune.maxPercent in "
                          "environment.yaml by a commit");
  if (blocker) plan.blockers.push_back(std::move(*blocker));
}

std::optional<PlanBlocker> CheckCap(const std::string& target, std::vector<std::string> going,
                                    size_t allowed, size_t inventory_size,
                                    const std::string& remedy) {
  if (going.size() <= allowed) return std::nullopt;
  const size_t count = going.size();
  if (count > kListed) going.resize(kListed);
  std::string names = Join(going, ", ");
  if (count > kListed) names += " and " + std::to_string(count - kListed) + " more";
  return PlanBlocker{"PruneCapExceeded",
                     std::to_string(count) + " of " + std::to_string(inventory_size) +
                         " objects in target " + target + " would be deleted, " +
                         std::to_string(allowed) + " may (" + names + "); " + remedy};
}

}  // namespace sluice::plan
