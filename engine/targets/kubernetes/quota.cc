#include "engine/targets/kubernetes/quota.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>

namespace sluice::targets::kubernetes {
namespace {

struct Quantity {
  long long number = 0;
  std::string unit;
};
using Quantities = std::map<std::string, Quantity>;

std::optional<Quantity> ParseQuantity(std::string_view text) {
  Quantity quantity;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), quantity.number);
  if (error != std::errc()) return std::nullopt;
  quantity.unit = std::string(end, text.data() + text.size());
  return quantity;
}

// What follows `label` in "label: a=1,b=2Gi, label: …"; nullopt when it is not there or not so.
std::optional<Quantities> After(std::string_view words, std::string_view label) {
  const size_t at = words.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view rest = words.substr(at + label.size());
  rest = rest.substr(0, rest.find_first_of(" ;"));
  Quantities out;
  while (!rest.empty()) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest = rest.substr(std::min(rest.size(), one.size() + 1));
    const size_t equals = one.find('=');
    if (equals == std::string_view::npos) continue;
    const auto quantity = ParseQuantity(one.substr(equals + 1));
    if (!quantity) return std::nullopt;
    out.insert_or_assign(std::string(one.substr(0, equals)), *quantity);
  }
  return out.empty() ? std::nullopt : std::optional(std::move(out));
}

}  // namespace

bool IsFilledByOthers(std::string_view words) {
  const auto requested = After(words, "requested: ");
  const auto limited = After(words, "limited: ");
  if (!requested || !limited) return false;
  return std::ranges::all_of(*requested, [&](const auto& one) {
    const auto limit = limited->find(one.first);
    return limit != limited->end() && limit->second.unit == one.second.unit &&
           one.second.number <= limit->second.number;
  });
}

}  // namespace sluice::targets::kubernetes
