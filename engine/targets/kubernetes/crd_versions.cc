#include "engine/targets/kubernetes/crd_versions.h"

#include <set>

#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets::kubernetes {
namespace {

std::set<std::string> VersionsOf(const nlohmann::json& crd, bool only_served) {
  std::set<std::string> names;
  for (const nlohmann::json& version : Items(At(crd, "spec", "versions"))) {
    if (!only_served || ToBool(At(version, "served"))) names.insert(ToText(At(version, "name")));
  }
  return names;
}

}  // namespace

std::string LostVersions(const nlohmann::json& live, const nlohmann::json& desired) {
  const std::set<std::string> there = VersionsOf(desired, /*only_served=*/false);
  const std::set<std::string> served = VersionsOf(desired, /*only_served=*/true);
  std::set<std::string> stored;
  for (const nlohmann::json& name : Items(At(live, "status", "storedVersions"))) {
    if (!there.contains(ToText(name))) stored.insert(ToText(name));
  }
  std::string out;
  const auto add = [&](const std::string& name, const char* how) {
    out += (out.empty() ? "version " : " and version ") + name + ", which is " + how;
  };
  for (const std::string& name : stored) add(name, "stored");
  for (const std::string& name : VersionsOf(live, /*only_served=*/true)) {
    if (!served.contains(name) && !stored.contains(name)) add(name, "served");
  }
  return out;
}

}  // namespace sluice::targets::kubernetes
