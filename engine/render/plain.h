#pragma once

#include "engine/render/renderer.h"

namespace sluice::render {

class PlainRenderer final : public Renderer {
 public:
  std::string_view Version() const override { return "plain/1"; }
  Status Read(const DeclaredUnit& unit, const SourceTree& tree, yaml::Cache& cache,
              std::vector<Manifest>& manifests, Diagnostics& problems) const override;
};

// The documents of one file.
Status ReadManifests(const SourceTree& tree, const TreeEntry& entry, yaml::Cache& cache,
                     std::vector<Manifest>& manifests, Diagnostics& problems);

}  // namespace sluice::render
