#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

std::string VersionOf(const Reply& reply) { return reply.json()["metadata"]["resourceVersion"]; }

TEST_CASE("applying a new object creates it and records only what was applied") {
  World world;
  const Reply reply = world.client().Apply(kDeployments + "/web", Deployment("web", "shop/web:v1"));
  REQUIRE(reply.code == 201);
  const Json expected = Json::parse(R"({"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{
      "f:metadata":{"f:labels":{"f:app":{}}},
      "f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{".":{},"f:image":{},"f:name":{}}}}}}})");
  CHECK(FieldsOf(reply.json(), "sluice") == expected);
  CHECK(reply.json()["spec"]["progressDeadlineSeconds"] == 600);
  CHECK(reply.json()["metadata"]["generation"] == 1);
}

TEST_CASE("a port's protocol is part of its key although only its number was applied") {
  World world;
  Json manifest = Deployment("web", "shop/web:v1");
  manifest["spec"]["template"]["spec"]["containers"][0]["ports"] = {{{"containerPort", 80}}};
  const Json live = world.client().Apply(kDeployments + "/web", manifest).json();
  const Json ports = FieldsOf(live, "sluice")["f:spec"]["f:template"]["f:spec"]["f:containers"]
                                             ["k:{\"name\":\"main\"}"]["f:ports"];
  CHECK(ports ==
        Json::parse(
            R"({"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}})"));
}

TEST_CASE("applying the same content again writes nothing") {
  World world;
  const Reply first = world.client().Apply(kConfigMaps + "/c", ConfigMap("c"));
  const Reply second = world.client().Apply(kConfigMaps + "/c", ConfigMap("c"));
  CHECK(second.code == 200);
  CHECK(VersionOf(first) == VersionOf(second));
}

TEST_CASE("a quantity written another way is the same quantity") {
  World world;
  Json manifest = Deployment("web", "shop/web:v1", 0);
  Json& limits = manifest["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"];
  limits = {{"cpu", "1000m"}, {"memory", "0.5Gi"}};
  world.client().Apply(kDeployments + "/web", manifest);
  REQUIRE(Eventually([&] { return IsRolledOut(world.client(), "web"); }));
  const Reply before = world.client().Get(kDeployments + "/web");
  CHECK(before.json()["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] ==
        Json({{"cpu", "1"}, {"memory", "512Mi"}}));
  limits = {{"cpu", 1}, {"memory", "524288Ki"}};
  world.client().Apply(kDeployments + "/web", manifest);
  CHECK(VersionOf(world.client().Get(kDeployments + "/web")) == VersionOf(before));
}

TEST_CASE("changing another manager's field is a conflict that names the owner and the field") {
  World world;
  world.client().Apply(kDeployments + "/web", Deployment("web", "shop/web:v1", 2), "one");
  const Reply reply =
      world.client().Apply(kDeployments + "/web", Deployment("web", "shop/web:v1", 3), "two");
  REQUIRE(reply.code == 409);
  CHECK(reply.message() == "Apply failed with 1 conflict: conflict with \"one\": .spec.replicas");
  CHECK(
      reply.json()["details"]["causes"] ==
      Json::parse(
          R"([{"reason":"FieldManagerConflict","message":"conflict with \"one\"","field":".spec.replicas"}])"));
}

TEST_CASE("force takes the field over, and only that field") {
  World world;
  world.client().Apply(kDeployments + "/web", Deployment("web", "shop/web:v1", 2), "one");
  const Reply reply =
      world.client().Apply(kDeployments + "/web", Deployment("web", "shop/web:v1", 3), "two", true);
  REQUIRE(reply.code == 200);
  CHECK(reply.json()["spec"]["replicas"] == 3);
  CHECK_FALSE(FieldsOf(reply.json(), "one")["f:spec"].contains("f:replicas"));
  CHECK(FieldsOf(reply.json(), "one")["f:spec"].contains("f:selector"));
  CHECK(FieldsOf(reply.json(), "two")["f:spec"].contains("f:replicas"));
}

TEST_CASE(
    "two managers that apply the same value own it together, and it stays until both let go") {
  World world;
  Client& client = world.client();
  client.Apply(kConfigMaps + "/c", ConfigMap("c", {{"a", "1"}, {"b", "1"}}), "one");
  REQUIRE(client.Apply(kConfigMaps + "/c", ConfigMap("c", {{"a", "1"}}), "two").code == 200);
  CHECK(client.Apply(kConfigMaps + "/c", ConfigMap("c", {{"b", "1"}}), "one")
            .json()["data"]
            .contains("a"));
  CHECK_FALSE(client.Apply(kConfigMaps + "/c", ConfigMap("c", Json::object()), "two")
                  .json()["data"]
                  .contains("a"));
}

