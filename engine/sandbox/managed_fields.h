// Field ownership: who set what, kept in metadata.managedFields, and the two ways it changes.
// Behaviour follows apimachinery's managedfields and structured-merge-diff's merge package. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/field_set.h"
#include "engine/sandbox/json.h"
#include "engine/sandbox/schema.h"

namespace sluice::sandbox {

struct FieldManager {
  std::string name;
  std::string api_version;
  std::string subresource;
};

struct ApplyOutcome {
  Json object;          // merged, with managedFields
  bool changed = true;  // false: values and ownership are as before
};

// Records what a create or update by `manager` set. `live` is null on create. An object whose
// ownership was never tracked stays untracked on update.
void RecordUpdate(const Type& type, const ResourceType& resource, const Json& live, Json& object,
                  const FieldManager& manager);

// Server-side apply of `config` onto `live` (null on create). 409 with FieldManagerConflict causes
// unless `force`; 500 when config does not fit the schema, as the real server answers.
ApiResult<ApplyOutcome> ApplyConfiguration(const Type& type, const ResourceType& resource,
                                           const Json& live, const Json& config,
                                           const FieldManager& manager, bool force);

}  // namespace sluice::sandbox
