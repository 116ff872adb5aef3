// Two engines: one is stopped in the middle of its work, the other takes over, and the first is
// woken. Whatever it was about to write is of another time.
#include <algorithm>
#include <csignal>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

constexpr int kMaps = 200;  // more than are in flight at once
constexpr seconds kTakeover{150};

bool IsStopped(const Child& child) {
  const std::string stat = ReadFile("/proc/" + std::to_string(child.pid()) + "/stat");
  const size_t end = stat.rfind(") ");
  return end != std::string::npos && stat[end + 2] == 'T';
}

void Declare(World& world, const std::string& value, const std::string& tag) {
  world.WriteApp("dev", {.tag = tag, .version = value});
  for (int i = 0; i < kMaps; ++i) {
    world.Write("environments/dev/web/m" + std::to_string(i) + ".yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m" + std::to_string(i) +
                    "}\ndata: {value: \"" + value + "\"}\n");
  }
  world.Commit("Version " + value);
}

// How many maps hold each value.
std::map<std::string, int> Live(const World& world) {
  std::map<std::string, int> out;
  for (const auto& map :
       world.Cluster("dev").List("/api/v1/namespaces/" + world.Ns("dev") + "/configmaps")) {
    if (map.contains("data") && map["data"].contains("value"))
      ++out[map["data"]["value"].get<std::string>()];
  }
  return out;
}

std::string Running(const World& world) {
  return world.Record("dev/web").value("/running/release/version"_json_pointer, "");
}

// Spoken, and not pushed yet or just now.
bool HasVerdict(const World& world) {
  const std::filesystem::path outbox = world.DataDir() + "/outbox";
  const auto kinds = world.EventKinds("dev/web");
  return (std::filesystem::exists(outbox) && !std::filesystem::is_empty(outbox)) ||
         std::ranges::find(kinds, "failed") != kinds.end();
}

// Version 1 runs. `tag` comes as version 2, and the engine that brings it stops after `effects`.
// Version 3 comes, another engine takes over and brings it, and the first is woken.
void StopAndWake(const std::string& tag, int effects, bool has_verdict) {
  World world;
  world.WritePipeline({{.name = "dev"}});
  Declare(world, "1", "good-1");
  const Ran first = world.Sluice({"sync"});
  INFO(first.out << first.err);
  REQUIRE(first.exit_code == 0);

  Declare(world, "2", tag);
  world.env["SLUICE_PAUSE_AFTER_EFFECT"] = std::to_string(effects);
  const auto stopped = world.StartDaemon();
  world.env.clear();
  REQUIRE(Eventually([&] { return IsStopped(*stopped); }));
  REQUIRE(Live(world).size() == 2);  // some of each version: it is in the middle
  REQUIRE(HasVerdict(world) == has_verdict);

  Declare(world, "3", "good-3");
  const std::string second = world.WriteDaemonYaml("second");
  const auto other = world.StartDaemonWith(second);
  const std::map<std::string, int> all = {{"3", kMaps}};
  REQUIRE(Eventually([&] { return Running(world) == "3"; }, kTakeover));
  REQUIRE(Live(world) == all);

  stopped->Signal(SIGCONT);
  INFO(stopped->Err());
  CHECK(Eventually([&] { return stopped->Err().find("waiting_for_lease") != std::string::npos; }));
  CHECK(Live(world) == all);
  CHECK(world.Image("dev", "web").ends_with("good-3"));
  CHECK(world.Record("dev/web")["outcome"] == "Succeeded");
  CHECK(world.Git({"show", "main:environments/dev/web/m0.yaml"}).find("\"3\"") !=
        std::string::npos);
  stopped->Signal(SIGTERM);
  other->Signal(SIGTERM);
}

}  // namespace

TEST_CASE("an engine woken in the middle of an apply after a takeover writes nothing of it") {
  StopAndWake("good-2", 2 + kMaps / 3, /*has_verdict=*/false);
}

TEST_CASE("an engine woken in the middle of a rollback after a takeover writes nothing of it") {
  // Lease, start, the apply, the outbox; a third of the way back.
  StopAndWake("http500-2", 2 + kMaps + 2 + 1 + kMaps / 3, /*has_verdict=*/true);
}

}  // namespace sluice::e2e