TEST_CASE("a field no longer applied goes, what others set stays, and a default comes back") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web:v1");
  manifest["metadata"]["labels"] = {{"team", "shop"}};
  manifest["spec"]["revisionHistoryLimit"] = 3;
  client.Apply(kDeployments + "/web", manifest);
  client.Patch(kDeployments + "/web?fieldManager=hand",
               {{"metadata", {{"labels", {{"note", "x"}}}}}}, "merge-patch");
  const Json live = client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1")).json();
  CHECK(live["metadata"]["labels"] == Json({{"note", "x"}}));
  CHECK(live["spec"]["revisionHistoryLimit"] == 10);
}

TEST_CASE("an item of a keyed list that is no longer applied goes while foreign items stay") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web:v1");
  Json& env = manifest["spec"]["template"]["spec"]["containers"][0]["env"];
  env = {{{"name", "A"}, {"value", "1"}}, {{"name", "B"}, {"value", "2"}}};
  client.Apply(kDeployments + "/web", manifest);
  Json other = Deployment("web", "shop/web:v1");
  other["spec"]["template"]["spec"]["containers"][0]["env"] = {{{"name", "C"}, {"value", "3"}}};
  REQUIRE(client.Apply(kDeployments + "/web", other, "sidecar").code == 200);
  env = {{{"name", "A"}, {"value", "1"}}};
  const Json live = client.Apply(kDeployments + "/web", manifest).json();
  const Json left = live["spec"]["template"]["spec"]["containers"][0]["env"];
  REQUIRE(left.size() == 2);
  CHECK(left[0]["name"] == "A");
  CHECK(left[1]["name"] == "C");
}

TEST_CASE("other writes are recorded as Update, and a change by them conflicts with apply") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1"));
  client.Patch(kDeployments + "/web?fieldManager=kubectl-edit", {{"spec", {{"replicas", 5}}}},
               "merge-patch");
  const Reply reply = client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1"));
  REQUIRE(reply.code == 409);
  CHECK(reply.json()["details"]["causes"][0]["message"] ==
        "conflict with \"kubectl-edit\" using apps/v1");
}

TEST_CASE("the scale subresource owns replicas under its own entry") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1"));
  const Reply scaled = client.Patch(kDeployments + "/web/scale?fieldManager=hpa",
                                    {{"spec", {{"replicas", 4}}}}, "merge-patch");
  REQUIRE(scaled.code == 200);
  CHECK(scaled.json()["kind"] == "Scale");
  CHECK(scaled.json()["status"]["selector"] == "app=web");
  const Reply reply = client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1"));
  REQUIRE(reply.code == 409);
  CHECK(reply.json()["details"]["causes"][0]["message"] ==
        "conflict with \"hpa\" with subresource \"scale\" using apps/v1");
}

TEST_CASE("an object without managed fields is taken as applied by somebody before") {
  World world;
  Client& client = world.client();
  client.Post(kConfigMaps, ConfigMap("c", {{"a", "1"}}));
  client.Patch(kConfigMaps + "/c",
               Json::parse(R"([{"op":"replace","path":"/metadata/managedFields","value":[{}]}])"),
               "json-patch");
  REQUIRE_FALSE(client.Get(kConfigMaps + "/c").json()["metadata"].contains("managedFields"));
  const Reply conflict = client.Apply(kConfigMaps + "/c", ConfigMap("c", {{"a", "2"}}));
  REQUIRE(conflict.code == 409);
  CHECK(conflict.message().find("before-first-apply") != std::string::npos);
}

TEST_CASE("a field the schema does not have is a 500 without a reason") {
  World world;
  Json manifest = Deployment("web", "shop/web:v1");
  manifest["spec"]["replica"] = 2;
  const Reply reply = world.client().Apply(kDeployments + "/web", manifest);
  CHECK(reply.code == 500);
  CHECK(reply.reason().empty());
  CHECK(reply.message() ==
        "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): "
        ".spec.replica: field not declared in schema");
}

TEST_CASE("repeated keys of a keyed list are a 500 in apply") {
  World world;
  Json manifest = Service("web");
  manifest["spec"]["ports"] = {{{"port", 80}, {"name", "a"}}, {{"port", 80}, {"name", "b"}}};
  const Reply reply = world.client().Apply(kServices + "/web", manifest);
  CHECK(reply.code == 500);
  CHECK(reply.message().find(".spec.ports: duplicate entries for key [port=80,protocol=\"TCP\"]") !=
        std::string::npos);
}

