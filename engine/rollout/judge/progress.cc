#include "engine/rollout/judge/progress.h"

namespace sluice::rollout::judge {

FoundOpen FindAgain(const std::optional<FoundOpen>& before, int changes_left, int unwell) {
  FoundOpen found{changes_left, unwell, 1};
  if (!before) return found;
  const bool is_further = changes_left < before->changes_left ||
                          (changes_left == before->changes_left && unwell < before->unwell);
  if (!is_further) {
    found = *before;  // what it once reached counts
    ++found.times;
  }
  return found;
}

std::string Describe(const FoundOpen& found) {
  return "found open " + std::to_string(found.times) + " times at the same place, with " +
         std::to_string(found.changes_left) + " changes not applied and " +
         std::to_string(found.unwell) + " objects not Healthy";
}

}  // namespace sluice::rollout::judge
