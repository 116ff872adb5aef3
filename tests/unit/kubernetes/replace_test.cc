// Replacing what cannot be changed in place. One source for the real API server and the sandbox.
#include "tests/support/catch.h"
#include "tests/unit/kubernetes/driver_steps.h"

namespace sluice::targets::kubernetes {
namespace {

struct ReplacedKind {
  std::string name;  // of the kind; the object is called "it"
  std::string before, after;
};

std::string ConfigMap(const std::string& value, const std::string& consent = "") {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: it\n" +
         (consent.empty() ? "" : "  annotations: {sluice.dev/replace: \"" + consent + "\"}\n") +
         "immutable: true\ndata: {key: \"" + value + "\"}\n";
}

std::string Deployment(const std::string& tier) {
  return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: it\nspec:\n  selector: "
         "{matchLabels: {app: it, tier: " +
         tier + "}}\n  template:\n    metadata: {labels: {app: it, tier: " + tier +
         "}}\n    spec: {containers: [{name: it, image: \"registry.example/it:1\"}]}\n";
}

std::string Job(const std::string& argument) {
  return "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: it\nspec:\n  template:\n    spec: "
         "{restartPolicy: Never, containers: [{name: it, image: \"registry.example/it:1\", args: "
         "[\"" +
         argument + "\"]}]}\n";
}

std::string Service(const std::string& more) {
  return "apiVersion: v1\nkind: Service\nmetadata:\n  name: it\nspec: {selector: {app: it}, "
         "ports: [{port: 80}]" +
         more + "}\n";
}

std::string Consenting(std::string yaml, const std::string& consent = "when-immutable") {
  const std::string name = "  name: it\n";
  return yaml.insert(yaml.find(name) + name.size(),
                     "  annotations: {sluice.dev/replace: \"" + consent + "\"}\n");
}

std::string UidOf(const Pass& pass) { return pass.live.objects.begin()->second.uid; }

}  // namespace

TEST_CASE("an object that opts in is deleted, waited for, and created again") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const ReplacedKind kind = GENERATE(values<ReplacedKind>({
      {"ConfigMap", ConfigMap("1"), ConfigMap("2")},
      {"Secret",
       "apiVersion: v1\nkind: Secret\nmetadata:\n  name: it\nimmutable: true\nstringData: {a: "
       "s3cret}\n",
       "apiVersion: v1\nkind: Secret\nmetadata:\n  name: it\nimmutable: true\nstringData: {a: "
       "0ther}\n"},
      {"Deployment", Deployment("one"), Deployment("two")},
      {"Job", Job("one"), Job("two")},
      {"Service", Service(""), Service(", clusterIP: None")},
  }));
  CAPTURE(kind.name);
  Deploy(cluster, *driver, kind.before);
  {
    const Pass pass = MakePass(cluster, *driver, MakeResources(kind.after));
    const Prediction& prediction = PredictionOf(pass, kind.name, "it");
    CHECK(prediction.kind == Prediction::Kind::kImmutable);
    CHECK_FALSE(prediction.may_be_replaced);
    CHECK(prediction.replace_advice.find("sluice.dev/replace: \"when-immutable\"") !=
          std::string::npos);
  }
  const auto after = MakeResources(Consenting(kind.after));
  const Pass pass = MakePass(cluster, *driver, after);
  const Prediction& prediction = PredictionOf(pass, kind.name, "it");
  INFO(prediction.message << " / " << prediction.replace_advice);
  REQUIRE(prediction.may_be_replaced);
  CHECK(prediction.message.find("s3cret") == std::string::npos);
  const auto make_room = [&](WriteMode mode) {
    const auto results =
        driver->MakeRoom(pass.prepared.objects, pass.live, mode, cluster.Deadline());
    REQUIRE(results.size() == 1);
    INFO((results[0].status ? "" : results[0].status.error().message()));
    REQUIRE(results[0].status);
  };
  const int effects = cluster.effects.Counts()["live-write"];
  make_room(WriteMode::kDryRun);
  CHECK(cluster.effects.Counts()["live-write"] == effects);
  CHECK(UidOf(MakePass(cluster, *driver, after)) == UidOf(pass));
  make_room(WriteMode::kApply);
  CHECK(MakePass(cluster, *driver, after).live.objects.empty());
  CHECK(cluster.effects.Counts()["live-write"] > effects);  // again where a status moved
  make_room(WriteMode::kApply);                             // again, as after a crash
  ApplyAll(cluster, *driver, pass.prepared.objects, {});
  const Pass second = MakePass(cluster, *driver, after);
  CHECK(UidOf(second) != UidOf(pass));
  CHECK(second.predictions[0].kind == Prediction::Kind::kSame);
}

TEST_CASE("the pods of a replaced workload are gone before the new one is created") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  Deploy(cluster, *driver, Deployment("one"));
  const auto pods = [&] {
    return cluster.As("t", "GET", "/api/v1/namespaces/" + ns + "/pods").body["items"].size();
  };
  REQUIRE(cluster.Eventually([&] { return pods() > 0; }));
  const Pass pass = MakePass(cluster, *driver, MakeResources(Consenting(Deployment("two"))));
  const auto results =
      driver->MakeRoom(pass.prepared.objects, pass.live, WriteMode::kApply, cluster.Deadline());
  INFO((results[0].status ? "" : results[0].status.error().message()));
  REQUIRE(results[0].status);
  CHECK(pods() == 0);
}

