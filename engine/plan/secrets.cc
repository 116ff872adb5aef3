#include "engine/plan/secrets.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <vector>

#include "engine/base/hash.h"
#include "engine/base/strings.h"

namespace sluice::plan {
namespace {

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr std::array<std::string_view, 3> kKnownMembers = {"apiVersion", "kind", "metadata"};
constexpr size_t kShortestValue = 4;  // below, taking a value out of a message would only garble it

bool IsSecret(const ObjectRef& ref) { return ref.kind == "Secret" && ref.group.empty(); }

// Whether a top-level member of a Secret may be shown. A misspelt `stringDatas` holds values too,
// so all but what is known to hold none is a value.
bool IsHarmless(const std::string& key, const nlohmann::json& value) {
  if (key == "type") return value.is_string();
  if (key == "immutable") return value.is_boolean();
  return std::ranges::find(kKnownMembers, key) != kKnownMembers.end();
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

// Of the objects `before` and `after`, every member; a member that is no object is masked as one
// value.
void MaskMembers(nlohmann::json* before, nlohmann::json* after) {
  std::set<std::string> keys;
  for (nlohmann::json* side : {before, after}) {
    if (!side || side->is_null()) continue;
    if (!side->is_object()) return MaskValue(before, after);
    for (const auto& [key, value] : side->items()) keys.insert(key);
  }
  for (const std::string& key : keys) MaskValue(Member(before, key), Member(after, key));
}

// The names of the members that hold values, on either side.
std::set<std::string> ValueMembers(const nlohmann::json& before, const nlohmann::json& after) {
  std::set<std::string> keys;
  for (const nlohmann::json* side : {&before, &after}) {
    if (!side->is_object()) continue;
    for (const auto& [key, value] : side->items()) {
      if (!IsHarmless(key, value)) keys.insert(key);
    }
  }
  return keys;
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

std::pair<nlohmann::json, nlohmann::json> Mask(const ObjectRef& ref, const nlohmann::json& before,
                                               const nlohmann::json& after) {
  std::pair<nlohmann::json, nlohmann::json> masked(before, after);
  auto& [was, becomes] = masked;
  if (IsSecret(ref)) {
    for (const std::string& member : ValueMembers(before, after))
      MaskMembers(Member(&was, member), Member(&becomes, member));
  }
  const auto annotations = [](nlohmann::json& object) {
    return Member(Member(&object, "metadata"), "annotations");
  };
  MaskValue(Member(annotations(was), kLastApplied), Member(annotations(becomes), kLastApplied));
  return masked;
}

std::string SecretDigest(const ObjectRef& ref, const nlohmann::json& after,
                         const std::string& hmac_key) {
  if (!IsSecret(ref) || !after.is_object()) return "";
  if (hmac_key.empty()) return "key present";
  nlohmann::json values = nlohmann::json::object();
  for (const std::string& member : ValueMembers(after, nullptr)) values[member] = after[member];
  return HmacSha256Hex(hmac_key,
                       values.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string Scrub(const ObjectRef& ref, std::string message, const nlohmann::json& body) {
  if (!IsSecret(ref)) return message;
  std::vector<std::string> values;
  for (const std::string& member : ValueMembers(body, nullptr)) AddValues(body[member], values);
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
