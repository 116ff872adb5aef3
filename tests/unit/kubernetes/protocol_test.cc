// What goes over the wire and what answers mean: JSON text, statuses, retries.
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/targets/kubernetes/api_status.h"
#include "engine/targets/kubernetes/json_writer.h"
#include "tests/support/catch.h"
#include "tests/unit/kubernetes/wire.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

TEST_CASE("text that YAML 1.1 would alter is escaped, and nothing else") {
  CHECK(*WriteJson("a/b \"q\" \\ \n\t\r") == R"("a/b \"q\" \\ \n\t\r")");
  CHECK(*WriteJson(std::string("\x00\x01\x1f", 3)) == R"("\u0000\u0001\u001f")");
  CHECK(*WriteJson("\x7f \xC2\x80 \xC2\x85 \xC2\x9F \xC2\xA0") ==
        "\"\\u007f \\u0080 \\u0085 \\u009f \xC2\xA0\"");
  CHECK(*WriteJson("\xE2\x80\xA8\xE2\x80\xA9\xEF\xBB\xBF\xEF\xBF\xBE\xEF\xBF\xBF") ==
        R"("\u2028\u2029\ufeff\ufffe\uffff")");
  CHECK(*WriteJson("é😀") == "\"é😀\"");
  CHECK(*WriteJson(json({{"y", json::array({true, nullptr})}, {"<<", json::object()}})) ==
        R"({"<<":{},"y":[true,null]})");
}

TEST_CASE("numbers are written as Go writes them") {
  CHECK(*WriteJson(
            json::array({1.0, 1e3, -0.5, 1.5, 1e20, 1e21, 1e-6, 1e-7, INT64_MIN, UINT64_MAX})) ==
        "[1,1000,-0.5,1.5,100000000000000000000,1e+21,0.000001,1e-07,-9223372036854775808,"
        "18446744073709551615]");
  CHECK_FALSE(WriteJson(std::nan("")));
}

TEST_CASE("what no server could read is refused with its place") {
  const auto error = [](const json& value) {
    const auto text = WriteJson(value);
    REQUIRE_FALSE(text);
    CHECK(text.error().code() == ErrorCode::kRejected);
    return text.error().message();
  };
  CHECK_THAT(error({{"data", {{std::string(1000, 'k'), 1}}}}),
             Catch::Contains("/data: the key 'kkk"));
  CHECK(WriteJson({{std::string(990, 'k'), 1}}));
  CHECK_THAT(error({{"data", {{"a", "\xff"}}}}),
             Catch::Contains("/data/a: text that is not UTF-8"));
  json deep = 1;
  for (int i = 0; i < 300; ++i) deep = json::array({deep});
  CHECK_THAT(error(deep), Catch::Contains("deeper than 200"));
}

json StatusBody(const std::string& message, const std::string& reason = "",
                const json& details = nullptr) {
  json body = {
      {"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"}, {"message", message}};
  if (!reason.empty()) body["reason"] = reason;
  if (!details.is_null()) body["details"] = details;
  return body;
}

