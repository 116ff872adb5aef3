// Text of the config repo to declared state, every problem collected with its place. Pure but for
// reading the SourceTree. Start reading: loader.cc. A new kind: one file + one line in kinds.cc.
#pragma once

#include <string>
#include <vector>

#include "engine/base/diagnostics.h"
#include "engine/base/error.h"
#include "engine/model/config.h"
#include "engine/model/target_kind.h"
#include "engine/yaml/yaml.h"

namespace sluice::config {

// Reads sluice.yaml, environments/*/environment.yaml and every unit's directory. Broken files
// become problems of the units that read them; an Error only when the tree cannot be read. `cache`
// keeps parsed files by blob id between calls.
Result<Declared> Load(const SourceTree& tree, const TargetKinds& kinds, yaml::Cache& cache);

// The one unit, from a tree that may hold nothing else than the unit's inputs (the deploy log's
// last-known-good copy). kNotFound when its directory is absent.
Result<DeclaredUnit> LoadUnit(const SourceTree& tree, const UnitId& unit, const TargetKinds& kinds,
                              yaml::Cache& cache);

// daemon.yaml. Relative paths in it are relative to the file's folder. kInvalidConfig with every
// problem, one a line.
Result<DaemonConfig> ParseDaemonConfig(const std::string& text, const std::string& file);

// A new release.yaml. Refuses an image without tag and digest, and tag latest.
Result<std::string> FormatRelease(const Release& release);
// `text` of a release.yaml ("" for none) with `release` put in: only the lines that must change
// do. Refuses what FormatRelease refuses.
struct ReleaseText {
  std::string text;
  bool is_rewritten = false;  // its layout could not be kept everywhere
};
Result<ReleaseText> EditRelease(const std::string& text, const Release& release);
// Parses a release.yaml text; kInvalidConfig with all problems.
Result<Release> ParseRelease(const std::string& text, const std::string& file);
// "NAME=TAG" or "NAME@sha256:..." of the command line.
Result<ImageOverride> ParseImageArgument(const std::string& argument);

}  // namespace sluice::config
