#include <nlohmann/json.hpp>

#include "tests/support/http_test_server.h"
#include "tests/unit/verify/verify_fixture.h"

namespace sluice::verify {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using test::AnswerAll;
using test::HttpTestServer;
using test::ReceivedRequest;
using test::ServerConnection;

HttpTestServer::Handler Answering(int status, const std::string& body,
                                  const std::string& headers = "") {
  return AnswerAll([=](ServerConnection& connection, const ReceivedRequest&) {
    connection.Answer(status, body, headers);
  });
}

SmokeTest Http(const std::string& url) {
  SmokeTest test;
  test.name = "up";
  test.check = HttpSmokeTest{.url = url};
  return test;
}

HttpSmokeTest& HttpOf(SmokeTest& test) { return std::get<HttpSmokeTest>(test.check); }

TEST_CASE_METHOD(VerifyFixture, "the expected status passes, any other is a no that names both") {
  HttpTestServer server(Answering(503, "down"));
  SmokeTest test = Http(server.Url("/healthz?token=secret"));
  auto result = Run(test);
  CHECK(result.verdict == Verdict::kFailed);
  CHECK(result.message == "GET http://127.0.0.1:" + std::to_string(server.port()) +
                              "/healthz: status 503, expected 200");
  CHECK(result.attempts == 1);
  HttpOf(test).status = 503;
  result = Run(test);
  CHECK(result.verdict == Verdict::kPassed);
  CHECK_THAT(result.message, Contains("status 503"));
}

TEST_CASE_METHOD(VerifyFixture, "a redirect is an answer like any other") {
  HttpTestServer server(Answering(302, "", "Location: /login\r\n"));
  CHECK_THAT(Run(Http(server.Url())).message, Contains("status 302, expected 200"));
}

TEST_CASE_METHOD(VerifyFixture, "the body must contain the text") {
  HttpTestServer server(Answering(200, "all is well"));
  SmokeTest test = Http(server.Url());
  HttpOf(test).contains = "is well";
  CHECK(Run(test).verdict == Verdict::kPassed);
  HttpOf(test).contains = "is bad";
  const auto result = Run(test);
  CHECK(result.verdict == Verdict::kFailed);
  CHECK_THAT(result.message, Contains("the body (11 bytes) does not contain 'is bad'"));
}

TEST_CASE_METHOD(VerifyFixture, "expected headers are compared whole, sent ones arrive") {
  std::string sent;
  HttpTestServer server(
      AnswerAll([&](ServerConnection& connection, const ReceivedRequest& request) {
        sent = request.headers.count("x-probe") ? request.headers.at("x-probe") : "";
        connection.Answer(200, "", "X-Version: 3\r\nX-Version: 4\r\n");
      }));
  SmokeTest test = Http(server.Url());
  HttpOf(test).headers = {{"X-Probe", "sluice"}};
  HttpOf(test).expect_headers = {{"x-version", "4"}};
  CHECK(Run(test).verdict == Verdict::kPassed);
  CHECK(sent == "sluice");
  HttpOf(test).expect_headers = {{"x-version", "5"}};
  CHECK_THAT(Run(test).message, Contains("header 'x-version' is '3', expected '5'"));
  HttpOf(test).expect_headers = {{"x-other", "5"}};
  CHECK_THAT(Run(test).message, Contains("no header 'x-other', expected '5'"));
}

TEST_CASE_METHOD(VerifyFixture, "a JSON value is found by its pointer and compared with its type") {
  HttpTestServer server(
      Answering(200, R"({"version":"2026.11.3","db":{"ok":true},"items":[1,2],"n":null})"));
  struct Row {
    std::string path;
    nlohmann::json equals;
    std::string problem;
  };
  const auto row = GENERATE(values<Row>({
      {"/version", "2026.11.3", ""},
      {"/db/ok", true, ""},
      {"/items/1", 2, ""},
      {"/items", nlohmann::json::array({1, 2}), ""},
      {"/n", nullptr, ""},
      {"/version", "2026.11.4", "/version is \"2026.11.3\", expected \"2026.11.4\""},
      {"/db/ok", "true", "/db/ok is true, expected \"true\""},
      {"/items/1", "2", "/items/1 is 2, expected \"2\""},
      {"/db", "x", "/db is an object, expected \"x\""},
      {"/absent/x", 1, "the body has no /absent/x, expected 1"},
      {"/items/9", 1, "the body has no /items/9, expected 1"},
      {"/items/x", 1, "the body has no /items/x, expected 1"},
      {"/version/x", 1, "the body has no /version/x, expected 1"},
  }));
  DYNAMIC_SECTION(row.path << " " << row.equals.dump()) {
    SmokeTest test = Http(server.Url());
    HttpOf(test).json = HttpSmokeTest::JsonValue{row.path, row.equals};
    const auto result = Run(test);
    CHECK(result.verdict == (row.problem.empty() ? Verdict::kPassed : Verdict::kFailed));
    CHECK_THAT(result.message, Contains(row.problem));
  }
}

TEST_CASE_METHOD(VerifyFixture,
                 "a body that is not JSON is a no, and hostile text does not reach the terminal") {
  HttpTestServer server(Answering(200, "<html>\x1b[2J"));
  SmokeTest test = Http(server.Url());
  HttpOf(test).json = HttpSmokeTest::JsonValue{"/a", 1};
  CHECK_THAT(Run(test).message, Contains("the body (10 bytes) is not JSON"));
  HttpTestServer hostile(Answering(200, "{\"a\":\"\x1b[2J\xff\"}", "X-A: \x1b[2J\r\n"));
  test = Http(hostile.Url());
  HttpOf(test).expect_headers = {{"x-a", "1"}};
  CHECK(Run(test).message.find('\x1b') == std::string::npos);
  HttpTestServer deep(Answering(200, std::string(200'000, '[') + std::string(200'000, ']')));
  test = Http(deep.Url());
  HttpOf(test).json = HttpSmokeTest::JsonValue{"/0", 1};
  CHECK_THAT(Run(test).message, Contains("/0 is a list, expected 1"));
}

TEST_CASE_METHOD(VerifyFixture,
                 "connectTo reaches a server that the url's name does not resolve to") {
  HttpTestServer server(Answering(200, "ok"));
  SmokeTest test = Http("http://checkout.invalid/healthz");
  HttpOf(test).connect_to = "127.0.0.1:" + std::to_string(server.port());
  const auto result = Run(test);
  CHECK(result.verdict == Verdict::kPassed);
  CHECK_THAT(result.message, Contains("http://checkout.invalid/healthz (at 127.0.0.1:"));
}

TEST_CASE_METHOD(VerifyFixture, "nothing that listens, a hang and a broken connection are a no") {
  SECTION("refused") {
    const auto result = Run(Http("http://127.0.0.1:" + std::to_string(test::ClosedPort()) + "/"));
    CHECK(result.verdict == Verdict::kFailed);
    CHECK_THAT(result.message, Contains("connection refused"));
  }
  SECTION("silent") {
    HttpTestServer server([](ServerConnection& connection) { connection.WaitForClose(); });
    SmokeTest test = Http(server.Url());
    test.timeout = 150ms;
    const auto result = Run(test);
    CHECK(result.verdict == Verdict::kFailed);
    CHECK_THAT(result.message, Contains("no answer within"));
  }
  SECTION("truncated") {
    HttpTestServer server([](ServerConnection& connection) {
      connection.Read();
      connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    });
    const auto result = Run(Http(server.Url()));
    CHECK(result.verdict == Verdict::kFailed);
    CHECK_THAT(result.message, Contains("cut off"));
  }
  SECTION("reset") {
    HttpTestServer server([](ServerConnection& connection) {
      connection.Read();
      connection.Reset();
    });
    CHECK(Run(Http(server.Url())).verdict == Verdict::kFailed);
  }
}

TEST_CASE_METHOD(VerifyFixture, "a name that does not resolve is no verdict, after all attempts") {
  SmokeTest test = Http("http://no-such-host.invalid/");
  test.retries = 2;
  const auto result = Run(test);
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK(result.attempts == 3);
  CHECK_THAT(result.message, Contains("no-such-host.invalid") && Contains("(attempt 3 of 3)"));
}

TEST_CASE_METHOD(VerifyFixture,
                 "a certificate that cannot be verified is no verdict on the version") {
  HttpTestServer server(Answering(200, ""), HttpTestServer::Tls{test::MakeCertificate({}), ""});
  const auto result = Run(Http(server.Url()));
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK_THAT(result.message, Contains("not signed by a CA that we trust"));
}

TEST_CASE_METHOD(VerifyFixture, "a url that cannot be asked is no verdict and is not tried again") {
  SmokeTest test = Http("ftp://checkout/");
  test.retries = 5;
  const auto result = Run(test);
  CHECK(result.verdict == Verdict::kNoVerdict);
  CHECK(result.attempts == 1);
}

}  // namespace
}  // namespace sluice::verify