TEST_CASE("a body is read by the rules of YAML 1.1") {
  World world;
  Client& client = world.client();
  const auto body = [](const std::string& value) {
    return R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":")" +
           value + "\"}}";
  };
  SECTION("surrogate escapes are refused") {
    const Reply reply = client.ApplyText(kConfigMaps + "/c", body("\\uD83D\\uDE00"));
    CHECK(reply.code == 400);
    CHECK(reply.message().find("invalid Unicode character escape code") != std::string::npos);
  }
  SECTION("an escaped slash is refused") {
    const Reply reply = client.ApplyText(kConfigMaps + "/c", body("\\/"));
    CHECK(reply.code == 400);
    CHECK(reply.message().find("unknown escape character") != std::string::npos);
  }
  SECTION("raw control bytes are refused") {
    const Reply reply = client.ApplyText(kConfigMaps + "/c", body("\x7f"));
    CHECK(reply.code == 400);
    CHECK(reply.message().find("control characters are not allowed") != std::string::npos);
  }
  SECTION("a raw next-line character becomes a space") {
    CHECK(client.ApplyText(kConfigMaps + "/c", body("x\xC2\x85y")).json()["data"]["a"] == "x y");
  }
  SECTION("raw emoji and escaped controls pass") {
    CHECK(client.ApplyText(kConfigMaps + "/c", body("\xF0\x9F\x98\x80\\u007f\\u0085"))
              .json()["data"]["a"] == "\xF0\x9F\x98\x80\x7f\xC2\x85");
  }
  SECTION("repeated keys are refused under Strict") {
    const Reply reply = client.ApplyText(
        kConfigMaps + "/c",
        R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1","a":"2"}})");
    CHECK(reply.code == 400);
    CHECK(reply.message().find("strict decoding") != std::string::npos);
  }
  SECTION("YAML itself is welcome") {
    const Reply reply = client.ApplyText(
        kConfigMaps + "/c",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: \"yes\"}\n");
    REQUIRE(reply.code == 201);
    CHECK(reply.json()["data"]["a"] == "yes");
  }
}

TEST_CASE("what may not be in an applied body is refused") {
  World world;
  Client& client = world.client();
  Json manifest = ConfigMap("c");
  SECTION("managedFields, even empty ones") {
    manifest["metadata"]["managedFields"] = Json::array();
    const Reply reply = client.Apply(kConfigMaps + "/c", manifest);
    CHECK(reply.code == 400);
    CHECK(reply.message() == "metadata.managedFields must be nil");
  }
  SECTION("the uid of an object that is gone") {
    manifest["metadata"]["uid"] = "3f2c1d0e-0000-4000-8000-000000000000";
    const Reply reply = client.Apply(kConfigMaps + "/c", manifest);
    CHECK(reply.code == 409);
    CHECK(reply.message().find("uid mismatch") != std::string::npos);
  }
  SECTION("a resourceVersion that is not the current one") {
    client.Apply(kConfigMaps + "/c", manifest);
    manifest["metadata"]["resourceVersion"] = "1";
    const Reply reply = client.Apply(kConfigMaps + "/c", manifest);
    CHECK(reply.code == 409);
    CHECK(reply.reason() == "Conflict");
  }
  SECTION("another kind than the URL's") {
    manifest["kind"] = "Secret";
    CHECK(client.Apply(kConfigMaps + "/c", manifest).message() ==
          "invalid object type: /v1, Kind=Secret");
  }
  SECTION("another namespace than the URL's") {
    manifest["metadata"]["namespace"] = "kube-system";
    const Reply reply = client.Apply(kConfigMaps + "/c", manifest);
    CHECK(reply.code == 400);
    CHECK(reply.message().find("namespace of the provided object does not match") !=
          std::string::npos);
  }
}

TEST_CASE("an apply must name its manager") {
  World world;
  const Reply reply = world.client().Send("PATCH", kConfigMaps + "/c", ConfigMap("c").dump(),
                                          {"Content-Type: application/apply-patch+yaml"});
  CHECK(reply.code == 422);
  CHECK(reply.message().find("fieldManager: Required value: is required for apply patch") !=
        std::string::npos);
}

TEST_CASE("a dry run answers like the write and changes nothing") {
  World world;
  Client& client = world.client();
  const Reply created = client.Apply(kConfigMaps + "/c?dryRun=All", ConfigMap("c"));
  CHECK(created.code == 201);
  CHECK_FALSE(created.json()["metadata"].contains("resourceVersion"));
  CHECK(client.Get(kConfigMaps + "/c").code == 404);
  client.Apply(kConfigMaps + "/c", ConfigMap("c"));
  CHECK(client.Apply(kConfigMaps + "/c?dryRun=All", ConfigMap("c", {{"key", "new"}}))
            .json()["data"]["key"] == "new");
  CHECK(client.Delete(kConfigMaps + "/c?dryRun=All").code == 200);
  CHECK(client.Get(kConfigMaps + "/c").json()["data"]["key"] == "value");
}

}  // namespace
}  // namespace sluice::sandbox
