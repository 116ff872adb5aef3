// After a verdict: live goes back to last known good at once, then Git (design 5). Each function
// continues from what the record says is pending, so a restart calls the same ones.
#pragma once

#include <vector>

#include "engine/rollout/live_steps.h"
#include "engine/rollout/pass.h"

namespace sluice::rollout {

// The rollout of the pass' record Failed, in `target` ("": no one of them): writes the verdict to
// the outbox, pushes it beside the rollback, reverts Git.
Result<PassResult> HandleFailure(Pass& pass, const StepEnd& end,
                                 const std::vector<verify::TestResult>& smoke,
                                 const std::string& target = "");

// What a Failed rollout still needs: live goes back, then Git.
Result<PassResult> FinishFailure(Pass& pass);

// onError.then: rollback. Live goes back, then the unit is Held NoVerdict; Git is not touched.
Result<PassResult> RollBackWithoutVerdict(Pass& pass, const StepEnd& end);

// Verdicts of this unit in the outbox whose push is not known to have landed: pushes those that the
// log lacks. True when the log may have moved.
Result<bool> FlushOutbox(const Services& services, const deploylog::State& state,
                         const UnitId& unit);

}  // namespace sluice::rollout
