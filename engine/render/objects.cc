#include "engine/render/objects.h"

#include <map>

#include "engine/base/strings.h"

namespace sluice::render {
namespace {

using nlohmann::json;

// A file of ours, which is read only from its own place.
bool IsOurs(const json& body) {
  const json version = body.is_object() ? body.value("apiVersion", json()) : json();
  return version.is_string() && GroupOf(version.get_ref<const std::string&>()) == "sluice.dev";
}

Report ReportTo(const Manifest& manifest, Diagnostics& problems) {
  return [&](std::string_view pointer, std::string rule, std::string message) {
    problems.push_back({manifest.At(pointer), std::move(rule), std::move(message)});
  };
}

}  // namespace

std::vector<Manifest> Unpack(std::vector<Manifest> manifests, const TargetKind& kind,
                             Diagnostics& problems) {
  std::vector<Manifest> out;
  for (Manifest& manifest : manifests) {
    json document = std::move(manifest.body);
    for (DeclaredPart& part : kind.Unpack(std::move(document), ReportTo(manifest, problems))) {
      out.push_back({std::move(part.body), manifest.file, manifest.parsed, manifest.document,
                     manifest.prefix + part.pointer});
    }
  }
  return out;
}

void CheckObject(Manifest& manifest, const TargetKind& kind, Diagnostics& problems) {
  if (!IsOurs(manifest.body)) return kind.Check(manifest.body, ReportTo(manifest, problems));
  problems.push_back({manifest.At(""), "stray-file",
                      "an object of " + manifest.body["apiVersion"].get<std::string>() +
                          " is no manifest; it is read only from its own file (app.yaml, "
                          "release.yaml, environment.yaml, sluice.yaml)"});
}

Resource ToResource(Manifest manifest, const TargetKind& kind) {
  const SourcePosition at = manifest.At("");
  Resource resource = kind.ToResource(std::move(manifest.body));
  resource.at = at;
  return resource;
}

void CheckDuplicates(const std::vector<Resource>& resources, std::vector<Target> targets,
                     const TargetKind& kind, Diagnostics& problems) {
  if (targets.empty()) targets.push_back({"", &kind, {}});
  std::map<std::pair<size_t, ObjectRef>, const Resource*> seen;
  for (const Resource& resource : resources) {
    const Resource* other = nullptr;
    for (size_t i = 0; i < targets.size(); ++i) {
      const auto [entry, is_new] =
          seen.emplace(std::pair(i, kind.RefIn(resource, targets[i])), &resource);
      if (!is_new) other = entry->second;
    }
    if (other == nullptr) continue;
    problems.push_back({resource.at, "duplicate-object",
                        ToString(kind.RefIn(resource, targets.front())) +
                            " is declared a second time; the first is at " + other->at.file + ":" +
                            std::to_string(other->at.line)});
  }
}

}  // namespace sluice::render
