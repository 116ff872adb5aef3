// Reading fields of objects that anybody may have written: a missing or mistyped member reads as
// the fallback and never throws. Private to the health sources.
#pragma once

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"

namespace sluice::targets {

inline const nlohmann::json& NullJson() {
  static const nlohmann::json null;
  return null;
}

// The member at the path, or null.
inline const nlohmann::json& At(const nlohmann::json& value) { return value; }
template <class... Rest>
const nlohmann::json& At(const nlohmann::json& value, std::string_view key, Rest... rest) {
  if (!value.is_object()) return NullJson();
  const auto it = value.find(std::string(key));
  return it == value.end() ? NullJson() : At(*it, rest...);
}

// Bounded, so that sums and differences of two cannot overflow whatever a server sends.
inline int64_t ToInt(const nlohmann::json& value, int64_t fallback = 0) {
  constexpr int64_t kBound = int64_t{1} << 53;
  if (value.is_number_unsigned())
    return static_cast<int64_t>(std::min(value.get<uint64_t>(), static_cast<uint64_t>(kBound)));
  return value.is_number_integer() ? std::clamp(value.get<int64_t>(), -kBound, kBound) : fallback;
}
inline std::string ToText(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}
// A generation; some controllers write it as text. nullopt for what is no number.
std::optional<int64_t> Number(const nlohmann::json& value);
inline bool ToBool(const nlohmann::json& value) { return value.is_boolean() && value.get<bool>(); }

// The array, or an empty one.
const nlohmann::json& Items(const nlohmann::json& value);

// status.conditions[type=`type`], or null.
const nlohmann::json& Condition(const nlohmann::json& live, std::string_view type);
bool IsConditionTrue(const nlohmann::json& live, std::string_view type);

std::string UidOf(const nlohmann::json& object);
std::string NameOf(const nlohmann::json& object);
// Its controller (ownerReferences[controller=true]) has this uid.
bool IsControlledBy(const nlohmann::json& object, std::string_view uid);
std::optional<SystemTime> TimeAt(const nlohmann::json& value);

// "3 of 5 pods ready".
std::string CountText(int64_t have, int64_t want, std::string_view what);
// One line without control characters or credentials, at most `limit` bytes.
std::string OneLine(std::string_view text, size_t limit = 400);

}  // namespace sluice::targets
