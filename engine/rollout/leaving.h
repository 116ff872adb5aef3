// What was to go and is not gone (Record::leaving): looked at again until it is.
#pragma once

#include <string>
#include <vector>

#include "engine/rollout/pass.h"

namespace sluice::rollout {

inline constexpr const char* kObjectsLeaving = "ObjectsLeaving";

// "KIND shop/old is not gone: being deleted, held by finalizer example.test/hold".
std::string LeavingLine(const Leaving& leaving);
// The first of them, how many more there are, and how many go after these.
std::string LeavingSummary(const std::vector<Leaving>& leaving);
// A line for each.
std::string LeavingLines(const std::vector<Leaving>& leaving);

// Soon after the deletion, then ever more rarely.
SystemTime NextLook(const std::vector<Leaving>& leaving, SystemTime now);
// It may well go by itself in a moment; after that it waits for a person.
bool IsAwaited(const Options& options, const std::vector<Leaving>& leaving, SystemTime now);

// Done, but for what is leaving; waiting while others are to go after that.
PassResult StandsLeaving(const Pass& pass);

// One look at what the last rollout's prune left open. What changed there is pruned anew and
// recorded.
Result<PassResult> LookAtLeaving(Pass& pass);

}  // namespace sluice::rollout
