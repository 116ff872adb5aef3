// tests/data/plan/<behaviour>/input.json against the three forms of its plan. SLUICE_ACCEPT=1
// rewrites them.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/plan/plan_builder.h"
#include "tests/support/catch.h"
#include "tests/support/paths.h"
#include "tests/unit/plan/builders.h"

namespace sluice::plan {
namespace {

using builders::Json;
namespace fs = std::filesystem;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

ObjectRef RefOf(const Json& entry) {
  const auto ref = ParseInventoryLine(entry.at("ref").get<std::string>());
  REQUIRE(ref);
  return *ref;
}

Input ParseInput(const Json& json) {
  const std::map<std::string, Declared::Found> found = {
      {"absent", Declared::Found::kAbsent},        {"same", Declared::Found::kSame},
      {"differs", Declared::Found::kDiffers},      {"conflict", Declared::Found::kConflict},
      {"refused", Declared::Found::kRefused},      {"immutable", Declared::Found::kImmutable},
      {"unknowable", Declared::Found::kUnknowable}};
  Input input = builders::Empty();
  input.target = json.value("target", "main");
  input.unit = "prod/checkout";
  input.inventory_size = json.value("inventorySize", size_t{10});
  for (const Json& entry : json.at("declared")) {
    Declared declared;
    declared.ref = RefOf(entry);
    declared.api_version = entry.value("apiVersion", "v1");
    declared.found = found.at(entry.at("found"));
    declared.before = entry.value("before", Json());
    declared.after = entry.value("after", Json());
    declared.is_ours = entry.value("ours", false);
    declared.other_owner = entry.value("otherOwner", "");
    declared.claimed_by = entry.value("claimedBy", "");
    declared.message = entry.value("message", "");
    input.declared.push_back(std::move(declared));
  }
  for (const Json& entry : json.value("leftovers", Json::array())) {
    Leftover leftover;
    leftover.ref = RefOf(entry);
    leftover.api_version = entry.value("apiVersion", "v1");
    leftover.is_live = leftover.is_marked = leftover.is_applied_by_us = true;
    leftover.protected_by = entry.value("protectedBy", "");
    input.leftovers.push_back(std::move(leftover));
  }
  return input;
}

void CheckGolden(const fs::path& path, const std::string& text) {
  if (std::getenv("SLUICE_ACCEPT")) {
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  INFO(path.string());
  CHECK(text == ReadFile(path));
}

TEST_CASE("plans look as agreed on a terminal, in a file, in Markdown and in JSON") {
  const fs::path root = fs::path(test::SourceDirectory()) / "tests/data/plan";
  int count = 0;
  for (const auto& entry : fs::directory_iterator(root)) {
    ++count;
    DYNAMIC_SECTION(entry.path().filename().string()) {
      const Plan plan = Build(ParseInput(Json::parse(ReadFile(entry.path() / "input.json"))));
      CheckGolden(entry.path() / "plan.txt", Format(plan, Style::kPlain, {}));
      CheckGolden(entry.path() / "plan.ansi", Format(plan, Style::kColour, {.all = true}));
      CheckGolden(entry.path() / "plan.md", Format(plan, Style::kMarkdown, {}));
      CheckGolden(entry.path() / "plan.json", ToJson(plan, true).dump(2) + "\n");
    }
  }
  CHECK(count == 4);
}

TEST_CASE("unchanged objects are told only when asked for") {
  Plan plan;
  plan.changes = {
      {"main", Action::kUnchanged, "v1", builders::Ref("ConfigMap", "a"), "as declared", {}, ""}};
  CHECK(ToJson(plan, false).empty());
  CHECK(ToJson(plan, true).size() == 1);
  CHECK(Format(plan, Style::kPlain, {}) == "1 unchanged\n");
}

TEST_CASE("hostile names and values cannot break out of a terminal or of Markdown") {
  Plan plan;
  Change change{
      "main", Action::kUpdate, "v1", builders::Ref("ConfigMap", "a|b"), "x | <img> `y` @team", {},
      ""};
  change.fields = {{"/data/k\x1b[2J", "one\n```\n# Heading\x1b[31m", "two\n```\n"},
                   {"/data/l", "a\x7f", "b\u009b"}};
  plan.changes = {change};
  const std::string text = Format(plan, Style::kPlain, {});
  const std::string markdown = Format(plan, Style::kMarkdown, {});
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\x7f') == std::string::npos);
  CHECK(markdown.find('\x1b') == std::string::npos);
  CHECK(markdown.find("a\\|b") != std::string::npos);
  CHECK(markdown.find("<img>") == std::string::npos);
  CHECK(markdown.find("\n```\n# Heading") == std::string::npos);
}

}  // namespace
}  // namespace sluice::plan
