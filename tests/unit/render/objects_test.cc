#include "engine/render/objects.h"

#include "tests/unit/render/rendering.h"

namespace sluice::render {
namespace {

const std::string kFile = "environments/prod/web/all.yaml";
const std::string kMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

}  // namespace

TEST_CASE("objects come in the order of files and documents, with their places") {
  auto tree = TreeWith(
      "# words\n" + kMap +
      "---\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b, namespace: other}\n");
  tree.Put("environments/prod/web/0.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n");
  const Rendered rendered = RenderTree(tree);
  CHECK(Lines(rendered.problems) == "");
  REQUIRE(rendered.resources.size() == 3);
  CHECK(rendered.resources[0].ref == ObjectRef{"", "Service", "", "s"});
  CHECK(rendered.resources[1].at == SourcePosition{kFile, 2, 1});
  CHECK(rendered.resources[2].ref == ObjectRef{"apps", "Deployment", "", "b"});
  CHECK(rendered.resources[2].api_version == "apps/v1");
  CHECK(rendered.resources[2].body["metadata"]["namespace"] == "other");
  CHECK(rendered.resources[2].at.line == 7);
}

TEST_CASE("a List gives its items, a typed list what it says of them") {
  CHECK(Outcome("apiVersion: v1\nkind: List\nitems:\n- " +
                std::string("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- "
                            "{apiVersion: v1, kind: Secret, metadata: {name: b}}\n")) ==
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}\n{"
        "\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"b\"}}\n");
  CHECK(Outcome("apiVersion: v1\nkind: ConfigMapList\nitems:\n- {metadata: {name: a}}\n") ==
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}\n");
  // `items` of another kind is that object's own field.
  CHECK(Outcome("apiVersion: example.com/v1\nkind: Menu\nmetadata: {name: m}\nitems: [{a: 1}]\n")
            .find("\"items\":[{\"a\":1}]") != std::string::npos);
}

TEST_CASE("places inside a List are those of the items") {
  CHECK(Outcome("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: "
                "{name: a}}\n- {apiVersion: v1, kind: Secret, metadata: {name: 7}}\n") ==
        kFile + ":5:45: name must be text, not 7; put it in quotes [wrong-type]\n");
}

TEST_CASE("a List in a List and an item that is no object are refused") {
  CHECK(Outcome("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: []}\n")
            .find("a List inside a List is not accepted") != std::string::npos);
  CHECK(Outcome("apiVersion: v1\nkind: List\nitems: [a]\n")
            .find("an item of a List must be an object") != std::string::npos);
}

TEST_CASE("an object must say what it is, as text") {
  struct Row {
    std::string manifest, problem;
  };
  const std::vector<Row> rows = {
      {"kind: ConfigMap\nmetadata: {name: a}\n", ":1:1: object has no apiVersion [missing-field]"},
      {"apiVersion: v1\nmetadata: {name: a}\n", ":1:1: object has no kind [missing-field]"},
      {"apiVersion: v1\nkind: ConfigMap\n", ":1:1: object has no metadata.name [missing-field]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n",
       ":3:1: object has no metadata.name [missing-field]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 1e3}\n",
       ":3:12: name must be text, not 1000; put it in quotes [wrong-type]"},
      {"apiVersion: v1\nkind: yes\nmetadata: {name: a}\n",
       ":2:1: kind must be text, not true; put it in quotes [wrong-type]"},
      {"apiVersion: a/b/c\nkind: X\nmetadata: {name: a}\n",
       ":1:1: apiVersion must be a version or group/version, not 'a/b/c' [invalid-value]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a/b}\n",
       ":3:12: 'a/b' cannot be an object's name [invalid-name]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: A}\n",
       ":3:21: metadata.namespace must be a DNS label, not \"A\" [invalid-name]"},
      {"apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n",
       ":3:12: generateName makes a new object each time; give the object a name [generate-name]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, uid: x}\n",
       ":3:21: metadata.uid is set by the server; remove it (the object was exported from a "
       "cluster) [server-field]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, resourceVersion: '1'}\n",
       ":3:21: metadata.resourceVersion is set by the server"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, managedFields: []}\n",
       ":3:21: metadata.managedFields is set by the server"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {version: 1.0}}\n",
       ":3:21: metadata.labels: the value of 'version' must be text, not 1; put it in quotes "
       "[wrong-type]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {on: yes}}\n",
       ":3:21: metadata.annotations: the value of 'true' must be text, not true"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {sluice.dev/unit: x}}\n",
       ":3:30: label sluice.dev/unit marks what sluice owns and is set by it; remove it "
       "[reserved-label]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {sluice.dev/replace: "
       "always}}\n",
       ":3:35: annotation sluice.dev/replace must be \"when-immutable\" or "
       "\"when-immutable,load-balancer\", not \"always\" [invalid-value]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {sluice.dev/prune: "
       "disable}}\n",
       ":3:35: annotation sluice.dev/prune must be \"disabled\" or \"enabled\", not \"disable\" "
       "[invalid-value]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {sluice.dev/prune: "
       "'false'}}\n",
       ":3:35: annotation sluice.dev/prune must be \"disabled\" or \"enabled\", not \"false\""},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {sluice.dev/prun: "
       "disabled}}\n",
       ":3:35: unknown annotation sluice.dev/prun; did you mean 'sluice.dev/prune'? "
       "[unknown-field]"},
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {sluice.dev/Prune: "
       "disabled}}\n",
       ":3:35: unknown annotation sluice.dev/Prune; did you mean 'sluice.dev/prune'?"},
      {"apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: a}\n",
       ":1:1: an object of sluice.dev/v1 is no manifest"},
  };
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.manifest) {
      const std::string outcome = Outcome(row.manifest);
      INFO(outcome);
      CHECK(outcome.find(kFile + row.problem) == 0);
    }
  }
}

