#include "engine/model/unit.h"

#include "engine/base/strings.h"

namespace sluice {

std::string ToString(const UnitId& unit) { return unit.environment + "/" + unit.application; }

std::optional<UnitId> ParseUnitId(std::string_view text) {
  const std::vector<std::string> parts = Split(text, '/');
  if (parts.size() != 2 || !IsDnsLabel(parts[0]) || !IsDnsLabel(parts[1])) return std::nullopt;
  return UnitId{parts[0], parts[1]};
}

}  // namespace sluice
