// A default that nobody owns must not block what is declared: of a union (a volume's source, a
// strategy and its parameters) the server keeps the member it put in itself, and then refuses ours.
// Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

namespace sluice::targets::kubernetes {

// Adds to `desired` a null for each field beside the ones the refusal names that is in `live`, is
// declared nowhere and is nobody's, or was only ours before (`former`). True when there was one.
bool ClearRivals(const nlohmann::json& refusal, const nlohmann::json& live,
                 const std::vector<nlohmann::json>& former, nlohmann::json& desired);

}  // namespace sluice::targets::kubernetes
