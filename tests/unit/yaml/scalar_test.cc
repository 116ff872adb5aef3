// Every expectation was read off `kubectl label --local -f F x=y -o json` (1.36).
#include "tests/unit/yaml/parse_one.h"

namespace sluice::yaml {
namespace {

struct Row {
  std::string text, value;
};

void Check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    DYNAMIC_SECTION("'" << row.text << "'") { CHECK(ValueOf(row.text) == row.value); }
  }
}

}  // namespace

TEST_CASE("words of YAML 1.1 are booleans in exactly their three spellings") {
  for (const char* word : {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"})
    CHECK(ValueOf(word) == "true");
  for (const char* word :
       {"n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"})
    CHECK(ValueOf(word) == "false");
  for (const std::string word : {"yEs", "oN", "tRue", "nO", "oFF", "yeS"})
    CHECK(ValueOf(word) == "\"" + word + "\"");
}

TEST_CASE("null has five spellings and nULL is text") {
  for (const char* word : {"", "~", "null", "Null", "NULL"}) CHECK(ValueOf(word) == "null");
  CHECK(ValueOf("nULL") == "\"nULL\"");
}

TEST_CASE("whole numbers are read in every base that Go reads") {
  Check({{"0755", "493"},      {"0o755", "493"}, {"0O17", "15"},    {"-0o17", "-15"},
         {"0x1F", "31"},       {"+0x1F", "31"},  {"-0x1F", "-31"},  {"0b101", "5"},
         {"0B101", "5"},       {"-0b11", "-3"},  {"+0b11", "3"},    {"1_000", "1000"},
         {"1__0", "10"},       {"+5", "5"},      {"1_", "1"},       {"0_7", "7"},
         {"0__", "0"},         {"0x_1F", "31"},  {"-_0x_f", "-15"}, {"+_5", "5"},
         {"0123456", "42798"}, {"0", "0"},       {"-0", "0"},       {"00", "0"}});
}

TEST_CASE("the sign of a binary number may stand behind its prefix") {
  Check({{"0b-11", "-3"}, {"0b+11", "3"}, {"0b_-1_1", "-3"}, {"0b-0", "0"}});
  for (const std::string text : {"0b-", "0b-2", "0b--1", "-0b-11", "0B-11", "0o-17", "0x-1f"})
    CHECK(ValueOf(text) == "\"" + text + "\"");
}

TEST_CASE("a bad octal number falls to a decimal one") {
  Check({{"08", "8"}, {"0790", "790"}, {"09.5", "9.5"}, {"0_8", "8"}});
}

TEST_CASE("what is no number of Go's is text") {
  for (const std::string text : {"0o8",
                                 "0b2",
                                 "0777L",
                                 "0x",
                                 "0b",
                                 "1:30",
                                 "190:20:30",
                                 "1.2.3",
                                 "10.0.0.1",
                                 "1,000",
                                 "=",
                                 "+",
                                 ".",
                                 "_1",
                                 "._5",
                                 ".5e",
                                 ".e5",
                                 ".5_",
                                 ".5__5",
                                 "0x1p-2",
                                 "12e345678",
                                 "1e400",
                                 "0xFFFFFFFFFFFFFFFFF",
                                 "2024-01-02",
                                 "2024-01-02T03:04:05Z",
                                 "3f2c1d0",
                                 "é"}) {
    CHECK(ValueOf(text) == "\"" + text + "\"");
  }
}

TEST_CASE("decimal numbers that are whole come back as integers") {
  Check({{"1e3", "1000"},       {"12e03", "12000"},
         {"1.", "1"},           {".5", "0.5"},
         {"+.5", "0.5"},        {"-.5", "-0.5"},
         {"-.5e1", "-5"},       {"1_0.5", "10.5"},
         {".5_5", "0.55"},      {".5e1_0", "5000000000"},
         {"5_5.5_5", "55.55"},  {"1_e3", "1000"},
         {"1.10", "1.1"},       {"1234567e10", "12345670000000000"},
         {"1e+5", "100000"},    {"1E5", "100000"},
         {"-0.0", "0"},         {"1e-400", "0"},
         {"0.000001", "1e-06"}, {"123456789.125", "123456789.125"}});
}

TEST_CASE("beyond int64 a number is a double") {
  CHECK(ValueOf("9223372036854775807") == "9223372036854775807");
  CHECK(ValueOf("-9223372036854775808") == "-9223372036854775808");
  for (const char* text : {"9223372036854775808", "18446744073709551616", "0xFFFFFFFFFFFFFFFF",
                           "-9223372036854775809", "1e20", "1.5e300"}) {
    const auto parsed = Parse("x: " + std::string(text), "f");
    REQUIRE(parsed.problems.empty());
    CHECK(parsed.documents[0].value["x"].is_number_float());
  }
  CHECK(Parse("x: 9223372036854775808", "f").documents[0].value["x"] == 9223372036854775808.0);
}

TEST_CASE("infinity and NaN are refused as values") {
  for (const char* text : {".inf", "-.inf", "+.Inf", ".nan", ".NaN"})
    CHECK(ValueOf(text).starts_with("! yaml-value"));
}

TEST_CASE("quoted and block scalars are text") {
  CHECK(ValueOf("\"1\"") == "\"1\"");
  CHECK(ValueOf("'yes'") == "\"yes\"");
  CHECK(ValueOf("|-\n  1") == "\"1\"");
  CHECK(ValueOf(">-\n  true") == "\"true\"");
  CHECK(ValueOf("\"\"") == "\"\"");
}

TEST_CASE("tags change a scalar's type as kubectl's do") {
  Check({{"!foo 5", "\"5\""},
         {"!!foo 5", "\"5\""},
         {"! 5", "\"5\""},
         {"!!int \"7\"", "7"},
         {"!!int 1_000", "1000"},
         {"!!float 5", "5"},
         {"!!float 0b1", "1"},
         {"!!float 08", "8"},
         {"!!float .5_5", "0.55"},
         {"!!str 5", "\"5\""},
         {"!!str", "\"\""},
         {"!!bool \"yes\"", "true"},
         {"!!null \"\"", "null"},
         {"!!binary aGVsbG8=", "\"hello\""},
         {"!!binary", "\"\""},
         {"!!timestamp 2024-01-01", "\"2024-01-01\""},
         {"!!merge <<", "\"<<\""},
         {"!!map {a: 1}", "{\"a\":1}"},
         {"!!seq {a: 1}", "{\"a\":1}"},
         {"!!set {a, b}", "{\"a\":null,\"b\":null}"}});
}

TEST_CASE("a tag that its value does not fit is refused") {
  for (const char* text :
       {"!!int 1.5", "!!int 08", "!!null x", "!!bool \"\"", "!!int \"\"", "!!float \"x\"",
        "!!float 18446744073709551615", "!!timestamp foo", "!!timestamp 2024", "!!binary aGVsbG8",
        "!!binary \"aGVs bG8=\"", "!!binary /w=="}) {
    INFO(text);
    CHECK(ValueOf(text).starts_with("! yaml-tag"));
  }
}

TEST_CASE("a refused tag does not tell the value, which may be a Secret's") {
  for (const std::string tag :
       {"!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!binary"}) {
    const auto parsed = Parse("p: " + tag + " \"s3cr3tA\"", "f");
    REQUIRE(parsed.problems.size() == 1);
    CHECK(parsed.problems[0].rule == "yaml-tag");
    CHECK(parsed.problems[0].message.find("s3cr3tA") == std::string::npos);
  }
}

TEST_CASE("keys that are no text become text as kubectl writes them") {
  const std::vector<Row> rows = {{"1", "1"},
                                 {"2.5", "2.5"},
                                 {"0x10", "16"},
                                 {"0755", "493"},
                                 {"yes", "true"},
                                 {"y", "true"},
                                 {"on", "true"},
                                 {"off", "false"},
                                 {"1e5", "100000"},
                                 {"1e6", "1e+06"},
                                 {"1234567.5", "1.2345675e+06"},
                                 {"123456.5", "123456.5"},
                                 {"1.1", "1.1"},
                                 {"1e-4", "0.0001"},
                                 {"1e-5", "1e-05"},
                                 {"16777216.0", "1.6777216e+07"},
                                 {"1e40", ".inf"},
                                 {"-0.0", "-0"},
                                 {"3.4e38", "3.4e+38"},
                                 {"1e21", "1e+21"},
                                 {"2024-01-02", "2024-01-02"},
                                 {".inf", ".inf"},
                                 {"!foo yes", "yes"},
                                 {"!!binary aGVsbG8=", "hello"}};
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(KeyOf(row.text) == row.value);
  }
}

TEST_CASE("null, complex and huge keys are refused") {
  CHECK(One("~: a\n").starts_with("! yaml-key"));
  CHECK(One("? [a]\n: b\n").starts_with("! yaml-key"));
  CHECK(One("? {a: b}\n: b\n").starts_with("! yaml-key"));
  CHECK(One("{{ .Values.x }}: b\n").starts_with("!"));
  CHECK(One("18446744073709551615: h\n").starts_with("! yaml-key"));
}

TEST_CASE("keys that are the same once they are text are duplicates") {
  CHECK(One("a: 1\na: 2\n") == "! duplicate-key: key 'a' is given twice in one map");
  CHECK(One("1: a\n\"1\": b\n").starts_with("! duplicate-key"));
  CHECK(One("y: a\ntrue: b\n").starts_with("! duplicate-key"));
  CHECK(One("m: {b: 1, c: {d: 1}, b: 2}\n").starts_with("! duplicate-key"));
}

}  // namespace sluice::yaml
