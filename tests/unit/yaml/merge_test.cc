#include "tests/unit/yaml/parse_one.h"

namespace sluice::yaml {

TEST_CASE("a merge key is applied in the order of the document, as kubectl does it") {
  CHECK(One("b: &b {k: anchor, z: 1}\nm: {k: own, <<: *b}\n") ==
        R"({"b":{"k":"anchor","z":1},"m":{"k":"anchor","z":1}})");
  CHECK(One("b: &b {k: anchor, z: 1}\nm: {<<: *b, k: own}\n") ==
        R"({"b":{"k":"anchor","z":1},"m":{"k":"own","z":1}})");
}

TEST_CASE("in a list of merges the earlier map wins") {
  CHECK(One("b: &b {k: 1}\nc: &c {k: 2, q: 3}\nm: {<<: [*b, *c]}\n") ==
        R"({"b":{"k":1},"c":{"k":2,"q":3},"m":{"k":1,"q":3}})");
}

TEST_CASE("two merge keys are both applied") {
  CHECK(One("b: &b {k: 1}\nc: &c {k: 2}\nm: {<<: *b, <<: *c}\n") ==
        R"({"b":{"k":1},"c":{"k":2},"m":{"k":2}})");
  CHECK(One("<<: {k: 1}\nj: 2\n") == R"({"j":2,"k":1})");
}

TEST_CASE("a quoted or tagged merge key is an ordinary key") {
  CHECK(One("\"<<\": {k: 1}\n") == R"({"<<":{"k":1}})");
  CHECK(One("!!str <<: {k: 1}\n") == R"({"<<":{"k":1}})");
}

TEST_CASE("a key tagged as a merge is one, quoted or not") {
  CHECK(One("b: &b {k: 1}\nm: {!!merge <<: *b, j: 2}\n") == R"({"b":{"k":1},"m":{"j":2,"k":1}})");
  CHECK(One("b: &b {k: 1}\nm: {!!merge \"<<\": *b}\n") == R"({"b":{"k":1},"m":{"k":1}})");
  CHECK(One("!!merge x: {k: 1}\n") == R"({"x":{"k":1}})");
}

TEST_CASE("a merge of anything but maps is refused") {
  CHECK(One("b: &b [{k: 1}]\nm: {<<: *b}\n").starts_with("! yaml-merge"));
  CHECK(One("m: {<<: text}\n").starts_with("! yaml-merge"));
  CHECK(One("m: {<<: [{a: 1}, [b]]}\n").starts_with("! yaml-merge"));
}

TEST_CASE("aliases stand for their anchor's value, as values and as keys") {
  CHECK(One("a: &x {k: [1, 2]}\nb: *x\nc: [*x, *x]\n") ==
        R"({"a":{"k":[1,2]},"b":{"k":[1,2]},"c":[{"k":[1,2]},{"k":[1,2]}]})");
  CHECK(One("x: &k foo\n*k : bar\n") == R"({"foo":"bar","x":"foo"})");
  CHECK(One("x: &k 1e6\n*k : bar\n") == R"({"1e+06":"bar","x":1000000})");
  CHECK(One("&k key: *k\n") == R"({"key":"key"})");
}

TEST_CASE("an anchor defined again stands for its newest value") {
  CHECK(One("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == R"({"a":1,"b":1,"c":2,"d":2})");
}

TEST_CASE("an alias without anchor, inside its anchor, or of another document is refused") {
  CHECK(One("x: *nope\n").starts_with("! yaml-syntax"));
  CHECK(One("x: &a [*a]\n").starts_with("! yaml-anchor"));
  CHECK(One("a: &x 1\n---\nb: *x\n").starts_with("! yaml-syntax"));
}

}  // namespace sluice::yaml
