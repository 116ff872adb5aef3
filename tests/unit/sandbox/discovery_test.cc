#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

const char* kAggregated =
    "Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
const std::string kDefinitions = "/dev/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const std::string kWidgets = "/dev/apis/shop.example/v1/namespaces/default/widgets";

Json Definition() {
  return Json::parse(R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
    "metadata":{"name":"widgets.shop.example"},
    "spec":{"group":"shop.example","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget","shortNames":["wd"]},
      "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},"schema":{"openAPIV3Schema":{
        "type":"object","properties":{
          "spec":{"type":"object","required":["size"],"properties":{
            "size":{"type":"integer","minimum":1},
            "color":{"type":"string","enum":["red","blue"],"default":"red"},
            "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["id"],
              "items":{"type":"object","required":["id"],"properties":{"id":{"type":"string"},"v":{"type":"string"}}}}}},
          "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}]}})");
}

Json Widget(const std::string& name, const Json& spec) {
  return {{"apiVersion", "shop.example/v1"},
          {"kind", "Widget"},
          {"metadata", {{"name", name}}},
          {"spec", spec}};
}

void Establish(Client& client) {
  REQUIRE(client.Apply(kDefinitions + "/widgets.shop.example", Definition()).code == 201);
  REQUIRE(Eventually([&] {
    return Condition(client.Get(kDefinitions + "/widgets.shop.example").json(), "Established")
               .value("status", "") == "True";
  }));
}

Json FindGroup(const Json& list, const std::string& name) {
  for (const Json& item : list["items"]) {
    if (item["metadata"].value("name", "") == name) return item;
  }
  return nullptr;
}

TEST_CASE("aggregated discovery lists kinds with scope, verbs and subresources") {
  World world;
  const Reply reply = world.client().Get("/dev/apis", {kAggregated});
  CHECK(reply.Header("content-type").find("g=apidiscovery.k8s.io") != std::string::npos);
  const Json apps = FindGroup(reply.json(), "apps");
  REQUIRE(apps["versions"][0]["version"] == "v1");
  CHECK(apps["versions"][0]["freshness"] == "Current");
  bool found = false;
  for (const Json& resource : apps["versions"][0]["resources"]) {
    if (resource["resource"] != "deployments") continue;
    found = true;
    CHECK(resource["responseKind"]["kind"] == "Deployment");
    CHECK(resource["scope"] == "Namespaced");
    CHECK(resource["subresources"].size() == 2);
  }
  CHECK(found);
  CHECK(world.client().Get("/dev/api", {kAggregated}).json()["items"].size() == 1);
}

TEST_CASE("discovery answers 304 to the ETag it gave") {
  World world;
  const std::string etag = world.client().Get("/dev/apis", {kAggregated}).Header("etag");
  REQUIRE(etag.size() == 130);
  CHECK(world.client().Get("/dev/apis", {kAggregated, "If-None-Match: " + etag}).code == 304);
  Establish(world.client());
  CHECK(Eventually([&] {
    return world.client().Get("/dev/apis", {kAggregated, "If-None-Match: " + etag}).code == 200;
  }));
}

TEST_CASE("plain discovery says the same") {
  World world;
  Client& client = world.client();
  CHECK(client.Get("/dev/api").json()["versions"] == Json::array({"v1"}));
  CHECK(client.Get("/dev/apis").json()["kind"] == "APIGroupList");
  const Json list = client.Get("/dev/apis/apps/v1").json();
  CHECK(list["groupVersion"] == "apps/v1");
  bool scale = false;
  for (const Json& resource : list["resources"])
    scale = scale || resource["name"] == "deployments/scale";
  CHECK(scale);
  CHECK(client.Get("/dev/version").json()["minor"] == "36");
  CHECK(client.Get("/dev/readyz").body == "ok");
}

