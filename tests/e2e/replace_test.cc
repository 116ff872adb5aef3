// What cannot be changed in place: refused as content, or replaced where the object opts in.
#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

using Kinds = std::vector<std::string>;
using nlohmann::json;

const std::string kFile = "environments/dev/web/deployment.yaml";

std::string Text(const Ran& ran) {
  return "exit code " + std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

void Replace(std::string& text, const std::string& what, const std::string& with) {
  const size_t at = text.find(what);
  if (at == std::string::npos) throw std::runtime_error("no '" + what + "' in " + text);
  text.replace(at, what.size(), with);
}

// The Deployment with another selector; `consent` is the annotation's value, "" for none.
void ChangeSelector(World& world, const std::string& tier, const std::string& consent) {
  std::string text = world.Read(kFile);
  Replace(text, "matchLabels: {app: web}", "matchLabels: {app: web, tier: " + tier + "}");
  Replace(text, "      labels: {app: web}", "      labels: {app: web, tier: " + tier + "}");
  if (!consent.empty())
    Replace(text, "  name: web\n",
            "  name: web\n  annotations: {sluice.dev/replace: \"" + consent + "\"}\n");
  world.Write(kFile, text);
}

void Begin(World& world) {
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {.replicas = 2});
  world.Commit("Add web");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  REQUIRE(ran.exit_code == 0);
}

std::string Tier(const World& world) {
  return world.Deployment("dev", "web")
      .value("/spec/selector/matchLabels/tier"_json_pointer, std::string());
}

std::string Uid(const json& object) { return object["metadata"]["uid"]; }

// Each ReplicaSet and pod that is not about to go belongs to the Deployment that is there now.
void CheckNothingLingers(const World& world) {
  const std::string uid = Uid(world.Deployment("dev", "web"));
  for (const json& set :
       world.Cluster("dev").List("/apis/apps/v1/namespaces/" + world.Ns("dev") + "/replicasets"))
    CHECK(set["metadata"]["ownerReferences"][0]["uid"] == uid);
  const json pods = world.Cluster("dev").List("/api/v1/namespaces/" + world.Ns("dev") + "/pods");
  CHECK(pods.size() == 2);
}

size_t Deletes(const World& world) {
  size_t count = 0;
  for (const SeenRequest& request : world.Requests())
    count += request.verb == "delete" && !request.is_dry_run ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a Deployment with another selector is replaced where it opts in, and goes live") {
  World world;
  Begin(world);
  const std::string before = Uid(world.Deployment("dev", "web"));
  ChangeSelector(world, "two", "when-immutable");
  world.WriteRelease("dev", "web", "good-2", "2");
  world.Commit("Another selector");

  const Ran planned = world.Sluice({"plan", "-o", "json", "--exit-code"});
  INFO(Text(planned));
  CHECK(planned.exit_code == 5);
  const json plan = json::parse(planned.out)[0];
  REQUIRE(plan["changes"].size() == 1);
  const json& change = plan["changes"][0];
  CHECK(change["action"] == "replace");
  CHECK(change["reason"].get<std::string>().find("field is immutable") != std::string::npos);
  CHECK(change["fields"].dump().find("/spec/selector/matchLabels/tier") != std::string::npos);
  CHECK(Uid(world.Deployment("dev", "web")) == before);

  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  REQUIRE(ran.exit_code == 0);
  CHECK(Tier(world) == "two");
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-2");
  CHECK(Uid(world.Deployment("dev", "web")) != before);
  CHECK(Deletes(world) == 1);
  CheckNothingLingers(world);
  CHECK(world.Record("dev/web")["outcome"] == "Succeeded");

  const size_t requests = world.Requests().size();
  const Ran again = world.Sluice({"sync"});
  INFO(Text(again));
  CHECK(again.exit_code == 0);
  CHECK(world.Requests().size() == requests);
  CHECK(world.Sluice({"plan", "--exit-code"}).exit_code == 0);
}

TEST_CASE("a bad release that replaced an object is replaced back and reverted") {
  World world;
  Begin(world);
  // The consent comes with the bad commit, so last known good has none.
  ChangeSelector(world, "two", "when-immutable");
  world.WriteRelease("dev", "web", "http500-1", "bad");
  world.Commit("Another selector, and bad");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 3);
  CHECK(Tier(world).empty());
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
  CHECK(Deletes(world) == 2);
  CheckNothingLingers(world);
  CHECK(world.EventKinds("dev/web") ==
        Kinds{"started", "succeeded", "started", "failed", "rolledback", "reverted", "succeeded"});
  world.Pull();
  CHECK(world.Read(kFile).find("tier") == std::string::npos);
  CHECK(world.Sluice({"plan", "--exit-code"}).exit_code == 0);
}

TEST_CASE("without consent an immutable field fails at the dry run, and the remedy is named") {
  World world;
  Begin(world);
  const std::string before = Uid(world.Deployment("dev", "web"));
  const size_t writes = world.WriteCount();
  ChangeSelector(world, "two", "");
  world.Commit("Another selector");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 3);
  CHECK(world.WriteCount() == writes);
  CHECK(Uid(world.Deployment("dev", "web")) == before);
  const auto record = world.Record("dev/web");
  REQUIRE(record["failed"].size() == 1);
  CHECK(ran.out.find("field is immutable") != std::string::npos);
  CHECK(ran.out.find("sluice.dev/replace: \"when-immutable\"") != std::string::npos);
  world.Pull();
  CHECK(world.Read(kFile).find("tier") == std::string::npos);
}

TEST_CASE("a consent that is not known is an error of the file") {
  World world;
  Begin(world);
  ChangeSelector(world, "two", "always");
  world.Commit("A typo");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 2);
  CHECK(ran.out.find(kFile + ":5:") != std::string::npos);
  CHECK(ran.out.find("not \"always\"") != std::string::npos);
}

}  // namespace sluice::e2e
