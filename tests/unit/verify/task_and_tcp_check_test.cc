#include <nlohmann/json.hpp>

#include "tests/support/http_test_server.h"
#include "tests/unit/verify/verify_fixture.h"

namespace sluice::verify {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;

SmokeTest Job() {
  SmokeTest test;
  test.name = "migrate";
  test.check = TaskSmokeTest{testing::Kinds().front(), "jobs/check.yaml"};
  test.retries = 3;
  return test;
}

TEST_CASE_METHOD(VerifyFixture, "a job's manifest is handed over as it is declared") {
  files["environments/prod/checkout/jobs/check.yaml"] = {
      "apiVersion: batch/v1\nkind: Job\nmetadata: {name: check}\n"};
  auto context = MakeContext();
  nlohmann::json seen;
  context.run_task = [&](const nlohmann::json& manifest,
                         const Call&) -> Result<std::pair<bool, std::string>> {
    seen = manifest;
    return std::pair(true, std::string("complete"));
  };
  const auto result = RunWith(Job(), context);
  CHECK(result.verdict == Verdict::kPassed);
  CHECK(result.message == "job 'jobs/check.yaml': complete");
  CHECK(seen ==
        nlohmann::json(
            {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", {{"name", "check"}}}}));
}

TEST_CASE_METHOD(VerifyFixture,
                 "a job that cannot be read or run is no verdict and is not tried again") {
  struct Row {
    std::string text, problem;
  };
  const auto row =
      GENERATE(values<Row>({{"", "0 documents"},
                            {"apiVersion: v1\nkind: Pod\n", "expected a Job of batch/v1"},
                            {"- 1\n", "must be a map"},
                            {"kind: [Job\n", "check.yaml"},
                            {"apiVersion: batch/v1\nkind: Job\n---\na: 1\n", "2 documents"}}));
  files["environments/prod/checkout/jobs/check.yaml"] = {row.text};
  auto context = MakeContext();
  context.run_task = [](const nlohmann::json&,
                        const Call&) -> Result<std::pair<bool, std::string>> {
    return std::pair(true, std::string());
  };
  const auto result = RunWith(Job(), context);
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK(result.attempts == 1);
  CHECK_THAT(result.message, Contains(row.problem));
}

TEST_CASE_METHOD(VerifyFixture, "a missing manifest and a target without jobs are named") {
  CHECK_THAT(Run(Job()).message, Contains("no file 'environments/prod/checkout/jobs/check.yaml'"));
  files["environments/prod/checkout/jobs/check.yaml"] = {"apiVersion: batch/v1\nkind: Job\n"};
  const auto result = Run(Job());
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK_THAT(result.message, Contains("runs none"));
}

SmokeTest Tcp(const std::string& address) {
  SmokeTest test;
  test.name = "port";
  test.check = TcpSmokeTest{address};
  test.retries = 1;
  return test;
}

TEST_CASE_METHOD(VerifyFixture, "a port that listens passes; one that does not is a no") {
  test::HttpTestServer server(
      [](test::ServerConnection& connection) { connection.WaitForClose(); });
  auto result = Run(Tcp("127.0.0.1:" + std::to_string(server.port())));
  CHECK(result.verdict == Verdict::kPassed);
  CHECK_THAT(result.message, Contains("connected"));
  result = Run(Tcp("127.0.0.1:" + std::to_string(test::ClosedPort())));
  CHECK(result.verdict == Verdict::kFailed);
  CHECK(result.attempts == 2);
  CHECK_THAT(result.message, Contains("connection refused"));
}

TEST_CASE_METHOD(VerifyFixture, "an address that does not resolve or is none gives no verdict") {
  auto result = Run(Tcp("no-such-host.invalid:80"));
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK(result.attempts == 2);
  result = Run(Tcp("nonsense"));
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK(result.attempts == 1);
}

}  // namespace
}  // namespace sluice::verify
