#include "engine/render/objects.h"

#include <algorithm>
#include <array>
#include <map>

#include "engine/base/strings.h"

namespace sluice::render {
namespace {

using nlohmann::json;

bool IsList(const json& body) {
  const json kind = body.value("kind", json());
  return kind.is_string() && kind.get_ref<const std::string&>().ends_with("List") &&
         body.contains("items") && body["items"].is_array();
}

void Problem(const Manifest& manifest, std::string_view pointer, std::string rule,
             std::string message, Diagnostics& problems) {
  problems.push_back({manifest.At(pointer), std::move(rule), std::move(message)});
}

// A text field that must be there; "" with a problem when it is not.
std::string Required(const Manifest& manifest, const json& in, const std::string& pointer,
                     const std::string& name, Diagnostics& problems) {
  if (!in.is_object() || !in.contains(name)) {
    Problem(manifest, pointer, "missing-field",
            "object has no " + (pointer.empty() ? name : "metadata." + name), problems);
    return "";
  }
  const json& value = in[name];
  if (value.is_string() && !value.get_ref<const std::string&>().empty())
    return value.get<std::string>();
  Problem(manifest, pointer + "/" + name, "wrong-type",
          name + " must be text, not " + value.dump() + "; put it in quotes", problems);
  return "";
}

void CheckTexts(const Manifest& manifest, const json& metadata, const std::string& name,
                Diagnostics& problems) {
  const auto map = metadata.find(name);
  if (map == metadata.end() || map->is_null()) return;
  const std::string pointer = "/metadata/" + name;
  if (!map->is_object())
    return Problem(manifest, pointer, "wrong-type", "metadata." + name + " must be a map",
                   problems);
  for (const auto& [key, value] : map->items()) {
    if (value.is_string()) continue;
    Problem(manifest, pointer, "wrong-type",
            "metadata." + name + ": the value of '" + key + "' must be text, not " + value.dump() +
                "; put it in quotes",
            problems);
  }
}

// The annotations that decide what is deleted (engine/targets/kubernetes/object_edit.h) must be
// written as they are meant: one that is mistyped would be ignored.
struct OwnAnnotation {
  std::string_view name;
  std::array<std::string_view, 2> values;
};
constexpr auto kOwnAnnotations = std::to_array<OwnAnnotation>({
    {"sluice.dev/prune", {"disabled", "enabled"}},
    {"sluice.dev/replace", {"when-immutable", "when-immutable,load-balancer"}},
});

void CheckOwnAnnotations(const Manifest& manifest, const json& metadata, Diagnostics& problems) {
  const json annotations = metadata.value("annotations", json());
  if (!annotations.is_object()) return;
  constexpr std::string_view kPrefix = "sluice.dev/";
  for (const auto& [key, value] : annotations.items()) {
    if (!key.starts_with(kPrefix) || !value.is_string()) continue;
    const std::string pointer = "/metadata/annotations/sluice.dev~1" + key.substr(kPrefix.size());
    const auto own = std::ranges::find(kOwnAnnotations, key, &OwnAnnotation::name);
    if (own == kOwnAnnotations.end()) {
      std::vector<std::string> names;
      for (const OwnAnnotation& known : kOwnAnnotations) names.emplace_back(known.name);
      Problem(manifest, pointer, "unknown-field",
              "unknown annotation " + key + DidYouMean(key, names), problems);
    } else if (std::ranges::find(own->values, value) == own->values.end()) {
      Problem(manifest, pointer, "invalid-value",
              "annotation " + key + " must be \"" + std::string(own->values[0]) + "\" or \"" +
                  std::string(own->values[1]) + "\", not " + value.dump(),
              problems);
    }
  }
}

void CheckMetadata(Manifest& manifest, Diagnostics& problems) {
  json& metadata = manifest.body["metadata"];
  if (metadata.contains("generateName")) {
    Problem(manifest, "/metadata/generateName", "generate-name",
            "generateName makes a new object each time; give the object a name", problems);
    if (!metadata.contains("name")) return;
  }
  const std::string name = Required(manifest, metadata, "/metadata", "name", problems);
  if (name.find_first_of("/%") != std::string::npos || name == "." || name == ".." ||
      EscapeControl(name) != name) {
    Problem(manifest, "/metadata/name", "invalid-name", "'" + name + "' cannot be an object's name",
            problems);
  }
  if (metadata.contains("namespace") &&
      (!metadata["namespace"].is_string() ||
       !IsDnsLabel(metadata["namespace"].get_ref<const std::string&>()))) {
    Problem(manifest, "/metadata/namespace", "invalid-name",
            "metadata.namespace must be a DNS label, not " + metadata["namespace"].dump(),
            problems);
  }
  CheckTexts(manifest, metadata, "labels", problems);
  CheckTexts(manifest, metadata, "annotations", problems);
  const json labels = metadata.value("labels", json());
  if (labels.is_object() && labels.contains("sluice.dev/unit")) {
    Problem(manifest, "/metadata/labels/sluice.dev~1unit", "reserved-label",
            "label sluice.dev/unit marks what sluice owns and is set by it; remove it", problems);
  }
  CheckOwnAnnotations(manifest, metadata, problems);
  for (const char* field : {"uid", "resourceVersion", "managedFields", "deletionTimestamp"}) {
    if (!metadata.contains(field)) continue;
    Problem(manifest, std::string("/metadata/") + field, "server-field",
            std::string("metadata.") + field +
                " is set by the server; remove it (the object was exported from a cluster)",
            problems);
  }
  for (const char* field : {"creationTimestamp", "generation", "selfLink"}) metadata.erase(field);
}

}  // namespace

std::vector<Manifest> Flatten(std::vector<Manifest> manifests, Diagnostics& problems) {
  std::vector<Manifest> out;
  for (Manifest& manifest : manifests) {
    if (!IsList(manifest.body)) {
      out.push_back(std::move(manifest));
      continue;
    }
    const auto kind = manifest.body["kind"].get<std::string>();
    json items = std::move(manifest.body["items"]);
    for (size_t i = 0; i < items.size(); ++i) {
      Manifest item{std::move(items[i]), manifest.file, manifest.parsed, manifest.document,
                    manifest.prefix + "/items/" + std::to_string(i)};
      if (!item.body.is_object()) {
        Problem(item, "", "wrong-type", "an item of a " + kind + " must be an object", problems);
        continue;
      }
      // Items of a typed list may leave out what the list says.
      if (kind != "List") {
        if (!item.body.contains("kind")) item.body["kind"] = kind.substr(0, kind.size() - 4);
        if (!item.body.contains("apiVersion"))
          item.body["apiVersion"] = manifest.body.value("apiVersion", json());
      }
      if (IsList(item.body)) {
        Problem(item, "", "nested-list",
                "a List inside a List is not accepted; put its items into the outer one", problems);
        continue;
      }
      out.push_back(std::move(item));
    }
  }
  return out;
}

void CheckObject(Manifest& manifest, Diagnostics& problems) {
  json& body = manifest.body;
  const std::string api_version = Required(manifest, body, "", "apiVersion", problems);
  Required(manifest, body, "", "kind", problems);
  if (GroupOf(api_version) == "sluice.dev") {
    Problem(manifest, "", "stray-file",
            "an object of " + api_version +
                " is no manifest; it is read only from its own file (app.yaml, release.yaml, "
                "environment.yaml, sluice.yaml)",
            problems);
    return;
  }
  if (std::ranges::count(api_version, '/') > 1) {
    Problem(manifest, "/apiVersion", "invalid-value",
            "apiVersion must be a version or group/version, not '" + api_version + "'", problems);
  }
  if (!body.contains("metadata") || !body["metadata"].is_object()) {
    Problem(manifest, "", "missing-field", "object has no metadata.name", problems);
    return;
  }
  CheckMetadata(manifest, problems);
  body.erase("status");
}

Resource ToResource(Manifest manifest) {
  Resource resource;
  resource.api_version = manifest.body["apiVersion"].get<std::string>();
  const json& metadata = manifest.body["metadata"];
  // The namespace comes into `ref` with the scope, which only a cluster knows.
  resource.ref = {GroupOf(resource.api_version), manifest.body["kind"].get<std::string>(), "",
                  metadata["name"].get<std::string>()};
  resource.at = manifest.At("");
  resource.body = std::move(manifest.body);
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
