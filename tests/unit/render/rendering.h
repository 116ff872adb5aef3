// A unit from manifests, and what became of it.
#pragma once

#include <string>

#include "engine/config/config.h"
#include "engine/render/render.h"
#include "tests/support/catch.h"
#include "tests/support/kinds.h"
#include "tests/support/memory_tree.h"

namespace sluice::render {

inline constexpr const char* kHead =
    "apiVersion: sluice.dev/v1\nkind: Environment\nmetadata: {name: prod}\nspec:\n  targets:\n    "
    "- {name: eu, kubernetes: {context: prod-eu, namespace: shop}}\n";

// environments/prod/web with these manifests in all.yaml.
inline test::MemoryTree TreeWith(const std::string& manifests, const std::string& images = "") {
  test::MemoryTree tree(
      {{"sluice.yaml",
        "apiVersion: sluice.dev/v1\nkind: Pipeline\nmetadata: {name: shop}\nspec: {environments: "
        "[prod]}\n"},
       {"environments/prod/environment.yaml", kHead},
       {"environments/prod/web/app.yaml",
        "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec: {}\n"},
       {"environments/prod/web/all.yaml", manifests}});
  if (!images.empty()) {
    tree.Put("environments/prod/web/release.yaml",
             "apiVersion: sluice.dev/v1\nkind: Release\nmetadata: {name: web}\nspec:\n  images:\n" +
                 images);
  }
  return tree;
}

inline DeclaredUnit UnitOf(const test::MemoryTree& tree) {
  yaml::Cache cache;
  auto unit = config::LoadUnit(tree, {"prod", "web"}, testing::Kinds(), cache);
  REQUIRE(unit);
  std::string problems;
  for (const Diagnostic& problem : unit->problems) problems += ToString(problem) + "\n";
  REQUIRE(problems == "");
  return *unit;
}

inline Rendered RenderTree(const test::MemoryTree& tree) {
  yaml::Cache cache;
  auto rendered = Render(UnitOf(tree), tree, cache);
  REQUIRE(rendered);
  return *rendered;
}

inline std::string Lines(const Diagnostics& problems) {
  std::string out;
  for (const Diagnostic& problem : problems) out += ToString(problem) + " [" + problem.rule + "]\n";
  return out;
}

// The bodies, compact, or the problems.
inline std::string Outcome(const std::string& manifests, const std::string& images = "") {
  const Rendered rendered = RenderTree(TreeWith(manifests, images));
  if (!rendered.problems.empty()) return Lines(rendered.problems);
  std::string out;
  for (const Resource& resource : rendered.resources) out += resource.body.dump() + "\n";
  return out;
}

}  // namespace sluice::render
