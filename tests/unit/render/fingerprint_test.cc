#include "tests/unit/render/rendering.h"

namespace sluice::render {
namespace {

const std::string kManifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

std::string PrintOf(const test::MemoryTree& tree) { return Fingerprint(UnitOf(tree)); }

}  // namespace

TEST_CASE("the same content has the same fingerprint, whatever stands beside it") {
  const std::string print = PrintOf(TreeWith(kManifest));
  CHECK(print.size() == 64);
  auto tree = TreeWith(kManifest);
  tree.Put("environments/prod/web/README.md", "words")
      .Put("environments/prod/api/app.yaml", "x")
      .Put("sluice.yaml", "x: 1");
  CHECK(PrintOf(tree) == print);
}

TEST_CASE("every input changes the fingerprint") {
  const std::string print = PrintOf(TreeWith(kManifest));
  CHECK(PrintOf(TreeWith(kManifest + "# words\n")) != print);
  CHECK(PrintOf(TreeWith(kManifest).Put("environments/prod/web/b.yaml", kManifest)) != print);
  CHECK(PrintOf(TreeWith(kManifest)
                    .Remove("environments/prod/web/all.yaml")
                    .Put("environments/prod/web/other.yaml", kManifest)) != print);
  CHECK(PrintOf(TreeWith(kManifest).Put("environments/prod/web/app.yaml",
                                        "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: "
                                        "{name: web}\nspec: {health: {timeout: 1m}}\n")) != print);
  CHECK(PrintOf(TreeWith(kManifest, "  - {name: a, tag: v1}\n")) != print);
}

TEST_CASE("where it runs is part of the fingerprint, how careful it is is not") {
  const std::string print = PrintOf(TreeWith(kManifest));
  auto tree = TreeWith(kManifest);
  tree.Put("environments/prod/environment.yaml",
           std::string(kHead) + "  promotion: {soak: 1h}\n  dryRun: none\n");
  CHECK(PrintOf(tree) == print);
  for (const std::string target : {"{name: eu, kubernetes: {context: other, namespace: shop}}",
                                   "{name: eu, kubernetes: {context: prod-eu, namespace: other}}",
                                   "{name: us, kubernetes: {context: prod-eu, namespace: shop}}"}) {
    tree.Put("environments/prod/environment.yaml",
             "apiVersion: sluice.dev/v1\nkind: Environment\nmetadata: {name: prod}\nspec:\n  "
             "targets:\n    - " +
                 target + "\n");
    CHECK(PrintOf(tree) != print);
  }
}

TEST_CASE("a script's content is part of the fingerprint") {
  const std::string app =
      "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec: {smokeTests: "
      "[{name: s, command: {run: [./s.sh]}}]}\n";
  auto one = TreeWith(kManifest)
                 .Put("environments/prod/web/app.yaml", app)
                 .PutExecutable("environments/prod/web/s.sh", "exit 0\n");
  auto two = TreeWith(kManifest)
                 .Put("environments/prod/web/app.yaml", app)
                 .PutExecutable("environments/prod/web/s.sh", "exit 1\n");
  CHECK(PrintOf(one) != PrintOf(two));
}

TEST_CASE("shared inputs have a digest of their own") {
  DeclaredUnit unit = UnitOf(TreeWith(kManifest));
  CHECK(SharedInputsDigest(unit) == "");
  const std::string print = Fingerprint(unit);
  unit.shared_inputs = {{"base/a.yaml", "b1", 1, false}};
  const std::string digest = SharedInputsDigest(unit);
  CHECK(digest.size() == 64);
  CHECK(Fingerprint(unit) != print);
  unit.shared_inputs[0].blob = "b2";
  CHECK(SharedInputsDigest(unit) != digest);
}

TEST_CASE("the fingerprint's format is fixed") {
  // A change here makes every unit of every user look changed: raise kFingerprintFormat and hash
  // recorded revisions again.
  DeclaredUnit unit;
  unit.inputs = {{"environments/prod/web/app.yaml", std::string(40, '1'), 1, false}};
  unit.targets = {testing::ClusterTarget("eu", "prod-eu", "shop")};
  CHECK(unit.targets[0].kind->Identity(unit.targets[0]) == "kubernetes/prod-eu/shop");
  CHECK(Fingerprint(unit) == "e66ba44a1fb522b5b77d99dc49698e629d70517608e67558be195e276cfd064f");
}

}  // namespace sluice::render
