// Image references in objects: found where kustomize finds them, overridden by name, and checked.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/render/renderer.h"

namespace sluice::render {

class Images {
 public:
  explicit Images(const std::vector<ImageOverride>& overrides) : overrides_(overrides) {}

  // Every `image` of the maps in a list called containers, initContainers or ephemeralContainers,
  // at any depth; none in a CustomResourceDefinition, whose schema may use the same words.
  void Apply(Manifest& manifest, Diagnostics& problems);
  // One problem for each override that matched nothing so far.
  void ReportUnused(Diagnostics& problems) const;

 private:
  void Visit(nlohmann::json& value, const std::string& pointer, const Manifest& manifest,
             Diagnostics& problems);
  void Container(nlohmann::json& container, const std::string& pointer, const Manifest& manifest,
                 Diagnostics& problems);

  const std::vector<ImageOverride>& overrides_;
  std::set<std::string> used_;
  std::set<std::string> seen_;
};

}  // namespace sluice::render
