// The decisions of a verdict, as functions of facts.
#include "engine/rollout/judge/health_wait.h"
#include "engine/rollout/judge/progress.h"
#include "engine/rollout/judge/scope.h"
#include "tests/support/catch.h"

namespace sluice::rollout::judge {
namespace {

using namespace std::chrono_literals;

const ObjectRef kApp{"apps", "Deployment", "shop", "app"};
const ObjectRef kIngress{"networking.k8s.io", "Ingress", "shop", "app"};

std::vector<ObjectHealth> Only(Health health, const std::string& reason = "",
                               bool is_terminal = false) {
  return {{kApp, health, reason, "", is_terminal}};
}

constexpr SystemTime kBegin{1h};

// One look that takes no time.
Looked At(HealthWait& wait, const std::vector<ObjectHealth>& judged, SystemTime now) {
  return LookAt(wait, judged, {now, now});
}
// Looks every 2 s, the last one at `end`.
Looked Watch(HealthWait& wait, const std::vector<ObjectHealth>& judged, SystemTime end) {
  for (SystemTime now = *wait.read_at + 2s; now < end; now += 2s)
    if (const Looked looked = At(wait, judged, now); looked.look != Look::kGoesOn) return looked;
  return At(wait, judged, end);
}

}  // namespace

TEST_CASE("what was unhealthy before is told by a rollout that leaves it, and by every rollback") {
  std::vector<UnwellBefore> unwell;
  NoteUnwell(unwell, "eu",
             {{kApp, Health::kDegraded, "CrashLoopBackOff", "", false},
              {kIngress, Health::kProgressing, "AddressPending", "", false}});
  NoteChanged(unwell, "eu", {kApp});
  CHECK(ToldIn(unwell, "eu", By::kRollout) == std::set<ObjectRef>{kIngress});
  CHECK(ToldIn(unwell, "eu", By::kRollback) == std::set<ObjectRef>{kApp, kIngress});
  CHECK(ToldIn(unwell, "us", By::kRollback).empty());
  SECTION("until it was Healthy once") {
    ForgetSettled(unwell, "eu", {{kIngress, Health::kHealthy, "", "", false}});
    CHECK(unwell.empty());
  }
  SECTION("and stays told while it is not") {
    ForgetSettled(unwell, "eu", {{kIngress, Health::kProgressing, "AddressPending", "", false}});
    REQUIRE(unwell.size() == 1);
    CHECK(unwell[0].object == ToInventoryLine(kIngress));
  }
}

TEST_CASE("what is paused or suspended is neither well nor unwell") {
  std::vector<UnwellBefore> unwell;
  NoteUnwell(unwell, "eu", Only(Health::kSuspended, "DeploymentPaused"));
  CHECK(unwell.empty());
  CHECK(SuspendedIn(Only(Health::kSuspended)).size() == 1);
}

TEST_CASE("live stands on a verdict after a success and after a rollback, not after a mere end") {
  Record record;
  CHECK(StandsOnVerdict(record));  // first contact
  record.rollout = "r-1";
  CHECK_FALSE(StandsOnVerdict(record));
  record.fingerprint = "new";
  record.running = RunningState{"c", "new", {}};
  record.outcome = Outcome::kSucceeded;
  CHECK(StandsOnVerdict(record));
  record.outcome = Outcome::kFailed;  // kept for a person
  CHECK_FALSE(StandsOnVerdict(record));
  record.running->fingerprint = "good";
  record.last_known_good = LastKnownGood{"c", "good", "r-0", {}, {}};
  CHECK(StandsOnVerdict(record));
  record.open.emplace();  // superseded on its way
  CHECK_FALSE(StandsOnVerdict(record));
}

TEST_CASE("a wait for health ends by what is seen") {
  HealthWait wait = BeginWait(kBegin + 5min, 5min, kBegin);
  CHECK(At(wait, Only(Health::kProgressing), kBegin).look == Look::kGoesOn);
  CHECK(Watch(wait, Only(Health::kDegraded), kBegin + 4min).look == Look::kGoesOn);
  CHECK(At(wait, Only(Health::kDegraded, "InvalidImageName", true), kBegin + 4min).look ==
        Look::kLost);
  CHECK(Watch(wait, Only(Health::kProgressing), kBegin + 5min).look == Look::kLate);
  CHECK(At(wait, Only(Health::kHealthy), kBegin + 5min).look == Look::kGood);
  CHECK(At(wait, {}, kBegin).look == Look::kGood);
}

TEST_CASE("time in which live could not be read does not count") {
  HealthWait wait = BeginWait(kBegin + 12s, 12s, kBegin);
  CHECK(At(wait, Only(Health::kProgressing, "one"), kBegin + 8s).look == Look::kGoesOn);
  CHECK(WaitsBlind(wait, kBegin + 9s));
  CHECK(WaitsBlind(wait, kBegin + 11s));
  CHECK_FALSE(WaitsBlind(wait, kBegin + 12s));  // time to say so
  // Back after the deadline: what was away is added, and a grace is left in any case.
  CHECK(At(wait, Only(Health::kProgressing, "one"), kBegin + 13s).look == Look::kGoesOn);
  CHECK(wait.deadline == kBegin + 25s);
  SECTION("nor does time in which no controller answers") {
    CHECK(At(wait, Only(Health::kProgressing, "one"), kBegin + 23s).look == Look::kGoesOn);
    CHECK(At(wait, Only(Health::kProgressing, "two"), kBegin + 26s).look == Look::kGoesOn);
    CHECK(wait.deadline == kBegin + 38s);
    CHECK(Watch(wait, Only(Health::kProgressing, "two"), kBegin + 38s).look == Look::kLate);
  }
  SECTION("and what was lost before is looked at again until one does") {
    CHECK(At(wait, Only(Health::kProgressing, "one", true), kBegin + 14s).look == Look::kLost);
  }
  SECTION("but controllers that say nothing for long have nothing to say") {
    CHECK(Watch(wait, Only(Health::kProgressing, "one"), kBegin + 42s).look == Look::kGoesOn);
    CHECK(At(wait, Only(Health::kProgressing, "one"), kBegin + 43s).look == Look::kGoesOn);
    CHECK(Watch(wait, Only(Health::kProgressing, "one"), kBegin + 55s).look == Look::kLate);
  }
  SECTION("and a good reading is good at once") {
    CHECK(At(wait, Only(Health::kHealthy), kBegin + 14s).look == Look::kGood);
  }
}

TEST_CASE("what still goes on is waited for where patience is asked for, within a bound") {
  HealthWait wait = BeginWait(kBegin + 15s, 15s, kBegin);
  const bool is_patient = GENERATE(false, true);
  if (is_patient) wait.patient_until = kBegin + 40s;
  for (int at = 1; at < 15; ++at)
    CHECK(At(wait, Only(Health::kProgressing, std::to_string(at)), kBegin + at * 1s).look ==
          Look::kGoesOn);
  const auto late = At(wait, Only(Health::kProgressing, "15"), kBegin + 15s).look;
  CHECK(late == (is_patient ? Look::kGoesOn : Look::kLate));
  if (!is_patient) return;
  SECTION("and no longer when nothing moves") {
    CHECK(Watch(wait, Only(Health::kProgressing, "15"), kBegin + 29s).look == Look::kGoesOn);
    CHECK(At(wait, Only(Health::kProgressing, "15"), kBegin + 30s).look == Look::kLate);
  }
  SECTION("nor without end") {
    for (int at = 16; at < 40; ++at)
      CHECK(At(wait, Only(Health::kProgressing, std::to_string(at)), kBegin + at * 1s).look ==
            Look::kGoesOn);
    CHECK(At(wait, Only(Health::kProgressing, "40"), kBegin + 40s).look == Look::kLate);
  }
}

TEST_CASE("a deadline that passed while nobody looked leaves a grace") {
  HealthWait wait = BeginWait(kBegin - 10min, 5min, kBegin);
  CHECK(Watch(wait, Only(Health::kProgressing), kBegin + 29s).look == Look::kGoesOn);
  CHECK(At(wait, Only(Health::kProgressing), kBegin + 30s).look == Look::kLate);
}

TEST_CASE("a reading that hung condemns nothing, nor does one after a long time without") {
  HealthWait wait = BeginWait(kBegin + 15s, 15s, kBegin);
  CHECK(At(wait, Only(Health::kProgressing, "one"), kBegin + 1s).look == Look::kGoesOn);
  const bool is_terminal = GENERATE(false, true);
  const auto hung =
      GENERATE(Reading{kBegin + 2s, kBegin + 31s}, Reading{kBegin + 31s, kBegin + 31s});
  CHECK(LookAt(wait, Only(Health::kDegraded, "then", is_terminal), hung).look == Look::kGoesOn);
  CHECK(wait.deadline == kBegin + 46s);
  CHECK(At(wait, Only(Health::kProgressing, "now"), kBegin + 32s).look == Look::kGoesOn);
  CHECK(Watch(wait, Only(Health::kProgressing, "now"), kBegin + 46s).look == Look::kGoesOn);
  CHECK(Watch(wait, Only(Health::kProgressing, "now"), kBegin + 47s).look == Look::kLate);
}

TEST_CASE("a server whose every reading takes long is slow, and not away") {
  HealthWait wait = BeginWait(kBegin + 15s, 15s, kBegin);
  const auto read = [&](int at) {
    return LookAt(wait, Only(Health::kProgressing, "one"),
                  {kBegin + (at - 1) * 20s, kBegin + at * 20s});
  };
  CHECK(read(1).look == Look::kGoesOn);
  CHECK(read(2).look == Look::kGoesOn);
  CHECK(read(3).look == Look::kGoesOn);
  CHECK(Watch(wait, Only(Health::kProgressing, "one"), kBegin + 5min).look == Look::kLate);
  CHECK(*wait.read_at < kBegin + 90s);
}

TEST_CASE("a rollout that is found open goes on while it comes further, and not without end") {
  FoundOpen found = FindAgain(std::nullopt, 9, 0);
  for (int left = 8; left >= 0; --left) {
    found = FindAgain(found, left, 0);
    CHECK(GoesOn(found));
    CHECK(found.times == 1);
  }
  found = FindAgain(found, 0, 4);  // as it was, for what is not applied is not unwell yet
  CHECK(found.times == 2);
  CHECK(GoesOn(found));
  found = FindAgain(found, 0, 4);
  CHECK_FALSE(GoesOn(found));
}

TEST_CASE("an object more that is healthy is progress, a step back and forth is none") {
  FoundOpen found = FindAgain(std::nullopt, 0, 4);
  found = FindAgain(found, 0, 3);
  CHECK(found.times == 1);
  found = FindAgain(found, 0, 4);
  found = FindAgain(found, 0, 3);
  CHECK_FALSE(GoesOn(found));
}

}  // namespace sluice::rollout::judge
