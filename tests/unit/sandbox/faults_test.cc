#include <fstream>
#include <sstream>

#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

TEST_CASE("a status fault refuses as often as it says, with its Retry-After") {
  SandboxOptions options;
  options.faults = {"429:verb=patch,count=2,retryAfter=7"};
  World world(std::move(options));
  Client& client = world.client();
  CHECK(client.Get(kConfigMaps).code == 200);
  const Reply first = client.Apply(kConfigMaps + "/c", ConfigMap("c"));
  CHECK(first.code == 429);
  CHECK(first.reason() == "TooManyRequests");
  CHECK(first.Header("retry-after") == "7");
  CHECK(client.Apply(kConfigMaps + "/c", ConfigMap("c")).code == 429);
  CHECK(client.Apply(kConfigMaps + "/c", ConfigMap("c")).code == 201);
  CHECK(world.sandbox().Writes("dev")[0].fault == "429:verb=patch,count=2,retryAfter=7");
}

TEST_CASE("a fault keeps to its path, its cluster and its turn") {
  SandboxOptions options;
  options.clusters = {"dev", "prod"};
  World world(std::move(options));
  Client& client = world.client();
  REQUIRE(world.sandbox().InjectFault(
      "500:path=/api/v1/namespaces/default/configmaps,cluster=prod,after=1,every=2"));
  const std::string path = "/prod/api/v1/namespaces/default/configmaps";
  CHECK(client.Get(kConfigMaps).code == 200);
  CHECK(client.Get(path).code == 200);  // let pass
  CHECK(client.Get(path).code == 200);
  CHECK(client.Get(path).code == 500);
  CHECK(client.Get(path).code == 200);
  CHECK(client.Get(path).code == 500);
  world.sandbox().ClearFaults();
  CHECK(client.Get(path).code == 200);
  CHECK(client.Get(path).code == 200);
}

TEST_CASE("stale reads show the past while writes go on") {
  World world;
  Client& client = world.client();
  client.Post(kConfigMaps, ConfigMap("c"));
  REQUIRE(world.sandbox().InjectFault("stale:seconds=3600"));
  CHECK(client.Get(kConfigMaps + "/c").code == 404);
  CHECK(client.Get(kConfigMaps).json()["items"].empty());
  CHECK(client.Patch(kConfigMaps + "/c", {{"data", {{"key", "new"}}}}, "merge-patch")
            .json()["data"]["key"] == "new");
  world.sandbox().ClearFaults();
  CHECK(client.Get(kConfigMaps + "/c").json()["data"]["key"] == "new");
}

TEST_CASE("a dropped connection leaves the write done or undone as it says") {
  World world;
  Client& client = world.client();
  SECTION("before: nothing happened") {
    REQUIRE(world.sandbox().InjectFault("drop:verb=apply,when=before,count=1"));
    CHECK(client.Apply(kConfigMaps + "/c", ConfigMap("c")).code == 0);
    CHECK(client.Get(kConfigMaps + "/c").code == 404);
  }
  SECTION("after: done without an answer") {
    REQUIRE(world.sandbox().InjectFault("drop:verb=apply,when=after,count=1"));
    CHECK(client.Apply(kConfigMaps + "/c", ConfigMap("c")).code == 0);
    CHECK(client.Get(kConfigMaps + "/c").code == 200);
  }
  SECTION("mid: half an answer") {
    REQUIRE(world.sandbox().InjectFault("drop:verb=apply,count=1"));
    const Reply reply = client.Apply(kConfigMaps + "/c", ConfigMap("c"));
    CHECK(reply.code == 0);
    CHECK_FALSE(reply.body.empty());
    CHECK(reply.json().is_discarded());
    CHECK(client.Get(kConfigMaps + "/c").code == 200);
  }
}

TEST_CASE("a fault that cannot be read says why") {
  const auto [spec, text] =
      GENERATE(table<std::string, std::string>({{"burn", "unknown kind 'burn'"},
                                                {"200", "unknown kind '200'"},
                                                {"429:verb=pach", "did you mean 'patch'"},
                                                {"429:cout=2", "did you mean 'count'"},
                                                {"429:count=many", "count=many is not a number"},
                                                {"500:count=0", "at least 1"},
                                                {"drop:when=later", "must be before, after or mid"},
                                                {"429:count", "is not key=value"}}));
  const Result<Fault> fault = ParseFault(spec);
  REQUIRE_FALSE(fault);
  CHECK(fault.error().message().find(text) != std::string::npos);
  SandboxOptions options;
  options.dir = "/nonexistent";
  options.faults = {spec};
  CHECK_FALSE(Sandbox::Start(options));
}

TEST_CASE("every example in the help can be parsed") {
  std::istringstream lines(HelpFaults());
  int examples = 0;
  for (std::string line; std::getline(lines, line);) {
    const size_t at = line.find("--fault ");
    if (at == std::string::npos) continue;
    ++examples;
    CHECK(ParseFault(line.substr(at + 8)));
  }
  CHECK(examples >= 4);
}

}  // namespace
}  // namespace sluice::sandbox
