// Content that a cluster does not take, and how it is told.
#include "engine/targets/kubernetes/driver.h"
#include "engine/targets/kubernetes/health_json.h"
#include "tests/support/catch.h"
#include "tests/unit/kubernetes/driver_steps.h"
#include "tests/unit/kubernetes/live_cluster.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr const char* kRefusedMap =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata: {a: \"1\"}\n";

TEST_CASE("content the server refuses for good is refused, whatever HTTP code it comes with") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  struct Row {
    const char* yaml;
    const char* words;
  };
  const Row row = GENERATE(values<Row>({
      // 500: a field the schema does not know
      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\nspec: {a: 1}\n",
       "field not declared in schema"},
      // 500: repeated key of a list-map
      {"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: "
       "\"i:1\", env: [{name: X, value: a}, {name: X, value: b}]}]}\n",
       "X"},
      // 500: a wrong type
      {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: many}\n",
       "replicas"},
      // 422: validation
      {"apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 99999}]}\n",
       "99999"},
  }));
  const Pass pass = MakePass(cluster, *driver, MakeResources(row.yaml));
  const Prediction& prediction = pass.predictions.at(0);
  INFO(prediction.message);
  CHECK(prediction.kind == Prediction::Kind::kRefused);
  CHECK(prediction.message.find(row.words) != std::string::npos);
  const auto results = driver->Apply(pass.prepared.objects, pass.live, WriteMode::kDryRun,
                                     Force::kNo, cluster.Deadline());
  REQUIRE_FALSE(results.at(0).status);
  CHECK(results.at(0).status.error().code() == ErrorCode::kRejected);
}

TEST_CASE("a refused Secret names the field and not the value") {
  LiveCluster cluster;
  const auto driver = cluster.Driver(cluster.MakeNamespace());
  const std::string yaml =
      GENERATE(as<std::string>{}, "data: {password: 987654321}\n",
               "data: {password: \"!987654321!\"}\n", "data: {\"bad key\": OTg3NjU0MzIx}\n");
  const Pass pass =
      MakePass(cluster, *driver,
               MakeResources("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n" + yaml));
  CHECK(pass.predictions.at(0).kind == Prediction::Kind::kRefused);
  const auto results = driver->Apply(pass.prepared.objects, pass.live, WriteMode::kApply,
                                     Force::kNo, cluster.Deadline());
  REQUIRE_FALSE(results.at(0).status);
  CHECK(results.at(0).status.error().code() == ErrorCode::kRejected);
  for (const std::string& text :
       {pass.predictions.at(0).message, results.at(0).status.error().message()}) {
    INFO(text);
    CHECK_THAT(text, Catch::Contains("the server refuses the Secret") &&
                         !Catch::Contains("987654321") && !Catch::Contains("OTg3NjU0"));
  }
}

TEST_CASE("content that cannot be written as JSON is refused before it is sent") {
  LiveCluster cluster;
  const auto driver = cluster.Driver(cluster.MakeNamespace());
  auto resources = MakeResources(kRefusedMap);
  resources[0].body["data"][std::string(1100, 'k')] = "x";
  const Pass pass = MakePass(cluster, *driver, resources);
  CHECK(pass.predictions.at(0).kind == Prediction::Kind::kRefused);
  CHECK_THAT(pass.predictions.at(0).message, Catch::Contains("longer than 1000 bytes"));
}

TEST_CASE("an exceeded quota is refused content, not missing rights") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const nlohmann::json quota = {{"apiVersion", "v1"},
                                {"kind", "ResourceQuota"},
                                {"metadata", {{"name", "q"}}},
                                {"spec", {{"hard", {{"count/configmaps", "0"}}}}}};
  if (!cluster.IsReal()) return;  // the sandbox has no quota
  REQUIRE(
      cluster.As("t", "POST", "/api/v1/namespaces/" + ns + "/resourcequotas", quota).IsSuccess());
  REQUIRE(cluster.Eventually([&] {
    return !At(cluster.As("t", "GET", "/api/v1/namespaces/" + ns + "/resourcequotas/q").body,
               "status", "hard")
                .is_null();
  }));
  const auto driver = cluster.Driver(ns);
  const Pass pass = MakePass(cluster, *driver, MakeResources(kRefusedMap));
  CHECK(pass.predictions.at(0).kind == Prediction::Kind::kRefused);
  CHECK(pass.predictions.at(0).message.find("exceeded quota") != std::string::npos);
}

}  // namespace
}  // namespace sluice::targets::kubernetes
