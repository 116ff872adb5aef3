#include <nlohmann/json.hpp>
#include <random>

#include "engine/base/strings.h"
#include "engine/yaml/yaml.h"
#include "tests/support/catch.h"

using nlohmann::json;
using sluice::Split;
using sluice::yaml::Edit;
using sluice::yaml::Parse;

namespace {

const std::vector<std::string> kEditOrder = {"version", "images", "name", "tag", "digest"};

json EditedValue(const std::string& text) {
  const auto parsed = Parse(text, "");
  INFO(text);
  REQUIRE(parsed.documents.size() == 1);
  return parsed.documents[0].value;
}

// `patch` is a JSON merge patch of what the text says.
std::string Patched(const std::string& text, const char* patch) {
  INFO(text << patch);
  json wanted = EditedValue(text);
  wanted.merge_patch(json::parse(patch));
  const auto edited = Edit(text, wanted, kEditOrder);
  REQUIRE(edited);
  CHECK(EditedValue(edited->text) == wanted);
  return edited->text;
}

}  // namespace

TEST_CASE("an edit changes the value and nothing of its line") {
  const auto [before, patch, after] = GENERATE(table<std::string, const char*, std::string>({
      {"a: 1  # one\nb: 2\n", R"({"a":7})", "a: 7  # one\nb: 2\n"},
      {"a: \"x\" # q\n", R"({"a":"y z"})", "a: \"y z\" # q\n"},
      {"a:   'it''s'\n", R"({"a":"it's new"})", "a:   'it''s new'\n"},
      {"a: v1\n", R"({"a":"1.20"})", "a: \"1.20\"\n"},
      {"a: v1\n", R"({"a":"true"})", "a: \"true\"\n"},
      {"a: \"v1\"\n", R"({"a":false})", "a: false\n"},
      {"a: |\n  x\n  y\nb: 1\n", R"({"a":"z"})", "a: z\nb: 1\n"},
      {"a:\nb: 1\n", R"({"a":"z"})", "a: z\nb: 1\n"},
      {"a: v1\r\nb: 2\r\n", R"({"a":"v2"})", "a: v2\r\nb: 2\r\n"},
      {"\xEF\xBB\xBF# \xC3\xBC\na: v1\n", R"({"a":"v2"})", "\xEF\xBB\xBF# \xC3\xBC\na: v2\n"},
      {"# \xC3\xBC\n\xC3\xA4: \"\xE2\x82\xAC\"\na: v1", R"({"a":"v2"})",
       "# \xC3\xBC\n\xC3\xA4: \"\xE2\x82\xAC\"\na: v2"},
      {"---\n# top\na: v1\n...\n", R"({"a":"v2"})", "---\n# top\na: v2\n...\n"},
      {"{\"a\": \"v1\", \"b\": [1]}", R"({"a":"v2"})", "{\"a\": \"v2\", \"b\": [1]}"},
      {"a: !!str v1\n", R"({"a":"v2"})", "a: !!str v2\n"},
      {"a: {b: v1, c: [x, y]} # keep\n", R"({"a":{"b":"v2"}})", "a: {b: v2, c: [x, y]} # keep\n"},
  }));
  CHECK(Patched(before, patch) == after);
}

TEST_CASE("an edit adds and removes members where their neighbours stand") {
  const auto [before, patch, after] = GENERATE(table<std::string, const char*, std::string>({
      {"a: 1\nb: 2 # two\n# end\n", R"({"c":3})", "a: 1\nb: 2 # two\nc: 3\n# end\n"},
      {"a: 1\nb: 2", R"({"c":3})", "a: 1\nb: 2\nc: 3"},
      {"s:\n  a: 1\n\nt: 2\n", R"({"s":{"b":"x"}})", "s:\n  a: 1\n  b: x\n\nt: 2\n"},
      {"a: 1\nb: 2 # two\nc: 3\n", R"({"b":null})", "a: 1\nc: 3\n"},
      {"a: 1\nb: 2", R"({"b":null})", "a: 1"},
      {"s: {a: 1, b: 2, c: 3}\n", R"({"s":{"a":null,"d":4}})", "s: {d: 4, b: 2, c: 3}\n"},
      {"s: {a: 1, b: 2, c: 3}\n", R"({"s":{"a":null,"b":null}})", "s: {c: 3}\n"},
      {"s: {a: 1, b: 2, c: 3}\n", R"({"s":{"b":null,"c":null}})", "s: {a: 1}\n"},
      {"s: {a: 1}\n", R"({"s":{"l":["x"]}})", "s: {a: 1, l: [x]}\n"},
      {"s:\n  - tag: v1 # t\n    m: 1\n", R"({"s":[{"digest":"d","m":1}]})",
       "s:\n  - digest: d # t\n    m: 1\n"},
      {"{\"s\": [\"x\"]}\n", R"({"s":["x","y"],"t":"z"})",
       "{\"s\": [\"x\", \"y\"], \"t\": \"z\"}\n"},
  }));
  CHECK(Patched(before, patch) == after);
}

TEST_CASE("items of lists are told apart by name and added in the manner of the last") {
  const auto [before, patch, after] = GENERATE(table<std::string, const char*, std::string>({
      {"l:\n- {name: a, tag: v1} # first\n- {name: b, tag: v1}\n",
       R"({"l":[{"name":"a","tag":"v1"},{"name":"b","tag":"v2"},{"name":"c","tag":"v3"}]})",
       "l:\n- {name: a, tag: v1} # first\n- {name: b, tag: v2}\n- {name: c, tag: v3}\n"},
      {"l:\n  -   name: 'a'\n      tag: 'v1'\n# end\n",
       R"({"l":[{"name":"a","tag":"v1"},{"name":"b","tag":"v2"}]})",
       "l:\n  -   name: 'a'\n      tag: 'v1'\n  -   name: 'b'\n      tag: 'v2'\n# end\n"},
      {"l:\n  - name: a\n    tag: v1\n  # about b\n  - name: b\n    tag: v1\n",
       R"({"l":[{"name":"b","tag":"v1"}]})", "l:\n  # about b\n  - name: b\n    tag: v1\n"},
      {"l: [{name: a, tag: v1}, {name: b, tag: v1}]\n",
       R"({"l":[{"name":"b","tag":"v2"},{"name":"c","tag":"v2"}]})",
       "l: [{name: b, tag: v2}, {name: c, tag: v2}]\n"},
      {"l: [\n  a,\n  b # last\n]\n", R"({"l":["a","b","c"]})",
       "l: [\n  a,\n  b, # last\n  c\n]\n"},
      {"l: [\n  a,\n  b, # last\n]\n", R"({"l":["a","b","c"]})",
       "l: [\n  a,\n  b, # last\n  c,\n]\n"},
      {"l: [a,\r\n    b]\r\n", R"({"l":["a","b","c"]})", "l: [a,\r\n    b, c]\r\n"},
      {"l:\n- a\n- b\nm: 1\n", R"({"l":["a"]})", "l:\n- a\nm: 1\n"},
  }));
  CHECK(Patched(before, patch) == after);
}

TEST_CASE(
    "an anchor's value changes where it stands, and its aliases go along or are written out") {
  const std::string text = "a: &v v1 # here\nb: *v\nc: &m {x: 1}\nd: *m\n";
  CHECK(Patched(text, R"({"a":"v2","b":"v2"})") == "a: &v v2 # here\nb: *v\nc: &m {x: 1}\nd: *m\n");
  CHECK(Patched(text, R"({"a":"v2"})") == "a: &v v2 # here\nb: v1\nc: &m {x: 1}\nd: *m\n");
  CHECK(Patched(text, R"({"b":"v2"})") == "a: &v v1 # here\nb: v2\nc: &m {x: 1}\nd: *m\n");
  CHECK(Patched(text, R"({"d":{"x":2}})") == "a: &v v1 # here\nb: *v\nc: &m {x: 1}\nd: {x: 2}\n");
  CHECK(Patched("c: &m\n  x: 1\nd:\n  <<: *m\n  k: 2 # k\n", R"({"c":{"x":3}})") ==
        "c: &m\n  x: 3\nd:\n    {k: 2, x: 1} # k\n");
}

TEST_CASE("what must be written anew is said, and what cannot be edited is refused") {
  const std::string text = "l:\n  - name: a\n  - name: b\n";
  const auto edited = Edit(text, json::parse(R"({"l":[{"name":"b"},{"name":"a"}]})"));
  REQUIRE(edited);
  CHECK_FALSE(edited->has_kept_layout);
  CHECK(edited->text == "l:\n    [{name: b}, {name: a}]\n");
  CHECK(Edit("a: 1\n", json::parse(R"({"a":2})"))->has_kept_layout);
  CHECK_FALSE(Edit("a: 1\n---\nb: 2\n", json::parse(R"({"a":2})")));
  CHECK_FALSE(Edit("a: [1\n", json::parse(R"({"a":2})")));
  CHECK_FALSE(Edit("", json::parse(R"({"a":2})")));
}

namespace {

// A document with images in one of several layouts, comments and blank lines between.
std::string RandomText(std::mt19937& random, const json& images) {
  const auto one_of = [&](std::vector<std::string> choices) {
    return choices[random() % choices.size()];
  };
  const std::string quote = one_of({"", "'", "\""});
  const auto scalar = [&](const json& value) {
    return quote.empty() ? value.dump() : quote + value.get<std::string>() + quote;
  };
  const bool is_flow = random() % 2 == 0;
  const std::string pad = one_of({"", "  ", "    "});
  std::string text = one_of({"", "# top\n", "---\n"}) + "spec:\n  version: \"1\" # v\n  images:";
  if (is_flow) text += " [";
  size_t i = 0;
  for (const json& image : images) {
    const std::string comment = one_of({"", " # c", "   # {x}"});
    const std::string tag = scalar(image["tag"]);
    const std::string name = scalar(image["name"]);
    if (is_flow) {
      text += std::string(i > 0 ? "," : "") + one_of({"\n      ", " "}) + "{name: " + name +
              ", tag: " + tag + "}";
    } else if (random() % 2 == 0) {
      text += "\n  " + pad + "- {tag: " + tag + ", name: " + name + "}" + comment;
    } else {
      text += "\n  " + pad + "- name: " + name + comment + "\n  " + pad + "  tag: " + tag;
    }
    ++i;
  }
  return text + (is_flow ? one_of({"]", " ]", "\n    ]"}) : "") + one_of({"\n# end\n", "\n", ""});
}

json RandomImages(std::mt19937& random) {
  json images = json::array();
  for (const char* name : {"a", "b", "c", "d"}) {
    if (random() % 3 != 0)
      images.push_back({{"name", name}, {"tag", "v" + std::to_string(random() % 3)}});
  }
  if (images.empty()) images.push_back({{"name", "e"}, {"tag", "v1"}});
  return images;
}

}  // namespace

TEST_CASE("an edited text says what is wanted, and no line changes that need not") {
  std::mt19937 random(20250101);
  for (int round = 0; round < 2000; ++round) {
    const json images = RandomImages(random);
    const std::string text = RandomText(random, images);
    json wanted = EditedValue(text);
    for (json& image : wanted["spec"]["images"]) {
      if (random() % 2 == 0) image["tag"] = "w" + std::to_string(random() % 3);
    }
    INFO(text);
    auto edited = Edit(text, wanted, kEditOrder);
    REQUIRE(edited);
    CHECK(EditedValue(edited->text) == wanted);
    CHECK(edited->has_kept_layout);
    const auto before = Split(text, '\n');
    const auto after = Split(edited->text, '\n');
    REQUIRE(before.size() == after.size());
    for (size_t i = 0; i < before.size(); ++i) {
      if (before[i].find("tag") == std::string::npos) CHECK(before[i] == after[i]);
    }
    wanted["spec"]["images"] = RandomImages(random);
    INFO(wanted);
    edited = Edit(text, wanted, kEditOrder);
    REQUIRE(edited);
    CHECK(EditedValue(edited->text) == wanted);
    CHECK(edited->text.starts_with(text.substr(0, text.find("images:"))));
    CHECK(edited->text.ends_with("# end\n") == text.ends_with("# end\n"));
  }
}
