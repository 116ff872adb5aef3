#include <atomic>

#include "tests/unit/io/http_fixture.h"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using test::AnswerAll;
using test::Certificate;
using test::HttpTestServer;
using test::MakeCertificate;
using test::ReceivedRequest;
using test::ServerConnection;

const Certificate& Ca() {
  static const Certificate ca = MakeCertificate({.name = "test CA", .is_ca = true});
  return ca;
}

HttpTestServer::Handler Ok() {
  return AnswerAll([](ServerConnection& connection, const ReceivedRequest& request) {
    connection.Answer(200, request.headers.at("host"));
  });
}

Result<HttpResponse> Get(const HttpTestServer& server, TlsSettings tls) {
  auto client = MakeCurlHttpClient();
  REQUIRE(client);
  HttpRequest request;
  request.url = server.Url();
  request.tls = std::make_shared<const TlsSettings>(std::move(tls));
  return (*client)->Send(request, In(20s));
}

TEST_CASE("a certificate of the given CA is accepted") {
  HttpTestServer server(Ok(), HttpTestServer::Tls{MakeCertificate({.issuer = &Ca()}), ""});
  const auto response = Get(server, {.ca_pem = Ca().cert_pem});
  REQUIRE(response);
  CHECK(response->status == 200);
}

TEST_CASE("an expired certificate is named as such") {
  HttpTestServer server(
      Ok(),
      HttpTestServer::Tls{
          MakeCertificate({.valid_from_days = -10, .valid_to_days = -2, .issuer = &Ca()}), ""});
  const auto response = Get(server, {.ca_pem = Ca().cert_pem});
  REQUIRE_FALSE(response);
  CHECK(response.error().code() == ErrorCode::kUnavailable);
  CHECK(response.error().reason() == kReasonTlsFailed);
  CHECK_THAT(response.error().message(),
             Contains("has expired") && Contains("127.0.0.1:" + std::to_string(server.port())));
}

TEST_CASE("a certificate that is not valid yet points at the clocks") {
  HttpTestServer server(
      Ok(), HttpTestServer::Tls{
                MakeCertificate({.valid_from_days = 2, .valid_to_days = 9, .issuer = &Ca()}), ""});
  const auto response = Get(server, {.ca_pem = Ca().cert_pem});
  REQUIRE_FALSE(response);
  CHECK_THAT(response.error().message(), Contains("not valid yet; compare the clocks"));
}

TEST_CASE("an unknown CA says which setting names the right one") {
  const Certificate other = MakeCertificate({.name = "another CA", .is_ca = true});
  HttpTestServer server(Ok(), HttpTestServer::Tls{MakeCertificate({.issuer = &other}), ""});
  const std::string ca = GENERATE_COPY(as<std::string>(), Ca().cert_pem, "");  // "": the system's
  const auto response =
      Get(server, {.ca_pem = ca, .ca_option = "certificate-authority of cluster prod-eu"});
  REQUIRE_FALSE(response);
  CHECK(response.error().code() == ErrorCode::kUnavailable);
  CHECK(response.error().reason() == kReasonTlsFailed);
  CHECK_THAT(response.error().message(),
             Contains("not signed by a CA that we trust") &&
                 Contains("set certificate-authority of cluster prod-eu"));
}

TEST_CASE("a certificate for another host is refused, unless that name is expected") {
  HttpTestServer server(
      Ok(), HttpTestServer::Tls{MakeCertificate({.name = "api.internal", .issuer = &Ca()}), ""});
  auto response = Get(server, {.ca_pem = Ca().cert_pem});
  REQUIRE_FALSE(response);
  CHECK(response.error().reason() == kReasonTlsFailed);
  CHECK_THAT(response.error().message(), Contains("for another host"));
  response = Get(server, {.ca_pem = Ca().cert_pem, .server_name = "api.internal"});
  REQUIRE(response);
  CHECK(response->body == "127.0.0.1:" + std::to_string(server.port()));  // the Host header stays
}