TEST_CASE("an answer tells bad content from missing rights and from no verdict") {
  struct Row {
    int status;
    json body;
    ErrorCode code;
    std::string_view reason;
  };
  const std::string rbac =
      "deployments.apps \"web\" is forbidden: User \"sluice\" cannot patch resource "
      "\"deployments\" in API group \"apps\" in the namespace \"x\"";
  const Row row = GENERATE_COPY(values<Row>({
      {401, StatusBody("Unauthorized"), ErrorCode::kUnauthenticated, kReasonUnauthenticated},
      {403, StatusBody(rbac, "Forbidden"), ErrorCode::kPermissionDenied, kReasonForbidden},
      {403,
       StatusBody("roles \"r\" is forbidden: user \"sluice\" is attempting to grant RBAC "
                  "permissions not currently held"),
       ErrorCode::kPermissionDenied, kReasonForbidden},
      {403,
       StatusBody("configmaps is forbidden: User \"system:anonymous\" cannot list resource "
                  "\"configmaps\""),
       ErrorCode::kUnauthenticated, kReasonUnauthenticated},
      {403, nullptr, ErrorCode::kPermissionDenied, kReasonForbidden},
      {403, StatusBody("pods \"p\" is forbidden: exceeded quota: q, requested: pods=1"),
       ErrorCode::kRejected, kReasonQuotaExceeded},
      {403,
       StatusBody("pods \"p\" is forbidden: exceeded quota: q, requested: pods=3,cpu=1, used: "
                  "pods=2,cpu=1, limited: pods=2,cpu=2"),
       ErrorCode::kRejected, kReasonQuotaExceeded},
      {403,
       StatusBody("pods \"p\" is forbidden: exceeded quota: q, requested: pods=1,cpu=1Gi, used: "
                  "pods=2,cpu=1, limited: pods=2,cpu=2"),
       ErrorCode::kRejected, kReasonQuotaExceeded},
      // It would have its place, were it not for others.
      {403,
       StatusBody("pods \"p\" is forbidden: exceeded quota: q, requested: pods=1,cpu=2Gi, used: "
                  "pods=2,cpu=1Gi, limited: pods=2,cpu=2Gi"),
       ErrorCode::kUnavailable, kReasonQuotaExceeded},
      {403,
       StatusBody("pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": "
                  "runAsNonRoot != true"),
       ErrorCode::kRejected, kReasonAdmissionDenied},
      {403, StatusBody("admission webhook \"x.example\" denied the request: no User \"a\""),
       ErrorCode::kRejected, kReasonAdmissionDenied},
      {403,
       StatusBody("x is forbidden: unable to create new content in namespace n because it is being "
                  "terminated"),
       ErrorCode::kUnavailable, kReasonNamespaceTerminating},
      {403, StatusBody("x", "Forbidden", {{"causes", {{{"reason", "NamespaceTerminating"}}}}}),
       ErrorCode::kUnavailable, kReasonNamespaceTerminating},
      {400, StatusBody("admission webhook \"x\" denied the request: bad"), ErrorCode::kRejected,
       kReasonAdmissionDenied},
      {400, StatusBody("admission webhook \"x\" does not support dry run"), ErrorCode::kRejected,
       kReasonDryRunUnsupported},
      {400, StatusBody("strict decoding error"), ErrorCode::kRejected, kReasonContentRejected},
      {400, nullptr, ErrorCode::kUnavailable, kReasonServerError},
      {404,
       StatusBody("namespaces \"x\" not found", "NotFound",
                  {{"name", "x"}, {"kind", "namespaces"}}),
       ErrorCode::kNotFound, kReasonNamespaceMissing},
      {404,
       StatusBody("the server could not find the requested resource", "NotFound", json::object()),
       ErrorCode::kNotFound, kReasonTypeNotServed},
      {404,
       StatusBody("configmaps \"m\" not found", "NotFound",
                  {{"name", "m"}, {"kind", "configmaps"}}),
       ErrorCode::kNotFound, kReasonObjectMissing},
      {409,
       StatusBody("Operation cannot be fulfilled: uid mismatch: the provided object specified uid"),
       ErrorCode::kConflict, kReasonObjectReplaced},
      {409, StatusBody("already exists", "AlreadyExists"), ErrorCode::kConflict,
       kReasonAlreadyExists},
      {409, StatusBody("the object has been modified", "Conflict"), ErrorCode::kConflict,
       kReasonWriteRaced},
      {413, StatusBody("limit is 3145728"), ErrorCode::kRejected, kReasonContentRejected},
      {422,
       StatusBody("Deployment.apps \"web\" is invalid: spec.selector: Invalid value: x: field is "
                  "immutable",
                  "Invalid"),
       ErrorCode::kRejected, kReasonImmutableField},
      {422,
       StatusBody("Service \"s\" is invalid: spec.ports[0].port: Invalid value: 99999", "Invalid"),
       ErrorCode::kRejected, kReasonContentRejected},
      {429, StatusBody("too many requests"), ErrorCode::kRateLimited, kReasonThrottled},
      {500,
       StatusBody("failed to create typed patch object (x; v1, Kind=ConfigMap): .spec: field not "
                  "declared in schema"),
       ErrorCode::kRejected, kReasonContentRejected},
      {500, StatusBody("Internal error occurred: failed calling webhook \"x\": connection refused"),
       ErrorCode::kUnavailable, kReasonWebhookUnavailable},
      {500, StatusBody("etcdserver: leader changed"), ErrorCode::kUnavailable, kReasonServerError},
      {504, StatusBody("Timeout"), ErrorCode::kUnavailable, kReasonServerError},
  }));
  INFO(row.status << " " << row.body);
  const Error error = DecodeFailure(row.status, row.body);
  CHECK(error.code() == row.code);
  CHECK(error.reason() == row.reason);
}

TEST_CASE("a field conflict names every field and its owner") {
  const json body = StatusBody("Apply failed with 2 conflicts", "Conflict",
                               {{"causes",
                                 {{{"reason", "FieldManagerConflict"},
                                   {"field", ".spec.replicas"},
                                   {"message",
                                    "conflict with \"hpa\" with subresource \"scale\" using "
                                    "apps/v1 at 2026-01-01T00:00:00Z"}},
                                  {{"reason", "FieldManagerConflict"},
                                   {"field", ".data.a"},
                                   {"message", "conflict with \"kubectl\""}}}}});
  const auto conflicts = ConflictsOf(body);
  REQUIRE(conflicts.size() == 2);
  CHECK(conflicts[0].field == ".spec.replicas");
  CHECK(conflicts[0].manager == "hpa");
  const Error error = DecodeFailure(409, body);
  CHECK(error.reason() == kReasonFieldConflict);
  CHECK_THAT(error.message(), Catch::Contains(".data.a is owned by 'kubectl'"));
}

