#include "tests/unit/config/config_repo.h"

namespace sluice::config {

TEST_CASE("a broken sluice.yaml is a problem of every unit") {
  auto tree = Repo();
  tree.Put("sluice.yaml",
           "apiVersion: sluice.dev/v1\nkind: Pipeline\nmetadata: {name: shop}\nspec: {}\n");
  const Declared declared = LoadAll(tree);
  for (const auto& [id, unit] : declared.units)
    CHECK(Lines(unit.problems) ==
          "sluice.yaml:4:1: spec.environments is required [missing-field]\n");
  CHECK(Lines(declared.problems) ==
        "sluice.yaml:4:1: spec.environments is required [missing-field]\n");
  tree.Remove("sluice.yaml");
  CHECK(AllProblems(tree) ==
        "sluice.yaml: is missing; it names the environments in promotion order [missing-file]\n");
  CHECK(LoadAll(tree).units.size() == 2);
}

TEST_CASE("a broken environment.yaml is a problem of each of its units and of no other") {
  auto tree = Repo();
  tree.Put("environments/prod/environment.yaml", "nonsense: 1\n");
  const Declared declared = LoadAll(tree);
  CHECK_FALSE(declared.units.at({"prod", "web"}).problems.empty());
  CHECK(declared.units.at({"dev", "web"}).problems.empty());
  CHECK(declared.problems == declared.units.at({"prod", "web"}).problems);
  tree.Remove("environments/prod/environment.yaml");
  CHECK(AllProblems(tree) ==
        "environments/prod/environment.yaml: is missing; it names the targets of environment prod "
        "[missing-file]\n");
}

TEST_CASE("a listed environment must have a directory, and a directory must be listed") {
  auto tree = Repo();
  tree.Put("sluice.yaml",
           "apiVersion: sluice.dev/v1\nkind: Pipeline\nmetadata: {name: shop}\nspec:\n  "
           "environments: [dev, staging]\n");
  const Declared declared = LoadAll(tree);
  CHECK(Lines(declared.problems) ==
        "environments/prod: is not listed in sluice.yaml under spec.environments "
        "[unlisted-environment]\n"
        "sluice.yaml:5:23: environment 'staging' has no directory environments/staging "
        "[missing-directory]\n");
  CHECK(declared.units.at({"dev", "web"}).problems.empty());
  CHECK(declared.units.at({"prod", "web"}).problems.size() == 1);
}

TEST_CASE("names of directories are DNS labels") {
  auto tree = Repo();
  tree.Put("environments/prod/Web_2/app.yaml", kApp)
      .Put("environments/Prod_2/environment.yaml", kProd);
  CHECK(AllProblems(tree) ==
        "environments/Prod_2: is not a DNS label, so it cannot be an environment [invalid-name]\n"
        "environments/prod/Web_2: is not a DNS label, so it cannot be an application "
        "[invalid-name]\n");
}

TEST_CASE("a repo without environments says so") {
  test::MemoryTree tree;
  tree.Put("sluice.yaml", kPipeline);
  CHECK(AllProblems(tree) ==
        "environments: is missing; it holds one directory for each environment "
        "[missing-directory]\n");
  CHECK(AllProblems(test::MemoryTree()).find("sluice.yaml: is missing") != std::string::npos);
}

TEST_CASE("loading again reads no file that the cache knows") {
  auto tree = Repo();
  yaml::Cache cache;
  REQUIRE(Load(tree, testing::Kinds(), cache));
  const int reads = tree.reads();
  REQUIRE(Load(tree, testing::Kinds(), cache));
  CHECK(tree.reads() == reads);
  tree.Put("environments/prod/web/app.yaml", std::string(kApp) + "# changed\n");
  REQUIRE(Load(tree, testing::Kinds(), cache));
  CHECK(tree.reads() == reads + 1);
}

TEST_CASE("one unit loads from a tree that holds nothing else") {
  test::MemoryTree tree({{"environments/prod/web/app.yaml",
                          "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: "
                          "web}\nspec: {targets: [eu]}\n"},
                         {"environments/prod/web/config.yaml", kManifest}});
  yaml::Cache cache;
  auto unit = LoadUnit(tree, {"prod", "web"}, testing::Kinds(), cache);
  REQUIRE(unit);
  CHECK(unit->problems.empty());
  CHECK(unit->targets.empty());
  CHECK(unit->environment.name == "prod");
  CHECK(unit->manifests.size() == 1);
  CHECK(LoadUnit(tree, {"prod", "api"}, testing::Kinds(), cache).error().code() ==
        ErrorCode::kNotFound);
}

TEST_CASE("one unit loaded with its environment equals the one of a full load") {
  const auto tree = Repo();
  yaml::Cache cache;
  auto unit = LoadUnit(tree, {"prod", "web"}, testing::Kinds(), cache);
  REQUIRE(unit);
  const DeclaredUnit full = LoadAll(tree).units.at({"prod", "web"});
  CHECK(unit->targets == full.targets);
  CHECK(Paths(unit->inputs) == Paths(full.inputs));
  CHECK(unit->release->digest == full.release->digest);
}

}  // namespace sluice::config
