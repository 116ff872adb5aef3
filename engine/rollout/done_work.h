// Work that ran to its end with this content is done, whether its object is still there or not
// (docs/decisions/0020-work-that-was-done-is-remembered.md).
#pragma once

#include <vector>

#include "engine/rollout/target_session.h"

namespace sluice::rollout {

// What was done before and is gone is not declared any more, save for the plan, which tells of it.
// Neither is it where other work stands in its name: that goes as what nothing declares.
std::vector<Change> SetDoneAside(TargetSession& session, const PlanRequest& request);

}  // namespace sluice::rollout