TEST_CASE("a request carries prefix, query, credentials and is counted by verb") {
  Wire wire([](const HttpRequest&, int) {
    return Json(200, "{}", {{"warning", "299 - \"old \\\"API\\\"\""}});
  });
  const auto answer = wire.client.Write({.verb = Verb::kPatch,
                                         .method = "PATCH",
                                         .path = "/api/v1/x",
                                         .query = {{"a", "1 &2"}},
                                         .body = "{}",
                                         .content_type = "application/apply-patch+yaml",
                                         .what = "X"},
                                        wire.Soon());
  REQUIRE(answer);
  CHECK(answer->warnings == std::vector<std::string>{"old \"API\""});
  CHECK(wire.http.requests[0].url == "https://h/prefix/api/v1/x?a=1%20%262");
  CHECK(HeaderOf(wire.http.requests[0], "Authorization") == "Bearer t");
  CHECK(HeaderOf(wire.http.requests[0], "Content-Type") == "application/apply-patch+yaml");
  CHECK(wire.metrics.Snapshot().requests == std::map<std::string, int64_t>{{"patch", 1}});
  CHECK(wire.effects.Counts().size() == 1);
}

TEST_CASE("a throttled request waits as long as the server asks") {
  Wire wire([](const HttpRequest&, int number) {
    return number < 3 ? Json(429, "{}", {{"retry-after", "7"}}) : Json(200, "{}");
  });
  const SteadyTime start = wire.clock.SteadyNow();
  const auto answer = wire.client.Send({.path = "/x"}, wire.Soon());
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(wire.clock.SteadyNow() - start >= 14s);
  CHECK(wire.clock.SteadyNow() - start < 16s);
}

TEST_CASE("when the time does not suffice for another attempt the answer is what came") {
  Wire wire([](const HttpRequest&, int) { return Json(429, "{}", {{"retry-after", "30"}}); });
  const auto answer = wire.client.Send({.path = "/x"}, wire.Soon(20s));
  REQUIRE(answer);
  CHECK(ToStatus(*answer).error().code() == ErrorCode::kRateLimited);
  CHECK(wire.http.requests.size() == 1);
}

TEST_CASE("server errors are tried again, refused content and creates are not") {
  const auto sent = [](Verb verb, int status, const std::string& body) {
    Wire wire([&](const HttpRequest&, int) { return Json(status, body); });
    REQUIRE(wire.client.Write({.verb = verb, .path = "/x"}, wire.Soon()));
    return wire.http.requests.size();
  };
  CHECK(sent(Verb::kPatch, 503, "{}") == 4);
  CHECK(sent(Verb::kPatch, 500,
             StatusBody("failed to create typed patch object: .x: field not declared in schema")
                 .dump()) == 1);
  CHECK(sent(Verb::kPatch, 422, "{}") == 1);
  CHECK(sent(Verb::kCreate, 503, "{}") == 1);
  CHECK(sent(Verb::kCreate, 429, "{}") == 8);
}

TEST_CASE("a lost connection is tried again and a lost create is not") {
  const auto sent = [](Verb verb, std::string_view reason) {
    Wire wire([&](const HttpRequest&, int) -> Result<HttpResponse> {
      return Fail(ErrorCode::kUnavailable, std::string(reason), "x");
    });
    const auto answer = wire.client.Write({.verb = verb, .path = "/x"}, wire.Soon());
    REQUIRE_FALSE(answer);
    CHECK_THAT(answer.error().message(), Catch::Contains("cluster 'c'"));
    return wire.http.requests.size();
  };
  CHECK(sent(Verb::kPatch, kReasonConnectionFailed) == 4);
  CHECK(sent(Verb::kCreate, kReasonConnectionFailed) == 1);
  CHECK(sent(Verb::kGet, kReasonDnsFailed) == 1);
}

TEST_CASE("success without a JSON body is no answer") {
  Wire wire([](const HttpRequest&, int number) {
    return number == 1 ? Json(200, "{\"items\": [") : Json(200, "{}");
  });
  CHECK(wire.client.Send({.path = "/x"}, wire.Soon())->body == json::object());
  Wire proxy([](const HttpRequest&, int) { return Json(200, "<html>"); });
  CHECK_THAT(proxy.client.Send({.path = "/x"}, proxy.Soon()).error().message(),
             Catch::Contains("is this a Kubernetes API server?"));
}

TEST_CASE("a stop ends the waiting between attempts") {
  Wire wire([](const HttpRequest&, int) { return Json(503, "{}"); });
  wire.stop.request_stop();
  const auto answer = wire.client.Send({.path = "/x"}, wire.Soon());
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code() == ErrorCode::kCancelled);
}

}  // namespace
}  // namespace sluice::targets::kubernetes
