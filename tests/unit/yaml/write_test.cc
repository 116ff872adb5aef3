#include <cmath>
#include <random>

#include "tests/unit/yaml/parse_one.h"

namespace sluice::yaml {
namespace {

using nlohmann::json;

json ReadBack(const std::string& text) {
  const Parsed parsed = Parse(text, "written.yaml");
  INFO(text);
  INFO(Problems(parsed));
  REQUIRE(parsed.problems.empty());
  REQUIRE(parsed.documents.size() == 1);
  return parsed.documents[0].value;
}

// Values with everything that is hard to write: words that look like other types, white space at
// every edge, control and special characters, long keys, deep and empty containers.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  json Value(int depth) {
    switch (Pick(depth > 0 ? 9 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return Pick(2) == 0;
      case 2:
        return static_cast<int64_t>(random_() << 32 | random_()) >> Pick(64);
      case 3:
        return Double();
      case 4:
      case 5:
        return Text();
      case 6:
      case 7:
        return Object(depth - 1);
      default: {
        json list = json::array();
        for (size_t i = Pick(5); i > 0; --i) list.push_back(Value(depth - 1));
        return list;
      }
    }
  }

  json Object(int depth) {
    json object = json::object();
    for (size_t i = Pick(5); i > 0; --i)
      object[Pick(40) == 0 ? std::string(1500, 'k') + Text() : Text()] = Value(depth);
    return object;
  }

 private:
  size_t Pick(size_t count) { return random_() % count; }

  double Double() {
    const double value =
        std::ldexp(static_cast<double>(random_()), static_cast<int>(Pick(200)) - 100);
    return Pick(2) == 0 ? value : -value;
  }

  std::string Text() {
    static const std::vector<std::string> pieces = {"a",
                                                    "word",
                                                    "yes",
                                                    "No",
                                                    "~",
                                                    "null",
                                                    "0755",
                                                    "1e3",
                                                    "1:30",
                                                    "0x1F",
                                                    ".inf",
                                                    "-",
                                                    "--",
                                                    "---",
                                                    "...",
                                                    "? ",
                                                    ": ",
                                                    ":",
                                                    " #",
                                                    "#",
                                                    "\n",
                                                    "\n\n",
                                                    "  ",
                                                    "\t",
                                                    "\r",
                                                    "\"",
                                                    "'",
                                                    "\\",
                                                    "{",
                                                    "}",
                                                    "[",
                                                    "]",
                                                    ",",
                                                    "&a",
                                                    "*a",
                                                    "!b",
                                                    "%c",
                                                    "@",
                                                    "`",
                                                    "|",
                                                    ">",
                                                    "\x01",
                                                    "\x7f",
                                                    "é",
                                                    "😀",
                                                    "\xC2\x85",
                                                    "\xE2\x80\xA8",
                                                    "\xEF\xBB\xBF",
                                                    "\xEF\xBF\xBF",
                                                    "<<",
                                                    "=",
                                                    "line one\nline two\n",
                                                    "2024-01-02",
                                                    "1_000"};
    std::string out;
    for (size_t i = Pick(5); i > 0; --i) out += pieces[Pick(pieces.size())];
    if (Pick(30) == 0) out += std::string(1, '\0');
    return out;
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("what is written reads back as the same value") {
  for (unsigned seed = 0; seed < 1500; ++seed) {
    const json value = Generator(seed).Object(4);
    if (value.empty()) continue;
    const std::string text = Write(value);
    CAPTURE(seed, text);
    REQUIRE(ReadBack(text) == value);
  }
}

TEST_CASE("keys stand in the order that was asked for, then sorted") {
  const json value = {
      {"spec", {{"b", 1}, {"a", 2}, {"version", "x"}}}, {"kind", "Release"}, {"apiVersion", "v1"}};
  CHECK(Write(value, {"apiVersion", "kind", "spec", "version"}) ==
        "apiVersion: v1\nkind: Release\nspec:\n  version: x\n  a: 2\n  b: 1\n");
}

TEST_CASE("text that a YAML parser may take for something else is quoted") {
  for (const std::string text :
       {"yes",   "Off",        "y",    "null", "~",  "",     "1",    "0755", "1e3", "3f2c1d0",
        "12e03", "2024-01-02", "1:30", ".5",   "-x", "a: b", "a #b", " a",   "a ",  "*x"}) {
    CHECK(Write({{"k", text}}) == "k: " + json(text).dump() + "\n");
  }
  for (const std::string text : {"word", "two words", "registry.example/shop/web", "sha256:abc",
                                 "a-b_c.d", "https://x.example/y"}) {
    CHECK(Write({{"k", text}}) == "k: " + text + "\n");
  }
}

TEST_CASE("lists of maps are written as people write them, several lines as a block") {
  const json value = {{"images", {{{"name", "a"}, {"tag", "v1"}}, {{"name", "b"}}}},
                      {"empty", json::object()},
                      {"none", json::array()},
                      {"text", "one\ntwo\n"}};
  CHECK(Write(value) ==
        "empty: {}\nimages:\n  - name: a\n    tag: v1\n  - name: b\nnone: []\ntext: |\n  one\n  "
        "two\n");
}

TEST_CASE("numbers are written as Go writes them") {
  CHECK(Write({{"k", 1.5}}) == "k: 1.5\n");
  CHECK(Write({{"k", 2.0}}) == "k: 2\n");
  CHECK(Write({{"k", 1e21}}) == "k: 1e+21\n");
  CHECK(Write({{"k", 1e20}}) == "k: 100000000000000000000\n");
  CHECK(Write({{"k", 0.0000001}}) == "k: 1e-7\n");
  CHECK(Write({{"k", 9223372036854775808.0}}) == "k: 9223372036854776000\n");
}

}  // namespace sluice::yaml
