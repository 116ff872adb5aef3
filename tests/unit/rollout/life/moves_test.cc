// What moves leave behind, and what they tell.
#include "engine/rollout/life/moves.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace sluice::rollout::life {
namespace {

using namespace std::chrono_literals;

constexpr SystemTime kNow{std::chrono::seconds(1'795'000'000)};
const std::vector<NamedTarget> kEu = {{"eu", "kubernetes/eu/shop"}};
const std::vector<NamedTarget> kBoth = {{"eu", "kubernetes/eu/shop"}, {"us", "kubernetes/us/shop"}};
const Content kContent{"rev-1", "fp-1", {"release-1", "1"}};

Record Begun(const std::vector<NamedTarget>& targets = kEu) {
  const auto entered = Entered(Record{.unit = {"prod", "web"}}, kContent, "plan", "r-1");
  REQUIRE(entered);
  Start start;
  start.targets = targets;
  start.adopting = {"*"};
  start.health_timeout = 5min;
  const auto started = Started(*entered, start, kNow);
  REQUIRE(started);
  return started->record;
}

Record Good(const std::vector<NamedTarget>& targets = kEu) {
  Success success;
  success.targets = targets;
  const auto succeeded = Succeeded(Begun(targets), success, kNow + 1min);
  REQUIRE(succeeded);
  return succeeded->record;
}

Record Bad(const Failure& failure = {"Unhealthy", "it crashes"}) {
  const auto entered = Entered(Good(), {"rev-2", "fp-2", {"release-2", "2"}}, "plan", "r-2");
  REQUIRE(entered);
  const auto started = Started(*entered, {.targets = kEu}, kNow + 2min);
  REQUIRE(started);
  const auto failed = Failed(started->record, failure, kNow + 3min);
  REQUIRE(failed);
  return failed->record;
}

std::string TrailerOf(const Event& event, const std::string& key) {
  const auto it = std::ranges::find_if(event.trailers,
                                       [&](const auto& trailer) { return trailer.first == key; });
  return it == event.trailers.end() ? "" : it->second;
}

}  // namespace

TEST_CASE("a start opens a rollout with its deadline, and a retry is not told again") {
  const Record record = Begun();
  CHECK(record.attempt == 1);
  REQUIRE(record.open);
  CHECK(record.open->health_deadline == kNow + 5min);
  CHECK(record.open->adopting == std::vector<std::string>{"*"});
  CHECK(GoesOn(record, "fp-1"));
  CHECK_FALSE(GoesOn(record, "fp-2"));
  const auto errored = Waits(record, {EventKind::kErrored, "ServerBusy", "503"}, kNow + 1min);
  REQUIRE(errored);
  CHECK(errored->record.open->errored_since == kNow + 1min);
  CHECK(GoesOn(errored->record, "fp-1"));
  const auto retried = Started(errored->record, {}, kNow + 2min);
  REQUIRE(retried);
  CHECK(retried->events.empty());
  CHECK(retried->record.open == errored->record.open);
  CHECK(retried->record.attempt == 1);
}

TEST_CASE("a removal that is under way is no rollout of content that came back") {
  const auto removal = RemovalStarted(Good(), "r-9", "rev-9", "", kNow);
  REQUIRE(removal);
  CHECK_FALSE(GoesOn(removal->record, removal->record.fingerprint));
}

TEST_CASE("targets are those named now, and what stays elsewhere is a leftover") {
  const auto entered = Entered(Good(kBoth), {"rev-2", "fp-2", {}}, "plan", "r-2");
  REQUIRE(entered);
  Success success;
  success.targets = kEu;
  success.occupied = {"eu", "us"};
  auto moved = Succeeded(*entered, success, kNow);
  REQUIRE(moved);
  CHECK(moved->record.targets.size() == 1);
  CHECK(moved->record.targets.contains("eu"));
  CHECK(moved->record.leftovers == std::vector<Leftover>{{"us", "kubernetes/us/shop"}});
  // Still known where it was, as long as something is there.
  moved = AlreadyThere(moved->record, success, kNow);
  REQUIRE(moved);
  CHECK(moved->record.leftovers == std::vector<Leftover>{{"us", "kubernetes/us/shop"}});
  success.targets = kBoth;
  moved = AlreadyThere(moved->record, success, kNow);
  REQUIRE(moved);
  CHECK(moved->record.leftovers.empty());
  CHECK(moved->record.targets.size() == 2);
}

TEST_CASE("a rollback brings the targets of last known good back") {
  const auto back = RolledBack(Bad(), {kBoth, {"eu", "us", "ap"}, ""}, kNow);
  REQUIRE(back);
  CHECK(back->record.targets.size() == 2);
  CHECK(back->record.targets.at("us").health == Health::kHealthy);
  CHECK(back->record.leftovers == std::vector<Leftover>{{"ap", ""}});
  CHECK(back->record.running->fingerprint == "fp-1");
  CHECK(back->record.healthy_since == kNow);
}

TEST_CASE("health is news once, whatever is remembered of targets that are gone") {
  Record record = Good(kBoth);
  const auto seen = [&](Health eu) {
    Moved moved = HealthSeen(record, {{{"eu", eu}}, eu}, kNow + 10min);
    record = moved.record;
    return moved.events.size();
  };
  record =
      HealthSeen(record, {{{"eu", Health::kHealthy}, {"us", Health::kDegraded}}, Health::kDegraded},
                 kNow + 5min)
          .record;
  CHECK_FALSE(record.healthy_since);
  CHECK(record.releases.front().longest_stay == Duration(4min));
  CHECK(seen(Health::kHealthy) == 1);  // the stay begins anew
  CHECK(record.leftovers == std::vector<Leftover>{{"us", "kubernetes/us/shop"}});
  const auto since = record.healthy_since;
  CHECK(seen(Health::kHealthy) == 0);
  CHECK(record.healthy_since == since);
  CHECK(seen(Health::kSuspended) == 1);  // it does not run
  CHECK_FALSE(record.healthy_since);
  CHECK(seen(Health::kProgressing) == 0);
}

TEST_CASE("the event of a revert carries the id of its commit") {
  const Record failed = Bad();
  REQUIRE(failed.pending_revert);
  const std::string operation = failed.pending_revert->operation;
  CHECK(operation == RevertOperation(failed));
  CHECK(operation.starts_with("op-"));
  const auto back = RolledBack(failed, {}, kNow);
  REQUIRE(back);
  const auto reverted = Reverted(back->record, std::string(40, 'c'), {"rev-2"});
  REQUIRE(reverted);
  CHECK(TrailerOf(reverted->events.front(), "Operation") == operation);
  CHECK_FALSE(reverted->record.pending_revert);
}

TEST_CASE("a failure is reverted only where there is something to go back to") {
  CHECK(Bad().pending_revert);
  CHECK_FALSE(Bad({.reason = "Unhealthy", .reverts = false}).pending_revert);
  const Record kept = Bad({.reason = "Unhealthy", .freezes = true});
  CHECK_FALSE(kept.pending_revert);
  CHECK(kept.frozen);
  CHECK(kept.running->fingerprint == "fp-2");
  const auto first = Failed(Begun(), {"Unhealthy", "it crashes"}, kNow);
  REQUIRE(first);
  CHECK(first->record.reason == "NoLastKnownGood");
  CHECK(first->record.targets.at("eu").phase == Phase::kIdle);
  CHECK_FALSE(first->record.pending_revert);
}

TEST_CASE("a hold is told once per change of what is held and why") {
  WaitFacts facts{EventKind::kHeld, "SoakPending", "wait"};
  facts.content = {"rev-2", "fp-2", {}};
  auto moved = Waits(Good(), facts, kNow);
  REQUIRE(moved);
  CHECK(moved->events.size() == 1);
  CHECK(TrailerOf(moved->events.front(), "Rollout").empty());
  CHECK(TrailerOf(moved->events.front(), "Revision") == "rev-2");
  CHECK(Waits(moved->record, facts, kNow)->events.empty());
  facts.content.fingerprint = "fp-3";
  CHECK(Waits(moved->record, facts, kNow)->events.size() == 1);
  facts.content.fingerprint = "fp-2";
  facts.gates = {{"soak", "held", "SoakPending", "", kNow}};
  CHECK(Waits(moved->record, facts, kNow)->events.size() == 1);
}

TEST_CASE("a fight is told until the heal lasts") {
  const std::vector<std::string> names = {"eu: ConfigMap shop/web differs"};
  Record record = Healed(Good(), names, Fight{kNow + 1h, "'kubectl' fights"}, {}).record;
  CHECK(record.reason == kHealFought);
  CHECK(record.wait.wake == kNow + 1h);
  const Moved ended = DriftSeen(record, {.may_heal = true});
  REQUIRE(ended.events.size() == 1);
  CHECK(ended.events.front().kind == EventKind::kHealed);
  CHECK(ended.record.reason.empty());
  CHECK_FALSE(ended.record.wait.wake);
  CHECK(DriftSeen(ended.record, {.may_heal = true}).events.empty());
}

TEST_CASE("a promotion that waits is told once and leaves the unit where it stands") {
  const Moved waits =
      PromotionWaits(Good(), kContent, {"release-2", "2"}, "SoakPending", "until later", kNow);
  REQUIRE(waits.events.size() == 1);
  CHECK(waits.record.phase == Phase::kIdle);
  CHECK(waits.record.wait.wake == kNow);
  CHECK(
      PromotionWaits(waits.record, kContent, {"release-2", "2"}, "SoakPending", "other words", kNow)
          .events.empty());
}

}  // namespace sluice::rollout::life
