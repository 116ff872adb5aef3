// One declared object as rendered from the config repo.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/base/diagnostics.h"
#include "engine/model/object_ref.h"

namespace sluice {

struct Resource {
  ObjectRef ref;            // ns is "" until a driver's Prepare resolved the scope
  std::string api_version;  // "apps/v1"
  nlohmann::json body;      // whole object
  SourcePosition at;
};

// "apps/v1" -> "apps"; "v1" -> "".
std::string GroupOf(std::string_view api_version);

}  // namespace sluice
