// The gates of this version, one function and one file each. A new gate: its file, its line here,
// and its line in the table of registry.cc.
#pragma once

#include "engine/gates/gates.h"

namespace sluice::gates {

// The same release and the same shared inputs Succeeded upstream.
GateResult CheckPredecessor(const Facts& facts);
// The release has been Healthy upstream without a break for `soak`.
GateResult CheckSoak(const Facts& facts);

// What passes every gate that looks upstream: there is no upstream, the content stood here when the
// log began, it Succeeded here before, or neither side is deployed by release, so that there is
// nothing to compare.
std::optional<GateResult> PassesAnyway(const Facts& facts, const std::string& gate);

// "2026.11.3", or the first digits of the digest.
std::string NameOf(const ReleaseId& release);
// "staging/checkout".
std::string UpstreamName(const Facts& facts);

}  // namespace sluice::gates
