// What goes over the wire and what answers mean: JSON text, statuses, retries, discovery, owned
// fields.
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/effects.h"
#include "engine/targets/kubernetes/api_status.h"
#include "engine/targets/kubernetes/client.h"
#include "engine/targets/kubernetes/discovery.h"
#include "engine/targets/kubernetes/fieldset.h"
#include "engine/targets/kubernetes/json_writer.h"
#include "engine/targets/kubernetes/kinds.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/kubernetes/fake_http.h"

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

// A client whose server is a function.
struct Wire {
  explicit Wire(FakeHttp::Answer answer,
                ClusterAccess access = {.cluster = "c", .server = "https://h/prefix", .token = "t"})
      : http(std::move(answer)),
        credentials(std::move(access), {}, clock),
        client(http, credentials, clock, effects, metrics) {}
  Call Soon(Duration time = 5min) { return {clock.SteadyNow() + time, stop.get_token()}; }
  testing::FakeClock clock;
  FakeHttp http;
  Effects effects;
  Metrics metrics;
  Credentials credentials;
  Client client;
  std::stop_source stop;
};

TEST_CASE("a request carries prefix, query, credentials and is counted by verb") {
  Wire wire([](const HttpRequest&, int) {
    return Json(200, "{}", {{"warning", "299 - \"old \\\"API\\\"\""}});
  });
  const auto answer = wire.client.Send({.verb = Verb::kPatch,
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
    REQUIRE(wire.client.Send({.verb = verb, .path = "/x"}, wire.Soon()));
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
    const auto answer = wire.client.Send({.verb = verb, .path = "/x"}, wire.Soon());
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

const char* kCore =
    R"({"items":[{"metadata":{"name":""},"versions":[{"version":"v1","freshness":"Current","resources":[
  {"resource":"pods","responseKind":{"kind":"Pod"},"scope":"Namespaced","verbs":["get","list"],"subresources":[{"subresource":"status"}]}]}]}]})";
const char* kGroups =
    R"({"items":[{"metadata":{"name":"apps"},"versions":[{"version":"v1","freshness":"Current","resources":[
  {"resource":"deployments","responseKind":{"kind":"Deployment"},"scope":"Namespaced","verbs":["get"]},{"resource":"parents","scope":"Namespaced"}]}]},
  {"metadata":{"name":"metrics.example"},"versions":[{"version":"v1","freshness":"Stale"}]}]})";

HttpResponse Aggregated(const std::string& body, const std::string& etag) {
  return {200,
          {{"content-type",
            "application/json;as=APIGroupDiscoveryList;charset=utf-8;v=v2;g=apidiscovery.k8s.io"},
           {"etag", etag}},
          body};
}

TEST_CASE("aggregated discovery is read by two requests and asked again by ETag") {
  Wire wire([](const HttpRequest& request, int) -> Result<HttpResponse> {
    if (!HeaderOf(request, "If-None-Match").empty()) return HttpResponse{304, {}, ""};
    return request.url.ends_with("/apis") ? Aggregated(kGroups, "\"g\"")
                                          : Aggregated(kCore, "\"c\"");
  });
  Discovery discovery(wire.client);
  const auto catalog = discovery.Get(wire.Soon());
  INFO((catalog ? "" : catalog.error().message()));
  REQUIRE(catalog);
  const ResourceType* pod = (*catalog)->Find("", "v1", "Pod");
  REQUIRE(pod != nullptr);
  CHECK(pod->has_status);
  CHECK(ObjectPath(*pod, "n", "p") == "/api/v1/namespaces/n/pods/p");
  CHECK(CollectionPath(*(*catalog)->FindPreferred("apps", "Deployment"), "") ==
        "/apis/apps/v1/deployments");
  CHECK((*catalog)->Find("apps", "v1", "") == nullptr);
  CHECK((*catalog)->IsUnknown("metrics.example"));
  CHECK_FALSE((*catalog)->IsUnknown("apps"));
  CHECK(wire.http.requests.size() == 2);
  REQUIRE(discovery.Get(wire.Soon()));
  CHECK(wire.http.requests.size() == 2);
  const auto again = discovery.Refresh(wire.clock.SteadyNow(), wire.Soon());
  REQUIRE(again);
  CHECK((*again)->Find("", "v1", "Pod") != nullptr);
  CHECK(HeaderOf(wire.http.requests.back(), "If-None-Match") == "\"g\"");
}

