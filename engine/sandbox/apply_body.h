// The body of a server-side apply, read the way the real server's YAML 1.1 parser reads it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/json.h"

namespace sluice::sandbox {

// JSON or YAML. 400 "error decoding YAML: …" for what that parser refuses although it is JSON:
// surrogate escapes, "\/", raw control characters, keys over 1,024 bytes. A raw U+0085 becomes a
// space. Repeated keys are listed in `duplicates`.
ApiResult<Json> ReadApplyBody(std::string_view body, std::vector<std::string>& duplicates);

// YAML with the scalars of YAML 1.1 as Kubernetes types them. Only one document.
ApiResult<Json> ReadYaml(std::string_view text, std::vector<std::string>& duplicates);

}  // namespace sluice::sandbox
