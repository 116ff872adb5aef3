// An empty deploy log is either a beginning or a loss. Telling them apart before anything is
// written.
#pragma once

#include "engine/rollout/snapshot.h"

namespace sluice::rollout {

// kCorrupted, reason LogMissing, when the log is empty while a target holds objects that carry a
// unit's mark.
Status RefuseLostLog(const Services& services, const Snapshot& snapshot);

}  // namespace sluice::rollout
