#include "engine/gates/gates.h"

#include <functional>

#include "engine/base/time_format.h"
#include "tests/support/catch.h"

namespace sluice::gates {
namespace {

using namespace std::chrono_literals;

SystemTime At(const std::string& clock) { return *ParseTime("2026-11-21T" + clock + ":00Z"); }

// staging/web took release r2 at 07:00 and has been Healthy with it since; prod/web is to take it
// at 07:10 after a soak of 30 minutes.
struct Case {
  Record upstream;
  Record record;
  Facts facts;

  Case() {
    upstream.unit = {"staging", "web"};
    upstream.release = {"r2", "2.0"};
    upstream.running = RunningState{"c2", "f2", {"r2", "2.0"}};
    upstream.healthy_since = At("07:00");
    upstream.releases = {{"r2", "2.0", "c2", At("07:00"), 0ms, false},
                         {"r1", "1.0", "c1", At("05:00"), 2h, false}};
    upstream.targets["main"].health = Health::kHealthy;
    facts.now = At("07:10");
    facts.unit = {"prod", "web"};
    facts.release = {"r2", "2.0"};
    facts.fingerprint = "f9";
    facts.soak = 30min;
    facts.upstream_environment = "staging";
  }
  std::vector<GateResult> Results() {
    facts.upstream =
        facts.upstream_environment && upstream.unit.environment == "staging" ? &upstream : nullptr;
    return Evaluate(facts);
  }
};

struct Row {
  std::string name;
  std::function<void(Case&)> edit;
  std::string predecessor;  // "decision" or "decision reason"
  std::string soak;
  std::string message;                             // of the strictest
  std::optional<SystemTime> until = std::nullopt;  // of the strictest
};

std::string Text(const GateResult& result) {
  return std::string(ToString(result.decision)) +
         (result.reason.empty() ? "" : " " + result.reason);
}

TEST_CASE("predecessor and soak decide by what is known of upstream") {
  const std::vector<Row> rows = {
      {"soaking", [](Case&) {}, "open", "held SoakPending",
       "release 2.0 soaks in staging/web for 30m until 2026-11-21T07:30:00Z", At("07:30")},
      {"soaked to the second", [](Case& c) { c.facts.now = At("07:30"); }, "open", "open",
       "release 2.0 Succeeded in staging/web"},
      {"no soak asked for", [](Case& c) { c.facts.soak = 0ms; }, "open", "open",
       "release 2.0 Succeeded in staging/web"},
      {"soaked before, upstream has moved on",
       [](Case& c) {
         c.facts.release = {"r1", "1.0"};
       },
       "open", "open", "release 1.0 Succeeded in staging/web"},
      {"upstream moved on too early",
       [](Case& c) {
         c.facts.release = {"r1", "1.0"};
         c.upstream.releases[1].longest_stay = 29min;
       },
       "open", "held SoakPending",
       "release 1.0 left staging/web before it was Healthy there for 30m"},
      {"an interrupted stay starts anew",
       [](Case& c) {
         c.upstream.releases[0].longest_stay = 20min;
         c.upstream.healthy_since = At("07:05");
       },
       "open", "held SoakPending",
       "release 2.0 soaks in staging/web for 30m until 2026-11-21T07:35:00Z", At("07:35")},
      {"upstream is unhealthy",
       [](Case& c) {
         c.upstream.healthy_since.reset();
         c.upstream.targets["main"].health = Health::kDegraded;
       },
       "open", "held SoakPending",
       "release 2.0 is not Healthy in staging/web; its soak of 30m starts when it is"},
      {"upstream's health is unknown",
       [](Case& c) {
         c.upstream.healthy_since.reset();
         c.upstream.targets["main"].health = Health::kUnknown;
       },
       "open", "unknown SoakUnknown",
       "the health of staging/web is not known, so its soak does not count"},
      {"upstream has not heard of it",
       [](Case& c) {
         c.facts.release = {"r3", "3.0"};
       },
       "held PredecessorPending", "held SoakPending",
       "waits for release 3.0 to Succeed in staging/web"},
      {"upstream is rolling it out",
       [](Case& c) {
         c.upstream.releases[0].first_succeeded.reset();
         c.upstream.running.reset();
       },
       "held PredecessorPending", "held SoakPending",
       "waits for release 2.0 to Succeed in staging/web"},
      {"it failed upstream",
       [](Case& c) {
         c.upstream.releases[0].first_succeeded.reset();
         c.upstream.releases[0].has_failed = true;
         c.upstream.running.reset();
       },
       "denied PredecessorFailed", "held SoakPending",
       "release 2.0 failed in staging/web; fix it there, or run `sluice retry staging/web`"},
      {"it Succeeded upstream and failed there later",
       [](Case& c) { c.upstream.releases[0].has_failed = true; }, "open", "held SoakPending",
       "release 2.0 soaks in staging/web for 30m until 2026-11-21T07:30:00Z", At("07:30")},
      {"upstream has no record", [](Case& c) { c.upstream.unit.environment = "none"; },
       "held PredecessorPending", "held SoakPending",
       "waits for release 2.0 to Succeed in staging/web"},
      {"shared inputs differ",
       [](Case& c) {
         c.facts.shared_inputs = "s2";
         c.facts.upstream_shared_inputs = "s1";
         c.facts.soak = 0ms;
       },
       "held SharedInputsPending", "open", "waits for its shared inputs to Succeed in staging/web"},
      {"shared inputs agree",
       [](Case& c) {
         c.facts.shared_inputs = "s1";
         c.facts.upstream_shared_inputs = "s1";
         c.facts.soak = 0ms;
       },
       "open", "open", "release 2.0 Succeeded in staging/web"},
      {"no upstream", [](Case& c) { c.facts.upstream_environment.reset(); }, "open", "open",
       "no earlier environment has this application"},
      {"stood here when the log began",
       [](Case& c) {
         c.facts.release = {"r0", ""};
         c.facts.is_initial_content = true;
       },
       "open", "open", "this content stood here when the log began"},
      {"Succeeded here before",
       [](Case& c) {
         c.facts.release = {"r0", ""};
         c.facts.has_succeeded_here = true;
       },
       "open", "open", "this content Succeeded here before"},
      {"stood upstream when the log began",
       [](Case& c) {
         c.facts.release = {"r0", ""};
         c.facts.initial_upstream_releases = {"r0"};
       },
       "open", "held SoakPending", "release r0 has to be Healthy in staging/web for 30m first"},
      {"no release on either side",
       [](Case& c) {
         c.facts.release = {};
         c.upstream.release = {};
         c.upstream.releases.clear();
       },
       "open", "open", "neither side has a release.yaml, so there is no release to compare"},
      {"no release here, one upstream", [](Case& c) { c.facts.release = {}; },
       "held PredecessorPending", "held SoakPending",
       "it has no release.yaml and staging/web has one; add the release that Succeeded there"},
      {"no release here, upstream not rolled out",
       [](Case& c) {
         c.facts.release = {};
         c.upstream.unit.environment = "none";
       },
       "held PredecessorPending", "held SoakPending", "waits for the first rollout of staging/web"},
  };
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      Case c;
      row.edit(c);
      const auto results = c.Results();
      REQUIRE(results.size() == 2);
      CHECK(results[0].gate == "predecessor");
      CHECK(results[1].gate == "soak");
      CHECK(Text(results[0]) == row.predecessor);
      CHECK(Text(results[1]) == row.soak);
      const GateResult strictest = Strictest(results);
      CHECK(strictest.message == row.message);
      CHECK(strictest.until == row.until);
    }
  }
}

