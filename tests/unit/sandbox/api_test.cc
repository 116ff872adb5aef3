#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

const char* kMetadataList =
    "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const char* kMetadata =
    "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

TEST_CASE("an object is created, read, replaced and read again") {
  World world;
  Client& client = world.client();
  const Reply created = client.Post(kConfigMaps, ConfigMap("c"));
  REQUIRE(created.code == 201);
  CHECK(created.json()["metadata"]["uid"].get<std::string>().size() == 36);
  CHECK(client.Post(kConfigMaps, ConfigMap("c")).reason() == "AlreadyExists");
  Json next = created.json();
  next["data"]["key"] = "other";
  REQUIRE(client.Put(kConfigMaps + "/c", next).code == 200);
  const Reply stale = client.Put(kConfigMaps + "/c", next);
  CHECK(stale.code == 409);
  CHECK(stale.message().find("the object has been modified") != std::string::npos);
  CHECK(client.Get(kConfigMaps + "/c").json()["data"]["key"] == "other");
}

TEST_CASE("a replacement with the same content writes nothing") {
  World world;
  Client& client = world.client();
  const Json created = client.Post(kConfigMaps, ConfigMap("c")).json();
  const Json again = client.Put(kConfigMaps + "/c", created).json();
  CHECK(again["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]);
}

TEST_CASE("a missing object, namespace, kind or group is a 404 of its own kind") {
  World world;
  Client& client = world.client();
  CHECK(client.Get(kConfigMaps + "/none").message() == "configmaps \"none\" not found");
  const Reply ns =
      client.Apply("/dev/api/v1/namespaces/nowhere/configmaps/c",
                   {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "c"}}}});
  CHECK(ns.code == 404);
  CHECK(ns.message() == "namespaces \"nowhere\" not found");
  CHECK(ns.json()["details"]["kind"] == "namespaces");
  CHECK(client.Get("/dev/api/v1/namespaces/default/widgets").message() ==
        "the server could not find the requested resource");
  CHECK(client.Get("/dev/apis/shop.example/v1/widgets").body == "404 page not found\n");
  CHECK(client.Get("/nowhere/api/v1/namespaces")
            .message()
            .find("it has no cluster 'nowhere', only dev") != std::string::npos);
}

TEST_CASE("who shows neither certificate nor token is turned away") {
  World world;
  Client nobody(world.sandbox(), Client::Identity::kNobody);
  CHECK(nobody.Get("/dev/api/v1/namespaces").code == 401);
  CHECK(nobody.Get("/dev/version").code == 200);
  Client token(world.sandbox(), Client::Identity::kToken);
  CHECK(token.Get("/dev/api/v1/namespaces").code == 200);
}

TEST_CASE("a certificate of another authority is none") {
  World world, other;
  Client stranger(world.sandbox(), Client::Identity::kCertificate, &other.sandbox());
  CHECK(stranger.Get("/dev/api/v1/namespaces").code == 401);
}

TEST_CASE("clusters share nothing but the port") {
  SandboxOptions options;
  options.clusters = {"east", "west"};
  World world(std::move(options));
  REQUIRE(
      world.client().Apply("/east/api/v1/namespaces/default/configmaps/c", ConfigMap("c")).code ==
      201);
  CHECK(world.client().Get("/west/api/v1/namespaces/default/configmaps/c").code == 404);
}

TEST_CASE("a list is paged by limit and continue at one revision") {
  World world;
  Client& client = world.client();
  for (const char* name : {"a", "b", "c"})
    client.Post(kConfigMaps, ConfigMap(name, {{"page", "x"}}));
  const std::string query =
      kConfigMaps + "?limit=2&labelSelector=!none&fieldSelector=metadata.name!=kube-root-ca.crt";
  const Json first = client.Get(query).json();
  REQUIRE(first["items"].size() == 2);
  client.Delete(kConfigMaps + "/c");
  const Json second =
      client.Get(query + "&continue=" + first["metadata"]["continue"].get<std::string>()).json();
  REQUIRE(second["items"].size() == 1);
  CHECK(second["items"][0]["metadata"]["name"] == "c");
  CHECK(second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]);
  CHECK_FALSE(second["metadata"].contains("continue"));
}

