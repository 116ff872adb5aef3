// What the target's own state, and who asks, have to say.
#include "tests/unit/promotion/case.h"

namespace sluice::promotion {
namespace {

TEST_CASE("a target that is busy, not recorded or frozen is left alone") {
  Check({
      {"open rollout", [](Case& c) { c.target.phase = Phase::kApplying; }, Kind::kWait, "r2",
       "RolloutOpen"},
      {"rolling back", [](Case& c) { c.target.phase = Phase::kRollingBack; }, Kind::kWait, "r2",
       "RolloutOpen"},
      {"tip not recorded", [](Case& c) { c.facts.is_target_recorded = false; }, Kind::kWait, "r2",
       "TipNotRecorded"},
      {"frozen",
       [](Case& c) {
         c.target.frozen = Frozen{"Ada <ada@example.com>", "migration", At("07:00")};
       },
       Kind::kHold, "r2", "Frozen"},
      {"frozen and nothing newer",
       [](Case& c) {
         c.facts.declared_in_target = {"r2", ""};
         c.target.frozen = Frozen{"Ada <ada@example.com>", "migration", At("07:00")};
       },
       Kind::kUpToDate, ""},
      {"busy before the soak is over",
       [](Case& c) {
         c.target.phase = Phase::kApplying;
         c.facts.now = At("07:10");
       },
       Kind::kWait, "r2", "RolloutOpen"},
  });
}

TEST_CASE("a person may decide what is left to persons, but nothing else") {
  const auto by_person = [](void (*edit)(Case&)) {
    return [edit](Case& c) {
      c.facts.is_by_person = true;
      edit(c);
    };
  };
  Check({
      {"replaces a hot fix", by_person([](Case& c) {
         c.facts.declared_in_target = {"fix", ""};
       }),
       Kind::kPromote, "r2"},
      {"brings back what was rolled back", by_person([](Case& c) {
         c.target.releases = {Succeeded("r2", "07:40"), Succeeded("r1", "06:00")};
       }),
       Kind::kPromote, "r2"},
      {"decides between two that stood when the log began", by_person([](Case& c) {
         c.facts.declared_in_target = {"r0", ""};
         c.facts.initial_releases = {"r2", "r0"};
         c.upstream.releases = {Succeeded("r2", "07:00", 0ms)};
       }),
       Kind::kPromote, "r2"},
      {"need not wait for the open rollout", by_person([](Case& c) {
         c.target.phase = Phase::kApplying;
         c.facts.is_target_recorded = false;
       }),
       Kind::kPromote, "r2"},
      {"waits for the soak", by_person([](Case& c) { c.facts.now = At("07:29"); }), Kind::kWait,
       "r2", "SoakPending", At("07:30")},
      {"cannot bring back what failed", by_person([](Case& c) {
         c.target.releases.insert(c.target.releases.begin(), Failed("r2"));
       }),
       Kind::kHold, "r2", "ReleaseFailedHere"},
      {"cannot pass a freeze", by_person([](Case& c) {
         c.target.frozen = Frozen{"Ada", "", At("07:00")};
       }),
       Kind::kHold, "r2", "Frozen"},
      {"does not go back either", by_person([](Case& c) {
         c.facts.declared_in_target = {"r2", ""};
         Case::Run(c.upstream, "r1");
       }),
       Kind::kUpToDate, ""},
  });
}

}  // namespace
}  // namespace sluice::promotion