TEST_CASE(
    "the annotations that sluice reads are taken with their values, and others are not ours") {
  for (const std::string annotation :
       {"sluice.dev/prune: disabled", "sluice.dev/prune: enabled",
        "sluice.dev/replace: when-immutable", "sluice.dev/replace: 'when-immutable,load-balancer'",
        "sandbox.sluice.dev/prune: x", "example.com/prune: disable"}) {
    INFO(annotation);
    CHECK(
        RenderTree(TreeWith("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {" +
                            annotation + "}}\n"))
            .problems.empty());
  }
}

TEST_CASE("what generators leave behind is dropped") {
  CHECK(Outcome("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, creationTimestamp: null, "
                "generation: 1}\nstatus: {x: 1}\n") ==
        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}}\n");
}

TEST_CASE("one identity twice is refused, with both places") {
  CHECK(Outcome(kMap + "---\n" + kMap) ==
        kFile + ":5:1: ConfigMap shop/a is declared a second time; the first is at " + kFile +
            ":1 [duplicate-object]\n");
  // A version is not part of the identity; a namespace is, and the target's is the default.
  CHECK(Outcome("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\napiVersion: "
                "apps/v1beta1\nkind: Deployment\nmetadata: {name: a}\n")
            .find("[duplicate-object]") != std::string::npos);
  CHECK(
      Outcome(kMap + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n")
          .find("[duplicate-object]") != std::string::npos);
  CHECK(Outcome(kMap +
                "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n")
            .find("duplicate") == std::string::npos);
  CHECK(Outcome("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: v1\nkind: "
                "Namespace\nmetadata: {name: a, namespace: x}\n")
            .find("[duplicate-object]") != std::string::npos);
}

TEST_CASE("a unit without any object is refused, for it would delete all it has") {
  CHECK(Outcome("# nothing\n---\n") ==
        "environments/prod/web: holds no object at all; to remove the application, remove its "
        "directory [no-objects]\n");
}

TEST_CASE("a broken manifest is a problem and the others are still looked at") {
  auto tree = TreeWith("a: [\n");
  tree.Put("environments/prod/web/b.yaml", "kind: X\n");
  const std::string problems = Lines(RenderTree(tree).problems);
  CHECK(problems.find(kFile + ":") == 0);
  CHECK(problems.find("environments/prod/web/b.yaml:1:1: object has no apiVersion") !=
        std::string::npos);
}

}  // namespace sluice::render
