#include "engine/sandbox/apply_body.h"
#include "engine/sandbox/image.h"
#include "engine/sandbox/quantity.h"
#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

std::vector<std::string> Fields(const Reply& reply) {
  std::vector<std::string> out;
  const Json body = reply.json();
  for (const Json& cause : body.value("/details/causes"_json_pointer, Json::array()))
    out.push_back(cause.value("field", ""));
  return out;
}

TEST_CASE("a Deployment must be whole") {
  World world;
  Json manifest = Deployment("web", "shop/web:v1");
  std::string field;
  SECTION("with a selector") {
    manifest["spec"].erase("selector");
    field = "spec.selector";
  }
  SECTION("that matches its template") {
    manifest["spec"]["template"]["metadata"]["labels"] = {{"app", "other"}};
    field = "spec.template.metadata.labels";
  }
  SECTION("with containers") {
    manifest["spec"]["template"]["spec"]["containers"] = Json::array();
    field = "spec.template.spec.containers";
  }
  SECTION("that have an image") {
    manifest["spec"]["template"]["spec"]["containers"][0].erase("image");
    field = "spec.template.spec.containers[0].image";
  }
  SECTION("and a known pull policy") {
    manifest["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Sometimes";
    field = "spec.template.spec.containers[0].imagePullPolicy";
  }
  SECTION("and mount volumes that exist") {
    manifest["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = {
        {{"name", "none"}, {"mountPath", "/x"}}};
    field = "spec.template.spec.containers[0].volumeMounts[0].name";
  }
  const Reply reply = world.client().Apply(kDeployments + "/web", manifest);
  CHECK(reply.code == 422);
  CHECK(reply.reason() == "Invalid");
  CHECK(Fields(reply)[0] == field);
}

TEST_CASE("immutable fields stay as they are") {
  World world;
  Client& client = world.client();
  const std::string jobs = "/dev/apis/batch/v1/namespaces/default/jobs";
  SECTION("a Deployment's selector") {
    Json manifest = Deployment("web", "shop/web:v1");
    client.Apply(kDeployments + "/web", manifest);
    manifest["spec"]["selector"]["matchLabels"] = {{"app", "other"}};
    manifest["spec"]["template"]["metadata"]["labels"] = {{"app", "other"}};
    const Reply reply = client.Apply(kDeployments + "/web", manifest);
    CHECK(reply.code == 422);
    CHECK(Fields(reply) == std::vector<std::string>{"spec.selector"});
    CHECK(reply.message().find("field is immutable") != std::string::npos);
  }
  SECTION("a Job's template") {
    Json job = {{"apiVersion", "batch/v1"},
                {"kind", "Job"},
                {"metadata", {{"name", "j"}}},
                {"spec",
                 {{"template",
                   {{"spec",
                     {{"restartPolicy", "Never"},
                      {"containers", {{{"name", "x"}, {"image", "a:1"}}}}}}}}}}};
    REQUIRE(client.Apply(jobs + "/j", job).code == 201);
    REQUIRE(client.Apply(jobs + "/j", job).code == 200);
    job["spec"]["template"]["spec"]["containers"][0]["image"] = "a:2";
    const Reply reply = client.Apply(jobs + "/j", job);
    CHECK(reply.code == 422);
    CHECK(Fields(reply) == std::vector<std::string>{"spec.template"});
  }
  SECTION("a Service's clusterIP") {
    client.Apply(kServices + "/web", Service("web"));
    Json manifest = Service("web");
    manifest["spec"]["clusterIP"] = "10.0.77.77";
    CHECK(client.Apply(kServices + "/web", manifest).message().find("may not change once set") !=
          std::string::npos);
  }
  SECTION("an immutable ConfigMap") {
    Json manifest = ConfigMap("c");
    manifest["immutable"] = true;
    client.Apply(kConfigMaps + "/c", manifest);
    manifest["data"]["key"] = "new";
    const Reply reply = client.Apply(kConfigMaps + "/c", manifest);
    CHECK(reply.code == 422);
    CHECK(reply.message().find("field is immutable when `immutable` is set") != std::string::npos);
  }
}

TEST_CASE("unknown and repeated fields are refused under Strict and warned of otherwise") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web:v1");
  manifest["spec"]["replica"] = 2;
  const Reply strict =
      client.Send("POST", kDeployments + "?fieldValidation=Strict", manifest.dump());
  CHECK(strict.code == 400);
  CHECK(strict.message().find("strict decoding error: unknown field \"spec.replica\"") !=
        std::string::npos);
  const Reply warned = client.Post(kDeployments, manifest);
  CHECK(warned.code == 201);
  CHECK(warned.Header("warning") == "299 - \"unknown field \\\"spec.replica\\\"\"");
  CHECK_FALSE(warned.json()["spec"].contains("replica"));
  const Reply twice = client.Send(
      "POST", kConfigMaps + "?fieldValidation=Strict",
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1","a":"2"}})");
  CHECK(twice.message().find("duplicate field \"data.a\"") != std::string::npos);
}

