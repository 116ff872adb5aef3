#include "tests/unit/yaml/parse_one.h"

namespace sluice::yaml {
namespace {

std::string Nested(int levels) {
  return "x: " + std::string(static_cast<size_t>(levels), '[') + "1" +
         std::string(static_cast<size_t>(levels), ']') + "\n";
}

}  // namespace

TEST_CASE("a text above the size cap is refused without being parsed") {
  const std::string text = "a: \"" + std::string(5 << 20, 'x') + "\"\n";
  CHECK(One(text).starts_with("! yaml-limit: is 5242"));
  Limits limits;
  limits.max_bytes = 6 << 20;
  CHECK(Parse(text, "f", limits).problems.empty());
}

TEST_CASE("a hundred levels are accepted and more are refused") {
  CHECK_FALSE(One(Nested(99)).starts_with("!"));
  CHECK(One(Nested(100)).starts_with("! yaml-limit: nested deeper"));
  std::string block;
  for (int i = 0; i < 101; ++i) block += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  CHECK(One(block + std::string(102, ' ') + "b: 1\n").starts_with("! yaml-limit: nested deeper"));
  CHECK(One("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}", "f.json")
            .starts_with("! yaml-limit: nested deeper"));
}

TEST_CASE("a megabyte of brackets, dashes or question marks is refused at the depth cap") {
  CHECK(One("a: " + std::string(1'000'000, '[')).starts_with("! yaml-"));
  CHECK(One("a: " + std::string(1'000'000, '{')).starts_with("! yaml-"));
  std::string dashes;
  for (int i = 0; i < 400'000; ++i) dashes += "- ";
  CHECK(One(dashes).starts_with("! yaml-"));
  std::string questions;
  for (int i = 0; i < 400'000; ++i) questions += "? ";
  CHECK(One(questions).starts_with("! yaml-"));
}

TEST_CASE("an alias bomb is refused by the number of values it stands for") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) bomb += (k > 0 ? ", " : "") + before;
    bomb += "]\n";
  }
  CHECK(One(bomb).starts_with("! yaml-limit: more than 200000 values once aliases are expanded"));
}

TEST_CASE("aliases cannot nest past the depth cap") {
  std::string text = "a0: &a0 [[[[[[[[[[x]]]]]]]]]]\n";
  for (int i = 1; i < 12; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [[[[[[[[[[*a" +
            std::to_string(i - 1) + "]]]]]]]]]]\n";
  }
  CHECK(One(text).starts_with("! yaml-limit: nested deeper"));
}

TEST_CASE("more values than the cap are refused") {
  std::string text = "x:\n";
  for (int i = 0; i < 210'000; ++i) text += "- 1\n";
  CHECK(One(text).starts_with("! yaml-limit: more than 200000 values"));
}

TEST_CASE("aliases cannot stand for more text than the cap, however few values they are") {
  // 4 MB of text that would be 190 GB.
  const std::string long_text(1 << 20, 'x');
  std::string aliases;
  for (int i = 0; i < 190'000; ++i) aliases += "*a,";
  const std::string refusal = "! yaml-limit: aliases stand for more than 16777216 bytes of text";
  CHECK(One("a: &a " + long_text + "\nb: [" + aliases + "]\n").starts_with(refusal));
  CHECK(One("a: &a {k: " + long_text + "}\nb: [" + aliases + "]\n").starts_with(refusal));
  CHECK(One("a: &a\n  ? " + long_text + "\n  : 1\nb: [" + aliases + "]\n").starts_with(refusal));
  std::string keys = "a: &a " + long_text + "\nb:\n";
  for (int i = 0; i < 60'000; ++i) keys += "- *a : 1\n";
  CHECK(One(keys).starts_with(refusal));
  std::string anchors = "a: ";
  for (int i = 0; i < 90; ++i) anchors += "&a" + std::to_string(i) + " [";
  CHECK(One(anchors + long_text + std::string(90, ']') + "\n").starts_with(refusal));
  CHECK(Parse("a: &a " + long_text + "\nb: [*a, *a, *a]\n", "f").problems.empty());
}

TEST_CASE("documents share the cap of values, and that of places") {
  std::string empty, keys;
  for (int i = 0; i < 200'001; ++i) empty += "{}";
  CHECK(One(empty, "f.json").starts_with("! yaml-limit: more than 200000 values"));
  // Each document has 16 MB of pointers.
  const std::string children = [] {
    std::string items = "1";
    for (int i = 0; i < 5'000; ++i) items += ",1";
    return items;
  }();
  for (int i = 0; i < 20; ++i)
    keys += "---\n? " + std::string(4'000, 'k') + "\n: [" + children + "]\n";
  const Parsed parsed = Parse(keys, "f");
  REQUIRE(parsed.documents.size() == 20);
  size_t total = 0;
  for (const Document& document : parsed.documents) {
    for (const auto& [pointer, place] : document.places) total += pointer.size();
  }
  CHECK(total <= 16U << 20U);
  CHECK(total > 15U << 20U);
}

TEST_CASE("places of long keys do not multiply") {
  // 400 KB of key over 100,000 children would be 40 GB of pointers.
  const std::string text = "? " + std::string(400'000, 'k') + "\n: [" + [] {
    std::string items;
    for (int i = 0; i < 100'000; ++i) items += "1,";
    return items;
  }() + "1]\n";
  const Parsed parsed = Parse(text, "f");
  CHECK(parsed.problems.empty());
  REQUIRE(parsed.documents.size() == 1);
  CHECK(parsed.documents[0].places.size() == 1);
}

}  // namespace sluice::yaml
