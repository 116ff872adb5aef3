// What a plan knows beside the objects that are declared: what the unit declared before, and which
// fields others write on purpose.
#pragma once

#include "engine/rollout/services.h"

namespace sluice::rollout {

// For a plan of `content`: what else the record knows to have run was declared before. Rules are
// those of the content and of the tip (may be null). What cannot be read any more is left out:
// live's own field owners remember the newest apply, too.
targets::Surroundings SurroundingsOf(const Services& services, const DeclaredUnit& content,
                                     const DeclaredUnit* tip);

// Rendered from the log's copy of last known good; empty when there is none.
std::vector<Resource> LastKnownGood(const Services& services, const UnitId& unit);

// One of `resources` is `ref` and was declared in the same words before: what becomes of it is no
// doing of this content.
bool WasDeclaredSo(const std::vector<Resource>& before, const std::vector<Resource>& resources,
                   const ObjectRef& ref);

}  // namespace sluice::rollout
