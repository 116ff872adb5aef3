#include "tests/unit/config/config_repo.h"

namespace sluice::config {

TEST_CASE(
    "YAML and JSON of a unit's directory are its manifests, at any depth; other files count when "
    "named") {
  auto tree = Repo();
  tree.Put("environments/prod/web/a/b/c.yml", kManifest)
      .Put("environments/prod/web/d.json", "{}")
      .Put("environments/prod/web/README.md", "words");
  const DeclaredUnit unit = LoadAll(tree).units.at({"prod", "web"});
  CHECK(AllProblems(tree) == "");
  CHECK(Paths(unit.manifests) == std::vector<std::string>{"environments/prod/web/a/b/c.yml",
                                                          "environments/prod/web/config.yaml",
                                                          "environments/prod/web/d.json"});
  CHECK(unit.inputs.size() == 5);
}

TEST_CASE("a kustomization or a chart under a plain source is refused, wherever it stands") {
  for (const std::string name : {"kustomization.yaml", "kustomization.yml", "Kustomization",
                                 "Chart.yaml", "sub/kustomization.yaml", "charts/x/Chart.yaml"}) {
    auto tree = Repo();
    tree.Put("environments/prod/web/" + name, "x: y\n");
    CHECK(AllProblems(tree) == "environments/prod/web/" + name +
                                   ": kustomize and helm sources are not supported by this "
                                   "version; a plain source holds manifests only [unsupported]\n");
  }
}

TEST_CASE("a YAML file under environments that nothing reads is refused") {
  struct Row {
    std::string path, problem;
  };
  const std::vector<Row> rows = {
      {"environments/stray.yaml",
       ": is read by nothing here; belongs into the directory of an environment, or out of "
       "environments/ [stray-file]"},
      {"environments/prod/policy.yaml",
       ": is read by nothing here; move it into an application's directory, or out of "
       "environments/ [stray-file]"},
      {"environments/prod/data.json", ": is read by nothing here"},
      {"environments/prod/environment.yml", ": is read by nothing here"},
      {"environments/prod/web/app.yml", ": is not a name that is read here"},
      {"environments/prod/web/release.json", ": is not a name that is read here"},
      {"environments/prod/web/environment.yaml", ": is not a name that is read here"},
      {"environments/prod/web/Big.YAML",
       ": would not be read: its ending must be .yaml, .yml or .json in lower case"},
      {"environments/prod/Stray.JSON", ": is read by nothing here"},
  };
  for (const Row& row : rows) {
    auto tree = Repo();
    tree.Put(row.path, "approvals: 2\n");
    const std::string problems = AllProblems(tree);
    INFO(problems);
    CHECK(problems.find(row.path + row.problem) == 0);
  }
}

TEST_CASE("files that are neither YAML nor JSON may stand anywhere") {
  auto tree = Repo();
  tree.Put("environments/README.md", "x")
      .Put("environments/prod/OWNERS", "x")
      .Put("docs/stray.yaml", "x: 1");
  CHECK(AllProblems(tree) == "");
}

TEST_CASE("a directory with files but without app.yaml is a broken unit, never a removed one") {
  auto tree = Repo();
  tree.Remove("environments/prod/web/app.yaml");
  const Declared declared = LoadAll(tree);
  REQUIRE(declared.units.contains({"prod", "web"}));
  CHECK(Lines(declared.units.at({"prod", "web"}).problems) ==
        "environments/prod/web/app.yaml: is missing while its directory has files; add one, or "
        "remove the directory [missing-file]\n");
  CHECK(declared.units.at({"dev", "web"}).problems.empty());
}

TEST_CASE("an application one level too deep is told where it must stand") {
  auto tree = Repo();
  tree.Put("environments/prod/team/api/app.yaml", kApp);
  CHECK(AllProblems(tree).find("an application stands directly below its environment, not at "
                               "environments/prod/team/api/app.yaml") != std::string::npos);
}

TEST_CASE("a broken app.yaml holds its own unit and leaves it declared") {
  for (const std::string text :
       {"kind: [", "kind: Application\n", "",
        "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec: {x: 1}\n"}) {
    auto tree = Repo();
    tree.Put("environments/prod/web/app.yaml", text);
    const Declared declared = LoadAll(tree);
    REQUIRE(declared.units.contains({"prod", "web"}));
    CHECK_FALSE(declared.units.at({"prod", "web"}).problems.empty());
    CHECK(declared.units.at({"dev", "web"}).problems.empty());
    CHECK(declared.problems.empty());
  }
}

TEST_CASE("a symlink in one unit holds that unit alone") {
  auto tree = Repo();
  tree.Put("environments/prod/api/app.yaml",
           "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: api}\nspec: {}\n");
  tree.Break("environments/prod/api/link.yaml");
  const Declared declared = LoadAll(tree);
  REQUIRE(declared.units.size() == 3);
  CHECK(Lines(declared.units.at({"prod", "api"}).problems) ==
        "environments/prod/api: environments/prod/api/link.yaml is a symbolic link; replace it by "
        "the file [unreadable-file]\n");
  CHECK(declared.units.at({"prod", "web"}).problems.empty());
  CHECK(declared.units.at({"prod", "web"}).targets.size() == 2);
  CHECK(declared.units.at({"dev", "web"}).problems.empty());
}

TEST_CASE("a symlink beside the environments is told and holds nothing") {
  auto tree = Repo();
  tree.Break("environments/stage").Put("environments/prod/stray.yaml", "a: 1\n");
  const Declared declared = LoadAll(tree);
  CHECK(Lines(declared.problems) ==
        "environments/prod/stray.yaml: is read by nothing here; move it into an application's "
        "directory, or out of environments/ [stray-file]\n"
        "environments/stage: environments/stage is a symbolic link; replace it by the file "
        "[unreadable-file]\n");
  CHECK(declared.units.size() == 2);
  CHECK(declared.units.at({"dev", "web"}).problems.empty());
}

TEST_CASE("a listed environment that became a symlink is no removed one") {
  auto tree = Repo();
  tree.Remove("environments/prod").Break("environments/prod");
  const Declared declared = LoadAll(tree);
  CHECK(Lines(declared.problems) ==
        "environments/prod: environments/prod is a symbolic link; replace it by the file "
        "[unreadable-file]\n");
  CHECK(declared.units.at({"dev", "web"}).problems.empty());
}

TEST_CASE(
    "directories whose names differ only in case hold the environment or the unit they hide") {
  auto tree = Repo();
  tree.Put("environments/DEV/x.md", "x");
  Declared declared = LoadAll(tree);
  CHECK(Lines(declared.units.at({"dev", "web"}).problems) ==
        "environments/dev: 'environments/dev' differs from 'DEV' only in case [unreadable-file]\n");
  CHECK(declared.units.at({"prod", "web"}).problems.empty());
  CHECK(Lines(declared.problems).find("environments/DEV: is not a DNS label") == 0);

  tree = Repo();
  tree.Put("environments/dev/api/app.yaml",
           "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: api}\nspec: {}\n")
      .Put("environments/dev/WEB/x.md", "x")
      .Put("environments/dev/web/app.yaml", "nonsense: 1\n");
  declared = LoadAll(tree);
  const std::string problems = Lines(declared.units.at({"dev", "web"}).problems);
  CHECK(problems.find("environments/dev/web: 'environments/dev/web' differs from 'WEB' only in "
                      "case [unreadable-file]\n") == 0);
  CHECK(problems.find("app.yaml:1:1: apiVersion is required") != std::string::npos);
  CHECK(declared.units.at({"dev", "api"}).problems.empty());
  CHECK(declared.units.at({"prod", "web"}).problems.empty());
  CHECK(Lines(declared.problems).find("environments/dev/WEB: is not a DNS label") == 0);
}

TEST_CASE("a symlink in an environment is called one, and holds what it stands for") {
  const std::string link = " is a symbolic link; replace it by the file [unreadable-file]\n";
  auto tree = Repo();
  tree.Break("environments/dev/README").Put("environments/dev/README", "x");
  Declared declared = LoadAll(tree);
  CHECK(Lines(declared.problems) == "environments/dev/README: environments/dev/README" + link);
  CHECK(declared.units.at({"dev", "web"}).problems.empty());

  tree = Repo();
  tree.Break("environments/dev/environment.yaml");
  declared = LoadAll(tree);
  const std::string file = "environments/dev/environment.yaml";
  CHECK(Lines(declared.units.at({"dev", "web"}).problems) == file + ": " + file + link);
  CHECK(declared.units.at({"prod", "web"}).problems.empty());

  tree = Repo();
  tree.Break("environments/dev/api");
  declared = LoadAll(tree);
  CHECK(Lines(declared.units.at({"dev", "api"}).problems) ==
        "environments/dev/api: environments/dev/api" + link);
  CHECK(declared.units.at({"dev", "web"}).problems.empty());
}

TEST_CASE("a symlink elsewhere in the repository holds nothing") {
  auto tree = Repo();
  tree.Break("docs/link");
  CHECK(AllProblems(tree) == "");
}

}  // namespace sluice::config
