// What a commit changes to make a unit declare a release: for `sluice release`, `sluice promote`
// and automatic promotion.
#pragma once

#include <optional>
#include <string>

#include "engine/git/mirror.h"
#include "engine/rollout/services.h"
#include "engine/rollout/snapshot.h"

namespace sluice::rollout {

struct ReleaseChange {
  git::TreeEdit edit;
  std::string note;  // for the commit's body; "" for nothing to say
};

// nullopt: the unit declares the release already, in whatever layout. Its release.yaml keeps its
// comments and layout; a unit without one gets `otherwise`, or a new one where that is empty.
// kInvalidConfig, reason ConfigInvalid, before anybody sees it: a release that brings the unit a
// problem it does not have yet (an image that is in no manifest). Problems that are there already
// are no reason: the release may be what mends them.
Result<std::optional<ReleaseChange>> ChangeRelease(const Services& services, const Snapshot& tip,
                                                   const DeclaredUnit& unit, const Release& release,
                                                   const std::string& otherwise = "");

}  // namespace sluice::rollout
