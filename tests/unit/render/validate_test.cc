#include "tests/unit/render/rendering.h"

namespace sluice::render {
namespace {

std::string Validate(const test::MemoryTree& tree) {
  yaml::Cache cache;
  auto declared = config::Load(tree, cache);
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

TEST_CASE("two applications that claim one object in one cluster are told, with both places") {
  const std::string shared = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n";
  auto tree = TreeWith(shared);
  tree.Put("environments/prod/api/app.yaml", App("api"))
      .Put("environments/prod/api/ns.yaml", "# words\n" + shared);
  CHECK(Validate(tree) ==
        "environments/prod/web/all.yaml:1:1: Namespace shop in prod-eu is declared by prod/api "
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
