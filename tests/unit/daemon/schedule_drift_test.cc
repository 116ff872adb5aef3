// When live is compared with what runs.
#include "tests/unit/daemon/schedule_board.h"

namespace sluice::daemon {

TEST_CASE("drift is due one interval after the last look at live, and again every interval") {
  Board board;
  board.Runs(kDev);
  board.Runs(kProd);
  board.snapshot.declared.environments["prod"].drift.interval = 10min;
  CHECK(board.TakeNames() == "dev/web prod/web");
  board.EndAll();
  board.now = kStart + 3min;
  CHECK(board.TakeNames() == "dev/web+drift");
  board.End(kDev, {.drift = DriftSeen::kNone});
  CHECK(board.TakeNames().empty());
  board.now = kStart + 6min;
  CHECK(board.TakeNames() == "dev/web+drift");
  board.End(kDev, {.drift = DriftSeen::kNone});
  board.now = kStart + 10min;
  CHECK(board.TakeNames() == "dev/web+drift prod/web+drift");
}

TEST_CASE("after a restart an overdue check is due at once") {
  Board board;
  board.Runs(kDev);
  board.now = kStart + 1h;
  CHECK(board.TakeNames() == "dev/web+drift prod/web");
}

TEST_CASE("what does not run, or is being rolled out, is not checked for drift") {
  Board board;
  board.Runs(kProd);
  board.Recorded(kProd).phase = Phase::kApplying;
  board.Take();
  board.EndAll();
  board.now = kStart + 1h;
  CHECK(board.TakeNames().empty());
}

TEST_CASE("a heal that does not last is tried ever more rarely, up to 32 intervals") {
  Board board;
  board.Runs(kDev);
  board.Runs(kProd);
  board.snapshot.declared.environments["dev"].drift.interval = 24h * 365;
  board.Take();
  board.EndAll();
  const int intervals[] = {2, 4, 8, 16, 32, 32};
  board.now = kStart + 3min;
  for (const int count : intervals) {
    INFO(count);
    CHECK(board.TakeNames() == "prod/web+drift");
    board.End(kProd, {.drift = DriftSeen::kHealed});
    board.now += count * Duration(3min) - 1ms;
    CHECK(board.TakeNames().empty());
    board.now += 1ms;
  }
  CHECK(board.TakeNames() == "prod/web+drift");
  board.End(kProd, {.drift = DriftSeen::kNone});  // it lasted
  board.now += 3min;
  CHECK(board.TakeNames() == "prod/web+drift");
  board.End(kProd, {.drift = DriftSeen::kHealed});
  board.now += 6min;
  CHECK(board.TakeNames() == "prod/web+drift");
}

TEST_CASE("heals in a row are told to the pass, and a fight goes on after a restart") {
  Board board;
  board.Runs(kProd);
  Record& record = board.Recorded(kProd);
  SECTION("told") {
    board.Take();
    board.EndAll();
    board.now = kStart + 3min;
    CHECK(board.Take().at(0).heals_in_row == 0);
    board.End(kProd, {.drift = DriftSeen::kHealed});
    board.now += 6min;
    CHECK(board.Take().at(0).heals_in_row == 1);
  }
  SECTION("restarted") {
    record.reason = "HealFought";
    record.wait.wake = kStart + 24min;  // after three heals
    board.Take();
    board.EndAll();
    board.now = kStart + 24min - 1ms;
    CHECK(board.TakeNames().empty());
    board.now = kStart + 24min;
    const auto due = board.Take();
    REQUIRE(due.size() == 1);
    CHECK(due[0].is_drift_due);
    CHECK(due[0].heals_in_row == 3);
  }
}

TEST_CASE("a pass that did not look at live says nothing about heals") {
  Board board;
  board.Runs(kProd);
  board.Take();
  board.EndAll();
  board.now = kStart + 3min;
  CHECK(board.TakeNames() == "prod/web+drift");
  board.End(kProd, {.drift = DriftSeen::kHealed});
  board.Recorded(kProd).message = "changed";
  CHECK(board.TakeNames() == "prod/web");
  board.End(kProd);  // DriftSeen::kNotChecked
  board.now += 6min;
  CHECK(board.TakeNames() == "prod/web+drift");
  board.End(kProd, {.drift = DriftSeen::kHealed});
  board.now += 12min - 1ms;
  CHECK(board.TakeNames().empty());
}

}  // namespace sluice::daemon
