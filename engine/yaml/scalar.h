// The type of a YAML scalar, exactly as kubectl decides it (yaml.v2's rules, not YAML 1.2's): `yes`
// is a boolean, 0755 is 493, 08 is 8, 1:30 is a string. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/base/error.h"

namespace sluice::yaml {

struct Scalar {
  enum class Type { kNull, kBool, kInt, kUint, kFloat, kString } type = Type::kNull;
  bool boolean = false;
  int64_t integer = 0;
  uint64_t large = 0;  // kUint: above int64
  double number = 0;
  std::string text;
};

// `tag` in its long form ("tag:yaml.org,2002:int"), "?" for a plain scalar without one, "!" for a
// quoted or block scalar without one. The message of an error does not name the place.
Result<Scalar> ResolveScalar(std::string_view tag, const std::string& value);

// The value as Kubernetes reads it: whole numbers of the int64 range are integers, other numbers
// doubles. Infinity and NaN are refused.
Result<nlohmann::json> ToJson(const Scalar& scalar);

// The key a scalar becomes in a JSON object: 0x10 is "16", yes is "true". Null is refused.
Result<std::string> ToKey(const Scalar& scalar);

// What a plain scalar of this text would be read as by some YAML 1.1 or 1.2 parser is not a string.
bool NeedsQuotes(std::string_view text);

// In double quotes; what some YAML reader would refuse or change when it stands as it is, escaped.
std::string Quoted(std::string_view text);

}  // namespace sluice::yaml
