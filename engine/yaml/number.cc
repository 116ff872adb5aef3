#include "engine/yaml/number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace sluice::yaml {
namespace {

// Shortest digits and decimal exponent: value = 0.d1d2d3... * 10^point.
struct Decimal {
  bool is_negative = false;
  std::string digits;
  int point = 0;
};

template <class F>
Decimal Shortest(F value) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific)
                       .ptr;
  std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  Decimal out;
  if (text.starts_with('-')) {
    out.is_negative = true;
    text.remove_prefix(1);
  }
  const size_t e = text.find('e');
  for (const char c : text.substr(0, e)) {
    if (c != '.') out.digits += c;
  }
  out.point = std::atoi(std::string(text.substr(e + 1)).c_str()) + 1;
  return out;
}

std::string Plain(const Decimal& d) {
  std::string out = d.is_negative ? "-" : "";
  const int count = static_cast<int>(d.digits.size());
  if (d.point <= 0) return out + "0." + std::string(static_cast<size_t>(-d.point), '0') + d.digits;
  if (d.point >= count)
    return out + d.digits + std::string(static_cast<size_t>(d.point - count), '0');
  const auto split = static_cast<size_t>(d.point);
  return out + d.digits.substr(0, split) + "." + d.digits.substr(split);
}

// `exponent_width`: Go's strconv writes at least two exponent digits, encoding/json drops a leading
// zero of a negative one.
std::string Scientific(const Decimal& d, int exponent_width) {
  std::string out = d.is_negative ? "-" : "";
  out += d.digits[0];
  if (d.digits.size() > 1) out += "." + d.digits.substr(1);
  const int exponent = d.point - 1;
  std::string digits = std::to_string(std::abs(exponent));
  while (static_cast<int>(digits.size()) < exponent_width) digits.insert(0, "0");
  return out + (exponent < 0 ? "e-" : "e+") + digits;
}

}  // namespace

std::optional<double> ParseDouble(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // from_chars does not tell too large from too small.
    value = std::strtod(std::string(text).c_str(), nullptr);
    if (std::isinf(value)) return std::nullopt;
  }
  return value;
}

nlohmann::json NormaliseDouble(double value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  // From 1e21 on kubectl prints an exponent, and far below that int64 ends.
  if (std::trunc(value) == value && value >= -kLimit && value < kLimit) {
    // Between 2^53 and 2^63 Kubernetes reads the shortest decimal digits back, not the double's own
    // value.
    const std::string digits = FormatDouble(value);
    int64_t whole = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
    if (error == std::errc() && end == digits.data() + digits.size()) return whole;
  }
  return value;
}

std::string FormatDouble(double value) {
  if (value == 0) return "0";
  const double size = std::fabs(value);
  const Decimal d = Shortest(value);
  return size < 1e-6 || size >= 1e21 ? Scientific(d, d.point - 1 < 0 ? 1 : 2) : Plain(d);
}

std::string FormatKeyDouble(double value) {
  const auto narrow = static_cast<float>(value);
  if (std::isnan(narrow)) return ".nan";
  if (std::isinf(narrow)) return narrow > 0 ? ".inf" : "-.inf";
  if (narrow == 0) return std::signbit(narrow) ? "-0" : "0";
  const Decimal d = Shortest(narrow);
  const int exponent = d.point - 1;
  // 'g' with the shortest digits decides as if the precision were 6.
  return exponent < -4 || exponent >= 6 ? Scientific(d, 2) : Plain(d);
}

}  // namespace sluice::yaml
