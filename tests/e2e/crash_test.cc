// The program is stopped, as by a power cut, right after each of its effects in turn (every live
// write, push and outbox write), then started again. Whatever the moment, the end is the one of an
// undisturbed run: no double revert, no lost record, no content tried again after its verdict.
#include <algorithm>
#include <cstdio>
#include <functional>

#include "engine/base/clock.h"
#include "engine/base/time_format.h"
#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

struct Scenario {
  std::string name;
  std::vector<EnvironmentSpec> environments;
  std::function<void(World&)> before;  // brought to rest by a sync that is not disturbed
  std::function<void(World&)> change;  // what the disturbed sync has to do
};

void Ask(World& world, const std::vector<std::string>& args) {
  const Ran ran = world.Sluice(args);
  INFO(ran.out << ran.err);
  REQUIRE(ran.exit_code == 0);
}

int64_t SecondsSince(const std::string& time) {
  const auto parsed = ParseTime(time);
  REQUIRE(parsed);
  return std::chrono::duration_cast<std::chrono::seconds>(RealClock().SystemNow() - *parsed)
      .count();
}

void TwoApps(World& world) {
  world.WriteApp("dev", {});
  for (const std::string name : {"a", "b", "c", "d"}) {
    world.Write("environments/dev/web/" + name + ".yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\ndata: {k: v}\n");
  }
  world.Commit("Add web");
}

std::string TwoTargets(const World& world) {
  std::string out;
  for (const std::string cluster : {"dev", "staging"}) {
    out += "    - {name: " + cluster + ", kubernetes: {context: " + cluster +
           ", namespace: " + world.Ns(cluster) + "}}\n";
  }
  return out;
}

// The selector is immutable: the Deployment is replaced, and replaced back.
void BringAnotherSelector(World& world) {
  std::string text = world.Read("environments/dev/web/deployment.yaml");
  for (const auto& [what, with] : std::vector<std::pair<std::string, std::string>>{
           {"  name: web\n",
            "  name: web\n  annotations: {sluice.dev/replace: \"when-immutable\"}\n"},
           {"matchLabels: {app: web}", "matchLabels: {app: web, tier: two}"},
           {"      labels: {app: web}", "      labels: {app: web, tier: two}"}}) {
    text.replace(text.find(what), what.size(), with);
  }
  world.Write("environments/dev/web/deployment.yaml", text);
  world.WriteRelease("dev", "web", "http500-1", "bad");
  world.Commit("Another selector, and bad");
}

std::vector<Scenario> Scenarios() {
  const std::vector<EnvironmentSpec> one = {{.name = "dev"}};
  return {
      {"good", one, {}, TwoApps},
      {"failed and reverted", one, TwoApps,
       [](World& world) {
         world.WriteRelease("dev", "web", "http500-1", "bad");
         world.Write("environments/dev/web/new.yaml",
                     "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\ndata: {k: v}\n");
         world.Commit("Bad");
       }},
      {"prune", one, TwoApps,
       [](World& world) {
         world.Remove("environments/dev/web/a.yaml");
         world.Commit("Remove a");
       }},
      {"replaced, failed and replaced back", one, TwoApps, BringAnotherSelector},
      {"promotion",
       {{.name = "dev"}, {.name = "staging", .promotion = "auto"}},
       [](World& world) {
         world.WriteApp("dev", {});
         world.WriteApp("staging", {});
         world.Commit("Add web");
       },
       [](World& world) {
         world.WriteRelease("dev", "web", "good-2", "2");
         world.Commit("Release 2");
       }},
      {"heal",
       {{.name = "dev", .more = "  drift: {mode: heal, interval: 1s}\n"}},
       TwoApps,
       [](World& world) {
         const std::string path = "/api/v1/namespaces/" + world.Ns("dev") + "/configmaps/a";
         const auto answer = world.Cluster("dev").Request(
             "PATCH", path, R"({"data":{"k":"changed by hand"}})", "application/merge-patch+json");
         REQUIRE(answer.status == 200);
         // The check is due an interval after the last one.
         const auto record = world.Record("dev/web");
         const std::string checked = record["targets"]["main"]["healthAt"];
         REQUIRE(Eventually([&] { return SecondsSince(checked) >= 2; }));
       }},
      {"freeze", one, TwoApps,
       [](World& world) {
         Ask(world, {"freeze", "dev/web", "--reason", "incident"});
         world.WriteRelease("dev", "web", "good-2", "2");
         world.Commit("Release 2");
       }},
      {"two targets", {{.name = "dev"}}, {}, TwoApps},
  };
}

// What must be the same however often the engine was stopped. Ids, times and attempts may differ.
struct EndState {
  std::string tree;  // of the config branch, as far as two worlds can agree on it
  int commits = 0;   // on it
  std::map<std::string, std::string> live;       // Deployment images and ConfigMaps
  std::map<std::string, nlohmann::json> record;  // what matters of each
  std::map<std::string, int>
      verdicts;  // failed, reverted, rolledback, promoted, frozen, healed by unit

  bool operator==(const EndState&) const = default;
};

std::ostream& operator<<(std::ostream& out, const EndState& end) {
  out << "tree " << end.tree << " commits " << end.commits << "\n";
  for (const auto& [name, value] : end.live) out << "  live " << name << " = " << value << "\n";
  for (const auto& [name, value] : end.record) out << "  record " << name << " = " << value << "\n";
  for (const auto& [name, value] : end.verdicts) out << "  event " << name << " x" << value << "\n";
  return out;
}

