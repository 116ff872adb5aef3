#include "tests/unit/render/rendering.h"

namespace sluice::render {
namespace {

std::string Validate(const test::MemoryTree& tree) {
  yaml::Cache cache;
  auto declared = config::Load(tree, testing::Kinds(), cache);
  REQUIRE(declared);
  auto problems = ValidateAll(*declared, tree, cache);
  REQUIRE(problems);
  return Lines(*problems);
}

std::string App(const std::string& name) {
  return "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: " + name + "}\nspec: {}\n";
}

}  // namespace

TEST_CASE("validation tells what loading and rendering find, each once") {
  auto tree = TreeWith("kind: X\n");
  tree.Put("environments/prod/api/app.yaml", "nonsense: 1\n")
      .Put("environments/prod/stray.yaml", "a: 1\n");
  const std::string problems = Validate(tree);
  CHECK(problems.find("environments/prod/stray.yaml: is read by nothing here") !=
        std::string::npos);
  CHECK(problems.find("stray.yaml", problems.find("stray.yaml") + 1) == std::string::npos);
  CHECK(problems.find("environments/prod/api/app.yaml:1:1: apiVersion is required") !=
        std::string::npos);
  tree.Remove("environments/prod/stray.yaml").Remove("environments/prod/api");
  CHECK(Validate(tree).find("environments/prod/web/all.yaml:1:1: object has no apiVersion") !=
        std::string::npos);
}

TEST_CASE("what is wrong in a manifest is told beside what is wrong in any file above it") {
  for (const std::string file :
       {"sluice.yaml", "environments/prod/environment.yaml", "environments/prod/web/app.yaml"}) {
    auto tree = TreeWith("apiVersion: v1\nkind: ConfigMap\nmetadata: {nam: a}\n");
    tree.Put(file, tree.files().at(file) + "wrong: 1\n");
    INFO(file);
    const std::string problems = Validate(tree);
    CHECK(problems.find(file + ":") != std::string::npos);
    CHECK(problems.find("unknown field 'wrong'") != std::string::npos);
    CHECK(problems.find("environments/prod/web/all.yaml:3:1: object has no metadata.name") !=
          std::string::npos);
  }
}

TEST_CASE("a rule about fields of others has to fit an object of the application") {
  auto tree = TreeWith("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
  const auto with = [&](const std::string& rule) {
    tree.Put("environments/prod/web/app.yaml",
             "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec:\n"
             "  ignore: [" +
                 rule + "]\n");
    return Validate(tree);
  };
  CHECK(with("{kind: ConfigMap, fields: [/data/x]}") == "");
  CHECK(with("{kind: ConfigMap, name: a, fields: [/data/x]}") == "");
  const std::string problems = with("{kind: ConfigMap, name: b, fields: [/data/x]}");
  CHECK(problems.find("environments/prod/web/app.yaml:5:12: ignores fields of ConfigMap 'b'") !=
        std::string::npos);
  CHECK(problems.find("[unused-ignore]") != std::string::npos);
}

TEST_CASE("what only follows from another problem of the application is not told") {
  const std::string images = "    - {name: reg.example/web, tag: v1}\n";
  const std::string pod =
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{image: "
      "reg.example/web}]}\n";
  auto tree = TreeWith(pod, images + "    - {name: reg.example/web, tag: v2}\n");
  CHECK(Validate(tree).find("all.yaml") == std::string::npos);
  tree = TreeWith(pod, "    - {nam: reg.example/web, tag: v1}\n");
  CHECK(Validate(tree).find("all.yaml") == std::string::npos);
  // A Job that the broken app.yaml would name.
  tree = TreeWith("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", images);
  tree.Put("environments/prod/web/app.yaml",
           "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec: {x: 1}\n");
  CHECK(Validate(tree).find("unused-image") == std::string::npos);
  tree = TreeWith("");
  tree.Remove("environments/prod/web/app.yaml");
  CHECK(Validate(tree).find("no-objects") == std::string::npos);
  tree = TreeWith("kind: Deployment\nspec: {}\n");
  tree.Put("environments/prod/web/kustomization.yaml", "x: 1\n");
  CHECK(Validate(tree).find("all.yaml") == std::string::npos);
}

TEST_CASE("two applications that claim one object in one cluster are told, with both places") {
  const std::string shared = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
  auto tree = TreeWith(shared);
  tree.Put("environments/prod/api/app.yaml", App("api"))
      .Put("environments/prod/api/ns.yaml", "# words\n" + shared);
  CHECK(Validate(tree) ==
        "environments/prod/web/all.yaml:1:1: Namespace shop in context prod-eu is declared by "
        "prod/api "
        "too, at environments/prod/api/ns.yaml:2 [duplicate-object]\n");
}

TEST_CASE("the same object in two clusters or namespaces is no double claim") {
  const std::string map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a";
  auto tree = TreeWith(map + "}\n");
  tree.Put("environments/prod/api/app.yaml", App("api"))
      .Put("environments/prod/api/a.yaml", map + ", namespace: other}\n");
  CHECK(Validate(tree) == "");
}

}  // namespace sluice::render
