#include "engine/model/image.h"
#include "tests/unit/config/config_repo.h"

namespace sluice::config {
namespace {

const std::string kPinnedDigest = "sha256:" + std::string(64, 'a');

std::string DigestOf(const std::string& text) {
  auto release = ParseRelease(text, "release.yaml");
  REQUIRE(release);
  return release->digest;
}

}  // namespace

TEST_CASE("a release's digest covers its spec and nothing else") {
  const std::string digest = DigestOf(kRelease);
  CHECK(digest.size() == 64);
  CHECK(digest == DigestOf(std::string("# words\n") + kRelease));
  CHECK(
      digest ==
      DigestOf(
          R"({"apiVersion":"sluice.dev/v1","kind":"Release","metadata":{"name":"other"},"spec":{"images":[{"tag":"3f2c1d0","name":"registry.example/web"}],"version":"v7"}})"));
  const std::string head =
      "apiVersion: sluice.dev/v1\nkind: Release\nmetadata: {name: web}\nspec:\n";
  CHECK(digest !=
        DigestOf(head + "  version: v8\n  images: [{name: registry.example/web, tag: 3f2c1d0}]\n"));
  CHECK(digest !=
        DigestOf(head + "  version: v7\n  images: [{name: registry.example/web, tag: 3f2c1d1}]\n"));
  CHECK(digest != DigestOf(head + "  images: [{name: registry.example/web, tag: 3f2c1d0}]\n"));
  CHECK(DigestOf(head + "  images: [{name: a, tag: p}, {name: b, tag: q}]\n") ==
        DigestOf(head + "  images: [{name: b, tag: q}, {name: a, tag: p}]\n"));
}

TEST_CASE("a written release reads back, and is what a person would write") {
  Release release;
  release.name = "web";
  release.version = "2026.11";
  release.images = {{"registry.example:5000/web", "12e03", "", {}},
                    {"registry.example/side", "", kPinnedDigest, {}}};
  const auto text = FormatRelease(release);
  REQUIRE(text);
  CHECK(*text ==
        "apiVersion: sluice.dev/v1\nkind: Release\nmetadata:\n  name: web\nspec:\n  version: "
        "\"2026.11\"\n  images:\n"
        "    - name: registry.example/side\n      digest: " +
            kPinnedDigest + "\n    - name: registry.example:5000/web\n      tag: \"12e03\"\n");
  const auto again = ParseRelease(*text, "release.yaml");
  REQUIRE(again);
  CHECK(again->version == "2026.11");
  CHECK(again->images.at(1).tag == "12e03");
  CHECK(FormatRelease(*again).value() == *text);
}

TEST_CASE("a release that must not run is not written") {
  const auto refuse = [](const ImageOverride& image) {
    Release release;
    release.name = "web";
    release.images = {image};
    const auto text = FormatRelease(release);
    REQUIRE_FALSE(text);
    return text.error().message();
  };
  CHECK(refuse({"a", "latest", "", {}}).find("must not be latest") != std::string::npos);
  CHECK(refuse({"a", "", "", {}}).find("needs a tag or a digest") != std::string::npos);
  CHECK(refuse({"a", "v1", kPinnedDigest, {}}).find("needs a tag or a digest") !=
        std::string::npos);
  CHECK(refuse({"A b", "v1", "", {}}).find("must be an image name") != std::string::npos);
  CHECK(refuse({"a", "", "sha256:1", {}}).find("64 lower-case hex") != std::string::npos);
}

TEST_CASE("an image argument is NAME=TAG or NAME@DIGEST") {
  const auto tag = ParseImageArgument("registry.example:5000/shop/web=3f2c1d0");
  REQUIRE(tag);
  CHECK(tag->name == "registry.example:5000/shop/web");
  CHECK(tag->tag == "3f2c1d0");
  const auto digest = ParseImageArgument("web@" + kPinnedDigest);
  REQUIRE(digest);
  CHECK(digest->digest == kPinnedDigest);
  for (const std::string bad :
       {"web", "web=", "=v1", "web=latest", "web@sha256:1", "web:v1", "web:v1=v2", "Web=v1"}) {
    const auto refused = ParseImageArgument(bad);
    INFO(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("ParseRelease tells every problem, one a line") {
  const auto release = ParseRelease(
      "apiVersion: sluice.dev/v1\nkind: Release\nmetadata: {name: web}\nspec: {images: [{name: a, "
      "tag: latest}, {name: b}]}\n",
      "r.yaml");
  REQUIRE_FALSE(release);
  CHECK(release.error().code() == ErrorCode::kInvalidConfig);
  CHECK(release.error().message() ==
        "r.yaml:4:27: spec.images[0].tag 'latest' must not be latest: what it stands for changes; "
        "name a commit or a digest\n"
        "r.yaml:4:41: spec.images[1] needs a tag or a digest");
}

TEST_CASE("an image reference is taken apart at the right colon") {
  struct Row {
    std::string text, name, tag, digest;
  };
  const std::vector<Row> rows = {
      {"web", "web", "", ""},
      {"web:v1", "web", "v1", ""},
      {"registry.example:5000/web", "registry.example:5000/web", "", ""},
      {"registry.example:5000/shop/web:v1", "registry.example:5000/shop/web", "v1", ""},
      {"web@" + kPinnedDigest, "web", "", kPinnedDigest},
      {"r:5000/web:v1@" + kPinnedDigest, "r:5000/web", "v1", kPinnedDigest}};
  for (const Row& row : rows) {
    const ImageReference image = ParseImageReference(row.text);
    CHECK(image == ImageReference{row.name, row.tag, row.digest});
    CHECK(ToString(image) == row.text);
  }
}

}  // namespace sluice::config
