#include <atomic>
#include <thread>

#include "tests/unit/io/http_fixture.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::AnswerAll;
using test::HttpTestServer;
using test::ReceivedRequest;
using test::ServerConnection;

TEST_CASE("a request arrives as it was written and its answer comes back whole") {
  ReceivedRequest seen;
  HttpTestServer server(
      AnswerAll([&](ServerConnection& connection, const ReceivedRequest& request) {
        seen = request;
        connection.Answer(422, "{\"reason\":\"Invalid\"}",
                          "Content-Type: application/json\r\nWarning: one\r\nWarning: two\r\n");
      }));
  const auto client = MakeClient();
  HttpRequest request;
  request.method = "PATCH";
  request.url = server.Url("/apis/apps/v1?fieldManager=sluice&dryRun=All");
  request.headers = {{"Content-Type", "application/apply-patch+yaml"},
                     {"Authorization", "Bearer t"},
                     {"X-Empty", ""}};
  request.body = std::string("{\"a\":1}\0tail", 12);
  const auto response = client->Send(request, In(10s));
  REQUIRE(response);
  CHECK(response->status == 422);
  CHECK(response->body == "{\"reason\":\"Invalid\"}");
  CHECK(response->Header("content-type") == "application/json");
  CHECK(response->headers.count("warning") == 2);
  CHECK(response->Header("absent").empty());
  CHECK(seen.method == "PATCH");
  CHECK(seen.target == "/apis/apps/v1?fieldManager=sluice&dryRun=All");
  CHECK(seen.body == request.body);
  CHECK(seen.headers["authorization"] == "Bearer t");
  CHECK(seen.headers["user-agent"] == "sluice");
  CHECK(seen.headers.contains("x-empty"));
  CHECK_FALSE(seen.headers.contains("expect"));
}

TEST_CASE("each method is sent with the body it may have") {
  ReceivedRequest seen;
  HttpTestServer server(
      AnswerAll([&](ServerConnection& connection, const ReceivedRequest& request) {
        seen = request;
        if (request.method == "HEAD") {
          connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
        } else {
          connection.Answer(200, "x");
        }
      }));
  const auto client = MakeClient();
  struct Row {
    std::string method, body, length;
  };
  const auto row = GENERATE(values<Row>({{"GET", "", ""},
                                         {"HEAD", "", ""},
                                         {"DELETE", "", ""},
                                         {"DELETE", "{}", "2"},
                                         {"POST", "", "0"},
                                         {"POST", "ab", "2"},
                                         {"PUT", "abc", "3"}}));
  DYNAMIC_SECTION(row.method << " with " << row.body.size() << " bytes") {
    HttpRequest request;
    request.method = row.method;
    request.url = server.Url();
    request.body = row.body;
    const auto response = client->Send(request, In(10s));
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(seen.method == row.method);
    CHECK(seen.body == row.body);
    CHECK(seen.headers["content-length"] == row.length);
    CHECK_FALSE(seen.headers.contains("content-type"));
  }
}

TEST_CASE("headers and urls that would smuggle a second request are refused") {
  const auto client = MakeClient();
  HttpRequest request;
  request.url = "http://127.0.0.1:1/";
  request.headers = {{"X-A", "1\r\nX-B: 2"}};
  auto response = client->Send(request, In(10s));
  REQUIRE_FALSE(response);
  CHECK(response.error().code() == ErrorCode::kInvalidArgument);
  CHECK(response.error().message().find("header 'X-A'") != std::string::npos);
  request.headers.clear();
  for (const char* url :
       {"file:///etc/passwd", "ftp://127.0.0.1/x", "http://127.0.0.1:1/a b", "http://", "\r\n"}) {
    request.url = url;
    response = client->Send(request, In(10s));
    REQUIRE_FALSE(response);
    CHECK(response.error().code() == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("connections are kept alive and used again") {
  HttpTestServer server(AnswerAll(
      [](ServerConnection& connection, const ReceivedRequest&) { connection.Answer(200, "ok"); }));
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  for (int i = 0; i < 20; ++i) REQUIRE(client->Send(request, In(10s)));
  CHECK(server.connections() == 1);
}

TEST_CASE("a batch comes back in order and never has more in flight than allowed") {
  std::atomic<int> now = 0, most = 0;
  HttpTestServer server([&](ServerConnection& connection) {
    while (const auto request = connection.Read()) {
      const int current = ++now;
      int seen = most;
      while (seen < current && !most.compare_exchange_weak(seen, current)) {
      }
      std::this_thread::sleep_for(2ms);
      --now;
      connection.Answer(200, request->target);
    }
  });
  const auto client = MakeClient({.max_in_flight = 8});
  std::vector<HttpRequest> requests(200);
  for (size_t i = 0; i < requests.size(); ++i)
    requests[i].url = server.Url("/" + std::to_string(i));
  const auto responses = client->SendAll(requests, In(60s));
  REQUIRE(responses.size() == requests.size());
  for (size_t i = 0; i < responses.size(); ++i) {
    REQUIRE(responses[i]);
    CHECK(responses[i]->body == "/" + std::to_string(i));
  }
  CHECK(most <= 8);
  CHECK(most > 1);
  CHECK(server.connections() <= 8);
  CHECK(client->SendAll({}, In(1s)).empty());
}

TEST_CASE("one bad request in a batch does not spoil the others") {
  HttpTestServer server(AnswerAll(
      [](ServerConnection& connection, const ReceivedRequest&) { connection.Answer(200, "ok"); }));
  const auto client = MakeClient();
  std::vector<HttpRequest> requests(3);
  requests[0].url = server.Url();
  requests[1].url = "http://127.0.0.1:" + std::to_string(test::ClosedPort()) + "/";
  requests[2].url = server.Url();
  const auto responses = client->SendAll(requests, In(20s));
  CHECK(responses[0]);
  REQUIRE_FALSE(responses[1]);
  CHECK(responses[1].error().reason() == kReasonConnectionFailed);
  CHECK(responses[2]);
}

TEST_CASE("many threads share one client") {
  HttpTestServer server(AnswerAll([](ServerConnection& connection, const ReceivedRequest& request) {
    connection.Answer(200, request.target);
  }));
  const auto client = MakeClient();
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 16; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 25; ++i) {
          HttpRequest request;
          request.url = server.Url("/" + std::to_string(t) + "-" + std::to_string(i));
          const auto response = client->Send(request, In(60s));
          if (response && response->body == "/" + std::to_string(t) + "-" + std::to_string(i))
            ++good;
        }
      });
    }
  }
  CHECK(good == 16 * 25);
  CHECK(server.connections() <= 64);
}