TEST_CASE("a definition is established and its kind served and discovered") {
  World world;
  Client& client = world.client();
  CHECK(client.Get(kWidgets).code == 404);
  Establish(client);
  REQUIRE(Eventually([&] { return client.Get(kWidgets).code == 200; }));
  CHECK(FindGroup(client.Get("/dev/apis", {kAggregated}).json(),
                  "shop.example")["versions"][0]["resources"][0]["shortNames"] ==
        Json::array({"wd"}));
  const Reply created = client.Apply(
      kWidgets + "/w", Widget("w", {{"size", 1}, {"parts", {{{"id", "a"}, {"v", "1"}}}}}));
  REQUIRE(created.code == 201);
  CHECK(created.json()["spec"]["color"] == "red");
  CHECK(FieldsOf(created.json(), "sluice")["f:spec"]["f:parts"].contains("k:{\"id\":\"a\"}"));
  CHECK(client.Get(kWidgets).json()["items"][0]["kind"] == "Widget");
}

TEST_CASE("a custom object must follow its schema") {
  World world;
  Client& client = world.client();
  Establish(client);
  REQUIRE(Eventually([&] { return client.Get(kWidgets).code == 200; }));
  CHECK(client.Apply(kWidgets + "/w", Widget("w", {{"color", "red"}})).message() ==
        "Widget.shop.example \"w\" is invalid: spec.size: Required value");
  CHECK(client.Post(kWidgets, Widget("w", {{"size", "big"}})).code == 422);
  CHECK(client.Post(kWidgets, Widget("w", {{"size", 0}})).code == 422);
  CHECK(client.Post(kWidgets, Widget("w", {{"size", 1}, {"color", "green"}})).code == 422);
  CHECK(client.Apply(kWidgets + "/w", Widget("w", {{"size", 1}, {"shape", "round"}})).code == 500);
}

TEST_CASE("a custom object's status is its own resource") {
  World world;
  Client& client = world.client();
  Establish(client);
  REQUIRE(Eventually([&] { return client.Get(kWidgets).code == 200; }));
  Json manifest = Widget("w", {{"size", 1}});
  CHECK_FALSE(client.Apply(kWidgets + "/w", manifest).json().contains("status"));
  client.Patch(kWidgets + "/w/status?fieldManager=operator", {{"status", {{"ready", true}}}},
               "merge-patch");
  const Json live =
      client.Patch(kWidgets + "/w", {{"status", {{"ready", false}}}}, "merge-patch").json();
  CHECK(live["status"]["ready"] == true);
  CHECK(live["metadata"]["generation"] == 1);
  CHECK(FieldsOf(live, "operator", "status") ==
        Json::parse(R"({"f:status":{".":{},"f:ready":{}}})"));
}

TEST_CASE("deleting a definition deletes its objects and withdraws the kind") {
  World world;
  Client& client = world.client();
  Establish(client);
  REQUIRE(Eventually([&] {
    return client.Apply(kWidgets + "/w", Widget("w", {{"size", 1}})).code == 201;
  }));
  client.Delete(kDefinitions + "/widgets.shop.example");
  CHECK(Eventually([&] { return client.Get(kDefinitions + "/widgets.shop.example").code == 404; }));
  CHECK(Eventually([&] { return client.Get(kWidgets).code == 404; }));
}

TEST_CASE("a group whose APIService has no backend is stale, not absent") {
  World world;
  Client& client = world.client();
  const std::string path = "/dev/apis/apiregistration.k8s.io/v1/apiservices/v1.gone.example";
  client.Apply(path, {{"apiVersion", "apiregistration.k8s.io/v1"},
                      {"kind", "APIService"},
                      {"metadata", {{"name", "v1.gone.example"}}},
                      {"spec",
                       {{"group", "gone.example"},
                        {"version", "v1"},
                        {"groupPriorityMinimum", 1000},
                        {"versionPriority", 10},
                        {"service", {{"name", "gone"}, {"namespace", "default"}}}}}});
  REQUIRE(Eventually([&] {
    return Condition(client.Get(path).json(), "Available").value("status", "") == "False";
  }));
  CHECK(FindGroup(client.Get("/dev/apis", {kAggregated}).json(),
                  "gone.example")["versions"][0]["freshness"] == "Stale");
  CHECK(client.Get("/dev/apis/gone.example/v1").code == 503);
  CHECK(client.Get("/dev/apis/gone.example/v1/things").code == 503);
}

}  // namespace
}  // namespace sluice::sandbox
