// Why a change exists, in the few words that stand behind it in a plan.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/model/plan.h"

namespace sluice::plan {

// The label every object of a unit carries; the driver writes it.
inline constexpr const char* kMarkLabel = "sluice.dev/unit";

// The object without the mark, for asking whether anything else differs.
nlohmann::json WithoutMark(nlohmann::json object);

// "image shop/web:1 -> shop/web:2", "replicas 2 -> 3", "data changed: key a, key b", "4 fields
// changed".
std::string ExplainUpdate(const std::vector<FieldChange>& fields);

// "/spec/replicas, /spec/paused and 3 more".
std::string ListPaths(const std::vector<FieldChange>& fields);

}  // namespace sluice::plan
