// A default that nobody owns must not block what is declared: of a union (a volume's source, a
// strategy and its parameters) the server keeps the member it put in itself, and then refuses ours.
// Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "engine/targets/kubernetes/owned_paths.h"

namespace sluice::targets::kubernetes {

// The fields of `live` that alone make the server refuse `desired`: beside the ones it names,
// declared nowhere, and nobody's or only ours before (`former`). Empty when the refusal has any
// other cause.
std::vector<FieldPath> FindRivals(const nlohmann::json& refusal, const nlohmann::json& live,
                                  const std::vector<nlohmann::json>& former,
                                  const nlohmann::json& desired);

// What would become of `live` with `rivals` gone and `desired` put over it, as far as that can be
// told without the server.
nlohmann::json PutOver(nlohmann::json live, const std::vector<FieldPath>& rivals,
                       const nlohmann::json& desired);

}  // namespace sluice::targets::kubernetes