TEST_CASE("connect_to changes where the connection goes, not whom the request names") {
  std::string host;
  HttpTestServer server(
      AnswerAll([&](ServerConnection& connection, const ReceivedRequest& request) {
        host = request.headers.at("host");
        connection.Answer(200, "ok");
      }));
  const auto client = MakeClient();
  HttpRequest request;
  request.url = "http://checkout.example/healthz";
  request.connect_to = "127.0.0.1:" + std::to_string(server.port());
  const auto response = client->Send(request, In(10s));
  REQUIRE(response);
  CHECK(host == "checkout.example");
}

TEST_CASE("redirects are returned, and followed only when asked for") {
  HttpTestServer server(
      AnswerAll([&](ServerConnection& connection, const ReceivedRequest& request) {
        if (request.target == "/old") return (void)connection.Answer(302, "", "Location: /new\r\n");
        if (request.target == "/loop")
          return (void)connection.Answer(302, "", "Location: /loop\r\n");
        connection.Answer(200, "new");
      }));
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url("/old");
  auto response = client->Send(request, In(10s));
  REQUIRE(response);
  CHECK(response->status == 302);
  CHECK(response->Header("location") == "/new");
  request.redirects = Redirects::kFollow;
  response = client->Send(request, In(10s));
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(response->body == "new");
  CHECK(response->Header("location").empty());
  request.url = server.Url("/loop");
  response = client->Send(request, In(10s));
  REQUIRE_FALSE(response);
  CHECK(response.error().message().find("more than 5 redirects") != std::string::npos);
}

TEST_CASE("proxies of the environment are ignored; one that is named is used") {
  std::string target;
  HttpTestServer proxy(AnswerAll([&](ServerConnection& connection, const ReceivedRequest& request) {
    target = request.target;
    connection.Answer(200, "from the proxy");
  }));
  HttpTestServer server(AnswerAll([](ServerConnection& connection, const ReceivedRequest&) {
    connection.Answer(200, "direct");
  }));
  const std::string proxy_url = "http://127.0.0.1:" + std::to_string(proxy.port());
  setenv("http_proxy", proxy_url.c_str(), 1);
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  auto response = client->Send(request, In(10s));
  setenv("http_proxy", "", 1);
  REQUIRE(response);
  CHECK(response->body == "direct");
  request.url = "http://far.example/x";
  request.proxy = proxy_url;
  response = client->Send(request, In(10s));
  REQUIRE(response);
  CHECK(response->body == "from the proxy");
  CHECK(target == "http://far.example/x");
}

TEST_CASE("interim answers are skipped and chunked bodies joined") {
  HttpTestServer server(AnswerAll([](ServerConnection& connection, const ReceivedRequest&) {
    connection.Write(
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\n"
        "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
  }));
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  const auto response = client->Send(request, In(10s));
  REQUIRE(response);
  CHECK(response->status == 200);
  CHECK(response->body == "abcdefg");
  CHECK(response->Header("link").empty());
}

}  // namespace
}  // namespace sluice
