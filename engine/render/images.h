// Image references in objects: found by the kind of target, overridden by name, and checked.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/model/target_kind.h"
#include "engine/render/renderer.h"

namespace sluice::render {

class Images {
 public:
  explicit Images(const std::vector<ImageOverride>& overrides) : overrides_(overrides) {}

  void Apply(Manifest& manifest, const TargetKind& kind, Diagnostics& problems);
  // One problem for each override that matched nothing so far.
  void ReportUnused(Diagnostics& problems) const;

 private:
  void Take(std::string& text, const SourcePosition& at, Diagnostics& problems);

  const std::vector<ImageOverride>& overrides_;
  std::set<std::string> used_;
  std::set<std::string> seen_;
};

}  // namespace sluice::render
