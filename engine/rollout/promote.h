// Carries out promotions: copies release.yaml from one environment's unit to the next by a commit
// on the config branch.
#pragma once

#include <string>

#include "engine/promotion/promotion.h"
#include "engine/rollout/pass.h"

namespace sluice::rollout {

enum class Asker { kEngine, kPerson };

// What promotion into `unit` would do now, with the gates looked at; pure facts, nothing is
// written.
struct PromotionView {
  promotion::Decision decision;
  std::optional<UnitId> from;
};
PromotionView ViewPromotion(const Snapshot& snapshot, const deploylog::State& state,
                            const UnitId& unit, SystemTime now, Asker asker);

// Mode auto: promotes when ViewPromotion says so, and records it. Never waits.
Result<PassResult> PromoteIfDue(Pass& pass);

// The commit itself. `person` is its author: the engine's identity, or the operator of `sluice
// promote`. Returns the commit id, "" when the target declares the release already.
Result<std::string> CommitPromotion(const Services& services, const git::Person& person,
                                    const UnitId& from, const UnitId& to, const ReleaseId& release,
                                    const std::string& source_revision,
                                    const std::string& operation);

// The same for the same promotion into the same unit, so that a crash never promotes twice.
std::string PromotionOperation(const UnitId& to, const ReleaseId& release,
                               const std::string& replaces);

}  // namespace sluice::rollout
