// Units that had no verdict wait, and when they stop waiting.
#include "tests/unit/daemon/schedule_board.h"

namespace sluice::daemon {

TEST_CASE("errors in a row are counted, told to the pass, and forgotten after an answer") {
  Board board;
  for (int errors = 0; errors < 3; ++errors) {
    const auto due = board.Take();
    const auto prod =
        std::find_if(due.begin(), due.end(), [](const auto& d) { return d.unit == kProd; });
    REQUIRE(prod != due.end());
    CHECK(prod->errors_in_row == errors);
    if (errors == 0) board.End(kDev);
    board.End(kProd, board.ErroredIn(5s));
    board.now += 5s;
  }
  board.Take();
  board.End(kProd);
  board.snapshot.fingerprints[kProd] = "fp-2";
  CHECK(board.Take().front().errors_in_row == 0);
}

TEST_CASE("a back-off is not disturbed by neighbours or by the record of the error itself") {
  Board board;
  board.Runs(kDev);
  board.Runs(kProd);
  board.Take();
  board.End(kDev);
  board.End(kProd, board.ErroredIn(1min));
  board.Recorded(kProd).outcome = Outcome::kErrored;
  board.Recorded(kDev).outcome = Outcome::kFailed;
  CHECK(board.TakeNames() == "dev/web");
  board.End(kDev);
  board.now += 1min;
  CHECK(board.TakeNames() == "prod/web");
}

TEST_CASE("a drift check that falls due does not end a back-off; it is done with the retry") {
  Board board;
  board.Runs(kDev);
  board.Runs(kProd);
  board.snapshot.declared.environments["dev"].drift.interval = 24h * 365;
  board.Take();
  board.End(kDev);
  board.End(kProd, board.ErroredIn(5min));
  board.now = kStart + 3min;
  CHECK(board.TakeNames().empty());
  board.now = kStart + 5min - 1ms;
  CHECK(board.TakeNames().empty());
  board.now = kStart + 5min;
  CHECK(board.TakeNames() == "prod/web+drift");
}

TEST_CASE("after a restart of the daemon a back-off goes on, and grows") {
  Board board;
  board.Runs(kDev);
  board.Runs(kProd);
  Record& record = board.Recorded(kProd);
  record.outcome = Outcome::kErrored;
  record.wait.wake = kStart + 5s;
  record.wait.content = Waiting{"r1", "fp-1", 1};
  SECTION("for a sync it does not: somebody wants it tried now") {
    CHECK(board.TakeNames() == "dev/web prod/web");
  }
  board.schedule.ResumeBackOffs({});
  const auto waits = [&](Duration from, Duration until, int errors_in_row) {
    board.now = kStart + from;
    CHECK(board.TakeNames() == "dev/web");
    CHECK(board.schedule.NextWake() == kStart + until);
    board.now = kStart + until;
    const auto due = board.Take();
    REQUIRE(due.size() == 1);
    CHECK(due[0].errors_in_row == errors_in_row);
  };
  SECTION("until the recorded time") { waits(1s, 5s, 1); }
  SECTION("with retries that the log does not know of") { waits(20s, 35s, 3); }
  SECTION("not for other content") {
    board.snapshot.fingerprints[kProd] = "fp-2";
    CHECK(board.TakeNames() == "dev/web prod/web");
  }
  SECTION("not when an operator asks for something") {
    board.Ask(kProd);
    CHECK(board.TakeNames() == "dev/web prod/web");
  }
}

TEST_CASE("new content and an operator's request end a back-off at once") {
  Board board;
  board.Take();
  board.End(kDev);
  board.End(kProd, board.ErroredIn(5min));
  CHECK(board.TakeNames().empty());
  SECTION("new content begins to count anew") {
    board.snapshot.fingerprints[kProd] = "fp-2";
    const auto due = board.Take();
    REQUIRE(due.size() == 1);
    CHECK(due[0].errors_in_row == 0);
  }
  SECTION("a request") {
    board.Ask(kProd);
    const auto due = board.Take();
    REQUIRE(due.size() == 1);
    CHECK(due[0].errors_in_row == 1);
  }
}

TEST_CASE("an error of the engine itself is tried again after a growing while") {
  Board board;
  board.Take();
  board.End(kDev);
  const Duration pauses[] = {2s, 4s, 8s, 16s, 32s, 1min, 1min};
  for (const Duration pause : pauses) {
    board.schedule.Done(kProd, std::nullopt, board.now);
    CHECK(board.schedule.NextWake() == board.now + pause);
    board.now += pause;
    CHECK(board.TakeNames() == "prod/web");
  }
}

TEST_CASE("sync gives up on a unit after its limit of errors, and waits for the others") {
  Board board;
  board.Take();
  board.End(kDev, board.ErroredIn(10s));
  board.End(kProd, board.ErroredIn(5s));
  CHECK(board.schedule.NextRetry(3) == kStart + 5s);
  CHECK_FALSE(board.schedule.NextRetry(1));
  board.now += 5s;
  CHECK(board.TakeNames() == "prod/web");
  board.End(kProd, board.ErroredIn(1s));
  CHECK(board.schedule.NextRetry(2) == kStart + 10s);
  CHECK(board.schedule.NextRetry(3) == kStart + 6s);
}

}  // namespace sluice::daemon
