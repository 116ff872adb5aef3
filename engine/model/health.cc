#include "engine/model/health.h"

#include <algorithm>
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

bool MatchesAny(const std::vector<HealthRules::Pattern>& patterns, const ObjectRef& ref) {
  return std::ranges::any_of(patterns, [&](const auto& pattern) { return pattern.Matches(ref); });
}

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

bool HealthRules::Pattern::Matches(const ObjectRef& ref) const {
  const bool is_kind =
      kind == ref.kind || (!ref.group.empty() && kind == ref.kind + "." + ref.group);
  return is_kind && (name.empty() || name == ref.name);
}

void Overrule(const HealthRules& rules, std::vector<ObjectHealth>& objects) {
  for (ObjectHealth& object : objects) {
    if (object.health == Health::kMissing) continue;
    if (MatchesAny(rules.ignore, object.ref)) {
      if (object.health == Health::kHealthy) continue;
      object.message = "health.ignore in app.yaml: " + std::string(ToString(object.health)) +
                       (object.reason.empty() ? "" : " " + object.reason) +
                       (object.message.empty() ? "" : ": " + object.message);
      object.reason = "HealthIgnored";
      object.health = Health::kHealthy;
      object.is_terminal = object.is_unreported = false;
    } else if (object.is_unreported && MatchesAny(rules.require, object.ref)) {
      object.health = Health::kProgressing;
      object.reason = "StatusNotReported";
      object.message =
          "its controller has reported nothing yet, and health.require in app.yaml waits for it";
      object.is_unreported = false;
    }
  }
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
