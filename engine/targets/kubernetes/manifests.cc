#include "engine/targets/kubernetes/manifests.h"

#include <algorithm>
#include <array>

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/object_edit.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

bool IsList(const json& body) {
  const json kind = body.is_object() ? body.value("kind", json()) : json();
  return kind.is_string() && kind.get_ref<const std::string&>().ends_with("List") &&
         body.contains("items") && body["items"].is_array();
}

// A text field that must be there; "" with a problem when it is not.
std::string Required(const json& in, const std::string& pointer, const std::string& name,
                     const Report& report) {
  if (!in.is_object() || !in.contains(name)) {
    report(pointer, "missing-field",
           "object has no " + (pointer.empty() ? name : "metadata." + name));
    return "";
  }
  const json& value = in[name];
  if (value.is_string() && !value.get_ref<const std::string&>().empty())
    return value.get<std::string>();
  report(pointer + "/" + name, "wrong-type",
         name + " must be text, not " + value.dump() + "; put it in quotes");
  return "";
}

void CheckTexts(const json& metadata, const std::string& name, const Report& report) {
  const auto map = metadata.find(name);
  if (map == metadata.end() || map->is_null()) return;
  const std::string pointer = "/metadata/" + name;
  if (!map->is_object())
    return report(pointer, "wrong-type", "metadata." + name + " must be a map");
  for (const auto& [key, value] : map->items()) {
    if (value.is_string()) continue;
    report(pointer, "wrong-type",
           "metadata." + name + ": the value of '" + key + "' must be text, not " + value.dump() +
               "; put it in quotes");
  }
}

// The annotations that decide what is deleted (object_edit.h) must be
// written as they are meant: one that is mistyped would be ignored.
struct OwnAnnotation {
  std::string_view name;
  std::array<std::string_view, 2> values;
};
constexpr auto kOwnAnnotations = std::to_array<OwnAnnotation>({
    {kPruneAnnotation, {"disabled", "enabled"}},
    {kReplaceAnnotation, {"when-immutable", "when-immutable,load-balancer"}},
});

void CheckOwnAnnotations(const json& metadata, const Report& report) {
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
      report(pointer, "unknown-field", "unknown annotation " + key + DidYouMean(key, names));
    } else if (std::ranges::find(own->values, value) == own->values.end()) {
      report(pointer, "invalid-value",
             "annotation " + key + " must be \"" + std::string(own->values[0]) + "\" or \"" +
                 std::string(own->values[1]) + "\", not " + value.dump());
    }
  }
}

void CheckMetadata(json& metadata, const Report& report) {
  if (metadata.contains("generateName")) {
    report("/metadata/generateName", "generate-name",
           "generateName makes a new object each time; give the object a name");
    if (!metadata.contains("name")) return;
  }
  const std::string name = Required(metadata, "/metadata", "name", report);
  if (name.find_first_of("/%") != std::string::npos || name == "." || name == ".." ||
      EscapeControl(name) != name) {
    report("/metadata/name", "invalid-name", "'" + name + "' cannot be an object's name");
  }
  if (metadata.contains("namespace") &&
      (!metadata["namespace"].is_string() ||
       !IsDnsLabel(metadata["namespace"].get_ref<const std::string&>()))) {
    report("/metadata/namespace", "invalid-name",
           "metadata.namespace must be a DNS label, not " + metadata["namespace"].dump());
  }
  CheckTexts(metadata, "labels", report);
  CheckTexts(metadata, "annotations", report);
  const json labels = metadata.value("labels", json());
  if (labels.is_object() && labels.contains(kMarkLabel)) {
    report("/metadata/labels/sluice.dev~1unit", "reserved-label",
           "label sluice.dev/unit marks what sluice owns and is set by it; remove it");
  }
  CheckOwnAnnotations(metadata, report);
  for (const char* field : {"uid", "resourceVersion", "managedFields", "deletionTimestamp"}) {
    if (!metadata.contains(field)) continue;
    report(std::string("/metadata/") + field, "server-field",
           std::string("metadata.") + field +
               " is set by the server; remove it (the object was exported from a cluster)");
  }
  for (const char* field : {"creationTimestamp", "generation", "selfLink"}) metadata.erase(field);
}

bool HoldsContainers(const std::string& key) {
  return key == "containers" || key == "initContainers" || key == "ephemeralContainers";
}

void VisitImagesIn(json& value, const std::string& pointer, const ImageVisitor& visit) {
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      if (value[i].is_structured())
        VisitImagesIn(value[i], pointer + "/" + std::to_string(i), visit);
    }
    return;
  }
  for (auto& [key, child] : value.items()) {
    if (!child.is_structured()) continue;
    const std::string at = pointer + "/" + EscapeKey(key);
    if (child.is_array() && HoldsContainers(key)) {
      for (size_t i = 0; i < child.size(); ++i) {
        if (!child[i].is_object()) continue;
        const auto image = child[i].find("image");
        if (image != child[i].end() && image->is_string())
          visit(image->get_ref<std::string&>(), at + "/" + std::to_string(i) + "/image");
      }
    }
    VisitImagesIn(child, at, visit);
  }
}

}  // namespace

std::vector<DeclaredPart> UnpackManifest(json document, const Report& report) {
  if (!IsList(document)) return {{"", std::move(document)}};
  std::vector<DeclaredPart> parts;
  const auto kind = document["kind"].get<std::string>();
  json& items = document["items"];
  for (size_t i = 0; i < items.size(); ++i) {
    DeclaredPart part{"/items/" + std::to_string(i), std::move(items[i])};
    if (!part.body.is_object()) {
      report(part.pointer, "wrong-type", "an item of a " + kind + " must be an object");
      continue;
    }
    // Items of a typed list may leave out what the list says.
    if (kind != "List") {
      if (!part.body.contains("kind")) part.body["kind"] = kind.substr(0, kind.size() - 4);
      if (!part.body.contains("apiVersion"))
        part.body["apiVersion"] = document.value("apiVersion", json());
    }
    if (IsList(part.body)) {
      report(part.pointer, "nested-list",
             "a List inside a List is not accepted; put its items into the outer one");
      continue;
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

void CheckManifest(json& body, const Report& report) {
  const std::string api_version = Required(body, "", "apiVersion", report);
  Required(body, "", "kind", report);
  if (std::ranges::count(api_version, '/') > 1) {
    report("/apiVersion", "invalid-value",
           "apiVersion must be a version or group/version, not '" + api_version + "'");
  }
  if (!body.is_object() || !body.contains("metadata") || !body["metadata"].is_object()) {
    report("", "missing-field", "object has no metadata.name");
    return;
  }
  CheckMetadata(body["metadata"], report);
  body.erase("status");
}

void VisitManifestImages(json& body, const ImageVisitor& visit) {
  if (body.value("kind", json()) != "CustomResourceDefinition") VisitImagesIn(body, "", visit);
}

std::string EscapeKey(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

}  // namespace sluice::targets::kubernetes
