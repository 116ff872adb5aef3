// A unit: one application in one environment. It rolls out, fails and reverts alone.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct UnitId {
  std::string environment;
  std::string application;
  auto operator<=>(const UnitId&) const = default;
};

// "prod/checkout", the one identity in every output.
std::string ToString(const UnitId& unit);
// nullopt unless both halves are DNS labels.
std::optional<UnitId> ParseUnitId(std::string_view text);

}  // namespace sluice
