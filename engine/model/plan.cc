#include "engine/model/plan.h"

#include <algorithm>

namespace sluice {

std::string_view ToString(Action action) {
  switch (action) {
    case Action::kCreate:
      return "create";
    case Action::kUpdate:
      return "update";
    case Action::kReplace:
      return "replace";
    case Action::kPrune:
      return "prune";
    case Action::kAdopt:
      return "adopt";
    case Action::kUnchanged:
      return "unchanged";
    case Action::kSkip:
      return "skip";
  }
  return "skip";
}

bool Plan::IsEmpty() const {
  return std::ranges::all_of(changes, [](const Change& change) {
    return change.action == Action::kUnchanged || change.action == Action::kSkip;
  });
}

}  // namespace sluice
