#include "engine/sandbox/quantity.h"

#include <cctype>

namespace sluice::sandbox {
namespace {

__extension__ typedef __int128 Wide;
constexpr Wide kNano = 1000000000;

std::string ToText(Wide value) {
  if (value == 0) return "0";
  const bool negative = value < 0;
  if (negative) value = -value;
  std::string out;
  for (; value > 0; value /= 10) out.insert(out.begin(), static_cast<char>('0' + int(value % 10)));
  return negative ? "-" + out : out;
}

// The value in billionths, and how its suffix reads. Anything finer is rounded up.
struct Parsed {
  Wide nanos = 0;
  bool binary = false;
  bool exponent = false;
};

std::optional<Parsed> Parse(std::string_view text) {
  Parsed out;
  size_t i = 0;
  bool negative = false;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) negative = text[i++] == '-';
  Wide mantissa = 0;
  int digits = 0;
  int decimals = 0;
  bool point = false;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && !point) {
      point = true;
    } else if (std::isdigit(static_cast<unsigned char>(text[i])) != 0) {
      if (++digits > 24) return std::nullopt;
      mantissa = mantissa * 10 + (text[i] - '0');
      if (point) ++decimals;
    } else {
      break;
    }
  }
  if (digits == 0) return std::nullopt;
  const std::string_view suffix = text.substr(i);
  Wide factor = 1;
  int power = 9 - decimals;
  if (suffix.size() == 2 && suffix[1] == 'i') {
    const size_t step = std::string_view("KMGTPE").find(suffix[0]);
    if (step == std::string_view::npos) return std::nullopt;
    out.binary = true;
    for (size_t k = 0; k <= step; ++k) factor *= 1024;
  } else if (suffix.size() == 1 &&
             std::string_view("numkMGTPE").find(suffix[0]) != std::string_view::npos) {
    power += (static_cast<int>(std::string_view("num kMGTPE").find(suffix[0])) - 3) * 3;
  } else if (suffix.size() > 1 && (suffix[0] == 'e' || suffix[0] == 'E')) {
    int exponent = 0;
    size_t k = 1;
    const bool minus = suffix[k] == '-';
    if (suffix[k] == '-' || suffix[k] == '+') ++k;
    if (k == suffix.size()) return std::nullopt;
    for (; k < suffix.size(); ++k) {
      if (std::isdigit(static_cast<unsigned char>(suffix[k])) == 0 || exponent > 18)
        return std::nullopt;
      exponent = exponent * 10 + (suffix[k] - '0');
    }
    power += minus ? -exponent : exponent;
    out.exponent = true;
  } else if (!suffix.empty()) {
    return std::nullopt;
  }
  if (power > 27 || digits + power > 36) return std::nullopt;
  mantissa *= factor;
  for (; power > 0; --power) mantissa *= 10;
  bool rounded = false;
  for (; power < 0; ++power) {
    rounded = rounded || mantissa % 10 != 0;
    mantissa /= 10;
  }
  if (rounded) ++mantissa;
  out.nanos = negative ? -mantissa : mantissa;
  return out;
}

std::string FormatDecimal(Wide nanos, bool exponent) {
  if (nanos == 0) return "0";
  int power = -9;
  while (power < 18 && nanos % 1000 == 0) {
    nanos /= 1000;
    power += 3;
  }
  if (power == 0) return ToText(nanos);
  if (exponent) return ToText(nanos) + "e" + std::to_string(power);
  return ToText(nanos) +
         std::string(1, std::string_view("num kMGTPE")[static_cast<size_t>(power / 3 + 3)]);
}

}  // namespace

std::optional<std::string> CanonicalQuantity(std::string_view text) {
  const std::optional<Parsed> parsed = Parse(text);
  if (!parsed) return std::nullopt;
  const Wide whole = parsed->nanos / kNano;
  if (!parsed->binary || parsed->nanos % kNano != 0 || (whole < 1024 && whole > -1024)) {
    return FormatDecimal(parsed->nanos, parsed->exponent);
  }
  Wide value = whole;
  int step = -1;
  while (step < 5 && value % 1024 == 0) {
    value /= 1024;
    ++step;
  }
  return step < 0 ? ToText(value) : ToText(value) + "KMGTPE"[step] + "i";
}

}  // namespace sluice::sandbox
