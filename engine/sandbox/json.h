// Reading and building the JSON documents the API speaks, without exceptions on absent members.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"

namespace sluice::sandbox {

using Json = nlohmann::json;
// Stored objects are never changed in place; readers may keep them without a lock.
using ObjectPtr = std::shared_ptr<const Json>;
using JsonPath = std::initializer_list<std::string_view>;

// Refuses text that is not JSON and nesting deeper than 200. Repeated keys are listed as dotted
// paths in `duplicates` when it is given (the last one wins, as in the API server).
Result<Json> ParseJson(std::string_view text, std::vector<std::string>* duplicates = nullptr);

// nullptr when a step is absent or not an object.
const Json* Find(const Json& value, JsonPath path);
Json* Find(Json& value, JsonPath path);
std::string TextAt(const Json& value, JsonPath path);
int64_t IntAt(const Json& value, JsonPath path, int64_t fallback = 0);
bool BoolAt(const Json& value, JsonPath path, bool fallback = false);
// The member, or an empty object or array that outlives the call.
const Json& ObjectAt(const Json& value, JsonPath path);
const Json& ArrayAt(const Json& value, JsonPath path);
// Makes every step an object and returns the last.
Json& Ensure(Json& value, JsonPath path);
// Removes the last step, if it is there.
void Erase(Json& value, JsonPath path);

std::string NameOf(const Json& object);
std::string NamespaceOf(const Json& object);
std::string UidOf(const Json& object);
// The ownerReference with controller: true, or nullptr.
const Json* ControllerOf(const Json& object);
bool IsTerminating(const Json& object);
// The element of a list whose `key` equals `value`, or nullptr.
const Json* FindByKey(const Json& list, std::string_view key, std::string_view value);
Json* FindByKey(Json& list, std::string_view key, std::string_view value);

// Bad UTF-8 is replaced, so it never throws.
std::string Dump(const Json& value);
// Now, as the API writes it: seconds, UTC.
std::string NowText();

}  // namespace sluice::sandbox