TEST_CASE(
    "a server without aggregated discovery is read group by group, a failing group is unknown") {
  Wire wire([](const HttpRequest& request, int) -> Result<HttpResponse> {
    const std::string path = request.url.substr(std::string("https://h/prefix").size());
    if (path == "/api") return Json(200, R"({"versions":["v1"]})");
    if (path == "/apis") {
      return Json(
          200,
          R"({"groups":[{"name":"apps","versions":[{"version":"v1beta1"},{"version":"v1"}],"preferredVersion":{"version":"v1"}},
                           {"name":"down.example","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}}]})");
    }
    if (path == "/api/v1")
      return Json(
          200,
          R"({"resources":[{"name":"pods","kind":"Pod","namespaced":true,"verbs":["get"]},{"name":"pods/status","kind":"Pod"}]})");
    if (path == "/apis/down.example/v1") return Json(503, "{}");
    return Json(
        200,
        R"({"resources":[{"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["get"]}]})");
  });
  Discovery discovery(wire.client);
  const auto catalog = discovery.Get(wire.Soon());
  INFO((catalog ? "" : catalog.error().message()));
  REQUIRE(catalog);
  CHECK((*catalog)->Find("", "v1", "Pod")->has_status);
  CHECK((*catalog)->FindPreferred("apps", "Deployment")->version == "v1");
  CHECK((*catalog)->IsUnknown("down.example", "v1"));
}

TEST_CASE("a server that does not say what it serves is no verdict about any kind") {
  const auto fails = [](const Wire& wire, Result<std::shared_ptr<const Catalog>> catalog) {
    REQUIRE_FALSE(catalog);
    CHECK(catalog.error().code() == ErrorCode::kUnavailable);
    CHECK(catalog.error().reason() == kReasonDiscoveryFailed);
    CHECK_THAT(catalog.error().message(), Catch::Contains("kubeconfig"));
    CHECK_FALSE(wire.http.requests.empty());
  };
  SECTION("nothing is found") {
    Wire wire([](const HttpRequest&, int) { return Json(404, "{}"); });
    fails(wire, Discovery(wire.client).Get(wire.Soon()));
  }
  SECTION("the groups are not found") {
    Wire wire([](const HttpRequest& request, int) {
      return request.url.ends_with("/apis") ? Json(404, "{}") : Aggregated(kCore, "\"c\"");
    });
    fails(wire, Discovery(wire.client).Get(wire.Soon()));
  }
  SECTION("something else answers") {
    Wire wire([](const HttpRequest&, int) { return Json(200, R"({"ok":true})"); });
    fails(wire, Discovery(wire.client).Get(wire.Soon()));
  }
}

json Managed(json object, const json& fields) {
  object["metadata"]["managedFields"] = {
      {{"manager", "kubectl"},
       {"operation", "Update"},
       {"apiVersion", "v1"},
       {"fieldsV1", json::object()}},
      {{"manager", "sluice"}, {"operation", "Apply"}, {"apiVersion", "v1"}, {"fieldsV1", fields}}};
  return object;
}

TEST_CASE("an object holds already only what we own with the same value, exactly") {
  const json desired = json::parse(
      R"({"apiVersion":"v1","kind":"X","metadata":{"name":"a","namespace":"n","labels":{"l":"1"}},
    "spec":{"ports":[{"port":80},{"port":443,"protocol":"UDP"}],"set":["a","b"],"atomic":[1,2],"empty":{},"resources":{"limits":{"cpu":"1000m"}}}})");
  const json fields = json::parse(
      R"({"f:metadata":{"f:labels":{"f:l":{}}},"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}},
    "k:{\"port\":443,\"protocol\":\"UDP\"}":{".":{},"f:port":{},"f:protocol":{}}},"f:set":{"v:\"a\"":{},"v:\"b\"":{}},"f:atomic":{},"f:empty":{},
    "f:resources":{"f:limits":{"f:cpu":{}}}}})");
  const json body = json::parse(
      R"({"apiVersion":"v1","kind":"X","metadata":{"name":"a","namespace":"n","uid":"u","labels":{"l":"1","other":"2"}},
    "spec":{"ports":[{"port":80,"protocol":"TCP","nodePort":3},{"port":443,"protocol":"UDP"}],"set":["z","a","b"],"atomic":[1,2],"empty":{},"defaulted":1,
    "resources":{"limits":{"cpu":"1"}}},"status":{}})");
  REQUIRE(HoldsAlready(Managed(body, fields), desired));

  const auto with_desired = [&](const char* pointer, const json& value) {
    json changed = desired;
    changed[json::json_pointer(pointer)] = value;
    return HoldsAlready(Managed(body, fields), changed);
  };
  CHECK_FALSE(with_desired("/metadata/labels/l", "2"));  // another value
  CHECK_FALSE(with_desired("/spec/defaulted", 1));       // equal, and not owned by us
  CHECK_FALSE(with_desired("/spec/atomic", json::array({2, 1})));
  CHECK_FALSE(with_desired("/spec/set", json::array({"a"})));       // one fewer
  CHECK_FALSE(with_desired("/spec/set", json::array({"b", "a"})));  // another order
  CHECK_FALSE(
      with_desired("/spec/ports/0/protocol", "TCP"));  // the default, now spelt out: not owned
  CHECK_FALSE(with_desired("/spec/ports",
                           json::array({{{"port", 443}, {"protocol", "UDP"}}, {{"port", 80}}})));
  CHECK_FALSE(with_desired("/spec/resources/limits/cpu", "1001m"));
  CHECK_FALSE(with_desired("/apiVersion", "v2"));
  json fewer = desired;
  fewer["spec"].erase("empty");
  CHECK_FALSE(HoldsAlready(Managed(body, fields), fewer));  // owned, and no longer declared
  json gone = body;
  gone["spec"]["ports"].erase(1);
  CHECK_FALSE(HoldsAlready(Managed(gone, fields), desired));
  json theirs = Managed(body, fields);
  theirs["metadata"]["managedFields"][1]["operation"] = "Update";
  CHECK_FALSE(HoldsAlready(theirs, desired));
}