TEST_CASE("a held decision says the same at every look until something changes") {
  Case c;
  const auto first = c.Results();
  c.facts.now = At("07:29");
  const auto later = c.Results();
  for (size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i].message == later[i].message);
    CHECK(first[i].until == later[i].until);
  }
}

TEST_CASE("the strictest decision counts, and of those that hold the last to open") {
  const GateResult open{"a", Decision::kOpen, "", "", {}};
  const GateResult soon{"b", Decision::kHeld, "", "", At("07:00")};
  const GateResult late{"c", Decision::kHeld, "", "", At("08:00")};
  const GateResult someone{"d", Decision::kHeld, "", "", {}};
  const GateResult unknown{"e", Decision::kUnknown, "", "", {}};
  const GateResult denied{"f", Decision::kDenied, "", "", {}};
  CHECK(Strictest({}).decision == Decision::kOpen);
  CHECK(Strictest({open}).gate == "a");
  CHECK(Strictest({open, soon, late}).gate == "c");
  CHECK(Strictest({late, soon, open}).gate == "c");
  CHECK(Strictest({late, someone, soon}).gate == "d");
  CHECK(Strictest({someone, unknown, late}).gate == "e");
  CHECK(Strictest({unknown, denied, someone}).gate == "f");
}

TEST_CASE("decisions have the names of the record") {
  CHECK(ToString(Decision::kOpen) == "open");
  CHECK(ToString(Decision::kHeld) == "held");
  CHECK(ToString(Decision::kDenied) == "denied");
  CHECK(ToString(Decision::kUnknown) == "unknown");
}

}  // namespace
}  // namespace sluice::gates
