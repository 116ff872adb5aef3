// docs/reference/config.md is true: its examples load, its tables name every field of the schemas,
// and what it lists as not supported is refused in those words.
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/strings.h"
#include "tests/support/json_schema.h"
#include "tests/support/paths.h"
#include "tests/unit/config/config_repo.h"

namespace sluice::config {
namespace {

using nlohmann::json;

std::string Page() {
  std::ifstream in(test::SourceDirectory() + "/docs/reference/config.md");
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> Examples(const std::string& page) {
  std::vector<std::string> out;
  const std::string open = "```yaml\n";
  for (size_t at = page.find(open); at != std::string::npos; at = page.find(open, at + 1)) {
    const size_t start = at + open.size();
    out.push_back(page.substr(start, page.find("```", start) - start));
  }
  return out;
}

// Words in back quotes.
std::vector<std::string> Quoted(const std::string& text) {
  std::vector<std::string> out;
  const auto parts = Split(text, '`');
  for (size_t i = 1; i < parts.size(); i += 2) out.push_back(parts[i]);
  return out;
}

// Names of all leaves, as the tables write them: "targets[].kubernetes.context".
void CollectFields(const json& schema, const std::string& at, std::set<std::string>& out) {
  if (schema.contains("items") && schema["items"].is_object() &&
      schema["items"].contains("properties")) {
    CollectFields(schema["items"], at + "[]", out);
  } else if (schema.contains("properties") && !schema["properties"].empty()) {
    for (const auto& [name, member] : schema["properties"].items())
      CollectFields(member, at.empty() ? name : at + "." + name, out);
  } else {
    out.insert(at);
  }
}

}  // namespace

TEST_CASE("the examples of the reference are valid by schema and loader") {
  const std::map<std::string, std::string> places = {
      {"Pipeline", "sluice.yaml"},
      {"Environment", "environments/prod/environment.yaml"},
      {"Application", "environments/prod/checkout/app.yaml"},
      {"Release", "environments/prod/checkout/release.yaml"}};
  const auto examples = Examples(Page());
  REQUIRE(examples.size() >= 7);
  for (const std::string& example : examples) {
    INFO(example);
    const yaml::Parsed parsed = yaml::Parse(example, "example");
    REQUIRE(parsed.problems.empty());
    REQUIRE(parsed.documents.size() == 1);
    if (parsed.documents[0].value["apiVersion"] != "sluice.dev/v1")
      continue;  // an object of theirs
    const std::string kind = parsed.documents[0].value["kind"];
    CHECK(test::CheckSchema(test::ReadSchema(ToLower(kind)), parsed.documents[0].value) ==
          std::vector<std::string>{});
    if (kind == "Daemon") {
      CHECK(ParseDaemonConfig(example, "/etc/sluice/daemon.yaml"));
      continue;
    }
    const std::string release =
        "apiVersion: sluice.dev/v1\nkind: Release\nmetadata: {name: checkout}\nspec: {images: "
        "[{name: a, tag: b}]}\n";
    auto tree = Repo();
    tree.Put("sluice.yaml",
             "apiVersion: sluice.dev/v1\nkind: Pipeline\nmetadata: {name: shop}\nspec: "
             "{environments: [dev, staging, prod]}\n");
    tree.Put("environments/staging/environment.yaml",
             "apiVersion: sluice.dev/v1\nkind: Environment\nmetadata: {name: staging}\nspec: "
             "{targets: [{name: eu, kubernetes: {context: s}}]}\n");
    tree.Put(
        "environments/prod/checkout/app.yaml",
        "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: checkout}\nspec: {}\n");
    tree.Put("environments/prod/checkout/release.yaml", release)
        .Put("environments/prod/checkout/a.yaml", kManifest);
    tree.PutExecutable("environments/prod/checkout/check-orders.sh", "exit 0\n");
    tree.Put("environments/prod/checkout/smoke/schema-job.yaml",
             "apiVersion: batch/v1\nkind: Job\nmetadata: {name: s}\n");
    tree.Put(places.at(kind), example);
    CHECK(AllProblems(tree) == "");
  }
}

TEST_CASE("the reference names every field of every kind") {
  std::set<std::string> named;
  for (const std::string& line : Split(Page(), '\n')) {
    if (!line.starts_with("| `")) continue;
    for (const std::string& word : Quoted(Split(line, '|').at(1))) named.insert(word);
  }
  for (const char* kind : {"pipeline", "environment", "application", "release", "daemon"}) {
    std::set<std::string> fields;
    CollectFields(test::ReadSchema(kind)["properties"]["spec"], "", fields);
    for (std::string field : fields) {
      if (field.starts_with("smokeTests[].")) field = field.substr(13);
      INFO(kind << ": " << field);
      CHECK(named.contains(field));
    }
  }
}

namespace {

// The problems of a config repo that uses `word` where the reference says that it may not.
std::string ProblemsWith(const std::string& where, const std::string& word) {
  const std::string environment = "environments/prod/environment.yaml";
  const std::string app_yaml = "environments/prod/web/app.yaml";
  const std::string prod = kProd;
  const std::string app =
      "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec: ";
  const std::map<std::string, std::pair<std::string, std::string>> files = {
      {"Pipeline", {"sluice.yaml", std::string(kPipeline) + "  " + word + ": x\n"}},
      {"Environment `targets[]`",
       {environment, prod + "    - {name: x, " + word + ": x, kubernetes: {context: x}}\n"}},
      {"Environment `promotion.mode`", {environment, prod + "  promotion: {mode: " + word + "}\n"}},
      {"Environment `onFailure.git`", {environment, prod + "  onFailure: {git: " + word + "}\n"}},
      {"Environment `gates`", {environment, prod + "  gates: {" + word + ": x}\n"}},
      {"Environment", {environment, prod + "  " + word + ": x\n"}},
      {"Application `source`", {app_yaml, app + "{source: {" + word + ": {}}}\n"}},
      {"Application", {app_yaml, app + "{" + word + ": x}\n"}},
      {"Application `smokeTests[]`",
       {app_yaml, app + "{smokeTests: [{name: x, " + word + ": x}]}\n"}},
      {"a unit's directory", {"environments/prod/web/" + word, "x: y\n"}}};
  if (const auto file = files.find(where); file != files.end()) {
    auto tree = Repo();
    tree.Put(file->second.first, file->second.second);
    return AllProblems(tree);
  }
  REQUIRE(where == "Daemon");
  const auto daemon = ParseDaemonConfig(
      "apiVersion: sluice.dev/v1\nkind: Daemon\nmetadata: {name: d}\nspec: {repository: "
      "{url: /x}, dataDir: d, " +
          word + ": x}\n",
      "d");
  REQUIRE_FALSE(daemon);
  return daemon.error().message();
}

}  // namespace

TEST_CASE("what the reference lists as not supported is refused so") {
  const std::string page = Page();
  const std::string section = page.substr(page.find("## Not supported by this version"));
  int checked = 0;
  for (const std::string& line : Split(section, '\n')) {
    const auto cells = Split(line, '|');
    if (cells.size() < 4 || cells[1].find("where") != std::string::npos ||
        cells[1].starts_with("---"))
      continue;
    const std::string where(Trim(cells[1]));
    for (const std::string& word : Quoted(cells[2])) {
      DYNAMIC_SECTION(where << ": " << word) {
        const std::string problems = ProblemsWith(where, word);
        INFO(problems);
        CHECK(problems.find("not supported by this version") != std::string::npos);
      }
      ++checked;
    }
  }
  CHECK(checked > 40);
}

}  // namespace sluice::config
