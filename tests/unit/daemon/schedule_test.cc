#include "engine/daemon/schedule.h"

#include "tests/support/catch.h"

namespace sluice::daemon {
namespace {

using namespace std::chrono_literals;

using rollout::DriftSeen;
using rollout::PassResult;
using rollout::Standing;

constexpr SystemTime kStart{std::chrono::seconds(1'795'000'000)};
const UnitId kDev{"dev", "web"};
const UnitId kProd{"prod", "web"};

// dev/web before prod/web, each with an interval of 3 minutes.
struct Board {
  rollout::Snapshot snapshot;
  deploylog::State state;
  Schedule schedule;
  SystemTime now = kStart;

  Board() {
    snapshot.revision = "r1";
    snapshot.declared.pipeline = {"shop", {"dev", "prod"}};
    for (const UnitId& id : {kDev, kProd}) {
      snapshot.declared.environments[id.environment].name = id.environment;
      snapshot.declared.units[id].id = id;
      snapshot.fingerprints[id] = "fp-1";
    }
  }

  // A unit that Succeeded and was last looked at now.
  void Runs(const UnitId& unit) {
    Record& record = state.records[unit];
    record.unit = unit;
    record.fingerprint = snapshot.fingerprints[unit];
    record.outcome = Outcome::kSucceeded;
    record.running = RunningState{"r1", record.fingerprint, {}};
    record.targets["eu"].health_at = now;
  }
  // An operator's request waits in the log.
  void Ask(const UnitId& unit) {
    deploylog::Request request;
    request.id = "1";
    request.unit = unit;
    state.requests.push_back(request);
  }
  std::vector<Schedule::Due> Take() { return schedule.TakeDue(snapshot, state, now); }
  // "dev/web prod/web+drift"
  std::string TakeNames() {
    std::string out;
    for (const auto& due : Take()) {
      out += (out.empty() ? "" : " ") + ToString(due.unit) + (due.is_drift_due ? "+drift" : "");
    }
    return out;
  }
  void End(const UnitId& unit, PassResult result = {}) { schedule.Done(unit, result, now); }
  void EndAll() {
    End(kDev);
    End(kProd);
  }
  PassResult ErroredIn(Duration pause) const {
    return {.standing = Standing::kErrored, .wake = now + pause, .reason = "TargetUnreachable"};
  }
};

}  // namespace

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
  board.state.records[kProd].phase = Phase::kHeld;
  board.Take();
  board.End(kDev);
  board.End(kProd, {.standing = Standing::kHeld, .reason = "UnknownKind"});
  SECTION("at each interval") {
    board.End(other);
    CHECK(board.schedule.NextWake() == kStart + 3min);
    board.state.records[kDev].targets["eu"].health_at = board.now = kStart + 3min;
    CHECK(board.TakeNames().find("prod/web") != std::string::npos);
  }
  SECTION("when a neighbour Succeeded") {
    board.Runs(other);
    board.state.records[other].last_known_good = LastKnownGood{.rollout = "r-1"};
    board.End(other);
    CHECK(board.TakeNames() == "prod/types prod/web");
    board.End(kProd, {.standing = Standing::kHeld, .reason = "UnknownKind"});
    board.End(other);
    CHECK(board.TakeNames().empty());
  }
  SECTION("not when somebody Succeeded elsewhere") {
    board.End(other);
    board.state.records[kDev].last_known_good = LastKnownGood{.rollout = "r-2"};
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
  SECTION("its own record") {
    board.state.records[kProd].frozen = Frozen{"a person", "", kStart};
    CHECK(board.TakeNames() == "prod/web");
  }
  SECTION("the record upstream wakes both") {
    board.state.records[kDev].outcome = Outcome::kFailed;
    CHECK(board.TakeNames() == "dev/web prod/web");
  }
  SECTION("the record downstream wakes only itself") {
    board.state.records[kProd].outcome = Outcome::kFailed;
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
  board.state.records[gone].unit = gone;
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
  board.state.records[kProd].outcome = Outcome::kErrored;
  board.state.records[kDev].outcome = Outcome::kFailed;
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
  Record& record = board.state.records[kProd];
  record.outcome = Outcome::kErrored;
  record.wake = kStart + 5s;
  record.waiting = Waiting{"r1", "fp-1", 1};
  SECTION("for a sync it does not: somebody wants it tried now") {
    CHECK(board.TakeNames() == "dev/web prod/web");
  }
  board.schedule.ResumeBackOffs({});
  SECTION("until the recorded time") {
    board.now = kStart + 1s;
    CHECK(board.TakeNames() == "dev/web");
    CHECK(board.schedule.NextWake() == kStart + 5s);
    board.now = kStart + 5s;
    const auto due = board.Take();
    REQUIRE(due.size() == 1);
    CHECK(due[0].errors_in_row == 1);
  }
  SECTION("with retries that the log does not know of") {
    board.now = kStart + 20s;
    CHECK(board.TakeNames() == "dev/web");
    CHECK(board.schedule.NextWake() == kStart + 35s);
    board.now = kStart + 35s;
    const auto due = board.Take();
    REQUIRE(due.size() == 1);
    CHECK(due[0].errors_in_row == 3);
  }
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

TEST_CASE("a pass that asks for another look gets it at once") {
  Board board;
  board.Take();
  board.End(kDev);
  board.End(kProd, {.standing = Standing::kFailed, .look_again = true});
  CHECK(board.schedule.WantsAnotherLook());
  CHECK(board.TakeNames() == "prod/web");
  CHECK_FALSE(board.schedule.WantsAnotherLook());
}

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
  board.state.records[kProd].phase = Phase::kVerifying;
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
  Record& record = board.state.records[kProd];
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
    record.wake = kStart + 24min;  // after three heals
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
  board.state.records[kProd].message = "changed";
  CHECK(board.TakeNames() == "prod/web");
  board.End(kProd);  // DriftSeen::kNotChecked
  board.now += 6min;
  CHECK(board.TakeNames() == "prod/web+drift");
  board.End(kProd, {.drift = DriftSeen::kHealed});
  board.now += 12min - 1ms;
  CHECK(board.TakeNames().empty());
}

}  // namespace sluice::daemon
