// A small valid config repo and shorthand for looking at what became of a broken one.
#pragma once

#include <algorithm>
#include <string>

#include "engine/config/config.h"
#include "tests/support/catch.h"
#include "tests/support/kinds.h"
#include "tests/support/memory_tree.h"

namespace sluice::config {

inline constexpr const char* kPipeline = R"(apiVersion: sluice.dev/v1
kind: Pipeline
metadata: {name: shop}
spec:
  environments: [dev, prod]
)";
inline constexpr const char* kDev = R"(apiVersion: sluice.dev/v1
kind: Environment
metadata: {name: dev}
spec:
  targets:
    - {name: eu, kubernetes: {context: dev-eu}}
)";
inline constexpr const char* kProd = R"(apiVersion: sluice.dev/v1
kind: Environment
metadata: {name: prod}
spec:
  targets:
    - {name: eu, kubernetes: {context: prod-eu, namespace: shop}}
    - {name: us, kubernetes: {context: prod-us, namespace: shop}}
)";
inline constexpr const char* kApp = R"(apiVersion: sluice.dev/v1
kind: Application
metadata: {name: web}
spec: {}
)";
inline constexpr const char* kRelease = R"(apiVersion: sluice.dev/v1
kind: Release
metadata: {name: web}
spec:
  version: v7
  images:
    - {name: registry.example/web, tag: 3f2c1d0}
)";
inline constexpr const char* kManifest = R"(apiVersion: v1
kind: ConfigMap
metadata: {name: web}
)";

inline test::MemoryTree Repo() {
  return test::MemoryTree({{"sluice.yaml", kPipeline},
                           {"environments/dev/environment.yaml", kDev},
                           {"environments/dev/web/app.yaml", kApp},
                           {"environments/dev/web/release.yaml", kRelease},
                           {"environments/dev/web/config.yaml", kManifest},
                           {"environments/prod/environment.yaml", kProd},
                           {"environments/prod/web/app.yaml", kApp},
                           {"environments/prod/web/release.yaml", kRelease},
                           {"environments/prod/web/config.yaml", kManifest}});
}

inline Declared LoadAll(const test::MemoryTree& tree) {
  yaml::Cache cache;
  auto declared = Load(tree, testing::Kinds(), cache);
  REQUIRE(declared);
  return *declared;
}

inline std::string Lines(const Diagnostics& problems) {
  std::string out;
  for (const Diagnostic& problem : problems) out += ToString(problem) + " [" + problem.rule + "]\n";
  return out;
}

// Every problem of the tree, each once.
inline std::string AllProblems(const test::MemoryTree& tree) {
  const Declared declared = LoadAll(tree);
  Diagnostics all = declared.problems;
  for (const auto& [id, unit] : declared.units)
    all.insert(all.end(), unit.problems.begin(), unit.problems.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return Lines(all);
}

inline std::vector<std::string> Paths(const std::vector<TreeEntry>& entries) {
  std::vector<std::string> paths;
  for (const TreeEntry& entry : entries) paths.push_back(entry.path);
  return paths;
}

}  // namespace sluice::config