TEST_CASE("a continue token older than history is Expired") {
  World world;
  Client& client = world.client();
  for (const char* name : {"a", "b", "c"}) client.Post(kConfigMaps, ConfigMap(name));
  const std::string token = client.Get(kConfigMaps + "?limit=1").json()["metadata"]["continue"];
  client.Post(kConfigMaps, ConfigMap("d"));
  world.sandbox().CompactHistory("dev");
  const Reply reply = client.Get(kConfigMaps + "?limit=1&continue=" + token);
  CHECK(reply.code == 410);
  CHECK(reply.reason() == "Expired");
}

TEST_CASE("built-in list items carry no kind of their own") {
  World world;
  world.client().Post(kConfigMaps, ConfigMap("a"));
  const Json list = world.client().Get(kConfigMaps).json();
  CHECK(list["kind"] == "ConfigMapList");
  CHECK_FALSE(list["items"][0].contains("kind"));
}

TEST_CASE("labels select") {
  World world;
  Client& client = world.client();
  Json labelled = ConfigMap("a");
  labelled["metadata"]["labels"] = {{"sluice.dev/unit", "abc"}, {"tier", "web"}};
  client.Post(kConfigMaps, labelled);
  client.Post(kConfigMaps, ConfigMap("b"));
  const auto count = [&](const std::string& selector) {
    return client.Get(kConfigMaps + "?labelSelector=" + selector).json()["items"].size();
  };
  CHECK(count("sluice.dev/unit%3Dabc") == 1);
  CHECK(count("tier%20in%20(web,db),sluice.dev/unit") == 1);
  CHECK(count("tier%21%3Dweb") == 2);  // b and the root certificate
  CHECK(client.Get(kConfigMaps + "?labelSelector=a%20b").code == 400);
}

TEST_CASE("only the metadata is sent when that is asked for") {
  World world;
  Client& client = world.client();
  client.Post(kConfigMaps, ConfigMap("a"));
  const Json list = client.Get(kConfigMaps, {kMetadataList}).json();
  CHECK(list["kind"] == "PartialObjectMetadataList");
  CHECK(list["items"][0]["kind"] == "PartialObjectMetadata");
  CHECK_FALSE(list["items"][0].contains("data"));
  CHECK(client.Get(kConfigMaps + "/a", {kMetadata}).json()["kind"] == "PartialObjectMetadata");
}

TEST_CASE("the three patches do what their names say") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1"));
  SECTION("a merge patch replaces lists and removes by null") {
    client.Patch(kDeployments + "/web", {{"metadata", {{"labels", {{"a", "1"}}}}}}, "merge-patch");
    const Json live = client
                          .Patch(kDeployments + "/web",
                                 {{"metadata", {{"labels", {{"a", nullptr}}}}}}, "merge-patch")
                          .json();
    CHECK_FALSE(live["metadata"].contains("labels"));
  }
  SECTION("a JSON patch applies operations, and refuses a failed test") {
    const Json good = Json::parse(R"([{"op":"replace","path":"/spec/replicas","value":7}])");
    CHECK(client.Patch(kDeployments + "/web", good, "json-patch").json()["spec"]["replicas"] == 7);
    const Json bad = Json::parse(R"([{"op":"test","path":"/spec/replicas","value":1}])");
    CHECK(client.Patch(kDeployments + "/web", bad, "json-patch").code == 422);
  }
  SECTION("a strategic patch merges containers by name") {
    const Json patch = {
        {"spec",
         {{"template",
           {{"spec", {{"containers", {{{"name", "side"}, {"image", "shop/side:v1"}}}}}}}}}}};
    const Json live = client.Patch(kDeployments + "/web", patch, "strategic-merge-patch").json();
    CHECK(live["spec"]["template"]["spec"]["containers"].size() == 2);
    const Json removal = {
        {"spec",
         {{"template", {{"spec", {{"containers", {{{"name", "side"}, {"$patch", "delete"}}}}}}}}}}};
    CHECK(client.Patch(kDeployments + "/web", removal, "strategic-merge-patch")
              .json()["spec"]["template"]["spec"]["containers"]
              .size() == 1);
  }
  SECTION("an unknown patch type is unsupported") {
    CHECK(client.Send("PATCH", kDeployments + "/web", "{}", {"Content-Type: text/plain"}).code ==
          415);
  }
}

