#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

size_t Count(Client& client, const std::string& path) {
  return client.Get(path).json()["items"].size();
}

TEST_CASE("preconditions guard a deletion") {
  World world;
  Client& client = world.client();
  const Json live = client.Post(kConfigMaps, ConfigMap("c")).json();
  const auto options = [](const std::string& key, const Json& value) {
    return Json{{"kind", "DeleteOptions"}, {"apiVersion", "v1"}, {"preconditions", {{key, value}}}};
  };
  CHECK(client.Delete(kConfigMaps + "/c", options("uid", "other")).code == 409);
  CHECK(client.Delete(kConfigMaps + "/c", options("resourceVersion", "1")).code == 409);
  REQUIRE(client.Get(kConfigMaps + "/c").code == 200);
  const Reply gone = client.Delete(kConfigMaps + "/c", options("uid", live["metadata"]["uid"]));
  CHECK(gone.code == 200);
  CHECK(gone.json()["status"] == "Success");
  CHECK(client.Get(kConfigMaps + "/c").code == 404);
}

TEST_CASE("an object with finalizers lingers until they are gone") {
  World world;
  Client& client = world.client();
  Json manifest = ConfigMap("c");
  manifest["metadata"]["finalizers"] = {"shop.example/guard"};
  client.Post(kConfigMaps, manifest);
  const Reply reply = client.Delete(kConfigMaps + "/c");
  CHECK(reply.code == 200);
  CHECK(reply.json()["kind"] == "ConfigMap");
  CHECK(reply.json()["metadata"].contains("deletionTimestamp"));
  REQUIRE(client.Get(kConfigMaps + "/c").code == 200);
  client.Patch(kConfigMaps + "/c", {{"metadata", {{"finalizers", nullptr}}}}, "merge-patch");
  CHECK(client.Get(kConfigMaps + "/c").code == 404);
}

TEST_CASE("in the background a Deployment takes its ReplicaSets and pods along") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1", 2));
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  REQUIRE(client.Delete(kDeployments + "/web", {{"propagationPolicy", "Background"}}).code == 200);
  CHECK(client.Get(kDeployments + "/web").code == 404);
  CHECK(Eventually([&] {
    return Count(client, kPods) == 0 &&
           Count(client, "/dev/apis/apps/v1/namespaces/default/replicasets") == 0;
  }));
}

TEST_CASE("in the foreground the owner waits for its dependents") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1", 2));
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  const Reply reply = client.Delete(kDeployments + "/web", {{"propagationPolicy", "Foreground"}});
  CHECK(reply.json()["metadata"]["finalizers"] == Json::array({"foregroundDeletion"}));
  REQUIRE(Eventually([&] { return client.Get(kDeployments + "/web").code == 404; }));
  CHECK(Count(client, kPods) == 0);
}

TEST_CASE("orphaned dependents stay without their owner") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1"));
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  client.Delete(kDeployments + "/web", {{"propagationPolicy", "Orphan"}});
  REQUIRE(Eventually([&] { return client.Get(kDeployments + "/web").code == 404; }));
  const Json sets = client.Get("/dev/apis/apps/v1/namespaces/default/replicasets").json()["items"];
  REQUIRE(sets.size() == 1);
  CHECK_FALSE(sets[0]["metadata"].contains("ownerReferences"));
  CHECK(Count(client, kPods) == 1);
}

TEST_CASE("a Job's pods are orphaned unless a policy is given") {
  World world;
  Client& client = world.client();
  const std::string jobs = "/dev/apis/batch/v1/namespaces/default/jobs";
  const Json job = {
      {"apiVersion", "batch/v1"},
      {"kind", "Job"},
      {"metadata", {{"name", "j"}}},
      {"spec",
       {{"template",
         {{"spec",
           {{"restartPolicy", "Never"}, {"containers", {{{"name", "x"}, {"image", "a:1"}}}}}}}}}}};
  client.Apply(jobs + "/j", job);
  REQUIRE(Eventually([&] { return Count(client, kPods) == 1; }));
  client.Delete(jobs + "/j");
  REQUIRE(Eventually([&] { return client.Get(jobs + "/j").code == 404; }));
  CHECK(Count(client, kPods) == 1);
}

