#include "tests/unit/promotion/case.h"

namespace sluice::promotion {
namespace {

TEST_CASE("the latest release that Succeeded and soaked upstream is promoted") {
  Check({
      {"soaked", [](Case&) {}, Kind::kPromote, "r2"},
      {"no record upstream", [](Case& c) { c.has_upstream = false; }, Kind::kUpToDate, ""},
      {"nothing Succeeded upstream", [](Case& c) { c.upstream.releases = {Started("r2")}; },
       Kind::kUpToDate, ""},
      {"the target has it",
       [](Case& c) {
         c.facts.declared_in_target = {"r2", ""};
         c.target.releases = {Succeeded("r2", "07:40")};
       },
       Kind::kUpToDate, ""},
      {"the target has no record", [](Case& c) { c.has_target = false; }, Kind::kPromote, "r2"},
      {"the target has no release.yaml",
       [](Case& c) {
         c.facts.declared_in_target = {};
         c.target.releases.clear();
       },
       Kind::kPromote, "r2"},
      {"a newer one is still rolling out upstream",
       [](Case& c) { c.upstream.releases.insert(c.upstream.releases.begin(), Started("r3")); },
       Kind::kPromote, "r2"},
      {"a newer one failed upstream",
       [](Case& c) { c.upstream.releases.insert(c.upstream.releases.begin(), Failed("r3")); },
       Kind::kPromote, "r2"},
      {"first success counts, not the order of the list",
       [](Case& c) {
         c.upstream.releases = {Succeeded("r2", "07:00"), Succeeded("r3", "07:20"),
                                Succeeded("r1", "05:00")};
         Case::Run(c.upstream, "r3");
       },
       Kind::kPromote, "r3"},
      {"several steps at once",
       [](Case& c) {
         c.upstream.releases = {Succeeded("r4", "07:10"), Succeeded("r3", "07:05"),
                                Succeeded("r2", "07:00"), Succeeded("r1", "05:00")};
         Case::Run(c.upstream, "r4");
       },
       Kind::kPromote, "r4"},
  });
}

TEST_CASE("the soak is the longest unbroken Healthy stay upstream") {
  Check({
      {"to the second", [](Case& c) { c.facts.now = At("07:30"); }, Kind::kPromote, "r2"},
      {"still soaking", [](Case& c) { c.facts.now = At("07:29"); }, Kind::kWait, "r2",
       "SoakPending", At("07:30")},
      {"no soak asked for",
       [](Case& c) {
         c.facts.now = At("07:00");
         c.facts.soak = 0ms;
       },
       Kind::kPromote, "r2"},
      {"no soak asked for, and it came while all of it was paused",
       [](Case& c) {
         c.facts.soak = 0ms;
         c.upstream.healthy_since.reset();
       },
       Kind::kWait, "r2", "SoakPending"},
      {"it left, and all of it was paused all the time",
       [](Case& c) {
         c.facts.soak = 0ms;
         c.upstream.running.reset();
       },
       Kind::kUpToDate, ""},
      {"interrupted", [](Case& c) { c.upstream.healthy_since = At("07:45"); }, Kind::kWait, "r2",
       "SoakPending", At("08:15")},
      {"interrupted after it was long enough",
       [](Case& c) {
         c.upstream.healthy_since = At("07:45");
         c.upstream.releases[0].longest_stay = 31min;
       },
       Kind::kPromote, "r2"},
      {"unhealthy now", [](Case& c) { c.upstream.healthy_since.reset(); }, Kind::kWait, "r2",
       "SoakPending"},
      {"an older one that soaked goes while the newest soaks",
       [](Case& c) {
         c.upstream.releases = {Succeeded("r3", "07:50", 0ms), Succeeded("r2", "07:00"),
                                Succeeded("r1", "05:00")};
         Case::Run(c.upstream, "r3");
         c.upstream.healthy_since = At("07:50");
       },
       Kind::kPromote, "r2"},
      {"an older one that never soaked is passed over for the one that soaks",
       [](Case& c) {
         c.upstream.releases = {Succeeded("r3", "07:50", 0ms), Succeeded("r2", "07:40", 10min),
                                Succeeded("r1", "05:00")};
         Case::Run(c.upstream, "r3");
         c.upstream.healthy_since = At("07:50");
       },
       Kind::kWait, "r3", "SoakPending", At("08:20")},
      {"left before it soaked, nothing else runs",
       [](Case& c) {
         c.upstream.releases[0].longest_stay = 1min;
         c.upstream.running.reset();
       },
       Kind::kUpToDate, ""},
  });
}

TEST_CASE("a person is told of what is newer and must not come") {
  Case c;
  c.facts.is_by_person = true;
  std::string reason, named;
  SECTION("it failed here") {
    c.target.releases.insert(c.target.releases.begin(), Failed("r2"));
    reason = "ReleaseFailedHere";
    named = "`sluice retry prod/web`";
  }
  SECTION("upstream went back from it") {
    Case::Run(c.upstream, "r1");
    reason = "ReleaseWithdrawn";
    named = "staging/web went back from it";
  }
  const Decision told = c.Choose();
  CHECK(Name(told.kind) == "hold");
  CHECK(told.reason == reason);
  CHECK(told.release.digest == "r2");
  CHECK(told.message.find("v-r2") != std::string::npos);
  CHECK(told.message.find(named) != std::string::npos);
  c.facts.is_by_person = false;
  CHECK(Name(c.Choose().kind) == "up to date");
}

TEST_CASE("what failed here is not promoted again until it is forgotten") {
  Check({
      {"failed here",
       [](Case& c) { c.target.releases.insert(c.target.releases.begin(), Failed("r2")); },
       Kind::kUpToDate, ""},
      {"failed here, known from the list of contents only",
       [](Case& c) {
         c.target.failed = {{"f2", "r2", "c2", "SmokeTestFailed", "r-2"}};
       },
       Kind::kUpToDate, ""},
      {"forgotten by retry",
       [](Case& c) { c.target.releases.insert(c.target.releases.begin(), Started("r2")); },
       Kind::kPromote, "r2"},
      {"the next one goes",
       [](Case& c) {
         c.target.releases.insert(c.target.releases.begin(), Failed("r2"));
         c.upstream.releases.insert(c.upstream.releases.begin(), Succeeded("r3", "07:30"));
         Case::Run(c.upstream, "r3");
       },
       Kind::kPromote, "r3"},
      {"one before it that soaked goes",
       [](Case& c) {
         c.upstream.releases = {Succeeded("r3", "07:20"), Succeeded("r2", "07:00"),
                                Succeeded("r1", "05:00")};
         Case::Run(c.upstream, "r3");
         c.target.releases.insert(c.target.releases.begin(), Failed("r3"));
       },
       Kind::kPromote, "r2"},
      {"failing with other content does not count against last known good's release",
       [](Case& c) {
         c.facts.declared_in_target = {"r0", ""};
         c.upstream.releases = {Succeeded("r2", "07:00"), Succeeded("r0", "04:00")};
         c.target.releases.clear();
         c.target.last_known_good->release = {"r2", ""};
         c.target.failed = {{"f2", "r2", "c2", "SmokeTestFailed", "r-2"}};
       },
       Kind::kPromote, "r2"},
  });
}

TEST_CASE("promotion never goes back") {
  Check({
      {"the target is ahead",
       [](Case& c) {
         c.facts.declared_in_target = {"r2", ""};
         c.target.releases = {Succeeded("r2", "07:40")};
         Case::Run(c.upstream, "r1");
       },
       Kind::kUpToDate, ""},
      {"upstream went back from the candidate",
       [](Case& c) {
         c.upstream.releases[0].longest_stay = 2h;
         Case::Run(c.upstream, "r1");
       },
       Kind::kUpToDate, ""},
      {"a person rolled the target back",
       [](Case& c) {
         c.target.releases = {Succeeded("r2", "07:40"), Succeeded("r1", "06:00")};
       },
       Kind::kUpToDate, ""},
      {"after a person's rollback the next one goes",
       [](Case& c) {
         c.target.releases = {Succeeded("r2", "07:20"), Succeeded("r1", "06:00")};
         c.upstream.releases.insert(c.upstream.releases.begin(), Succeeded("r3", "07:25"));
         Case::Run(c.upstream, "r3");
       },
       Kind::kPromote, "r3"},
      {"what the target has is on its way upstream",
       [](Case& c) {
         c.facts.declared_in_target = {"r3", ""};
         c.upstream.releases.insert(c.upstream.releases.begin(), Started("r3"));
       },
       Kind::kUpToDate, ""},
      {"what the target has failed upstream before the candidate came",
       [](Case& c) {
         c.facts.declared_in_target = {"r9", ""};
         c.upstream.releases = {Succeeded("r2", "07:00"), Failed("r9"), Succeeded("r1", "05:00")};
       },
       Kind::kPromote, "r2"},
  });
}

TEST_CASE("a release that upstream never had is not replaced") {
  Check({
      {"a hot fix",
       [](Case& c) {
         c.facts.declared_in_target = {"fix", ""};
       },
       Kind::kHold, "r2", "UnknownReleaseInTarget"},
      {"a hot fix holds before the soak is over, too",
       [](Case& c) {
         c.facts.declared_in_target = {"fix", ""};
         c.facts.now = At("07:10");
       },
       Kind::kHold, "r2", "UnknownReleaseInTarget"},
      {"brought upstream",
       [](Case& c) {
         c.facts.declared_in_target = {"fix", ""};
         c.upstream.releases.insert(c.upstream.releases.begin(), Succeeded("fix", "07:10"));
         Case::Run(c.upstream, "fix");
       },
       Kind::kUpToDate, ""},
      {"overtaken upstream",
       [](Case& c) {
         c.facts.declared_in_target = {"fix", ""};
         c.upstream.releases = {Succeeded("r3", "07:20"), Succeeded("fix", "07:10"),
                                Succeeded("r2", "07:00")};
         Case::Run(c.upstream, "r3");
       },
       Kind::kPromote, "r3"},
  });
}

TEST_CASE("what stood when the log began, or is long forgotten, has no order of its own") {
  Check({
      {"known since the log began",
       [](Case& c) {
         c.facts.declared_in_target = {"r0", ""};
         c.target.releases = {Succeeded("r0", "06:00")};
         c.facts.initial_releases = {"r1", "r0"};
       },
       Kind::kPromote, "r2"},
      {"two that stood when the log began have no order",
       [](Case& c) {
         c.facts.declared_in_target = {"r0", ""};
         c.target.releases = {Succeeded("r0", "06:00")};
         c.facts.initial_releases = {"r2", "r0"};
         c.upstream.releases = {Succeeded("r2", "07:00", 0ms)};
       },
       Kind::kUpToDate, ""},
      {"two that stood when the log began, both known upstream",
       [](Case& c) {
         c.facts.initial_releases = {"r2", "r1"};
       },
       Kind::kPromote, "r2"},
      {"dropped from a long history",
       [](Case& c) {
         c.facts.declared_in_target = {"old", ""};
         c.target.releases = {Succeeded("old", "01:00")};
         c.upstream.releases.clear();
         for (int i = 0; i < 25; ++i) {
           c.upstream.releases.push_back(Succeeded(
               "n" + std::to_string(25 - i),
               "0" + std::to_string(2 + (25 - i) / 10) + ":" + std::to_string(10 + (25 - i) % 10)));
         }
         Case::Run(c.upstream, "n25");
       },
       Kind::kPromote, "n25"},
  });
}

TEST_CASE("messages name the release, the unit and the next move") {
  Case c;
  c.facts.declared_in_target = {"fix", "hot"};
  CHECK(c.Choose().message ==
        "prod/web runs release hot, which staging/web never had; bring it there first, or replace "
        "it with `sluice promote prod/web`");
  c = Case();
  c.facts.now = At("07:10");
  CHECK(c.Choose().message ==
        "release v-r2 soaks in staging/web for 30m until 2026-11-21T07:30:00Z");
  c = Case();
  c.facts.declared_in_target = {"r0", ""};
  c.facts.initial_releases = {"r2", "r0"};
  c.upstream.releases = {Succeeded("r2", "07:00", 0ms)};
  CHECK(c.Choose().message ==
        "it is not known whether release v-r2 of staging/web is newer, both stood when the log "
        "began; `sluice promote prod/web` takes it");
}

TEST_CASE("the longest stay counts the present one only while its release runs Healthy") {
  Case c;
  CHECK(LongestStay(c.upstream, "r2", At("07:25")) == Duration(25min));
  CHECK(LongestStay(c.upstream, "r1", At("07:25")) == Duration(2h));
  CHECK(LongestStay(c.upstream, "r9", At("07:25")) == Duration(0));
  CHECK(LongestStay(c.upstream, "r2", At("06:00")) == Duration(0));
  c.upstream.healthy_since.reset();
  CHECK(LongestStay(c.upstream, "r2", At("07:25")) == Duration(0));
}

}  // namespace
}  // namespace sluice::promotion
