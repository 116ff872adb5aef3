#include "engine/targets/kubernetes/health_report.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/model/resource.h"
#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets {
namespace {

// managedFields tell who wrote what; nullopt when they are not there.
std::optional<bool> HasStatusWriter(const nlohmann::json& live) {
  const nlohmann::json& entries = Items(At(live, "metadata", "managedFields"));
  if (entries.empty()) return std::nullopt;
  return std::ranges::any_of(entries, [](const nlohmann::json& entry) {
    return ToText(At(entry, "subresource")) == "status";
  });
}

// A status that a schema default wrote (Gateway API does) holds conditions that are all Unknown.
bool HasMoreThanDefaults(const nlohmann::json& status) {
  const bool has_only_conditions = status.size() == 1 && status.contains("conditions");
  return !has_only_conditions ||
         std::ranges::any_of(Items(At(status, "conditions")), [](const nlohmann::json& condition) {
           return ToText(At(condition, "status")) != "Unknown";
         });
}

}  // namespace

bool HasReport(const nlohmann::json& live) {
  const std::string kind = ToText(At(live, "kind"));
  const std::string group = GroupOf(ToText(At(live, "apiVersion")));
  const bool has_address =
      (kind == "Service" && group.empty()) || (kind == "Ingress" && IsBuiltInGroup(group));
  if (has_address) return !Items(At(live, "status", "loadBalancer", "ingress")).empty();
  const nlohmann::json& status = At(live, "status");
  if (!status.is_object() || status.empty()) return false;
  return HasMoreThanDefaults(status) && HasStatusWriter(live).value_or(true);
}

std::string ReporterClass(const nlohmann::json& live) {
  const nlohmann::json& spec = At(live, "spec");
  for (const char* field : {"ingressClassName", "gatewayClassName", "loadBalancerClass"}) {
    if (const std::string name = ToText(At(spec, field)); !name.empty()) return name;
  }
  return ToText(At(live, "metadata", "annotations", "kubernetes.io/ingress.class"));
}

bool AlwaysReports(const ObjectRef& ref) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kKinds = {{
      {"argoproj.io", "Rollout"},
      {"apps.kruise.io", "CloneSet"},
      {"apps.kruise.io", "StatefulSet"},
      {"apps.kruise.io", "DaemonSet"},
  }};
  return std::ranges::any_of(kKinds, [&](const auto& known) {
    return known.first == ref.group && known.second == ref.kind;
  });
}

SystemTime LastChange(const nlohmann::json& live) {
  SystemTime newest = TimeAt(At(live, "metadata", "creationTimestamp")).value_or(SystemTime{});
  for (const nlohmann::json& entry : Items(At(live, "metadata", "managedFields"))) {
    if (!ToText(At(entry, "subresource")).empty()) continue;
    newest = std::max(newest, TimeAt(At(entry, "time")).value_or(newest));
  }
  return newest;
}

}  // namespace sluice::targets
