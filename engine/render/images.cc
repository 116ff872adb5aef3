#include "engine/render/images.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/model/image.h"

namespace sluice::render {
void Images::Apply(Manifest& manifest, const TargetKind& kind, Diagnostics& problems) {
  kind.VisitImages(manifest.body, [&](std::string& text, const std::string& pointer) {
    Take(text, manifest.At(pointer), problems);
  });
}

void Images::Take(std::string& text, const SourcePosition& at, Diagnostics& problems) {
  ImageReference image = ParseImageReference(text);
  seen_.insert(image.name);
  const auto change = std::ranges::find(overrides_, image.name, &ImageOverride::name);
  if (change != overrides_.end()) {
    used_.insert(image.name);
    image = {image.name, change->tag, change->digest};
    text = ToString(image);
  }
  if (!image.digest.empty()) return;
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