TEST_CASE("a deleted namespace empties itself, refuses new content meanwhile, and goes") {
  World world;
  Client& client = world.client();
  const std::string path = "/dev/api/v1/namespaces/shop";
  client.Post("/dev/api/v1/namespaces",
              {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "shop"}}}});
  Json held = ConfigMap("held");
  held["metadata"] = {{"name", "held"}, {"finalizers", {"shop.example/guard"}}};
  client.Post(path + "/configmaps", held);
  CHECK(client.Delete(path).json()["status"]["phase"] == "Terminating");
  REQUIRE(Eventually([&] { return Count(client, path + "/configmaps") == 1; }));
  const Reply refused =
      client.Apply(path + "/configmaps/new",
                   {{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", {{"name", "new"}}}});
  CHECK(refused.code == 403);
  CHECK(refused.json()["details"]["causes"][0]["reason"] == "NamespaceTerminating");
  CHECK(Eventually([&] {
    const Json status = client.Get(path).json()["status"];
    return status.dump().find(
               "Some content in the namespace has finalizers remaining: "
               "shop.example/guard in 1 resource instances") != std::string::npos;
  }));
  client.Patch(path + "/configmaps/held", {{"metadata", {{"finalizers", nullptr}}}}, "merge-patch");
  CHECK(Eventually([&] { return client.Get(path).code == 404; }));
}

TEST_CASE("what is being deleted takes no further finalizers") {
  World world;
  Client& client = world.client();
  Json manifest = ConfigMap("c");
  manifest["metadata"]["finalizers"] = {"shop.example/guard"};
  client.Post(kConfigMaps, manifest);
  client.Delete(kConfigMaps + "/c");
  const Reply refused = client.Patch(
      kConfigMaps + "/c",
      {{"metadata", {{"finalizers", {"shop.example/guard", "shop.example/b"}}}}}, "merge-patch");
  CHECK(refused.code == 422);
  CHECK(refused.json()["details"]["causes"][0]["field"] == "metadata.finalizers");
  CHECK(refused.json()["message"].get<std::string>().find(
            "no new finalizers can be added if the object is being deleted") != std::string::npos);
}

TEST_CASE("a webhook that nobody answers refuses what it is asked about, until it is deleted") {
  World world;
  Client& client = world.client();
  const std::string hooks =
      "/dev/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
  const std::string policy = GENERATE("Fail", "Ignore");
  client.Post(kConfigMaps, ConfigMap("c"));
  const Json hook = {
      {"apiVersion", "admissionregistration.k8s.io/v1"},
      {"kind", "ValidatingWebhookConfiguration"},
      {"metadata", {{"name", "h"}}},
      {"webhooks",
       {{{"name", "check.shop.example"},
         {"admissionReviewVersions", {"v1"}},
         {"sideEffects", "None"},
         {"failurePolicy", policy},
         {"clientConfig", {{"service", {{"name", "gone"}, {"namespace", "default"}}}}},
         {"rules",
          {{{"apiGroups", {""}},
            {"apiVersions", {"v1"}},
            {"operations", {"DELETE"}},
            {"resources", {"configmaps"}}}}}}}}};
  REQUIRE(client.Post(hooks, hook).code == 201);
  CHECK(client.Post(kConfigMaps, ConfigMap("d")).code == 201);
  const Reply reply = client.Delete(kConfigMaps + "/c");
  if (policy == "Ignore") {
    CHECK(reply.code == 200);
    return;
  }
  CHECK(reply.code == 500);
  CHECK(reply.json()["reason"] == "InternalError");
  CHECK(reply.json()["message"] ==
        "Internal error occurred: failed calling webhook \"check.shop.example\": failed to call "
        "webhook: Post \"https://gone.default.svc:443?timeout=10s\": service \"gone\" not found");
  CHECK(client.Delete(hooks + "/h").code == 200);
  CHECK(client.Delete(kConfigMaps + "/c").code == 200);
}

TEST_CASE("the namespaces a cluster lives from cannot be deleted") {
  World world;
  const std::string name = GENERATE(as<std::string>(), "default", "kube-system");
  CHECK(world.client().Delete("/dev/api/v1/namespaces/" + name).code == 403);
}

TEST_CASE("an object whose owner never existed is collected") {
  World world;
  Client& client = world.client();
  Json orphan = ConfigMap("c");
  orphan["metadata"]["ownerReferences"] = {{{"apiVersion", "v1"},
                                            {"kind", "ConfigMap"},
                                            {"name", "gone"},
                                            {"uid", "3f2c1d0e-0000-4000-8000-000000000000"}}};
  REQUIRE(client.Post(kConfigMaps, orphan).code == 201);
  CHECK(Eventually([&] { return client.Get(kConfigMaps + "/c").code == 404; }));
}

TEST_CASE("a namespace begins with its default service account") {
  World world;
  Client& client = world.client();
  client.Post("/dev/api/v1/namespaces",
              {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "shop"}}}});
  CHECK(client.Get("/dev/api/v1/namespaces/shop").json()["status"]["phase"] == "Active");
  CHECK(Eventually([&] {
    return client.Get("/dev/api/v1/namespaces/shop/serviceaccounts/default").code == 200;
  }));
}

TEST_CASE("a deleted pod answers to the name until its grace is over") {
  World world;
  Client& client = world.client();
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:v1"));
  REQUIRE(Eventually([&] { return IsRolledOut(client, "web"); }));
  const std::string name = client.Get(kPods).json()["items"][0]["metadata"]["name"];
  CHECK(client.Delete(kPods + "/" + name).json()["metadata"]["deletionGracePeriodSeconds"] == 30);
  CHECK(Eventually([&] { return client.Get(kPods + "/" + name).code == 404; }));
  CHECK(Eventually([&] { return IsRolledOut(client, "web"); }));
}

}  // namespace
}  // namespace sluice::sandbox