TEST_CASE("generation counts changes of the intent, not of labels or status") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1"));
  const auto generation = [&] {
    return client.Get(kDeployments + "/web").json()["metadata"]["generation"].get<int>();
  };
  client.Patch(kDeployments + "/web", {{"metadata", {{"labels", {{"a", "1"}}}}}}, "merge-patch");
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  CHECK(generation() == 1);
  client.Patch(kDeployments + "/web", {{"spec", {{"replicas", 2}}}}, "merge-patch");
  CHECK(generation() == 2);
}

TEST_CASE("the main resource ignores a status, the status resource ignores the rest") {
  World world;
  Client& client = world.client();
  client.Apply(kServices + "/web", Service("web"));
  client.Patch(
      kServices + "/web",
      {{"status",
        {{"conditions", Json::array({{{"type", "X"},
                                      {"status", "True"},
                                      {"reason", "R"},
                                      {"message", ""},
                                      {"lastTransitionTime", "2026-11-21T00:00:00Z"}}})}}}},
      "merge-patch");
  CHECK_FALSE(client.Get(kServices + "/web").json()["status"].contains("conditions"));
  client.Patch(
      kServices + "/web/status",
      {{"metadata", {{"labels", {{"a", "1"}}}}},
       {"status",
        {{"conditions", Json::array({{{"type", "X"},
                                      {"status", "True"},
                                      {"reason", "R"},
                                      {"message", ""},
                                      {"lastTransitionTime", "2026-11-21T00:00:00Z"}}})}}}},
      "merge-patch");
  const Json live = client.Get(kServices + "/web").json();
  CHECK(live["status"].contains("conditions"));
  CHECK_FALSE(live["metadata"].contains("labels"));
}

TEST_CASE("a wrong dryRun or fieldValidation is refused, not ignored") {
  World world;
  Client& client = world.client();
  CHECK(client.Apply(kConfigMaps + "/c?dryRun=Yes", ConfigMap("c")).code == 422);
  CHECK(client.Send("POST", kConfigMaps + "?fieldValidation=Maybe", ConfigMap("c").dump()).code ==
        422);
  CHECK(client.Get(kConfigMaps + "/c").code == 404);
}

TEST_CASE("requests are counted by verb and writes are audited") {
  World world;
  Client& client = world.client();
  world.sandbox().ResetAudit();
  client.Get(kConfigMaps);
  client.Get(kConfigMaps + "/c");
  client.Apply(kConfigMaps + "/c?dryRun=All", ConfigMap("c"));
  client.Apply(kConfigMaps + "/c", ConfigMap("c"));
  client.Delete(kConfigMaps + "/c");
  CHECK(world.sandbox().RequestCounts("dev") ==
        std::map<std::string, int>{{"list", 1}, {"get", 1}, {"apply", 2}, {"delete", 1}});
  const std::vector<WriteRecord> writes = world.sandbox().Writes("dev");
  REQUIRE(writes.size() == 3);
  CHECK(writes[0].dry_run);
  CHECK(writes[1].verb == "apply");
  CHECK(writes[1].field_manager == "sluice");
  CHECK(writes[1].user_agent == "sandbox-test/1");
  CHECK(writes[1].user == "sluice-sandbox-admin");
  CHECK(writes[1].path == "/api/v1/namespaces/default/configmaps/c");
  CHECK(writes[1].code == 201);
  CHECK(writes[2].verb == "delete");
}

}  // namespace
}  // namespace sluice::sandbox
