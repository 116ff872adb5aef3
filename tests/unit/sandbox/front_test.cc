#include <atomic>
#include <set>
#include <thread>

#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

void RollOut(Client& client, const Json& manifest) {
  const std::string name = manifest["metadata"]["name"];
  REQUIRE(client.Apply(kServices + "/" + name, Service(name)).code < 300);
  REQUIRE(client.Apply(kDeployments + "/" + name, manifest).code < 300);
  REQUIRE(Eventually([&] { return IsRolledOut(client, name); }));
}

TEST_CASE("the front answers as the deployed workload") {
  World world;
  Client& client = world.client();
  RollOut(client, Deployment("web", "shop/web:3f2c1d0", 2));
  const Reply reply = client.Front("/dev/default/web/orders/7");
  REQUIRE(reply.code == 200);
  CHECK(reply.json()["app"] == "web");
  CHECK(reply.json()["image"] == "shop/web:3f2c1d0");
  CHECK(reply.json()["version"] == "3f2c1d0");
  CHECK(reply.json()["path"] == "/orders/7");
  CHECK(reply.Header("x-sluice-sandbox") == "simulation");
  std::set<std::string> pods;
  for (int i = 0; i < 4; ++i)
    pods.insert(client.Front("/dev/default/web/").json()["pod"].get<std::string>());
  CHECK(pods.size() == 2);
}

TEST_CASE("the container behind the Service's port answers, not its neighbour") {
  World world;
  Json manifest = Deployment("web", "mesh/proxy:v9");
  manifest["spec"]["template"]["spec"]["containers"].push_back(
      {{"name", "shop"}, {"image", "shop/web:v1"}, {"ports", {{{"containerPort", 80}}}}});
  RollOut(world.client(), manifest);
  CHECK(world.client().Front("/dev/default/web/").json()["version"] == "v1");
}

TEST_CASE("an http500 image is ready and answers 500") {
  World world;
  RollOut(world.client(), Deployment("web", "shop/web:http500-abc"));
  const Reply reply = world.client().Front("/dev/default/web/healthz");
  CHECK(reply.code == 500);
  CHECK(reply.json()["version"] == "http500-abc");
}

TEST_CASE("without a ready pod the front answers 503, without a Service 404") {
  World world;
  Client& client = world.client();
  client.Apply(kServices + "/web", Service("web"));
  client.Apply(kDeployments + "/web", Deployment("web", "shop/web:unready-1"));
  CHECK(client.Front("/dev/default/web/").code == 503);
  CHECK(client.Front("/dev/default/none/").code == 404);
  CHECK(client.Front("/nowhere/default/web/").code == 404);
  CHECK(client.Front("/").code == 404);
}

TEST_CASE("a pod that ends still answers what it began") {
  World world;
  Client& client = world.client();
  RollOut(client, Deployment("web", "shop/web:v1"));
  Reply slow;
  std::atomic<bool> asked{false};
  std::thread asker([&] {
    Client own(world.sandbox());
    asked = true;
    slow = own.Front("/dev/default/web/?delay=600");
  });
  while (!asked) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // let the request arrive
  const std::string pod = client.Get(kPods).json()["items"][0]["metadata"]["name"];
  client.Delete(kPods + "/" + pod);
  asker.join();
  CHECK(slow.code == 200);
  CHECK(slow.json()["pod"] == pod);
}

// Asks without pause while `change` runs; counts what failed.
int FailuresDuring(World& world, const std::function<void()>& change) {
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  std::atomic<int> asked{0};
  std::vector<std::thread> probes;
  for (int i = 0; i < 2; ++i) {
    probes.emplace_back([&] {
      Client own(world.sandbox());
      while (!done) {
        if (own.Front("/dev/default/web/healthz").code != 200) ++failures;
        ++asked;
      }
    });
  }
  while (asked < 10) std::this_thread::yield();
  change();
  done = true;
  for (std::thread& probe : probes) probe.join();
  return failures;
}

TEST_CASE("a rolling update never fails a request") {
  World world;
  Client& client = world.client();
  const int replicas = GENERATE(1, 3);
  RollOut(client, Deployment("web", "shop/web:v1", replicas));
  const int failures =
      FailuresDuring(world, [&] { RollOut(client, Deployment("web", "shop/web:v2", replicas)); });
  CHECK(failures == 0);
  CHECK(client.Front("/dev/default/web/").json()["version"] == "v2");
}

TEST_CASE("a broken new version does not touch what serves") {
  World world;
  Client& client = world.client();
  RollOut(client, Deployment("web", "shop/web:v1", 3));
  const int failures = FailuresDuring(world, [&] {
    client.Apply(kDeployments + "/web", Deployment("web", "shop/web:crash-2", 3));
    CHECK(Eventually(
        [&] { return client.Get(kPods).body.find("CrashLoopBackOff") != std::string::npos; }));
    RollOut(client, Deployment("web", "shop/web:v1", 3));
  });
  CHECK(failures == 0);
}

TEST_CASE("strategy Recreate fails requests while nothing runs") {
  World world;
  Client& client = world.client();
  Json manifest = Deployment("web", "shop/web:v1", 2);
  manifest["spec"]["strategy"] = {{"type", "Recreate"}};
  RollOut(client, manifest);
  manifest["spec"]["template"]["spec"]["containers"][0]["image"] = "shop/web:v2";
  CHECK(FailuresDuring(world, [&] { RollOut(client, manifest); }) > 0);
}

}  // namespace
}  // namespace sluice::sandbox
