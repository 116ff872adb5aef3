// What a client must survive: refused, silent, dripping, truncated, stale and too large.
#include <atomic>
#include <thread>

#include "tests/unit/io/http_fixture.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using test::AnswerAll;
using test::HttpTestServer;
using test::ReceivedRequest;
using test::ServerConnection;

Error ErrorOf(HttpClient& client, const HttpRequest& request, const Call& call) {
  auto response = client.Send(request, call);
  REQUIRE_FALSE(response);
  return response.error();
}

TEST_CASE("a refused connection names host, port and reason, and no secret of the url") {
  const auto client = MakeClient();
  HttpRequest request;
  const std::string port = std::to_string(test::ClosedPort());
  request.url = "http://user:pass@127.0.0.1:" + port + "/path?token=secret";
  const Error error = ErrorOf(*client, request, In(10s));
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.reason() == kReasonConnectionFailed);
  CHECK(error.message() == "GET http://127.0.0.1:" + port + "/path: connection refused");
}

TEST_CASE("a host name that does not exist is told apart from a dead host") {
  const auto client = MakeClient();
  HttpRequest request;
  request.url = "http://no-such-host.invalid/";
  const Error error = ErrorOf(*client, request, In(20s));
  CHECK(error.reason() == kReasonDnsFailed);
  CHECK_THAT(error.message(), Contains("no-such-host.invalid"));
  if (error.code() == ErrorCode::kUnavailable)
    CHECK_THAT(error.message(), Contains("cannot be resolved"));
}

TEST_CASE("a silent server costs no more than the deadline") {
  std::atomic<bool> is_closed = false;
  HttpTestServer server(
      [&](ServerConnection& connection) { is_closed = connection.WaitForClose(); });
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  const auto start = std::chrono::steady_clock::now();
  const Error error = ErrorOf(*client, request, In(200ms));
  CHECK(std::chrono::steady_clock::now() - start < 10s);
  CHECK(error.code() == ErrorCode::kDeadlineExceeded);
  CHECK_THAT(error.message(), Contains("no answer within") && Contains("no answer came"));
  while (!is_closed) std::this_thread::sleep_for(1ms);  // the connection does not linger
}

TEST_CASE("a dripping server costs no more than the deadline") {
  HttpTestServer* self = nullptr;
  HttpTestServer server([&](ServerConnection& connection) {
    connection.Read();
    connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (self->Pause(20) && connection.Write("x")) {
    }
  });
  self = &server;
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  const Error error = ErrorOf(*client, request, In(400ms));
  CHECK(error.code() == ErrorCode::kDeadlineExceeded);
  CHECK_THAT(error.message(), Contains("bytes of the answer had come"));
}

TEST_CASE("silence beyond the idle timeout ends a request long before its deadline") {
  HttpTestServer server([&](ServerConnection& connection) {
    connection.Read();
    connection.Write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    connection.WaitForClose();
  });
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  request.idle_timeout = 150ms;
  const Error error = ErrorOf(*client, request, In(120s));
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK_THAT(error.message(), Contains("nothing came for 150ms"));
}

TEST_CASE("waiting for a place counts against the deadline too") {
  HttpTestServer server([](ServerConnection& connection) { connection.WaitForClose(); });
  const auto client = MakeClient({.max_in_flight = 1});
  std::vector<HttpRequest> requests(3);
  for (auto& request : requests) request.url = server.Url();
  const auto responses = client->SendAll(requests, In(200ms));
  for (const auto& response : responses) {
    REQUIRE_FALSE(response);
    CHECK(response.error().code() == ErrorCode::kDeadlineExceeded);
  }
  CHECK_THAT(responses[2].error().message(), Contains("still waiting for one of 1 places"));
}

TEST_CASE("a call that is over before it starts sends nothing") {
  HttpTestServer server(AnswerAll(
      [](ServerConnection& connection, const ReceivedRequest&) { connection.Answer(200, ""); }));
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  CHECK(ErrorOf(*client, request, In(-1ms)).code() == ErrorCode::kDeadlineExceeded);
  std::stop_source stop;
  stop.request_stop();
  CHECK(ErrorOf(*client, request, {std::chrono::steady_clock::now() + 10s, stop.get_token()})
            .code() == ErrorCode::kCancelled);
  CHECK(server.connections() == 0);
}

TEST_CASE("a stop ends requests in flight and queued at once") {
  std::atomic<int> waiting = 0;
  HttpTestServer server([&](ServerConnection& connection) {
    connection.Read();
    ++waiting;
    connection.WaitForClose();
  });
  const auto client = MakeClient({.max_in_flight = 2});
  std::stop_source stop;
  std::jthread stopper([&] {
    while (waiting < 2) std::this_thread::sleep_for(1ms);
    stop.request_stop();
  });
  std::vector<HttpRequest> requests(5);
  for (auto& request : requests) request.url = server.Url();
  const auto start = std::chrono::steady_clock::now();
  const auto responses = client->SendAll(requests, {start + 120s, stop.get_token()});
  CHECK(std::chrono::steady_clock::now() - start < 60s);
  for (const auto& response : responses) {
    REQUIRE_FALSE(response);
    CHECK(response.error().code() == ErrorCode::kCancelled);
  }
}