TEST_CASE("values of the wrong shape are a 400 on create") {
  World world;
  Json manifest = Deployment("web", "shop/web:v1");
  manifest["spec"]["replicas"] = "two";
  const Reply reply = world.client().Post(kDeployments, manifest);
  CHECK(reply.code == 400);
  CHECK(reply.message().find("cannot unmarshal string") != std::string::npos);
}

TEST_CASE("names, labels and sizes have limits") {
  World world;
  Client& client = world.client();
  CHECK(client.Post(kConfigMaps, ConfigMap("Bad_Name")).code == 422);
  Json labelled = ConfigMap("c");
  labelled["metadata"]["labels"] = {{"a", "b c"}};
  CHECK(client.Post(kConfigMaps, labelled).code == 422);
  CHECK(client.Post(kConfigMaps, ConfigMap("c", {{"a", std::string(1100000, 'x')}})).code == 422);
  CHECK(client
            .Post("/dev/api/v1/namespaces",
                  {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "a.b"}}}})
            .code == 422);
}

TEST_CASE("silent fields get the defaults a real server gives") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web");
  manifest["spec"].erase("replicas");
  const Json live = client.Apply(kDeployments + "/web", manifest).json();
  CHECK(live["spec"]["replicas"] == 1);
  CHECK(
      live["spec"]["strategy"] ==
      Json::parse(
          R"({"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"}})"));
  const Json pod = live["spec"]["template"]["spec"];
  CHECK(pod["restartPolicy"] == "Always");
  CHECK(pod["dnsPolicy"] == "ClusterFirst");
  CHECK(pod["terminationGracePeriodSeconds"] == 30);
  CHECK(pod["containers"][0]["imagePullPolicy"] == "Always");
  const Json service = client.Apply(kServices + "/web", Service("web")).json();
  CHECK(service["spec"]["type"] == "ClusterIP");
  CHECK(service["spec"]["sessionAffinity"] == "None");
  CHECK(service["spec"]["ports"][0] ==
        Json::parse(R"({"port":80,"protocol":"TCP","targetPort":80})"));
  CHECK_FALSE(service["spec"]["clusterIP"].get<std::string>().empty());
}

TEST_CASE("stringData becomes data") {
  World world;
  const Json live =
      world.client()
          .Apply("/dev/api/v1/namespaces/default/secrets/s", {{"apiVersion", "v1"},
                                                              {"kind", "Secret"},
                                                              {"metadata", {{"name", "s"}}},
                                                              {"stringData", {{"a", "b"}}}})
          .json();
  CHECK(live["data"] == Json({{"a", "Yg=="}}));
  CHECK_FALSE(live.contains("stringData"));
}

TEST_CASE("quantities are stored in their canonical form") {
  const auto [text, canonical] = GENERATE(table<std::string, std::string>({{"1000m", "1"},
                                                                           {"0.5", "500m"},
                                                                           {"1500m", "1500m"},
                                                                           {"2000", "2k"},
                                                                           {"0.5Gi", "512Mi"},
                                                                           {"1024Mi", "1Gi"},
                                                                           {"1.5Gi", "1536Mi"},
                                                                           {"1024", "1024"},
                                                                           {"1e3", "1e3"},
                                                                           {"0", "0"},
                                                                           {"100M", "100M"},
                                                                           {"-1", "-1"},
                                                                           {"0.1Ki", "102400m"}}));
  CHECK(CanonicalQuantity(text) == canonical);
}

TEST_CASE("text that is no quantity is refused") {
  const std::string text =
      GENERATE(as<std::string>(), "", "1Z", "abc", "1.2.3", "1 Gi", "--1", "1e", "1e99");
  CHECK_FALSE(CanonicalQuantity(text));
}

TEST_CASE("an image's tag is found behind a registry's port and before a digest") {
  CHECK(ImageTag("localhost:5000/shop/web") == "");
  CHECK(ImageTag("localhost:5000/shop/web:crash-1") == "crash-1");
  CHECK(ImageTag("shop/web:v1@sha256:abc") == "v1");
  CHECK(ImageVersion("shop/web@sha256:abc") == "sha256:abc");
}

TEST_CASE("YAML scalars are typed as Kubernetes types them") {
  const auto [text, value] = GENERATE(table<std::string, Json>({{"yes", true},
                                                                {"off", false},
                                                                {"y", true},
                                                                {"yEs", "yEs"},
                                                                {"~", nullptr},
                                                                {"0755", 493},
                                                                {"0x1F", 31},
                                                                {"1_000", 1000},
                                                                {"1e3", 1000},
                                                                {"1.5", 1.5},
                                                                {"1:30", "1:30"},
                                                                {"2024-01-02", "2024-01-02"},
                                                                {"\"yes\"", "yes"}}));
  std::vector<std::string> duplicates;
  CHECK(ReadYaml("a: " + text, duplicates)->at("a") == value);
}

}  // namespace
}  // namespace sluice::sandbox
