// What makes a unit due.
#include "tests/unit/daemon/schedule_board.h"

namespace sluice::daemon {

TEST_CASE("at first every unit is due, and then none until something changes") {
  Board board;
  CHECK(board.TakeNames() == "dev/web prod/web");
  board.EndAll();
  CHECK(board.TakeNames().empty());
  CHECK(board.schedule.IsIdle());
}

TEST_CASE("a unit in flight is not given to a second worker, whatever changes") {
  Board board;
  CHECK(board.TakeNames() == "dev/web prod/web");
  CHECK_FALSE(board.schedule.IsIdle());
  board.snapshot.fingerprints[kDev] = "fp-2";
  CHECK(board.TakeNames().empty());
  board.EndAll();
  CHECK(board.TakeNames() == "dev/web");  // what changed meanwhile is seen afterwards
}

TEST_CASE("a held unit is looked at again: at each interval, and when a neighbour Succeeded") {
  const UnitId other{"prod", "types"};
  Board board;
  board.Runs(kDev);
  board.snapshot.declared.units[other].id = other;
  board.snapshot.fingerprints[other] = "fp-1";
  board.Recorded(kProd).phase = Phase::kHeld;
  board.Take();
  board.End(kDev);
  board.End(kProd, {.standing = Standing::kHeld, .reason = "UnknownKind"});
  SECTION("at each interval") {
    board.End(other);
    CHECK(board.schedule.NextWake() == kStart + 3min);
    board.Recorded(kDev).targets["eu"].health_at = board.now = kStart + 3min;
    CHECK(board.TakeNames().find("prod/web") != std::string::npos);
  }
  SECTION("when a neighbour Succeeded") {
    board.Runs(other);
    board.Recorded(other).last_known_good = LastKnownGood{.rollout = "r-1"};
    board.End(other);
    CHECK(board.TakeNames() == "prod/types prod/web");
    board.End(kProd, {.standing = Standing::kHeld, .reason = "UnknownKind"});
    board.End(other);
    CHECK(board.TakeNames().empty());
  }
  SECTION("not when somebody Succeeded elsewhere") {
    board.End(other);
    board.Recorded(kDev).last_known_good = LastKnownGood{.rollout = "r-2"};
    CHECK(board.TakeNames().find("prod/types") == std::string::npos);
  }
}

TEST_CASE("each input of a unit makes it due") {
  Board board;
  board.Runs(kDev);
  board.Runs(kProd);
  board.Take();
  board.EndAll();
  SECTION("its content") {
    board.snapshot.fingerprints[kProd] = "fp-2";
    CHECK(board.TakeNames() == "prod/web");
  }
  SECTION("its problems") {
    Diagnostic problem;
    problem.message = "unknown field";
    board.snapshot.declared.units[kProd].problems.push_back(problem);
    CHECK(board.TakeNames() == "prod/web");
  }
  SECTION("an object that another unit claims too") {
    board.snapshot.claimed_twice[{"kubernetes/eu", {"", "ConfigMap", "shop", "web"}}] = {kProd};
    CHECK(board.TakeNames() == "prod/web");
  }
  SECTION("a request of an operator") {
    board.Ask(kProd);
    CHECK(board.TakeNames() == "prod/web");
  }
  SECTION("its removal") {
    board.snapshot.declared.units.erase(kProd);
    board.snapshot.fingerprints.erase(kProd);
    CHECK(board.TakeNames() == "prod/web");
  }
  SECTION("its removal that nobody could tell from a file that cannot be read") {
    board.snapshot.declared.units.erase(kProd);
    board.snapshot.fingerprints.erase(kProd);
    board.snapshot.declared.problems.push_back({{"sluice.yaml", 1, 1}, "yaml-syntax", "is broken"});
    REQUIRE(board.TakeNames() == "prod/web");
    board.End(kProd, {.standing = Standing::kInvalid});
    REQUIRE(board.TakeNames().empty());
    board.snapshot.declared.problems.clear();
    CHECK(board.TakeNames() == "prod/web");
  }
  SECTION("another unit that can be read again, when a prune or the removal waited for that") {
    Record& record = board.Recorded(kProd);
    if (GENERATE(true, false)) {
      record.prune_waits = true;
    } else {
      record.reason = "RemovalWaits";
    }
    board.snapshot.declared.units[kDev].problems.push_back({{}, "yaml-syntax", "is broken"});
    REQUIRE(board.TakeNames() == "dev/web prod/web");
    board.EndAll();
    board.snapshot.declared.units[kDev].problems.clear();
    CHECK(board.TakeNames() == "dev/web prod/web");
  }
}

TEST_CASE("each record that a unit depends on makes it due, and nothing else does") {
  Board board;
  board.Runs(kDev);
  board.Runs(kProd);
  board.Take();
  board.EndAll();
  SECTION("its own record") {
    board.Recorded(kProd).frozen = Frozen{"a person", "", kStart};
    CHECK(board.TakeNames() == "prod/web");
  }
  SECTION("the record upstream wakes both") {
    board.Recorded(kDev).outcome = Outcome::kFailed;
    CHECK(board.TakeNames() == "dev/web prod/web");
  }
  SECTION("the record downstream wakes only itself") {
    board.Recorded(kProd).outcome = Outcome::kFailed;
    CHECK(board.TakeNames() == "prod/web");
  }
  SECTION("a new revision that changes none of them wakes nobody") {
    board.snapshot.revision = "r2";
    CHECK(board.TakeNames().empty());
  }
}

TEST_CASE("a unit that is only in the log is looked at") {
  Board board;
  const UnitId gone{"prod", "old"};
  board.Recorded(gone).unit = gone;
  CHECK(board.TakeNames() == "dev/web prod/old prod/web");
}

TEST_CASE("a wake-up comes at its time and once") {
  Board board;
  board.Take();
  board.End(kDev);
  board.End(kProd, {.standing = Standing::kHeld, .wake = kStart + 30min, .reason = "SoakPending"});
  CHECK(board.schedule.NextWake() == kStart + 30min);
  CHECK_FALSE(board.schedule.NextRetry(3));  // a wait is not an error
  board.now = kStart + 30min - 1ms;
  CHECK(board.TakeNames().empty());
  board.now = kStart + 30min;
  CHECK(board.TakeNames() == "prod/web");
  CHECK_FALSE(board.schedule.NextWake());  // of units in flight nothing is due by time alone
  board.End(kProd);
  CHECK(board.TakeNames().empty());
  CHECK_FALSE(board.schedule.NextWake());
}

TEST_CASE("the earliest wake-up of all units is the next") {
  Board board;
  board.Take();
  board.End(kDev, {.standing = Standing::kHeld, .wake = kStart + 20min});
  board.End(kProd, {.standing = Standing::kHeld, .wake = kStart + 10min});
  CHECK(board.schedule.NextWake() == kStart + 10min);
}

TEST_CASE("a pass that asks for another look gets it at once") {
  Board board;
  board.Take();
  board.End(kDev);
  board.End(kProd, {.standing = Standing::kFailed, .look_again = true});
  CHECK(board.schedule.WantsAnotherLook());
  CHECK(board.TakeNames() == "prod/web");
  CHECK_FALSE(board.schedule.WantsAnotherLook());
}

}  // namespace sluice::daemon
