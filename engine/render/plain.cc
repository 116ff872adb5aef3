// Plain manifests: every document of every file.
#include "engine/render/plain.h"

#include "engine/yaml/tree_file.h"

namespace sluice::render {

SourcePosition Manifest::At(std::string_view pointer) const {
  if (document == nullptr) return {file, 0, 0};
  const yaml::Place place = document->At(prefix + std::string(pointer));
  return {file, place.line, place.column};
}

Status ReadManifests(const SourceTree& tree, const TreeEntry& entry, yaml::Cache& cache,
                     std::vector<Manifest>& manifests, Diagnostics& problems) {
  SLUICE_TRY(const auto parsed, yaml::ParseFile(tree, entry, cache));
  problems.insert(problems.end(), parsed->problems.begin(), parsed->problems.end());
  if (!parsed->problems.empty()) return {};
  for (const yaml::Document& document : parsed->documents) {
    manifests.push_back({document.value, entry.path, parsed, &document, ""});
  }
  return {};
}

Status PlainRenderer::Read(const DeclaredUnit& unit, const SourceTree& tree, yaml::Cache& cache,
                           std::vector<Manifest>& manifests, Diagnostics& problems) const {
  for (const TreeEntry& entry : unit.manifests)
    SLUICE_CHECK(ReadManifests(tree, entry, cache, manifests, problems));
  return {};
}

const Renderer& RendererFor(const DeclaredUnit&) {
  static const PlainRenderer plain;
  return plain;
}

}  // namespace sluice::render
