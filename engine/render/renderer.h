// The seam for how an application's source becomes objects. A new source (kustomize, helm) or a
// step that decrypts (SOPS): one file with a Renderer, chosen in RendererFor. What follows is the
// same for all: what the kind of target finds in the documents, image overrides, checks
// (objects.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/diagnostics.h"
#include "engine/model/config.h"
#include "engine/yaml/yaml.h"

namespace sluice::render {

// One object as the source gave it.
struct Manifest {
  nlohmann::json body;
  std::string file;
  // Where a JSON pointer of `body` stands in `file`.
  std::shared_ptr<const yaml::Parsed> parsed;  // keeps `document` alive
  const yaml::Document* document = nullptr;
  std::string prefix;  // pointer of `body` in the document, "" but for items of a List

  SourcePosition At(std::string_view pointer) const;
};

// Pure: no network, no clock, nothing outside the tree.
class Renderer {
 public:
  virtual ~Renderer() = default;
  // Part of the fingerprint: a renderer that renders differently must change it ("plain/1").
  virtual std::string_view Version() const = 0;
  // Adds manifests in the order of files and documents, and problems.
  virtual Status Read(const DeclaredUnit& unit, const SourceTree& tree, yaml::Cache& cache,
                      std::vector<Manifest>& manifests, Diagnostics& problems) const = 0;
};

// The one for the unit's source.
const Renderer& RendererFor(const DeclaredUnit& unit);

}  // namespace sluice::render
