// The part of JSON Schema draft-07 that manifests-schema/ uses: type, enum, const, required,
// properties, additionalProperties, items, minItems, maxItems, uniqueItems, pattern, minLength,
// maxLength, minimum, maximum, oneOf, anyOf, allOf, not, if/then, $ref within the schema; format is
// not looked at. Any other keyword is reported, so none is passed over unseen.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sluice::test {

// What does not fit, one line each: "/spec/targets/0: ...". Empty: valid.
std::vector<std::string> CheckSchema(const nlohmann::json& schema, const nlohmann::json& value);

// The schema manifests-schema/<name>.json of the source tree; throws when it cannot be read.
nlohmann::json ReadSchema(const std::string& name);

}  // namespace sluice::test
