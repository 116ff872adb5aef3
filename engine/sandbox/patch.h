// JSON merge patch (RFC 7386), JSON patch (RFC 6902) and Kubernetes' strategic merge patch. Pure.
#pragma once

#include <string_view>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/json.h"
#include "engine/sandbox/schema.h"

namespace sluice::sandbox {

ApiResult<Json> MergePatch(const Json& object, const Json& patch);
ApiResult<Json> JsonPatch(const Json& object, const Json& operations);
// Lists of structs merge by their key; directives: $patch (delete, replace, merge), $retainKeys,
// $deleteFromPrimitiveList. $setElementOrder is honoured for the items it names.
ApiResult<Json> StrategicMergePatch(const Type& type, const Json& object, const Json& patch);

}  // namespace sluice::sandbox
