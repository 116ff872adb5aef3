#include "engine/rollout/transitions.h"

#include <set>
#include <string>

#include "engine/rollout/recorder.h"
#include "tests/support/catch.h"

namespace sluice::rollout {
namespace {

constexpr Trigger kTriggers[] = {Trigger::kHold,       Trigger::kStart,      Trigger::kApplied,
                                 Trigger::kNextTarget, Trigger::kSucceed,    Trigger::kFail,
                                 Trigger::kFailClean,  Trigger::kError,      Trigger::kSupersede,
                                 Trigger::kCancel,     Trigger::kRolledBack, Trigger::kResume};

struct PhaseRow {
  Phase from;
  // What each trigger leads to, in the order of kTriggers: I, H, A, V, R for the phases, - for
  // refused.
  const char* to;
};
//                                              hold
//                                              |start
//                                              ||applied
//                                              |||next target
//                                              ||||succeed
//                                              |||||fail
//                                              ||||||fail clean
//                                              |||||||error
//                                              ||||||||supersede
//                                              |||||||||cancel
//                                              ||||||||||rolled back
//                                              |||||||||||resume
constexpr PhaseRow kPhases[] = {{Phase::kIdle, "HA--I-II----"},
                                {Phase::kHeld, "HA--I-II----"},
                                {Phase::kApplying, "H-V-IRIIII-A"},
                                {Phase::kVerifying, "H--AIRIIII-A"},
                                {Phase::kRollingBack, "--------I-IR"}};

char LetterOf(const std::optional<Phase>& phase) {
  if (!phase) return '-';
  switch (*phase) {
    case Phase::kIdle:
      return 'I';
    case Phase::kHeld:
      return 'H';
    case Phase::kApplying:
      return 'A';
    case Phase::kVerifying:
      return 'V';
    case Phase::kRollingBack:
      return 'R';
  }
  return '?';
}

}  // namespace

TEST_CASE("every pair of phase and trigger leads where the table says, and nowhere else") {
  REQUIRE(std::size(kTriggers) == static_cast<size_t>(Trigger::kResume) + 1);
  REQUIRE(std::size(kPhases) == static_cast<size_t>(Phase::kRollingBack) + 1);
  for (const PhaseRow& row : kPhases) {
    REQUIRE(std::string(row.to).size() == std::size(kTriggers));
    for (size_t i = 0; i < std::size(kTriggers); ++i) {
      INFO(ToString(row.from) << " " << ToString(kTriggers[i]));
      CHECK(LetterOf(Next(row.from, kTriggers[i])) == row.to[i]);
    }
  }
}

TEST_CASE("every trigger has a name of its own") {
  std::set<std::string_view> names;
  for (const Trigger trigger : kTriggers) names.insert(ToString(trigger));
  CHECK(names.size() == std::size(kTriggers));
  CHECK_FALSE(names.contains(""));
}

TEST_CASE("a record refuses an impossible step, names it, and stays where it is") {
  Record record;
  record.unit = {"prod", "web"};
  const Status status = Advance(record, Trigger::kRolledBack);
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kInternal);
  CHECK(status.error().message() == "prod/web: no transition RolledBack from phase Idle");
  CHECK(record.phase == Phase::kIdle);
  REQUIRE(Advance(record, Trigger::kStart));
  CHECK(record.phase == Phase::kApplying);
}

}  // namespace sluice::rollout
