// What a request asks to be written, read and checked before any object is touched. Pure; errors
// are those of a real API server.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/http_server.h"
#include "engine/sandbox/object_writer.h"
#include "engine/sandbox/request_info.h"
#include "engine/sandbox/resource_type.h"

namespace sluice::sandbox {

ApiResult<WriteOptions> ReadOptions(const HttpRequest& request, const RequestInfo& info);

// From the query and the body; the kind's default fills in the propagation policy.
ApiResult<DeleteOptions> ReadDeleteOptions(const HttpRequest& request, const RequestInfo& info,
                                           const ResourceType& type);

// JSON or YAML. Adds the keys that an object has twice to `duplicates`.
ApiResult<Json> ReadBody(const HttpRequest& request, std::vector<std::string>& duplicates);

// apiVersion, kind, namespace and name of a body must agree with the URL; absent ones are filled
// in.
ApiStatus AgreeWithUrl(const RequestInfo& info, const ResourceType& type, Json& object,
                       bool must_name_kind);

// Warnings for unknown and repeated fields, as fieldValidation says: Strict refuses them, Warn (the
// default) reports them, Ignore is silent.
ApiResult<Headers> JudgeFields(const RequestInfo& info, const ResourceType& type,
                               std::vector<std::string> unknown,
                               const std::vector<std::string>& duplicates);

// The whole object of a create or an update, as its kind decodes it.
struct Sent {
  Json object;
  Headers warnings;
};
ApiResult<Sent> ReadObject(const HttpRequest& request, const RequestInfo& info,
                           const ResourceType& type);

}  // namespace sluice::sandbox
