// What there is to know of a live object that is to go, or is going. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/model/object_ref.h"
#include "engine/targets/target_driver.h"

namespace sluice::targets::kubernetes {

// Fills in what keeps it while it is deleted, whom it intercepts, and what goes with it.
void DescribeDeletion(const nlohmann::json& body, const ObjectRef& ref, LiveObject& live);

}  // namespace sluice::targets::kubernetes
