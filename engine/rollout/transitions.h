// The state machine of one rollout as one table: (phase, trigger) -> phase. Anything not in it is
// refused.
#pragma once

#include <optional>
#include <string_view>

#include "engine/model/record.h"

namespace sluice::rollout {

enum class Trigger {
  kHold,        // a gate, an invalid config, a conflict: waits for time or a person
  kStart,       // the started record is pushed
  kApplied,     // every stage of the target is applied
  kNextTarget,  // a target is verified, another follows
  kSucceed,
  kFail,       // a verdict: live is to be rolled back
  kFailClean,  // a verdict with nothing of ours in live, or nothing to go back to
  kError,      // no verdict
  kSupersede,
  kCancel,
  kRolledBack,  // live is back, or cannot be brought back
  kResume,      // a restart found it open
};
std::string_view ToString(Trigger trigger);

std::optional<Phase> Next(Phase from, Trigger trigger);

}  // namespace sluice::rollout