TEST_CASE("defaults and emptiness that the server puts in or leaves out are no difference") {
  const auto holds = [](const char* spec, const char* fields, const char* live) {
    json desired = {{"apiVersion", "v1"}, {"kind", "X"}, {"metadata", {{"name", "a"}}}},
         body = desired;
    desired["spec"] = json::parse(spec);
    body["spec"] = json::parse(live);
    return HoldsAlready(Managed(body, {{"f:spec", json::parse(fields)}}), desired);
  };
  CHECK(holds(R"({"fieldRef":{"fieldPath":"p"}})", R"({"f:fieldRef":{}})",
              R"({"fieldRef":{"fieldPath":"p","apiVersion":"v1"}})"));
  CHECK_FALSE(holds(R"({"fieldRef":{"fieldPath":"p"}})", R"({"f:fieldRef":{}})",
                    R"({"fieldRef":{"fieldPath":"q","apiVersion":"v1"}})"));
  CHECK_FALSE(holds(R"({"other":{"fieldPath":"p"}})", R"({"f:other":{}})",
                    R"({"other":{"fieldPath":"p","apiVersion":"v1"}})"));
  CHECK(holds(R"({"env":[],"a":1})", R"({"f:env":{},"f:a":{}})", R"({"a":1})"));
  CHECK(holds(R"({"readOnly":false,"value":"","n":0})",
              R"({"f:readOnly":{},"f:value":{},"f:n":{}})", R"({})"));
  CHECK_FALSE(holds(R"({"readOnly":true})", R"({"f:readOnly":{}})", R"({})"));
  CHECK_FALSE(holds(R"({"env":[],"a":1})", R"({"f:a":{}})", R"({"a":1})"));
  CHECK_FALSE(holds(R"({"env":[1],"a":1})", R"({"f:env":{},"f:a":{}})", R"({"a":1})"));
}

TEST_CASE("quantities are equal by value") {
  CHECK(IsSameQuantity("1000m", "1"));
  CHECK(IsSameQuantity("0.5Gi", "512Mi"));
  CHECK(IsSameQuantity("1e", "1e") == false);  // not a suffix of ours
  CHECK(IsSameQuantity("1k", 1000));
  CHECK_FALSE(IsSameQuantity("1G", "1Gi"));
  CHECK_FALSE(IsSameQuantity("", ""));
  CHECK_FALSE(IsSameQuantity("abc", "abc"));
}

TEST_CASE("what others rely on is applied first and deleted last") {
  CHECK(OrderOf("", "Namespace").stage < OrderOf("", "ConfigMap").stage);
  CHECK(OrderOf("rbac.authorization.k8s.io", "Role").stage <
        OrderOf("rbac.authorization.k8s.io", "RoleBinding").stage);
  CHECK(OrderOf("", "Service").stage == OrderOf("apps", "Deployment").stage);
  CHECK(OrderOf("apps", "Deployment").stage < OrderOf("example.org", "Widget").stage);
  CHECK(OrderOf("example.org", "Widget").stage <
        OrderOf("admissionregistration.k8s.io", "ValidatingWebhookConfiguration").stage);
  CHECK(DeletionRank("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") <
        DeletionRank("example.org", "Widget"));
  CHECK(DeletionRank("example.org", "Widget") <
        DeletionRank("apiextensions.k8s.io", "CustomResourceDefinition"));
  CHECK(DeletionRank("apiextensions.k8s.io", "CustomResourceDefinition") <
        DeletionRank("", "Namespace"));
}

}  // namespace
}  // namespace sluice::targets::kubernetes
