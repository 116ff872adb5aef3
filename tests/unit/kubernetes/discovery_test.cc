// What a server says that it serves.
#include "engine/targets/kubernetes/discovery.h"

#include <nlohmann/json.hpp>

#include "engine/targets/kubernetes/api_status.h"
#include "tests/support/catch.h"
#include "tests/unit/kubernetes/wire.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

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

}  // namespace
}  // namespace sluice::targets::kubernetes