TEST_CASE("verification is off only where that is asked for") {
  const Certificate self_signed = MakeCertificate({});
  HttpTestServer server(Ok(), HttpTestServer::Tls{self_signed, ""});
  CHECK_FALSE(Get(server, {}));
  CHECK(Get(server, {.is_insecure = true}));
  // One client, one connection pool: an unverified connection must not serve a verified request.
  auto client = MakeCurlHttpClient();
  REQUIRE(client);
  HttpRequest request;
  request.url = server.Url();
  request.tls = std::make_shared<const TlsSettings>(TlsSettings{.is_insecure = true});
  REQUIRE((*client)->Send(request, In(20s)));
  request.tls = nullptr;
  CHECK_FALSE((*client)->Send(request, In(20s)));
}

TEST_CASE("a CA text without a certificate is named") {
  HttpTestServer server(Ok(), HttpTestServer::Tls{MakeCertificate({.issuer = &Ca()}), ""});
  const auto response =
      Get(server, {.ca_pem = "not a certificate\n", .ca_option = "repository.caFile"});
  REQUIRE_FALSE(response);
  CHECK(response.error().reason() == kReasonTlsFailed);
  CHECK_THAT(response.error().message(), Contains("repository.caFile holds no usable certificate"));
}

TEST_CASE(
    "client certificates: the right one is accepted, a wrong or missing one is no authentication") {
  HttpTestServer server(Ok(),
                        HttpTestServer::Tls{MakeCertificate({.issuer = &Ca()}), Ca().cert_pem});
  const Certificate good = MakeCertificate({.name = "deployer", .issuer = &Ca()});
  const Certificate stranger = MakeCertificate({.name = "stranger"});
  const Certificate expired =
      MakeCertificate({.name = "old", .valid_from_days = -9, .valid_to_days = -2, .issuer = &Ca()});
  TlsSettings tls{
      .ca_pem = Ca().cert_pem, .client_cert_pem = good.cert_pem, .client_key_pem = good.key_pem};
  CHECK(Get(server, tls));

  SECTION("missing") {
    const auto response = Get(server, {.ca_pem = Ca().cert_pem});
    REQUIRE_FALSE(response);
    CHECK(response.error().code() == ErrorCode::kUnauthenticated);
    CHECK_THAT(response.error().message(), Contains("asks for a client certificate"));
  }
  SECTION("of another CA") {
    tls.client_cert_pem = stranger.cert_pem;
    tls.client_key_pem = stranger.key_pem;
    const auto response = Get(server, tls);
    REQUIRE_FALSE(response);
    CHECK(response.error().code() == ErrorCode::kUnauthenticated);
    CHECK_THAT(response.error().message(), Contains("refuses our client certificate"));
  }
  SECTION("expired") {
    tls.client_cert_pem = expired.cert_pem;
    tls.client_key_pem = expired.key_pem;
    const auto response = Get(server, tls);
    REQUIRE_FALSE(response);
    CHECK(response.error().code() == ErrorCode::kUnauthenticated);
  }
  SECTION("with the key of another") {
    tls.client_key_pem = stranger.key_pem;
    const auto response = Get(server, tls);
    REQUIRE_FALSE(response);
    CHECK(response.error().code() == ErrorCode::kUnauthenticated);
    CHECK_THAT(response.error().message(), Contains("cannot be used"));
  }
}

TEST_CASE("a server that does not speak TLS is named as such") {
  HttpTestServer server(
      [](ServerConnection& connection) { connection.Write("HTTP/1.1 400 Bad Request\r\n\r\n"); });
  auto client = MakeCurlHttpClient();
  REQUIRE(client);
  HttpRequest request;
  request.url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";
  const auto response = (*client)->Send(request, In(20s));
  REQUIRE_FALSE(response);
  CHECK(response.error().reason() == kReasonConnectionFailed);
  CHECK_THAT(response.error().message(), Contains("no TLS session"));
}

}  // namespace
}  // namespace sluice
