// What a change of a CustomResourceDefinition would take from those who use its objects. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sluice::targets::kubernetes {

// "version v2, which is served", for the versions that live serves or has stored and `desired` does
// not; "" for none.
std::string LostVersions(const nlohmann::json& live, const nlohmann::json& desired);

}  // namespace sluice::targets::kubernetes
