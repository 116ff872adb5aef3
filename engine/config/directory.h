// The rules of a unit's directory (docs/reference/config.md): what each file in it is.
#pragma once

#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/config/config.h"
#include "engine/config/fields.h"

namespace sluice::config {

// A unit from its directory alone: application, release, manifests, inputs and their problems.
// `files` are all files below `directory`. The environment is put in by the caller. An Error only
// when the tree cannot be read.
Result<DeclaredUnit> ReadUnitDirectory(const SourceTree& tree, const UnitId& id,
                                       const std::string& directory,
                                       const std::vector<TreeEntry>& files,
                                       const TargetKinds& kinds, yaml::Cache& cache);

// Sets the environment and resolves the target names, with the place of each in app.yaml.
Status ResolveTargets(DeclaredUnit& unit, const Environment& environment, const SourceTree& tree,
                      yaml::Cache& cache);

// By its name a YAML or JSON file; kOdd when only the case of its ending is unusual.
enum class ManifestName { kNo, kYes, kOdd };
ManifestName ClassifyName(const std::string& path);

}  // namespace sluice::config
