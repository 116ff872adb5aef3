#include "tests/support/catch.h"
#include "tests/unit/sandbox/sandbox_client.h"

namespace sluice::sandbox {
namespace {

std::string RevisionOf(Client& client) {
  return client.Get(kConfigMaps).json()["metadata"]["resourceVersion"];
}

std::vector<std::string> Types(const Watch& watch) {
  std::vector<std::string> out;
  for (const Json& event : watch.Events()) out.push_back(event["type"]);
  return out;
}

TEST_CASE("a watch tells what is added, modified and deleted after its revision") {
  World world;
  Client& client = world.client();
  client.Post(kConfigMaps, ConfigMap("before"));
  const std::string revision = RevisionOf(client);
  client.Post(kConfigMaps, ConfigMap("missed"));
  const Watch watch(world.sandbox(), kConfigMaps + "?watch=1&resourceVersion=" + revision);
  REQUIRE(Eventually([&] { return watch.Events().size() == 1; }));
  client.Patch(kConfigMaps + "/missed", {{"data", {{"key", "new"}}}}, "merge-patch");
  client.Delete(kConfigMaps + "/missed");
  REQUIRE(Eventually([&] { return watch.Events().size() == 3; }));
  CHECK(Types(watch) == std::vector<std::string>{"ADDED", "MODIFIED", "DELETED"});
  CHECK(watch.Events()[1]["object"]["data"]["key"] == "new");
  CHECK(watch.Events()[0]["object"]["kind"] == "ConfigMap");
}

TEST_CASE("a selection sees objects enter and leave") {
  World world;
  Client& client = world.client();
  client.Post(kConfigMaps, ConfigMap("c"));
  const Watch watch(
      world.sandbox(),
      kConfigMaps + "?watch=1&labelSelector=on%3Dyes&resourceVersion=" + RevisionOf(client));
  client.Patch(kConfigMaps + "/c", {{"metadata", {{"labels", {{"on", "yes"}}}}}}, "merge-patch");
  client.Patch(kConfigMaps + "/c", {{"metadata", {{"labels", {{"on", "no"}}}}}}, "merge-patch");
  REQUIRE(Eventually([&] { return watch.Events().size() == 2; }));
  CHECK(Types(watch) == std::vector<std::string>{"ADDED", "DELETED"});
}

TEST_CASE("initial events end with a marked bookmark") {
  World world;
  Client& client = world.client();
  client.Post(kConfigMaps, ConfigMap("c"));
  const Watch watch(world.sandbox(),
                    kConfigMaps +
                        "?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&"
                        "resourceVersionMatch=NotOlderThan&fieldSelector=metadata.name%3Dc");
  REQUIRE(Eventually([&] { return watch.Events().size() == 2; }));
  CHECK(Types(watch) == std::vector<std::string>{"ADDED", "BOOKMARK"});
  CHECK(watch.Events()[1]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] ==
        "true");
}

TEST_CASE("bookmarks carry the latest revision") {
  SandboxOptions options;
  options.timings.bookmark = Duration(30);
  World world(std::move(options));
  Client& client = world.client();
  const std::string revision = RevisionOf(client);
  const Watch watch(world.sandbox(),
                    kConfigMaps + "?watch=1&allowWatchBookmarks=true&resourceVersion=" + revision);
  client.Apply(kServices + "/web", Service("web"));  // moves the revision, not this watch
  const std::string latest = RevisionOf(client);
  CHECK(Eventually([&] {
    const std::vector<Json> events = watch.Events();
    return !events.empty() && events.back()["type"] == "BOOKMARK" &&
           std::stoull(events.back()["object"]["metadata"]["resourceVersion"].get<std::string>()) >=
               std::stoull(latest);
  }));
}

TEST_CASE("a watch from before history is told 410 and ended") {
  World world;
  Client& client = world.client();
  const std::string revision = RevisionOf(client);
  client.Post(kConfigMaps, ConfigMap("c"));
  world.sandbox().CompactHistory("dev");
  const Watch watch(world.sandbox(), kConfigMaps + "?watch=1&resourceVersion=" + revision);
  REQUIRE(Eventually([&] { return watch.ended(); }));
  REQUIRE(Types(watch) == std::vector<std::string>{"ERROR"});
  CHECK(watch.Events()[0]["object"]["code"] == 410);
  CHECK(watch.Events()[0]["object"]["reason"] == "Expired");
}

TEST_CASE("timeoutSeconds ends a watch normally") {
  World world;
  const Watch watch(world.sandbox(), kConfigMaps + "?watch=1&timeoutSeconds=1");
  CHECK(Eventually([&] { return watch.ended(); }));
}

TEST_CASE("many watches and requests are served at once") {
  World world;
  Client& client = world.client();
  const std::string revision = RevisionOf(client);
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 200; ++i) {
    watches.push_back(std::make_unique<Watch>(
        world.sandbox(), kConfigMaps + "?watch=1&resourceVersion=" + revision));
  }
  client.Post(kConfigMaps, ConfigMap("c"));
  CHECK(Eventually([&] {
    for (const auto& watch : watches) {
      if (watch->Events().empty()) return false;
    }
    return true;
  }));
  for (const auto& watch : watches) watch->Leave();
}

}  // namespace
}  // namespace sluice::sandbox
