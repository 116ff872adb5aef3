#include "engine/config/report.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/json_schema.h"

namespace sluice::config {
namespace {

using nlohmann::json;

const Diagnostics kProblems = {
    {{"environments/prod/web/app.yaml", 12, 7},
     "unknown-field",
     "unknown field 'replica'; did you mean 'replicas'?"},
    {{"environments/prod/web/app.yaml", 13, 1}, "invalid-value", "must be <one> of \"a\" & b"},
    {{"environments/a b.yaml", 0, 0}, "stray-file", "is read by nothing here"}};

}  // namespace

TEST_CASE("the text report is one problem a line and the counts") {
  CHECK(FormatReport(kProblems, ReportFormat::kText, 9) ==
        "environments/prod/web/app.yaml:12:7: unknown field 'replica'; did you mean 'replicas'? "
        "[unknown-field]\n"
        "environments/prod/web/app.yaml:13:1: must be <one> of \"a\" & b [invalid-value]\n"
        "environments/a b.yaml: is read by nothing here [stray-file]\n"
        "9 files checked, 3 problems\n");
  CHECK(FormatReport({}, ReportFormat::kText, 1) == "1 file checked, no problems\n");
}

TEST_CASE("the JSON report keeps to its schema") {
  const json schema = test::ReadSchema("validate");
  const json report = json::parse(FormatReport(kProblems, ReportFormat::kJson, 9));
  CHECK(test::CheckSchema(schema, report) == std::vector<std::string>{});
  CHECK(report["valid"] == false);
  CHECK(report["filesChecked"] == 9);
  CHECK(report["problems"][0]["line"] == 12);
  CHECK_FALSE(report["problems"][2].contains("line"));
  const json good = json::parse(FormatReport({}, ReportFormat::kJson, 3));
  CHECK(test::CheckSchema(schema, good) == std::vector<std::string>{});
  CHECK(good["valid"] == true);
}

TEST_CASE("the SARIF report names rules and places") {
  const json report = json::parse(FormatReport(kProblems, ReportFormat::kSarif, 9));
  CHECK(report["version"] == "2.1.0");
  const json& run = report["runs"][0];
  CHECK(run["tool"]["driver"]["name"] == "sluice");
  CHECK(run["tool"]["driver"]["rules"].size() == 3);
  CHECK(run["results"].size() == 3);
  const json& place = run["results"][0]["locations"][0]["physicalLocation"];
  CHECK(place["artifactLocation"]["uri"] == "environments/prod/web/app.yaml");
  CHECK(place["region"] == json({{"startLine", 12}, {"startColumn", 7}}));
  const json& whole = run["results"][2]["locations"][0]["physicalLocation"];
  CHECK(whole["artifactLocation"]["uri"] == "environments/a%20b.yaml");
  CHECK_FALSE(whole.contains("region"));
  CHECK(json::parse(FormatReport({}, ReportFormat::kSarif, 9))["runs"][0]["results"] ==
        json::array());
}

TEST_CASE("the JUnit report fails one case for each file with problems") {
  const std::string report = FormatReport(kProblems, ReportFormat::kJunit, 9);
  CHECK(report.find("<testsuite name=\"sluice validate\" tests=\"3\" failures=\"2\">") !=
        std::string::npos);
  CHECK(report.find(
            "name=\"environments/prod/web/app.yaml\">\n      <failure message=\"2 problems\">") !=
        std::string::npos);
  CHECK(report.find("must be &lt;one&gt; of &quot;a&quot; &amp; b") != std::string::npos);
  CHECK(report.find("name=\"7 files without problems\"/>") != std::string::npos);
  CHECK(FormatReport({}, ReportFormat::kJunit, 1).find("tests=\"1\" failures=\"0\"") !=
        std::string::npos);
}

TEST_CASE("the JUnit report has no character that XML has not") {
  const std::string report =
      FormatReport({{{"a\x01.yaml", 1, 1}, "unknown-field", "unknown field 'a\uFFFE\uFFFF\uFFFD'"}},
                   ReportFormat::kJunit, 1);
  CHECK(report.find("unknown field 'a\\ufffe\\uffff\uFFFD'") != std::string::npos);
  for (const char* bad : {"\uFFFE", "\uFFFF", "\x01"}) CHECK(report.find(bad) == std::string::npos);
}

}  // namespace sluice::config
