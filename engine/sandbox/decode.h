// From what a client sent to what is stored: shapes, unknown fields, nulls, canonical quantities.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/json.h"
#include "engine/sandbox/resource_type.h"

namespace sluice::sandbox {

// Brings `object` into stored form. Fields the schema does not have are dropped and listed as
// `unknown field "spec.foo"`. For built-in kinds a value of the wrong shape is a 400, as the real
// server's decoder answers; custom kinds are judged later, by validation.
ApiStatus Decode(const ResourceType& type, Json& object, std::vector<std::string>& unknown_fields);

// Fills the `default` members of a CRD's schema.
void ApplySchemaDefaults(const Type& type, Json& value);

}  // namespace sluice::sandbox
