// Cost follows change, not size (design 9): what a sync costs in a repo of many units, as ratios
// within one run. Counts of requests and of Git calls are checked, for they do not depend on the
// machine; times are only printed.
#include <chrono>
#include <iostream>

#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

using nlohmann::json;

struct Cost {
  double seconds = 0;
  int requests = 0, git_calls = 0;
};

std::string Name(int i) { return "app-" + std::to_string(i); }

void WriteApps(World& world, int count) {
  world.WritePipeline({{.name = "dev"}});
  for (int i = 0; i < count; ++i) world.WriteApp("dev", {.name = Name(i), .has_smoke_test = false});
  world.Commit("Add applications");
}

template <class Work>
double Seconds(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Cost Sync(World& world) {
  Cost cost;
  const std::string file = world.Dir() + "/metrics.json";
  cost.seconds = Seconds([&] {
    const Ran ran =
        world.Sluice({"sync", "--metrics-file", file, "--log-level", "error"}, seconds(900));
    INFO(ran.out << ran.err);
    REQUIRE(ran.exit_code == 0);
  });
  const json metrics = json::parse(ReadFile(file));
  for (const auto& [verb, count] : metrics["requests"].items()) cost.requests += count.get<int>();
  cost.git_calls = metrics["gitCalls"];
  return cost;
}

void Print(const std::string& what, const Cost& cost, const Cost& other,
           const std::string& other_name) {
  std::cout << what << ": " << cost.requests << " requests, " << cost.git_calls << " Git calls, "
            << cost.seconds / other.seconds << " of the time of " << other_name << "\n";
}

struct Costs {
  Cost first, nothing, one;
};

Costs Measure(int units) {
  World world;
  WriteApps(world, units);
  Costs costs;
  costs.first = Sync(world);
  costs.nothing = Sync(world);
  world.WriteRelease("dev", Name(units / 2), "good-2", "2");
  world.Commit("Release one");
  costs.one = Sync(world);
  const std::string first = "the first sync of " + std::to_string(units) + " units";
  Print("nothing new in " + std::to_string(units) + " units", costs.nothing, costs.first, first);
  Print("one release in " + std::to_string(units) + " units", costs.one, costs.first, first);
  return costs;
}

}  // namespace

TEST_CASE("what one release and what nothing costs does not grow with the number of units") {
  const Costs few = Measure(8), many = Measure(64);
  std::cout << "8 times the units: the first sync takes " << many.first.seconds / few.first.seconds
            << " of the time, one release " << many.one.seconds / few.one.seconds
            << ", nothing new " << many.nothing.seconds / few.nothing.seconds << "\n";
  CHECK(many.nothing.requests == 0);
  CHECK(few.nothing.requests == 0);
  CHECK(many.nothing.git_calls == few.nothing.git_calls);
  // The number of looks at one rolling Deployment varies a little.
  CHECK(many.one.requests <= 2 * few.one.requests);
  CHECK(many.one.git_calls <= few.one.git_calls + 1);
  CHECK(many.first.requests <= 16 * few.first.requests);
}

TEST_CASE("finding nothing new costs little more than git's own listing of the remote") {
  World world;
  WriteApps(world, 16);
  Sync(world);
  const double git = Seconds([&] {
    for (int i = 0; i < 5; ++i) world.Git({"ls-remote", "--quiet", world.Dir() + "/origin.git"});
  });
  const double sync = Seconds([&] {
    for (int i = 0; i < 5; ++i) Sync(world);
  });
  std::cout << "a sync that finds nothing takes " << sync / git
            << " of the time of git ls-remote\n";
}

}  // namespace sluice::e2e
