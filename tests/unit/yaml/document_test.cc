#include "tests/unit/yaml/parse_one.h"

namespace sluice::yaml {
namespace {

std::string All(const std::string& text) {
  const Parsed parsed = Parse(text, "f.yaml");
  if (!parsed.problems.empty()) return Problems(parsed);
  std::string out;
  for (const Document& document : parsed.documents) out += document.value.dump();
  return out;
}

}  // namespace

TEST_CASE("empty, comment-only and null documents are left out") {
  CHECK(All("") == "");
  CHECK(All("\n\n") == "");
  CHECK(All("# only words\n") == "");
  CHECK(All("---\n---\na: 1\n---\n# c\n---\n") == R"({"a":1})");
  CHECK(All("null\n---\na: 1\n---\n~\n") == R"({"a":1})");
}

TEST_CASE("documents are parted by lines of three dashes, with nothing but a comment behind") {
  CHECK(All("a: 1\n---\nb: 2\n") == R"({"a":1}{"b":2})");
  CHECK(All("a: 1\n--- # words\nb: 2\n") == R"({"a":1}{"b":2})");
  CHECK(All("a: 1\n---   \nb: 2\n---\t\nc: 3") == R"({"a":1}{"b":2}{"c":3})");
  CHECK(All("a: 1\n--- foo\n").find("yaml-document f.yaml:2:1") == 0);
  CHECK(All("---apiVersion: v1\n").find("yaml-document f.yaml:1:1") == 0);
  CHECK(All("--- {a: 1}\n").find("yaml-document") == 0);
}

TEST_CASE("dashes inside a block scalar are data") {
  CHECK(All("a: |\n  x\n  ---\n  y\n") == "{\"a\":\"x\\n---\\ny\\n\"}");
}

TEST_CASE("a document end is accepted, but what follows it must begin a new document") {
  CHECK(All("a: 1\n...\n") == R"({"a":1})");
  CHECK(All("a: 1\n...\n---\nb: 2\n") == R"({"a":1}{"b":2})");
  CHECK(All("a: 1\n...\nb: 2\n").find("yaml-syntax f.yaml:3:1") == 0);
}

TEST_CASE("a byte order mark and Windows line ends change nothing") {
  CHECK(All("\xEF\xBB\xBF"
            "a: 1\r\nb: |\r\n  x\r\n  y\r\n---\r\nc: \"p\r\n  q\"\r\n") ==
        "{\"a\":1,\"b\":\"x\\ny\\n\"}{\"c\":\"p q\"}");
}

TEST_CASE(
    "a literal block in a last line without line feed ends with one all the same, as kubectl has "
    "it") {
  CHECK(One("x: |\n  a") == "{\"x\":\"a\\n\"}");
  CHECK(One("x: |-\n  a") == "{\"x\":\"a\"}");
}

TEST_CASE("directives are refused") {
  CHECK(All("%YAML 1.2\n---\na: 1\n").find("yaml-document") == 0);
  CHECK(All("%YAML 1.1\n---\na: 1\n").find("yaml-document") == 0);
  CHECK(All("%TAG ! tag:x,2000:\n---\na: 1\n").find("yaml-document") == 0);
}

TEST_CASE("a document that is a list or a single value is refused") {
  CHECK(One("- a\n- b\n")
            .starts_with("! yaml-document: a document must be a map at its top, not a list"));
  CHECK(One("word\n").starts_with(
      "! yaml-document: a document must be a map at its top, not a single value"));
  CHECK(One("[{\"a\":1}]\n", "f.json").starts_with("! yaml-document"));
}

TEST_CASE("what yaml-cpp alone would let pass is refused") {
  CHECK(One("a: \"x\nkind: y\n").starts_with("! yaml-syntax"));    // no closing quote
  CHECK(One(" kind: X\nspec: 1\n").starts_with("! yaml-syntax"));  // two documents to yaml-cpp
  CHECK(One("a: b: c\n").starts_with("! yaml-syntax"));
  CHECK(One("a:\n\t- 1\n").starts_with("! yaml-syntax"));
  CHECK(One("z: [1,,2]\n").starts_with("! yaml-syntax"));
  CHECK(One("a: 1\nspe\n").starts_with("! yaml-syntax"));  // a truncated key
}

TEST_CASE("bytes that are not UTF-8 are refused with their place") {
  const Parsed parsed = Parse("a: 1\nb: x\xFFy\n", "f.yaml");
  REQUIRE(parsed.problems.size() == 1);
  CHECK(ToString(parsed.problems[0]) == "f.yaml:2:5: not UTF-8 text from here on");
  CHECK(One(std::string("a: \0b\n", 6)).starts_with("! yaml-"));
  CHECK(One("\xFF\xFE"
            "a\0:\0")
            .starts_with("! yaml-encoding"));
}

TEST_CASE("every key and item has its place, and an unknown pointer has its parent's") {
  const Parsed parsed = Parse(
      "# c\nkind: X\nspec:\n  items:\n    - name: a\n    - {name: b}\n  \"a/b\": 1\n---\nkind: Y\n",
      "f.yaml");
  REQUIRE(parsed.documents.size() == 2);
  const auto at = [&](size_t document, const char* pointer) {
    const Place place = parsed.documents[document].At(pointer);
    return std::to_string(place.line) + ":" + std::to_string(place.column);
  };
  CHECK(at(0, "") == "2:1");
  CHECK(at(0, "/kind") == "2:1");
  CHECK(at(0, "/spec/items") == "4:3");
  CHECK(at(0, "/spec/items/0") == "5:7");
  CHECK(at(0, "/spec/items/0/name") == "5:7");
  CHECK(at(0, "/spec/items/1/name") == "6:8");
  CHECK(at(0, "/spec/a~1b") == "7:3");
  CHECK(at(0, "/spec/nothing/here") == "3:1");
  CHECK(at(1, "/kind") == "9:1");
}

TEST_CASE("folded and literal blocks keep what kubectl keeps of their lines") {
  CHECK(One("x: >\n  a\n  b\n\n  c\n") == "{\"x\":\"a b\\nc\\n\"}");
  CHECK(One("x: >-\n  a\n   b\n\n  c\n") == "{\"x\":\"a\\n b\\n\\nc\"}");
  CHECK(One("w: |+\n  a\n\n\nx: 1\n") == "{\"w\":\"a\\n\\n\\n\",\"x\":1}");
  CHECK(One("x: |2\n   a\n  b\n") == "{\"x\":\" a\\nb\\n\"}");
  CHECK(One("x: a\n  b\n\n  c\n") == "{\"x\":\"a b\\nc\"}");
}

}  // namespace sluice::yaml
