#include "engine/yaml/scalar.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/base/strings.h"
#include "engine/yaml/number.h"

namespace sluice::yaml {
namespace {

using Type = Scalar::Type;

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

Scalar Null() { return {}; }
Scalar Bool(bool value) { return {.type = Type::kBool, .boolean = value}; }
Scalar Float(double value) { return {.type = Type::kFloat, .number = value}; }
Scalar Text(std::string_view value) { return {.type = Type::kString, .text = std::string(value)}; }

template <size_t N>
bool IsOneOf(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, text) != words.end();
}

constexpr std::array<std::string_view, 11> kTrue = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                                    "True", "TRUE", "on",  "On",  "ON"};
constexpr std::array<std::string_view, 11> kFalse = {"n",     "N",     "no",  "No",  "NO", "false",
                                                     "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 3> kNan = {".nan", ".NaN", ".NAN"};
constexpr std::array<std::string_view, 6> kInfinity = {".inf",  ".Inf",  ".INF",
                                                       "+.inf", "+.Inf", "+.INF"};
constexpr std::array<std::string_view, 3> kMinusInfinity = {"-.inf", "-.Inf", "-.INF"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<Scalar> ResolveWord(std::string_view text) {
  if (IsOneOf(text, kNull)) return Null();
  if (IsOneOf(text, kTrue)) return Bool(true);
  if (IsOneOf(text, kFalse)) return Bool(false);
  if (IsOneOf(text, kNan)) return Float(std::numeric_limits<double>::quiet_NaN());
  if (IsOneOf(text, kInfinity)) return Float(std::numeric_limits<double>::infinity());
  if (IsOneOf(text, kMinusInfinity)) return Float(-std::numeric_limits<double>::infinity());
  return std::nullopt;
}

// Go's ParseInt(text, 0, 64), then ParseUint: a prefix 0b, 0o, 0x or a leading 0 sets the base.
std::optional<Scalar> ParseInteger(std::string_view text) {
  const bool is_signed = text.starts_with('-') || text.starts_with('+');
  const bool is_negative = text.starts_with('-');
  if (is_signed) text.remove_prefix(1);
  int base = 10;
  if (text.size() >= 2 && text[0] == '0') {
    const int letter = std::tolower(static_cast<unsigned char>(text[1]));
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    text.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (value <= kMax || (is_negative && value == kMax + 1)) {
    return Scalar{.type = Type::kInt,
                  .integer = static_cast<int64_t>(is_negative ? ~value + 1 : value)};
  }
  if (is_signed) return std::nullopt;
  return Scalar{.type = Type::kUint, .large = value};
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool IsDecimalFloat(std::string_view text) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < text.size() && IsDigit(text[i])) ++i;
    return i - start;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  const size_t whole = digits();
  size_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    fraction = digits();
  }
  if (whole == 0 && fraction == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

std::string WithoutUnderscores(std::string_view text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return c != '_'; });
  return out;
}

// Text that begins with a point is read by Go's ParseFloat as it stands: underscores only between
// digits.
std::optional<Scalar> ResolvePointed(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') continue;
    if (i == 0 || i + 1 == text.size() || !IsDigit(text[i - 1]) || !IsDigit(text[i + 1]))
      return std::nullopt;
  }
  const std::string plain = WithoutUnderscores(text);
  if (!IsDecimalFloat(plain)) return std::nullopt;
  const auto value = ParseDouble(plain);
  return value ? std::optional(Float(*value)) : std::nullopt;
}

std::optional<Scalar> ResolveNumber(std::string_view text) {
  const std::string plain = WithoutUnderscores(text);
  if (auto integer = ParseInteger(plain)) return integer;
  // What is behind 0b is read by Go's ParseInt with base 2, which takes a sign.
  if (plain.starts_with("0b-") || plain.starts_with("0b+"))
    return ParseInteger(plain[2] + ("0b" + plain.substr(3)));
  if (!IsDecimalFloat(plain)) return std::nullopt;
  const auto value = ParseDouble(plain);
  return value ? std::optional(Float(*value)) : std::nullopt;
}

Scalar ResolveUntagged(const std::string& text) {
  if (auto word = ResolveWord(text)) return *word;
  if (text[0] == '.') return ResolvePointed(text).value_or(Text(text));
  if (IsDigit(text[0]) || text[0] == '-' || text[0] == '+')
    return ResolveNumber(text).value_or(Text(text));
  return Text(text);
}

bool LooksLikeTimestamp(std::string_view text) {
  return text.size() >= 8 && IsDigit(text[0]) && IsDigit(text[1]) && IsDigit(text[2]) &&
         IsDigit(text[3]) && text[4] == '-';
}

