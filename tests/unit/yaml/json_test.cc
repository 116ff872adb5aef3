#include "tests/unit/yaml/parse_one.h"

namespace sluice::yaml {

TEST_CASE("JSON is read with its own escapes, and numbers as Kubernetes reads them") {
  CHECK(One(R"({"x":1.0,"y":1e3,"z":"\ud83d\ude00","w":"\/","i":9223372036854775807})") ==
        R"({"i":9223372036854775807,"w":"/","x":1,"y":1000,"z":"😀"})");
  CHECK(One("{\n\t\"a\": [true, false, null, -1.5, \"\\u00e9\\n\"]\n}\n") ==
        "{\"a\":[true,false,null,-1.5,\"é\\n\"]}");
  CHECK(Parse(R"({"x":9223372036854775808})", "f.json").documents[0].value["x"].is_number_float());
}

TEST_CASE("a stream of JSON objects is a stream of documents") {
  CHECK(Parse("{\"a\":1}{\"b\":2}\n{\"c\":3}", "f.json").documents.size() == 3);
  CHECK(Parse("{\"a\":1}\n---\n{\"b\":2}\n", "f.json").documents.size() == 2);
  CHECK(Parse("{\"a\":1}\n---\nb: 2\n", "f.yaml").documents.size() == 2);
}

TEST_CASE("duplicate keys of JSON are refused with the place of the second") {
  const Parsed parsed = Parse("{\n  \"a\": 1,\n  \"a\": 2\n}", "f.json");
  REQUIRE(parsed.problems.size() == 1);
  CHECK(Problems(parsed) == "duplicate-key f.json:3:3: key 'a' is given twice in one map\n");
}

TEST_CASE("half a surrogate pair and a number too large are refused") {
  CHECK(One(R"({"v":"\ud83d"})").starts_with("! yaml-value"));
  CHECK(One(R"({"v":"\ud83d\u0041"})").starts_with("! yaml-value"));
  CHECK(One(R"({"v":1e400})").starts_with("! yaml-value"));
}

TEST_CASE("text in braces that is not JSON is read as YAML") {
  CHECK(One("{apiVersion: v1, kind: Foo}\n") == R"({"apiVersion":"v1","kind":"Foo"})");
  CHECK(One("{a: yes, b: 0755}\n") == R"({"a":true,"b":493})");
}

TEST_CASE("a .json file that is neither JSON nor YAML is told what is wrong with it as JSON") {
  CHECK(One("{\"a\": 1,, }", "f.json") == "! json-syntax: expected a key in double quotes");
  CHECK(One("{\"a\": [\"1\" 2]}", "f.json") == "! json-syntax: expected ','");
  CHECK(One("{\"a\": \"x", "f.json") == "! json-syntax: expected '\"' at the end of a string");
  CHECK(One("{\"a\": 01x]", "f.json") == "! json-syntax: expected a value");
}

TEST_CASE("JSON knows the places of its keys") {
  const Parsed parsed = Parse(
      "{\n  \"kind\": \"é\", \"spec\": {\n    \"list\": [1,\n      {\"a\": 2}]}}\n{\"kind\": 1}",
      "f.json");
  REQUIRE(parsed.documents.size() == 2);
  CHECK(parsed.documents[0].At("/spec").column == 16);
  CHECK(parsed.documents[0].At("/spec/list/1/a").line == 4);
  CHECK(parsed.documents[0].At("/spec/list/1/a").column == 8);
  CHECK(parsed.documents[1].At("/kind").line == 5);
}

}  // namespace sluice::yaml
