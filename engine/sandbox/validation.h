// Refusals of content, in the words of the API server's field errors. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/json.h"
#include "engine/sandbox/resource_type.h"

namespace sluice::sandbox {

// What is wrong with a new object, or with an update of `live` (null on create).
std::vector<Cause> Validate(const ResourceType& type, const Json& object, const Json& live);

// The checks of one kind: object, live (null on create), where to put what is wrong.
using CheckFunction = void (*)(const Json&, const Json&, std::vector<Cause>&);
// Of Deployments and the other kinds that run pods.
const std::map<std::string, CheckFunction>& WorkloadChecks();
void CheckImmutable(const Json& object, const Json& live, JsonPath path, const std::string& field,
                    std::vector<Cause>& causes);

// The part of it about pods and their templates; `path` is "spec.template".
void ValidatePodTemplate(const std::string& path, const Json& pod, std::vector<Cause>& causes,
                         const std::vector<std::string>& extra_volumes = {});
// Against a CRD's schema: types, required, enum, bounds, patterns.
void ValidateAgainstRules(const Type& type, const std::string& path, const Json& value,
                          std::vector<Cause>& causes);

}  // namespace sluice::sandbox
