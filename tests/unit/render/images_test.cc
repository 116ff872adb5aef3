#include "tests/unit/render/rendering.h"

namespace sluice::render {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string Deployment(const std::string& image) {
  return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: "
         "{containers: [{name: web, image: \"" +
         image + "\"}]}}}\n";
}

// The image of the one container, or the problems.
std::string ImageOf(const std::string& manifest, const std::string& images) {
  const Rendered rendered = RenderTree(TreeWith(manifest, images));
  if (!rendered.problems.empty()) return Lines(rendered.problems);
  return rendered.resources.at(0).body["spec"]["template"]["spec"]["containers"][0]["image"];
}

}  // namespace

TEST_CASE("a release overrides tag and digest by image name") {
  CHECK(ImageOf(Deployment("registry.example/web:v1"),
                "  - {name: registry.example/web, tag: v2}\n") == "registry.example/web:v2");
  CHECK(ImageOf(Deployment("registry.example/web"),
                "  - {name: registry.example/web, tag: v2}\n") == "registry.example/web:v2");
  CHECK(ImageOf(Deployment("registry.example:5000/web"),
                "  - {name: registry.example:5000/web, tag: v2}\n") ==
        "registry.example:5000/web:v2");
  CHECK(ImageOf(Deployment("registry.example:5000/web:v1@" + kDigest),
                "  - {name: registry.example:5000/web, tag: v2}\n") ==
        "registry.example:5000/web:v2");
  CHECK(ImageOf(Deployment("web:v1"), "  - {name: web, digest: \"" + kDigest + "\"}\n") ==
        "web@" + kDigest);
  CHECK(ImageOf(Deployment("web:latest"), "  - {name: web, tag: v2}\n") == "web:v2");
}

TEST_CASE("images are found in every list of containers, at any depth and in any kind") {
  const std::string manifests = R"(apiVersion: batch/v1
kind: CronJob
metadata: {name: c}
spec: {jobTemplate: {spec: {template: {spec: {initContainers: [{image: web:v1}], containers: [{image: web:v1}, {image: "other:v1"}]}}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {ephemeralContainers: [{image: web:v1}], containers: [{name: no-image}]}
---
apiVersion: example.com/v1
kind: Tenant
metadata: {name: t}
spec: {groups: [{pod: {containers: [{image: "web:v1"}]}}], image: "web:v1"}
)";
  const Rendered rendered = RenderTree(TreeWith(manifests, "  - {name: web, tag: v2}\n"));
  REQUIRE(Lines(rendered.problems) == "");
  const auto& pod = rendered.resources[0].body["spec"]["jobTemplate"]["spec"]["template"]["spec"];
  CHECK(pod["initContainers"][0]["image"] == "web:v2");
  CHECK(pod["containers"][0]["image"] == "web:v2");
  CHECK(pod["containers"][1]["image"] == "other:v1");
  CHECK(rendered.resources[1].body["spec"]["ephemeralContainers"][0]["image"] == "web:v2");
  CHECK(rendered.resources[2].body["spec"]["groups"][0]["pod"]["containers"][0]["image"] ==
        "web:v2");
  CHECK(rendered.resources[2].body["spec"]["image"] == "web:v1");  // not a container's
}

TEST_CASE("the schema of a custom resource is not searched for images") {
  CHECK(Outcome("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: "
                "{name: a.b}\nspec: {x: {containers: [{image: none}]}}\n")
            .find("none") != std::string::npos);
}

TEST_CASE("an override that matches nothing is refused at its place, with the nearest image") {
  CHECK(ImageOf(Deployment("registry.example/web:v1"),
                "  - {name: registry.example/wbe, tag: v2}\n") ==
        "environments/prod/web/release.yaml:6:5: image registry.example/wbe is in no manifest of "
        "this application; did you mean 'registry.example/web'? [unused-image]\n");
  CHECK(Outcome("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
                "  - {name: web, tag: v2}\n")
            .find("; the manifests have no images [unused-image]") != std::string::npos);
  // The whole name counts, not its end.
  CHECK(ImageOf(Deployment("registry.example/web:v1"), "  - {name: web, tag: v2}\n")
            .find("[unused-image]") != std::string::npos);
}

TEST_CASE("an image without tag, or with latest, is refused unless the release settles it") {
  CHECK(ImageOf(Deployment("web"), "")
            .find("environments/prod/web/all.yaml:4:51: image 'web' has no tag; add one here or in "
                  "release.yaml [image-without-tag]") == 0);
  CHECK(ImageOf(Deployment("registry.example:5000/web"), "").find("has no tag") !=
        std::string::npos);
  CHECK(ImageOf(Deployment("web:latest"), "")
            .find("image 'web:latest' may change under the same name") != std::string::npos);
  CHECK(ImageOf(Deployment("web@" + kDigest), "") == "web@" + kDigest);
}

TEST_CASE(
    "a Job of a smoke test is rendered with the same overrides and is not among the objects") {
  auto tree =
      TreeWith(Deployment("web:v1"), "  - {name: web, tag: v2}\n  - {name: probe, tag: v3}\n");
  tree.Put("environments/prod/web/app.yaml",
           "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec: "
           "{smokeTests: [{name: j, job: {manifest: ./job.yaml}}]}\n");
  tree.Put("environments/prod/web/job.yaml",
           "apiVersion: batch/v1\nkind: Job\nmetadata: {name: smoke}\nspec: {template: {spec: "
           "{containers: [{image: probe}]}}}\n");
  const Rendered rendered = RenderTree(tree);
  CHECK(Lines(rendered.problems) == "");
  CHECK(rendered.resources.size() == 1);
  const auto job = OverrideImages(
      UnitOf(tree),
      yaml::Parse(tree.files().at("environments/prod/web/job.yaml"), "job").documents.at(0).value);
  CHECK(job["spec"]["template"]["spec"]["containers"][0]["image"] == "probe:v3");
}

TEST_CASE("an override is not called unused while a manifest cannot be read") {
  const std::string image = "    - {name: reg.example/web, tag: v1}\n";
  for (const std::string broken :
       {"a: [\n",
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: List, items: []}]\n"}) {
    const std::string outcome = Outcome(broken, image);
    INFO(outcome);
    CHECK(outcome.find("all.yaml:") != std::string::npos);
    CHECK(outcome.find("unused-image") == std::string::npos);
  }
  CHECK(Outcome("apiVersion: v1\nkind: ConfigMap\nmetadata: {nam: a}\n", image)
            .find("[unused-image]") != std::string::npos);
}

}  // namespace sluice::render