Result<Scalar> DecodeBinary(const std::string& value) {
  std::string compact;
  std::ranges::copy_if(value, std::back_inserter(compact),
                       [](char c) { return c != '\n' && c != '\r'; });
  const auto bytes = Base64Decode(compact);
  if (!bytes || Base64Encode(*bytes) != compact) {
    return Fail(ErrorCode::kInvalidConfig, "!!binary value is not padded base64");
  }
  if (!IsValidUtf8(*bytes)) {
    return Fail(ErrorCode::kInvalidConfig,
                "!!binary value is not UTF-8 text once decoded; use a field that takes base64, "
                "such as binaryData");
  }
  return Text(*bytes);
}

std::string_view NameOf(Type type) {
  switch (type) {
    case Type::kNull:
      return "null";
    case Type::kBool:
      return "bool";
    case Type::kInt:
    case Type::kUint:
      return "int";
    case Type::kFloat:
      return "float";
    case Type::kString:
      return "str";
  }
  return "str";
}

}  // namespace

Result<Scalar> ResolveScalar(std::string_view tag, const std::string& value) {
  if (tag == "?") return ResolveUntagged(value);
  if (!tag.starts_with(kTagPrefix)) return Text(value);
  const std::string_view wanted = tag.substr(kTagPrefix.size());
  if (wanted == "binary") return DecodeBinary(value);
  if (wanted == "timestamp" && LooksLikeTimestamp(value)) return Text(value);
  if (wanted != "bool" && wanted != "int" && wanted != "float" && wanted != "null" &&
      wanted != "timestamp") {
    return Text(value);
  }
  Scalar found = ResolveUntagged(value);
  const std::string_view name = NameOf(found.type);
  if (name == wanted) return found;
  if (wanted == "float" && found.type == Type::kInt)
    return Float(static_cast<double>(found.integer));
  // Without the value: it may be a Secret's.
  return Fail(ErrorCode::kInvalidConfig, "a value is tagged !!" + std::string(wanted) +
                                             " but is !!" + std::string(name) +
                                             "; leave the tag out or mend the value");
}

Result<nlohmann::json> ToJson(const Scalar& scalar) {
  switch (scalar.type) {
    case Type::kNull:
      return nlohmann::json();
    case Type::kBool:
      return nlohmann::json(scalar.boolean);
    case Type::kInt:
      return nlohmann::json(scalar.integer);
    case Type::kUint:
      return NormaliseDouble(static_cast<double>(scalar.large));
    case Type::kFloat:
      if (!std::isfinite(scalar.number)) {
        return Fail(ErrorCode::kInvalidConfig,
                    "infinity and NaN have no place in JSON; quote the value if it is text");
      }
      return NormaliseDouble(scalar.number);
    case Type::kString:
      return nlohmann::json(scalar.text);
  }
  return Fail(ErrorCode::kInternal, "a scalar of no type");
}

Result<std::string> ToKey(const Scalar& scalar) {
  switch (scalar.type) {
    case Type::kNull:
      return Fail(ErrorCode::kInvalidConfig, "a key must not be null; quote it");
    case Type::kBool:
      return std::string(scalar.boolean ? "true" : "false");
    case Type::kInt:
      return std::to_string(scalar.integer);
    case Type::kUint:
      return Fail(ErrorCode::kInvalidConfig,
                  "a key must not be a number above 9223372036854775807; quote it");
    case Type::kFloat:
      return FormatKeyDouble(scalar.number);
    case Type::kString:
      return scalar.text;
  }
  return Fail(ErrorCode::kInternal, "a scalar of no type");
}

bool NeedsQuotes(std::string_view text) {
  if (text.empty() || text.size() > 120) return true;
  // A digit, sign or point at the start may be a number, a date or base 60 to somebody.
  if (!std::isalpha(static_cast<unsigned char>(text[0])) && text[0] != '/' && text[0] != '_')
    return true;
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("_./@+=-").find(c) != std::string_view::npos;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_plain(text[i])) continue;
    const bool is_inside =
        i > 0 && i + 1 < text.size() && is_plain(text[i - 1]) && is_plain(text[i + 1]);
    if (!is_inside || (text[i] != ' ' && text[i] != ':')) return true;
  }
  static constexpr std::array<std::string_view, 9> kWords = {"y",  "yes",   "true", "on",  "n",
                                                             "no", "false", "off",  "null"};
  return IsOneOf(ToLower(text), kWords);
}

}  // namespace sluice::yaml
