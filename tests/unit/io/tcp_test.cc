#include "engine/io/tcp.h"

#include "engine/io/http_client.h"
#include "tests/support/catch.h"
#include "tests/support/http_test_server.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;

Call In(Duration time) { return {std::chrono::steady_clock::now() + time, {}}; }

TEST_CASE("a port that listens is connected to, by address and by name") {
  test::HttpTestServer server(
      [](test::ServerConnection& connection) { connection.WaitForClose(); });
  CHECK(ConnectTcp("127.0.0.1:" + std::to_string(server.port()), In(10s)));
  CHECK(ConnectTcp("localhost:" + std::to_string(server.port()),
                   In(20s)));  // ::1 is refused first where it comes first
}

TEST_CASE("refused, unknown and malformed addresses are told apart") {
  const std::string refused = "127.0.0.1:" + std::to_string(test::ClosedPort());
  auto status = ConnectTcp(refused, In(10s));
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kUnavailable);
  CHECK(status.error().reason() == kReasonConnectionFailed);
  CHECK(status.error().message() == refused + ": connection refused");
  status = ConnectTcp("no-such-host.invalid:80", In(20s));
  REQUIRE_FALSE(status);
  CHECK(status.error().reason() == kReasonDnsFailed);
  for (const char* address :
       {"", ":80", "host", "host:", "host:0", "host:65536", "host:http", "::1:80", "host:-1"}) {
    status = ConnectTcp(address, In(10s));
    REQUIRE_FALSE(status);
    CHECK(status.error().code() == ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("connecting obeys its deadline and its stop") {
  auto status = ConnectTcp("127.0.0.1:1", In(-1s));
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kDeadlineExceeded);
  std::stop_source stop;
  stop.request_stop();
  status = ConnectTcp("127.0.0.1:1", {std::chrono::steady_clock::now() + 10s, stop.get_token()});
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kCancelled);
}

}  // namespace
}  // namespace sluice
