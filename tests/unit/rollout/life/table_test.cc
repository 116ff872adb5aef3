// From which phase each move may come, and where it leads.
#include <functional>
#include <string>
#include <vector>

#include "engine/rollout/life/moves.h"
#include "tests/support/catch.h"

namespace sluice::rollout::life {
namespace {

constexpr SystemTime kToday{std::chrono::seconds(1'795'000'000)};

struct Row {
  const char* move;
  // Where it leads from Idle, Held, Applying and RollingBack: their first letters, - for refused.
  const char* to;
  std::function<Result<Record>(const Record&)> make;
};

Result<Record> NextOf(Result<Moved> moved) {
  if (!moved) return Fail(moved.error());
  return moved->record;
}

// One with all that a move could need, and all that it could forget to end.
Record MakeRecord(Phase phase) {
  Record record{.unit = {"prod", "web"}, .phase = phase};
  record.revision = "rev-2";
  record.fingerprint = "fp-2";
  record.release = {"release-2", "2"};
  record.rollout = "r-2";
  record.kind = "deploy";
  record.started = kToday - std::chrono::minutes(1);
  record.open = OpenRollout{kToday, kToday, {"*"}};
  record.wait = {kToday, {{"soak", "held", "Soaking", "", kToday}}, Waiting{"rev-2", "fp-2", 1}};
  record.reason = "SoakPending";
  record.running = RunningState{"rev-1", "fp-1", {"release-1", "1"}};
  record.last_known_good = LastKnownGood{"rev-1", "fp-1", "r-1", {"release-1", "1"}, kToday};
  record.targets["eu"] = {};
  record.failed = {{"fp-0", "release-0", "rev-0", "Unhealthy", "r-0"}};
  return record;
}

const Content kOther{"rev-3", "fp-3", {"release-3", "3"}};
const Asked kAsked{"Olga <o@example.test>", "why not"};

const std::vector<Row> kRows = {
    {"Entered", "IHA-", [](const Record& r) { return Entered(r, kOther, "plan", "r-3"); }},
    {"Started", "AAA-", [](const Record& r) { return NextOf(Started(r, {}, kToday)); }},
    {"Waits", "HHH-", [](const Record& r) { return NextOf(Waits(r, {}, kToday)); }},
    {"Waits, errored", "III-",
     [](const Record& r) {
       return NextOf(Waits(r, {EventKind::kErrored, "", ""}, kToday));
     }},
    {"Interrupted", "--I-",
     [](const Record& r) { return NextOf(Interrupted(r, EndedBy::kFreeze, kToday)); }},
    {"Succeeded", "III-", [](const Record& r) { return NextOf(Succeeded(r, {}, kToday)); }},
    {"AlreadyThere", "III-", [](const Record& r) { return NextOf(AlreadyThere(r, {}, kToday)); }},
    {"TakenOver", "III-", [](const Record& r) { return NextOf(TakenOver(r, {}, kToday)); }},
    {"NoLongerHeld", "II--", [](const Record& r) { return NextOf(NoLongerHeld(r, "rev-3")); }},
    {"Failed", "RRR-", [](const Record& r) { return NextOf(Failed(r, {"Unhealthy"}, kToday)); }},
    {"Failed, freezes", "III-",
     [](const Record& r) { return NextOf(Failed(r, {.freezes = true}, kToday)); }},
    {"GivenUp", "RRR-", [](const Record& r) { return GivenUp(r, "why", kToday); }},
    {"RolledBack", "---I", [](const Record& r) { return NextOf(RolledBack(r, {}, kToday)); }},
    {"RollbackYielded", "---I", [](const Record& r) { return NextOf(RollbackYielded(r)); }},
    {"RollbackImpossible", "---I",
     [](const Record& r) { return NextOf(RollbackImpossible(r, "why", kToday)); }},
    {"RollbackIncomplete", "---I",
     [](const Record& r) { return NextOf(RollbackIncomplete(r, "why", "what")); }},
    {"Reverted", "IH--", [](const Record& r) { return NextOf(Reverted(r, "c", {})); }},
    {"NothingToRevert", "IH--", [](const Record& r) { return NextOf(NothingToRevert(r)); }},
    {"RevertImpossible", "IH--",
     [](const Record& r) { return NextOf(RevertImpossible(r, "RevertRefused", "why", kToday)); }},
    {"RemovalStarted", "AA--",
     [](const Record& r) { return NextOf(RemovalStarted(r, "r-3", "rev-3", "", kToday)); }},
    {"RemovalResumed", "AAA-", [](const Record& r) { return RemovalResumed(r); }},
    {"RemovalWaits", "--H-",
     [](const Record& r) {
       return NextOf(
           RemovalWaits(r, {EventKind::kHeld, "ObjectsLeaving", "why"}, {}, true, kToday));
     }},
    {"Removed", "III-", [](const Record& r) { return NextOf(Removed(r, {}, kToday)); }},
    // What may come at any time leaves a rollout under way alone.
    {"FrozenBy", "IHAR", [](const Record& r) { return FrozenBy(r, kAsked, kToday).record; }},
    {"Unfrozen", "IHAR", [](const Record& r) { return Unfrozen(r, kAsked).record; }},
    {"Leaves", "IHAR", [](const Record& r) -> Result<Record> { return Leaves(r, {}); }},
    {"Answered", "IHAR", [](const Record& r) { return Answered(r, kAsked, "no").record; }},
    {"FailureForgotten", "IIAR",
     [](const Record& r) { return FailureForgotten(r, kAsked, "").record; }},
    {"DriftSeen", "IHAR", [](const Record& r) { return DriftSeen(r, {}).record; }},
    {"HealthSeen", "IHAR", [](const Record& r) { return HealthSeen(r, {}, kToday).record; }},
    {"WorkDone", "IHAR",
     [](const Record& r) {
       return WorkDone(r, {{"eu", "job", "w"}});
     }},
    {"WorkSeen", "IHAR",
     [](const Record& r) {
       return WorkSeen(r, {{"eu", "job", "w"}}).record;
     }},
};

constexpr Phase kPhases[] = {Phase::kIdle, Phase::kHeld, Phase::kApplying, Phase::kRollingBack};

}  // namespace

TEST_CASE("every move leads from every phase where the table says, and nowhere else") {
  REQUIRE(std::size(kPhases) == static_cast<size_t>(Phase::kRollingBack) + 1);
  for (const Row& row : kRows) {
    for (size_t i = 0; i < std::size(kPhases); ++i) {
      INFO(row.move << " from " << ToString(kPhases[i]));
      const auto next = row.make(MakeRecord(kPhases[i]));
      CHECK((next ? ToString(next->phase).substr(0, 1) : "-") == std::string(1, row.to[i]));
    }
  }
}

TEST_CASE("an impossible move is our own fault, and names unit, move and phase") {
  const auto moved = RolledBack(MakeRecord(Phase::kIdle), {}, kToday);
  REQUIRE_FALSE(moved);
  CHECK(moved.error().code() == ErrorCode::kInternal);
  CHECK(moved.error().message() == "prod/web: no move RolledBack from phase Idle");
}

// What ends together ends whole.
TEST_CASE("nothing of an open rollout outlives its verdict") {
  for (const Row& row : kRows) {
    for (const Phase phase : kPhases) {
      const auto next = row.make(MakeRecord(phase));
      if (!next || !next->outcome) continue;
      INFO(row.move << " from " << ToString(phase));
      const bool is_verdict =
          next->outcome == Outcome::kSucceeded || next->outcome == Outcome::kFailed;
      CHECK(next->open.has_value() == !is_verdict);
      CHECK((!is_verdict || next->finished));
    }
  }
}

TEST_CASE("a unit that waits for nothing has nothing left of its wait") {
  for (const Row& row : kRows) {
    for (const Phase phase : {Phase::kIdle, Phase::kHeld, Phase::kApplying}) {
      const auto next = row.make(MakeRecord(phase));
      if (!next || next->reason == "SoakPending" || next->wait.content) continue;
      INFO(row.move << " from " << ToString(phase));
      CHECK(next->wait == Wait{});
    }
  }
}

}  // namespace sluice::rollout::life
