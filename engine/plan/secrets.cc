#include "engine/plan/secrets.h"

#include <set>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/strings.h"

namespace sluice::plan {
namespace {

using Pointer = nlohmann::json::json_pointer;

constexpr size_t kShortestValue = 4;  // below, taking a value out of a message would only garble it

nlohmann::json* Find(nlohmann::json& object, const std::string& pointer) {
  const Pointer at(pointer);
  return object.contains(at) ? &object[at] : nullptr;
}

nlohmann::json* Member(nlohmann::json* parent, const std::string& key) {
  if (!parent || !parent->is_object()) return nullptr;
  const auto it = parent->find(key);
  return it == parent->end() ? nullptr : &*it;
}

void MaskValue(nlohmann::json* before, nlohmann::json* after) {
  const bool differs = before && after && *before != *after;
  if (before) *before = differs ? "*** (before)" : "***";
  if (after) *after = differs ? "*** (after)" : "***";
}

// Of the maps `before` and `after`, every value; what is no map is masked as one value.
void MaskValues(nlohmann::json* before, nlohmann::json* after) {
  std::set<std::string> keys;
  for (nlohmann::json* side : {before, after}) {
    if (!side || side->is_null()) continue;
    if (!side->is_object()) return MaskValue(before, after);
    for (const auto& [key, value] : side->items()) keys.insert(key);
  }
  for (const std::string& key : keys) MaskValue(Member(before, key), Member(after, key));
}

// Texts and numbers at any depth, and texts decoded.
void AddValues(const nlohmann::json& value, std::vector<std::string>& values) {
  if (value.is_structured()) {
    for (const auto& [key, child] : value.items()) AddValues(child, values);
  } else if (value.is_number()) {
    values.push_back(value.dump());
  } else if (value.is_string()) {
    values.push_back(value.get<std::string>());
    if (auto decoded = Base64Decode(values.back())) values.push_back(std::move(*decoded));
  }
}

}  // namespace

std::pair<nlohmann::json, nlohmann::json> Mask(const TargetKind& kind, const ObjectRef& ref,
                                               const nlohmann::json& before,
                                               const nlohmann::json& after) {
  std::set<std::string> hidden;
  for (const nlohmann::json* side : {&before, &after}) {
    const Hidden found = kind.HiddenIn(ref, *side);
    hidden.insert(found.values.begin(), found.values.end());
    hidden.insert(found.copies.begin(), found.copies.end());
  }
  std::pair<nlohmann::json, nlohmann::json> masked(before, after);
  for (const std::string& pointer : hidden)
    MaskValues(Find(masked.first, pointer), Find(masked.second, pointer));
  return masked;
}

std::string SecretDigest(const TargetKind& kind, const ObjectRef& ref, const nlohmann::json& after,
                         const std::string& hmac_key) {
  const std::vector<std::string> pointers = kind.HiddenIn(ref, after).values;
  if (pointers.empty()) return "";
  if (hmac_key.empty()) return "key present";
  nlohmann::json values = nlohmann::json::object();
  for (const std::string& pointer : pointers)
    values[pointer.substr(1)] = after.at(Pointer(pointer));
  return HmacSha256Hex(hmac_key,
                       values.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string Scrub(const TargetKind& kind, const ObjectRef& ref, std::string message,
                  const nlohmann::json& body) {
  std::vector<std::string> values;
  for (const std::string& pointer : kind.HiddenIn(ref, body).values)
    AddValues(body.at(Pointer(pointer)), values);
  for (const std::string& value : values) {
    if (value.size() < kShortestValue) continue;
    for (size_t at = message.find(value); at != std::string::npos;
         at = message.find(value, at + 3)) {
      message.replace(at, value.size(), "***");
    }
  }
  return message;
}

}  // namespace sluice::plan