TEST_CASE("an answer that is cut off is an error, with a length and without") {
  const std::string answer =
      GENERATE(as<std::string>(), "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf");
  HttpTestServer server([&](ServerConnection& connection) {
    connection.Read();
    connection.Write(answer);
  });
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  const Error error = ErrorOf(*client, request, In(10s));
  CHECK(error.code() == ErrorCode::kUnavailable);
  CHECK(error.reason() == kReasonResponseTruncated);
}

TEST_CASE("an answer above the cap is given up, declared or not") {
  const bool is_declared = GENERATE(true, false);
  HttpTestServer server([&](ServerConnection& connection) {
    connection.Read();
    const std::string body(300'000, 'x');
    connection.Write(is_declared ? "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n"
                                 : "HTTP/1.1 200 OK\r\n\r\n");
    connection.Write(body);
  });
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  request.max_response_bytes = 100'000;
  const Error error = ErrorOf(*client, request, In(10s));
  CHECK(error.reason() == kReasonResponseTooLarge);
  CHECK_THAT(error.message(), Contains("larger than 100000 bytes"));
}

TEST_CASE("something that is not HTTP is an error") {
  HttpTestServer server([&](ServerConnection& connection) {
    connection.Read();
    connection.Write("SSH-2.0-OpenSSH_9.2\r\n");
  });
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  CHECK(ErrorOf(*client, request, In(10s)).code() == ErrorCode::kUnavailable);
}

TEST_CASE("a connection that broke while idle is replaced without the caller noticing") {
  HttpTestServer server([&](ServerConnection& connection) {
    connection.Read();
    connection.Answer(200, std::to_string(connection.number));
    if (connection.number % 2 == 1) {
      connection.Read();  // the second request arrives and gets a reset instead of an answer
      connection.Reset();
      return;
    }
    while (connection.Read()) connection.Answer(200, std::to_string(connection.number));
  });
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  request.method = "PATCH";
  request.body = "{}";
  auto response = client->Send(request, In(10s));
  REQUIRE(response);
  CHECK(response->body == "1");
  response = client->Send(request, In(10s));
  REQUIRE(response);
  CHECK(response->body == "2");
}

TEST_CASE("a whole pool of connections that broke while idle is left behind") {
  constexpr int kPool = 12;  // more than curl itself is ready to try
  std::atomic<int> arrived = 0;
  HttpTestServer server([&](ServerConnection& connection) {
    connection.Read();
    if (connection.number > kPool) return (void)connection.Answer(200, "new");
    ++arrived;
    while (arrived < kPool) std::this_thread::sleep_for(1ms);
    connection.Answer(200, "old");
    connection.Read();
    connection.Reset();
  });
  const auto client = MakeClient();
  std::vector<HttpRequest> requests(kPool);
  for (auto& request : requests) request.url = server.Url();
  for (const auto& response : client->SendAll(requests, In(60s))) REQUIRE(response);
  const auto response = client->Send(requests[0], In(60s));
  REQUIRE(response);
  CHECK(response->body == "new");
}

TEST_CASE("a POST is never sent twice") {
  std::atomic<int> posts = 0;
  HttpTestServer server([&](ServerConnection& connection) {
    if (const auto first = connection.Read(); first && first->method == "GET") {
      connection.Answer(200, "");
      if (const auto second = connection.Read(); second && second->method == "POST") ++posts;
      return;
    }
    ++posts;  // answers nothing
  });
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  REQUIRE(client->Send(request, In(10s)));
  request.method = "POST";
  const Error error = ErrorOf(*client, request, In(10s));
  CHECK(error.reason() == kReasonConnectionFailed);
  CHECK(posts == 1);
}

TEST_CASE("a new connection that breaks is not tried again") {
  std::atomic<int> requests = 0;
  HttpTestServer server([&](ServerConnection& connection) {
    if (connection.Read()) ++requests;
    connection.Reset();
  });
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  CHECK(ErrorOf(*client, request, In(10s)).reason() == kReasonConnectionFailed);
  CHECK(requests == 1);
}

TEST_CASE("a throttled answer is a value with its Retry-After") {
  HttpTestServer server(AnswerAll([](ServerConnection& connection, const ReceivedRequest&) {
    connection.Answer(429, "slow down", "Retry-After: 7\r\n");
  }));
  const auto client = MakeClient();
  HttpRequest request;
  request.url = server.Url();
  const auto response = client->Send(request, In(10s));
  REQUIRE(response);
  CHECK(response->status == 429);
  CHECK(response->Header("retry-after") == "7");
}

TEST_CASE("a client survives ten thousand requests to a server that keeps closing connections") {
  HttpTestServer server([&](ServerConnection& connection) {
    for (int i = 0; i < 50; ++i) {
      if (!connection.Read() ||
          !connection.Answer(200, "ok", i == 49 ? "Connection: close\r\n" : ""))
        return;
    }
  });
  const auto client = MakeClient();
  std::vector<HttpRequest> requests(10'000);
  for (auto& request : requests) request.url = server.Url();
  int failed = 0;
  for (const auto& response : client->SendAll(requests, In(300s))) failed += response ? 0 : 1;
  CHECK(failed == 0);
}

}  // namespace
}  // namespace sluice
