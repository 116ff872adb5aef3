// What the project itself declares is valid, by the loader, the renderer and the published schemas.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/json_schema.h"
#include "tests/support/paths.h"
#include "tests/unit/render/rendering.h"

namespace sluice::render {
namespace {

namespace fs = std::filesystem;

// Every directory below environments/ and examples/ that holds a sluice.yaml.
std::vector<std::string> ConfigRepos() {
  std::vector<std::string> found;
  for (const std::string root : {"environments", "examples"}) {
    const fs::path directory = fs::path(test::SourceDirectory()) / root;
    if (!fs::exists(directory)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (entry.path().filename() == "sluice.yaml")
        found.push_back(entry.path().parent_path().string());
    }
  }
  return found;
}

}  // namespace

TEST_CASE("every config repo of the project is valid") {
  const auto repos = ConfigRepos();
  REQUIRE_FALSE(repos.empty());
  for (const std::string& repo : repos) {
    DYNAMIC_SECTION(repo) {
      const auto tree = test::MemoryTree::FromDisk(repo);
      yaml::Cache cache;
      auto declared = config::Load(tree, testing::Kinds(), cache);
      REQUIRE(declared);
      auto problems = ValidateAll(*declared, tree, cache);
      REQUIRE(problems);
      CHECK(Lines(*problems) == "");
      CHECK_FALSE(declared->units.empty());
    }
  }
}

TEST_CASE("every file of ours in the project keeps to its schema") {
  const std::map<std::string, std::string> schemas = {{"Pipeline", "pipeline"},
                                                      {"Environment", "environment"},
                                                      {"Application", "application"},
                                                      {"Release", "release"},
                                                      {"Daemon", "daemon"}};
  int checked = 0;
  for (const std::string root : {"environments", "examples"}) {
    const fs::path directory = fs::path(test::SourceDirectory()) / root;
    if (!fs::exists(directory)) continue;
    const auto tree = test::MemoryTree::FromDisk(directory.string());
    for (const auto& [path, text] : tree.files()) {
      if (!path.ends_with(".yaml")) continue;
      const yaml::Parsed parsed = yaml::Parse(text, path);
      INFO(Lines(parsed.problems));
      REQUIRE(parsed.problems.empty());
      for (const yaml::Document& document : parsed.documents) {
        if (document.value.value("apiVersion", nlohmann::json()) != "sluice.dev/v1") continue;
        INFO(path);
        CHECK(test::CheckSchema(test::ReadSchema(schemas.at(document.value["kind"])),
                                document.value) == std::vector<std::string>{});
        ++checked;
      }
    }
  }
  CHECK(checked > 10);
}

TEST_CASE("the shop's environments follow each other and its releases are alike in form") {
  const auto tree = test::MemoryTree::FromDisk(test::SourceDirectory() + "/environments/shop");
  yaml::Cache cache;
  auto declared = config::Load(tree, testing::Kinds(), cache);
  REQUIRE(declared);
  CHECK(declared->pipeline.environments == std::vector<std::string>{"dev", "staging", "prod"});
  CHECK(declared->environments.at("staging").promotion.mode == PromotionMode::kAuto);
  CHECK(declared->environments.at("prod").promotion.mode == PromotionMode::kManual);
  REQUIRE(declared->units.size() == 6);
  for (const auto& [id, unit] : declared->units) {
    REQUIRE(unit.release);
    // What a promotion writes is what a person wrote, so its diff shows nothing but the release.
    CHECK(config::FormatRelease(*unit.release).value() ==
          tree.files().at(unit.directory + "/release.yaml"));
    auto rendered = Render(unit, tree, cache);
    REQUIRE(rendered);
    CHECK(rendered->resources.size() == 5);
  }
}

}  // namespace sluice::render
