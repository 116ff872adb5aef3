#include "engine/model/health.h"

#include <array>
#include <utility>

namespace sluice {
namespace {

// From worst to best.
constexpr std::array<std::pair<Health, std::string_view>, 6> kWorstFirst = {{
    {Health::kDegraded, "Degraded"},
    {Health::kUnknown, "Unknown"},
    {Health::kMissing, "Missing"},
    {Health::kProgressing, "Progressing"},
    {Health::kSuspended, "Suspended"},
    {Health::kHealthy, "Healthy"},
}};

}  // namespace

std::string_view ToString(Health health) {
  for (const auto& [value, name] : kWorstFirst) {
    if (value == health) return name;
  }
  return "Unknown";
}

std::optional<Health> ParseHealth(std::string_view text) {
  for (const auto& [value, name] : kWorstFirst) {
    if (name == text) return value;
  }
  return std::nullopt;
}

Health Worst(std::span<const ObjectHealth> objects) {
  for (const auto& [value, name] : kWorstFirst) {
    for (const ObjectHealth& object : objects) {
      if (object.health == value) return value;
    }
  }
  return Health::kHealthy;
}

}  // namespace sluice
