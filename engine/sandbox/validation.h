// Refusals of content, in the words of the API server's field errors. Pure.
#pragma once

#include <string>
#include <vector>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/json.h"
#include "engine/sandbox/resource_type.h"

namespace sluice::sandbox {

// What is wrong with a new object, or with an update of `live` (null on create).
std::vector<Cause> Validate(const ResourceType& type, const Json& object, const Json& live);

// The part of it about pods and their templates; `path` is "spec.template".
void ValidatePodTemplate(const std::string& path, const Json& pod, std::vector<Cause>& causes,
                         const std::vector<std::string>& extra_volumes = {});
// Against a CRD's schema: types, required, enum, bounds, patterns.
void ValidateAgainstRules(const Type& type, const std::string& path, const Json& value,
                          std::vector<Cause>& causes);

}  // namespace sluice::sandbox
