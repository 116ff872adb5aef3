#include "engine/render/images.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/model/image.h"

namespace sluice::render {
namespace {

using nlohmann::json;

bool HoldsContainers(const std::string& key) {
  return key == "containers" || key == "initContainers" || key == "ephemeralContainers";
}

std::string Escape(std::string_view key) {
  std::string out;
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

}  // namespace

void Images::Apply(Manifest& manifest, Diagnostics& problems) {
  if (manifest.body.value("kind", json()) == "CustomResourceDefinition") return;
  Visit(manifest.body, "", manifest, problems);
}

void Images::Visit(json& value, const std::string& pointer, const Manifest& manifest,
                   Diagnostics& problems) {
  if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) {
      if (value[i].is_structured())
        Visit(value[i], pointer + "/" + std::to_string(i), manifest, problems);
    }
    return;
  }
  for (auto& [key, child] : value.items()) {
    if (!child.is_structured()) continue;
    const std::string at = pointer + "/" + Escape(key);
    if (child.is_array() && HoldsContainers(key)) {
      for (size_t i = 0; i < child.size(); ++i) {
        if (child[i].is_object())
          Container(child[i], at + "/" + std::to_string(i), manifest, problems);
      }
    }
    Visit(child, at, manifest, problems);
  }
}

void Images::Container(json& container, const std::string& pointer, const Manifest& manifest,
                       Diagnostics& problems) {
  const auto field = container.find("image");
  if (field == container.end() || !field->is_string()) return;
  auto& text = field->get_ref<std::string&>();
  ImageReference image = ParseImageReference(text);
  seen_.insert(image.name);
  const auto change = std::ranges::find(overrides_, image.name, &ImageOverride::name);
  if (change != overrides_.end()) {
    used_.insert(image.name);
    image = {image.name, change->tag, change->digest};
    text = ToString(image);
  }
  if (!image.digest.empty()) return;
  const SourcePosition at = manifest.At(pointer + "/image");
  if (image.tag.empty()) {
    problems.push_back({at, "image-without-tag",
                        "image '" + text + "' has no tag; add one here or in release.yaml"});
  } else if (image.tag == "latest") {
    problems.push_back(
        {at, "image-latest",
         "image '" + text + "' may change under the same name; use a fixed tag or a digest"});
  }
}

void Images::ReportUnused(Diagnostics& problems) const {
  const std::vector<std::string> seen(seen_.begin(), seen_.end());
  for (const ImageOverride& image : overrides_) {
    if (used_.contains(image.name)) continue;
    const std::string there =
        seen.empty() ? "; the manifests have no images" : DidYouMean(image.name, seen);
    problems.push_back({image.at, "unused-image",
                        "image " + image.name + " is in no manifest of this application" + there});
  }
}

}  // namespace sluice::render
