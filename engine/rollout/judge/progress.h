// Whether a rollout that a restart finds open is gone on with. One that comes further each time is,
// however often the process ends; one that ends at the same place again and again is held. Pure.
#pragma once

#include <optional>
#include <string>

#include "engine/model/record.h"

namespace sluice::rollout::judge {

// Restarts in a row that find a rollout no further than the one before; the last holds it.
inline constexpr int kSamePlace = 3;

// What the record is to say, found again with so many changes left and objects not Healthy.
FoundOpen FindAgain(const std::optional<FoundOpen>& before, int changes_left, int unwell);

inline bool GoesOn(const FoundOpen& found) { return found.times < kSamePlace; }

// For a person: where it ended each time.
std::string Describe(const FoundOpen& found);

}  // namespace sluice::rollout::judge
