// What changes in a CustomResourceDefinition, on one line: an operator's upgrade is thousands of
// lines of schema. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::targets::kubernetes {

// "v2 added and stored; 12 fields added (spec.a, spec.b, spec.c and 9 more), 1 field removed
// (spec.old)"; "" when neither is a definition's spec.
std::string SummarizeCrd(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace sluice::targets::kubernetes
