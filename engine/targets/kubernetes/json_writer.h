// JSON text for server-side apply. The server reads that body with a YAML 1.1 parser, which refuses
// or silently alters text that is fine as JSON: surrogate escapes, "\/", raw C1 controls, U+0085,
// long keys (kubernetes.md 2.1). What this writes, both kinds of parser read alike. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/base/error.h"

namespace sluice::targets::kubernetes {

// Numbers as Go prints them: whole doubles below 1e21 as integers. kRejected, naming the JSON
// pointer, for keys over 1000 bytes (as written), text that is not UTF-8, numbers that are not
// finite, and nesting over 200.
Result<std::string> WriteJson(const nlohmann::json& value);

}  // namespace sluice::targets::kubernetes