TEST_CASE("nothing is deleted for an object that the server would not take") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  Deploy(cluster, *driver, ConfigMap("1"));
  std::string bad = Consenting(ConfigMap("2"));
  bad.replace(bad.find("{key:"), 5, "{\"a b\":");
  const Pass pass = MakePass(cluster, *driver, MakeResources(bad));
  const Prediction& prediction = PredictionOf(pass, "ConfigMap", "it");
  CHECK(prediction.kind == Prediction::Kind::kImmutable);
  CHECK_FALSE(prediction.may_be_replaced);
  INFO(prediction.replace_advice);
  CHECK(prediction.replace_advice.find("would not take the new one") != std::string::npos);
  CHECK(prediction.replace_advice.find("config key") != std::string::npos);
}

TEST_CASE("what holds other people's data is never replaced") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  const auto claim = [](const std::string& mode) {
    return "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: it\nspec: "
           "{accessModes: [" +
           mode + "], resources: {requests: {storage: 1Gi}}}\n";
  };
  Deploy(cluster, *driver, claim("ReadWriteOnce"));
  const Pass pass = MakePass(cluster, *driver, MakeResources(Consenting(claim("ReadWriteMany"))));
  const Prediction& prediction = PredictionOf(pass, "PersistentVolumeClaim", "it");
  CHECK(prediction.kind == Prediction::Kind::kImmutable);
  CHECK_FALSE(prediction.may_be_replaced);
  CHECK(prediction.replace_advice.find("is never replaced, for its data would go with it") !=
        std::string::npos);
}

TEST_CASE("a load balancer is replaced only with a word of its own") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  Deploy(cluster, *driver, Service(", type: LoadBalancer"));
  const std::string after = Service(", clusterIP: None");
  const Pass one = MakePass(cluster, *driver, MakeResources(Consenting(after)));
  CHECK_FALSE(PredictionOf(one, "Service", "it").may_be_replaced);
  CHECK(PredictionOf(one, "Service", "it").replace_advice.find("when-immutable,load-balancer") !=
        std::string::npos);
  const Pass two =
      MakePass(cluster, *driver, MakeResources(Consenting(after, "when-immutable,load-balancer")));
  INFO(PredictionOf(two, "Service", "it").replace_advice);
  CHECK(PredictionOf(two, "Service", "it").may_be_replaced);
}

TEST_CASE("an object that somebody else has put there meanwhile is not deleted") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  Deploy(cluster, *driver, ConfigMap("1"));
  const Pass pass = MakePass(cluster, *driver, MakeResources(Consenting(ConfigMap("2"))));
  const std::string path = "/api/v1/namespaces/" + ns + "/configmaps";
  REQUIRE(cluster.As("kubectl", "DELETE", path + "/it").IsSuccess());
  REQUIRE(cluster
              .As("kubectl", "POST", path,
                  {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "it"}}}})
              .IsSuccess());
  const auto results =
      driver->MakeRoom(pass.prepared.objects, pass.live, WriteMode::kApply, cluster.Deadline());
  REQUIRE_FALSE(results[0].status);
  CHECK(results[0].status.error().code() == ErrorCode::kUnavailable);
  CHECK(results[0].status.error().reason() == kReasonChangedMeanwhile);
  CHECK(cluster.As("kubectl", "GET", path + "/it").IsSuccess());
}

TEST_CASE("an object that a finalizer keeps is waited for until the deadline, and named") {
  LiveCluster cluster;
  const std::string ns = cluster.MakeNamespace();
  const auto driver = cluster.Driver(ns);
  Deploy(cluster, *driver, ConfigMap("1"));
  const std::string path = "/api/v1/namespaces/" + ns + "/configmaps/it";
  const auto finalize = [&](const nlohmann::json& finalizers) {
    return cluster
        .As("kubectl", "PATCH", path, {{"metadata", {{"finalizers", finalizers}}}},
            "application/merge-patch+json")
        .IsSuccess();
  };
  REQUIRE(finalize({"example.com/keep"}));
  const Pass pass = MakePass(cluster, *driver, MakeResources(Consenting(ConfigMap("2"))));
  const auto results =
      driver->MakeRoom(pass.prepared.objects, pass.live, WriteMode::kApply, cluster.Deadline(2));
  REQUIRE_FALSE(results[0].status);
  const Error& error = results[0].status.error();
  INFO(error.message());
  CHECK(error.code() == ErrorCode::kDeadlineExceeded);
  CHECK(error.reason() == "ReplaceStuck");
  CHECK(error.message().find("ConfigMap " + ns + "/it") != std::string::npos);
  CHECK(error.message().find("example.com/keep") != std::string::npos);
  // The next attempt finds it on its way out, and the apply waits until it is gone.
  const Pass again = MakePass(cluster, *driver, MakeResources(Consenting(ConfigMap("2"))));
  CHECK(PredictionOf(again, "ConfigMap", "it").kind == Prediction::Kind::kDeleting);
  REQUIRE(finalize(nlohmann::json::array()));
  ApplyAll(cluster, *driver, again.prepared.objects, again.live);
  CHECK(UidOf(MakePass(cluster, *driver, MakeResources(ConfigMap("2")))) != UidOf(pass));
}

}  // namespace sluice::targets::kubernetes