EndState StateOf(const World& world, const std::vector<std::string>& clusters) {
  EndState end;
  // Names and releases; other files hold the world's own namespaces and ports.
  end.tree = world.Git({"ls-tree", "-r", "--name-only", "main"}) +
             world.Git({"show", "main:environments/dev/web/release.yaml"});
  end.commits = world.CommitCount("main");
  for (const std::string& cluster : clusters) {
    end.live[cluster + " image"] = world.Image(cluster, "web");
    for (const auto& map :
         world.Cluster(cluster).List("/api/v1/namespaces/" + world.Ns(cluster) + "/configmaps")) {
      const std::string name = map["metadata"]["name"];
      if (name != "kube-root-ca.crt")
        end.live[cluster + " ConfigMap " + name] =
            map.value("data", nlohmann::json::object()).dump();
    }
  }
  for (const std::string unit : {"dev/web", "staging/web"}) {
    const auto record = world.Record(unit);
    if (record.is_null()) continue;
    end.record[unit] = {{"phase", record["phase"]},
                        {"outcome", record.value("outcome", "")},
                        {"reason", record.value("reason", "")},
                        {"frozen", record.contains("frozen")},
                        {"version", record.value("/release/version"_json_pointer, "")},
                        {"running", record.value("/running/release/version"_json_pointer, "")},
                        {"good", record.value("/lastKnownGood/release/version"_json_pointer, "")},
                        {"failed", record.value("failed", nlohmann::json::array()).size()}};
    for (const auto& event : world.Events(unit)) {
      if (event.kind != "started" && event.kind != "succeeded" && event.kind != "held" &&
          event.kind != "drifted")
        ++end.verdicts[unit + " " + event.kind];
    }
  }
  return end;
}

void Prepare(World& world, const Scenario& scenario) {
  auto environments = scenario.environments;
  if (scenario.name == "two targets") environments[0].targets = TwoTargets(world);
  world.WritePipeline(environments);
  if (scenario.before) {
    scenario.before(world);
    const Ran ran = world.Sluice({"sync"});
    INFO(ran.out << ran.err);
    REQUIRE(ran.exit_code == 0);
  }
  scenario.change(world);
}

int EffectsIn(const std::string& file, std::map<std::string, int>* by_kind) {
  int count = 0;
  std::string text = ReadFile(file);
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const std::string line = text.substr(at, text.find('\n', at) - at);
    ++count;
    if (by_kind) ++(*by_kind)[line.substr(0, line.find(' '))];
  }
  return count;
}

void StopAfterEach(const std::string& name) {
  const auto scenarios = Scenarios();
  const auto found = std::find_if(scenarios.begin(), scenarios.end(),
                                  [&](const Scenario& s) { return s.name == name; });
  REQUIRE(found != scenarios.end());
  const Scenario& scenario = *found;
  const std::vector<std::string> clusters = {"dev", "staging"};
  std::map<std::string, int> by_kind;
  int effects = 0;
  EndState wanted;
  int exit_code = 0;
  {
    World world({.clusters = clusters});
    Prepare(world, scenario);
    world.env["SLUICE_EFFECTS_FILE"] = world.Dir() + "/effects";
    const Ran ran = world.Sluice({"sync"});
    INFO(ran.out << ran.err);
    exit_code = ran.exit_code;
    REQUIRE((exit_code == 0 || exit_code == 3 || exit_code == 4));
    effects = EffectsIn(world.Dir() + "/effects", &by_kind);
    world.Sluice({"sync"});
    wanted = StateOf(world, clusters);
  }
  std::string counts;
  for (const auto& [kind, count] : by_kind) counts += " " + kind + "=" + std::to_string(count);
  std::printf("effects of %s: %d%s\n", scenario.name.c_str(), effects, counts.c_str());
  REQUIRE(effects > 0);
  for (int stop_after = 1; stop_after <= effects; ++stop_after) {
    World world({.clusters = clusters});
    Prepare(world, scenario);
    world.env["SLUICE_CRASH_AFTER_EFFECT"] = std::to_string(stop_after);
    const Ran crashed = world.Sluice({"sync"});
    INFO(scenario.name << ", stopped after effect " << stop_after << " of " << effects << "\n"
                       << crashed.out << crashed.err);
    CHECK(crashed.exit_code == 137);
    world.env.clear();
    const Ran resumed = world.Sluice({"sync"});
    INFO("resumed: " << resumed.exit_code << "\n" << resumed.out << resumed.err);
    CHECK((resumed.exit_code == 0 || resumed.exit_code == exit_code));
    // A drift check is due only an interval after the last; everything else is there at once.
    EndState reached;
    Eventually(
        [&] {
          world.Sluice({"sync"});
          reached = StateOf(world, clusters);
          return reached == wanted;
        },
        seconds(20));
    CHECK(reached == wanted);
  }
}

}  // namespace

// One case each, so that none takes long.
TEST_CASE("a good rollout stopped after any effect comes to the same end", "[crash]") {
  StopAfterEach("good");
}
TEST_CASE("a failure stopped after any effect is rolled back and reverted once", "[crash]") {
  StopAfterEach("failed and reverted");
}
TEST_CASE("a replacement stopped after any effect, also between delete and create, ends the same",
          "[crash]") {
  StopAfterEach("replaced, failed and replaced back");
}
TEST_CASE("a prune stopped after any effect comes to the same end", "[crash]") {
  StopAfterEach("prune");
}
TEST_CASE("a promotion stopped after any effect happens once", "[crash]") {
  StopAfterEach("promotion");
}
TEST_CASE("a heal stopped after any effect is recorded once", "[crash]") { StopAfterEach("heal"); }
TEST_CASE("a freeze stopped after any effect comes to the same end", "[crash]") {
  StopAfterEach("freeze");
}
TEST_CASE("two targets stopped after any effect come to the same end", "[crash]") {
  StopAfterEach("two targets");
}

}  // namespace sluice::e2e
