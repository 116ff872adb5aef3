// Attempts, samples and what ends them.
#include <atomic>
#include <nlohmann/json.hpp>

#include "engine/verify/verify.h"
#include "tests/unit/verify/verify_fixture.h"

namespace sluice::verify {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

// A job whose calls end as the script says: y passed, n said no, ? no verdict.
struct Scripted : VerifyFixture {
  std::string script;
  size_t calls = 0;
  std::vector<SteadyTime> deadlines;

  Scripted() {
    files["environments/prod/checkout/job.yaml"] = {"apiVersion: batch/v1\nkind: Job\n"};
  }

  static SmokeTest Test() {
    SmokeTest test;
    test.name = "scripted";
    test.check = TaskSmokeTest{testing::Kinds().front(), "job.yaml"};
    return test;
  }
  TestResult Play(const std::string& calls_to_come, const SmokeTest& test) {
    script = calls_to_come;
    calls = 0;
    auto context = MakeContext();
    context.run_task = [this](const nlohmann::json&,
                              const Call& call) -> Result<std::pair<bool, std::string>> {
      deadlines.push_back(call.deadline);
      const char next = script.at(calls++);
      if (next == '?') return Fail(ErrorCode::kUnavailable, "the API is down");
      return std::pair(next == 'y', std::string(next == 'y' ? "complete" : "failed"));
    };
    return RunWith(test, context);
  }
};

TEST_CASE_METHOD(Scripted, "attempts go on until one passes or none is left") {
  SmokeTest test = Test();
  test.retries = 3;
  test.interval = 5s;
  struct Row {
    std::string script;
    Verdict verdict;
    int attempts;
  };
  const auto row = GENERATE(values<Row>({{"y", Verdict::kPassed, 1},
                                         {"nny", Verdict::kPassed, 3},
                                         {"?ny", Verdict::kPassed, 3},
                                         {"nnnn", Verdict::kFailed, 4},
                                         {"???n", Verdict::kFailed, 4},
                                         {"nnn?", Verdict::kNoVerdict, 4},
                                         {"????", Verdict::kNoVerdict, 4}}));
  DYNAMIC_SECTION(row.script) {
    const auto result = Play(row.script, test);
    CHECK(result.verdict == row.verdict);
    CHECK(result.attempts == row.attempts);
    CHECK(calls == row.script.size());
    CHECK(clock.waits == std::vector<Duration>(static_cast<size_t>(row.attempts - 1), 5s));
    if (row.attempts > 1)
      CHECK_THAT(result.message, Contains("(attempt " + std::to_string(row.attempts) + " of 4)"));
  }
}

TEST_CASE_METHOD(Scripted, "an attempt with samples passes when enough of its calls do") {
  SmokeTest test = Test();
  test.samples = 5;
  test.required = 3;
  struct Row {
    std::string script;
    Verdict verdict;
  };
  const auto row = GENERATE(
      values<Row>({{"yyy", Verdict::kPassed},  // the rest is not needed
                   {"ynyny", Verdict::kPassed},
                   {"nnn", Verdict::kFailed},       // three cannot be reached any more
                   {"ynny?", Verdict::kNoVerdict},  // the open call could have been the third
                   {"n?n?n", Verdict::kFailed},
                   {"?????", Verdict::kNoVerdict}}));
  DYNAMIC_SECTION(row.script) {
    const auto result = Play(row.script, test);
    CHECK(result.verdict == row.verdict);
    CHECK(calls == row.script.size());
    CHECK_THAT(result.message, Contains("calls passed, 3 of 5 must"));
  }
}

TEST_CASE_METHOD(Scripted,
                 "without a threshold all samples must pass, and each attempt starts anew") {
  SmokeTest test = Test();
  test.samples = 3;
  test.retries = 1;
  CHECK(Play("yynyyy", test).verdict == Verdict::kPassed);
  const auto result = Play("yynyn", test);
  CHECK(result.verdict == Verdict::kFailed);
  CHECK_THAT(result.message,
             Contains("1 of 2 calls passed, 3 of 3 must") && Contains("(attempt 2 of 2)"));
}

TEST_CASE_METHOD(Scripted, "the timeout bounds each call") {
  SmokeTest test = Test();
  test.timeout = 7s;
  test.retries = 1;
  test.interval = 0s;
  const auto start = clock.SteadyNow();
  Play("ny", test);
  REQUIRE(deadlines.size() == 2);
  for (const auto deadline : deadlines) {
    CHECK(deadline >= start + 7s);
    CHECK(deadline < start + 100s);
  }
}

TEST_CASE_METHOD(Scripted,
                 "when the time for verification ends before all attempts, a no is no verdict") {
  SmokeTest test = Test();
  test.retries = 100;
  test.interval = 50s;
  const auto result = Play("nnnnnnnn", test);  // two minutes hold three attempts
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK(result.attempts == 3);
  CHECK_THAT(result.message, Contains("before all 101 attempts"));
}

TEST_CASE_METHOD(Scripted, "a stop ends the tests without a verdict") {
  std::stop_source stop;
  auto context = MakeContext();
  context.run_task = [&](const nlohmann::json&,
                         const Call&) -> Result<std::pair<bool, std::string>> {
    ++calls;
    stop.request_stop();
    return std::pair(false, std::string("failed"));
  };
  SmokeTest test = Test();
  test.retries = 5;
  const auto results = RunAll({test, test}, context, 2min, stop.get_token());
  REQUIRE(results.size() == 1);
  CHECK(results[0].verdict == Verdict::kNoVerdict);
  CHECK(calls == 1);
}

TEST_CASE_METHOD(Scripted, "the first test that does not pass ends the run") {
  auto context = MakeContext();
  context.run_task = [&](const nlohmann::json&,
                         const Call&) -> Result<std::pair<bool, std::string>> {
    return std::pair(++calls == 1, std::string("done"));
  };
  SmokeTest first = Test(), second = Test(), third = Test();
  first.name = "first";
  second.name = "second";
  const auto results = RunAll({first, second, third}, context);
  REQUIRE(results.size() == 2);
  CHECK(results[0].name == "first");
  CHECK(results[0].verdict == Verdict::kPassed);
  CHECK(results[1].name == "second");
  CHECK(results[1].verdict == Verdict::kFailed);
  CHECK(RunAll({}, context).empty());
}

TEST_CASE("verdicts have the names the log uses") {
  CHECK(ToString(Verdict::kPassed) == "passed");
  CHECK(ToString(Verdict::kFailed) == "failed");
  CHECK(ToString(Verdict::kNoVerdict) == "no-verdict");
}

}  // namespace
}  // namespace sluice::verify
