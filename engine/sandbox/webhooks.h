// Admission webhooks. Nothing here could answer one, so each is a webhook whose backend is down.
#pragma once

#include <string_view>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/resource_type.h"
#include "engine/sandbox/store.h"

namespace sluice::sandbox {

// What a write of `object` meets: an error when a webhook would be asked about it and does not say
// failurePolicy: Ignore. `operation` is CREATE, UPDATE or DELETE.
ApiStatus AskWebhooks(const Store& store, const ResourceType& type, const Json& object,
                      std::string_view operation, std::string_view subresource = "");

}  // namespace sluice::sandbox
