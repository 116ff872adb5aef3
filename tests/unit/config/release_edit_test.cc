// A release is put into a file that people look after: their lines stay.
#include "engine/base/strings.h"
#include "tests/unit/config/config_repo.h"

namespace sluice::config {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

Release MakeRelease(const std::string& version, std::vector<ImageOverride> images) {
  Release release;
  release.name = "web";
  release.version = version;
  release.images = std::move(images);
  return release;
}

// Every layout says version 1, with web at v1 and side at v1.
const std::vector<std::string> kLayouts = {
    "# owner: team x\napiVersion: sluice.dev/v1\nkind: Release\nmetadata: {name: web}\n"
    "spec: {version: \"1\", images: [{name: r/web, tag: v1}, {name: r/side, tag: v1}]} # keep\n",
    "apiVersion: sluice.dev/v1\nkind: Release\nmetadata:\n  name: web # ours\nspec:\n  images:\n"
    "  # what people see\n  - tag: 'v1'   # bumped by CI\n    name: r/web\n\n  - name: \"r/side\"\n"
    "    tag: \"v1\"\n  version: '1' # last\n# end",
    "---\r\nspec:\r\n    version: '1'\r\n    images:\r\n    - {name: r/web, tag: v1}\r\n"
    "    -   name: r/side\r\n        tag: v1\r\nkind: Release\r\napiVersion: sluice.dev/v1\r\n"
    "metadata: {name: web}\r\n",
    "apiVersion: sluice.dev/v1\nkind: Release\nmetadata: {name: web}\nspec:\n  version: \"1\"\n"
    "  images: [\n    {name: r/web, tag: &t v1},  # first\n    {name: r/side, tag: *t}\n  ]\n",
    "{\"apiVersion\": \"sluice.dev/v1\", \"kind\": \"Release\", \"metadata\": {\"name\": "
    "\"web\"},\n"
    " \"spec\": {\"version\": \"1\",\n  \"images\": [\n   {\"name\": \"r/web\", \"tag\": \"v1\"},\n"
    "   {\"name\": \"r/side\", \"tag\": \"v1\"}\n ]}}\n"};

// Lines of `before` that `after` does not have any more, in order.
size_t LinesLost(const std::string& before, const std::string& after) {
  const auto is = Split(after, '\n');
  size_t at = 0, lost = 0;
  for (const std::string& line : Split(before, '\n')) {
    size_t next = at;
    while (next < is.size() && is[next] != line) ++next;
    if (next == is.size()) {
      ++lost;
    } else {
      at = next + 1;
    }
  }
  return lost;
}

}  // namespace

TEST_CASE("a release that is put into a file is what it then says, and other lines stay") {
  const std::string layout = GENERATE(from_range(kLayouts));
  REQUIRE(ParseRelease(layout, "r.yaml"));
  struct Row {
    Release release;
    size_t lost;  // lines at most that are not as they were
  };
  const auto [release, lost] = GENERATE(values<Row>({
      {MakeRelease("1", {{"r/web", "v1", "", {}}, {"r/side", "v1", "", {}}}), 0},
      {MakeRelease("1", {{"r/side", "v1", "", {}}, {"r/web", "v1", "", {}}}), 0},
      {MakeRelease("2", {{"r/web", "v1", "", {}}, {"r/side", "v1", "", {}}}), 1},
      {MakeRelease("2", {{"r/web", "v2", "", {}}, {"r/side", "v2", "", {}}}), 3},
      {MakeRelease("", {{"r/web", "v1", "", {}}, {"r/side", "v1", "", {}}}), 2},
      {MakeRelease("1", {{"r/web", "", kDigest, {}}, {"r/side", "v1", "", {}}}), 2},
      {MakeRelease("1.20", {{"r/web", "12e03", "", {}}, {"r/side", "true", "", {}}}), 3},
      {MakeRelease("1", {{"r/web", "v1", "", {}}}), 4},
      {MakeRelease("1", {{"r/side", "v1", "", {}}}), 4},
      {MakeRelease("1",
                   {{"r/web", "v1", "", {}}, {"r/side", "v1", "", {}}, {"r/new", "v9", "", {}}}),
       1},
      {MakeRelease("3", {{"r/new", "v9", "", {}}}), 6},
  }));
  const auto edited = EditRelease(layout, release);
  REQUIRE(edited);
  INFO(edited->text);
  const auto again = ParseRelease(edited->text, "r.yaml");
  REQUIRE(again);
  CHECK(FormatRelease(*again).value() == FormatRelease(release).value());
  CHECK(LinesLost(layout, edited->text) <= lost);
  CHECK((edited->text.find('\r') != std::string::npos) == (layout.find('\r') != std::string::npos));
  for (const char* comment :
       {"# owner: team x", "# keep", "# ours", "# what people see", "# last", "# end"}) {
    const bool goes_with_its_line = release.version.empty() && comment == std::string("# last");
    if (goes_with_its_line) continue;
    CHECK((edited->text.find(comment) != std::string::npos) ==
          (layout.find(comment) != std::string::npos));
  }
}

TEST_CASE("a file that is missing or cannot be edited is written anew, which is said") {
  const Release release = MakeRelease("2", {{"r/web", "v2", "", {}}});
  const std::string anew = FormatRelease(release).value();
  CHECK(EditRelease("", release)->text == anew);
  CHECK_FALSE(EditRelease("", release)->is_rewritten);
  for (const std::string broken : {"spec: [", "a: 1\n", "kind: Release\n---\nkind: Release\n"}) {
    const auto edited = EditRelease(broken, release);
    REQUIRE(edited);
    CHECK(edited->text == anew);
    CHECK(edited->is_rewritten);
  }
  CHECK_FALSE(EditRelease(kLayouts[0], MakeRelease("2", {{"r/web", "latest", "", {}}})));
}

}  // namespace sluice::config
