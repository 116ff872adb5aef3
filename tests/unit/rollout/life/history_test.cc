#include "engine/rollout/life/parts.h"
#include "engine/rollout/pass.h"
#include "tests/support/catch.h"

namespace sluice::rollout::life {
namespace {

constexpr SystemTime kThen{std::chrono::seconds(1'795'000'000)};

Record MakeRunning(const std::string& release) {
  Record record;
  record.unit = {"prod", "web"};
  record.revision = "rev-" + release;
  record.fingerprint = "fp-" + release;
  record.release = {release, "v" + release};
  record.rollout = "r-" + release;
  return record;
}

void MoveTo(Record& record, const std::string& release) {
  const Record next = MakeRunning(release);
  record.revision = next.revision;
  record.fingerprint = next.fingerprint;
  record.release = next.release;
  record.rollout = next.rollout;
}

}  // namespace

TEST_CASE("a release that starts is remembered once, newest first") {
  Record record = MakeRunning("a");
  NoteStartedRelease(record);
  NoteStartedRelease(record);
  MoveTo(record, "b");
  NoteStartedRelease(record);
  MoveTo(record, "a");
  NoteStartedRelease(record);
  REQUIRE(record.releases.size() == 2);
  CHECK(record.releases[0].digest == "b");
  CHECK(record.releases[1].digest == "a");
  CHECK(record.releases[1].version == "va");
  CHECK(record.releases[1].revision == "rev-a");
  CHECK_FALSE(record.releases[1].first_succeeded);
}

TEST_CASE("a unit without a release has no release history") {
  Record record = MakeRunning("a");
  record.release = {};
  NoteStartedRelease(record);
  NoteSucceeded(record, kThen);
  NoteFailed(record, "Unhealthy");
  CHECK(record.releases.empty());
  CHECK(HasFailed(record, "fp-a"));
}

TEST_CASE("only the newest 50 releases and failures are kept") {
  Record record;
  for (int i = 0; i < 60; ++i) {
    MoveTo(record, std::to_string(i));
    NoteStartedRelease(record);
    NoteFailed(record, "Unhealthy");
  }
  REQUIRE(record.releases.size() == 50);
  CHECK(record.releases.front().digest == "59");
  CHECK(record.releases.back().digest == "10");
  REQUIRE(record.failed.size() == 50);
  CHECK(record.failed.front().fingerprint == "fp-59");
  CHECK(record.failed.back().fingerprint == "fp-10");
  CHECK(HasFailed(record, "fp-10"));
  CHECK_FALSE(HasFailed(record, "fp-9"));
}

TEST_CASE("work is remembered once, newest first, and the newest 30 of it") {
  Record record;
  for (int i = 0; i < 40; ++i) record = WorkDone(record, {{"eu", "job", std::to_string(i)}});
  REQUIRE(record.done.size() == 30);
  CHECK(record.done.front().work == "39");
  CHECK(record.done.back().work == "10");
  CHECK(WorkSeen(record, {record.done.back()}).events.empty());
  CHECK(WorkSeen(record, {{"us", "job", "39"}}).events.size() == 1);
}

TEST_CASE("content that fails twice is listed once, with what happened last") {
  Record record = MakeRunning("a");
  NoteFailed(record, "Unhealthy");
  MoveTo(record, "b");
  NoteFailed(record, "SmokeTestFailed");
  MoveTo(record, "a");
  record.rollout = "r-later";
  NoteFailed(record, "ContentRejected");
  REQUIRE(record.failed.size() == 2);
  CHECK(record.failed[0] == FailedContent{"fp-a", "a", "rev-a", "ContentRejected", "r-later"});
  CHECK(record.failed[1].fingerprint == "fp-b");
}

TEST_CASE("a release keeps the moment of its first success") {
  Record record = MakeRunning("a");
  NoteSucceeded(record, kThen);
  record.revision = "rev-later";
  NoteSucceeded(record, kThen + 1h);
  REQUIRE(record.releases.size() == 1);
  CHECK(record.releases[0].first_succeeded == kThen);
  CHECK(record.releases[0].revision == "rev-a");
}

TEST_CASE("a release that fails is marked, and a later success takes the mark away") {
  Record record = MakeRunning("a");
  NoteStartedRelease(record);
  NoteFailed(record, "Unhealthy");
  CHECK(record.releases[0].has_failed);
  NoteSucceeded(record, kThen);
  CHECK_FALSE(record.releases[0].has_failed);
}

TEST_CASE("a failure beside last known good's release does not condemn that release") {
  Record record = MakeRunning("a");
  NoteSucceeded(record, kThen);
  record.last_known_good = LastKnownGood{"rev-a", "fp-a", "r-a", record.release, kThen};
  record.fingerprint = "fp-other-manifests";
  NoteFailed(record, "Unhealthy");
  CHECK(HasFailed(record, "fp-other-manifests"));
  CHECK_FALSE(record.releases[0].has_failed);
}

TEST_CASE("the longest Healthy stay is kept when stays end") {
  Record record = MakeRunning("a");
  NoteSucceeded(record, kThen);
  record.running = RunningState{"rev-a", "fp-a", record.release};
  const auto stay = [&](Duration length) {
    record.healthy_since = kThen;
    CloseStay(record, kThen + length);
    CHECK_FALSE(record.healthy_since);
    return record.releases[0].longest_stay;
  };
  CHECK(stay(10min) == Duration(10min));
  CHECK(stay(3min) == Duration(10min));
  CHECK(stay(30min) == Duration(30min));
}

TEST_CASE("a stay counts for the release that ran, not for the one that comes") {
  Record record = MakeRunning("a");
  NoteSucceeded(record, kThen);
  record.running = RunningState{"rev-a", "fp-a", record.release};
  record.healthy_since = kThen;
  MoveTo(record, "b");
  NoteStartedRelease(record);
  CloseStay(record, kThen + 20min);
  REQUIRE(record.releases.size() == 2);
  CHECK(record.releases[0].longest_stay == Duration(0));
  CHECK(record.releases[1].longest_stay == Duration(20min));
}

TEST_CASE("a stay that never began does not end") {
  Record record = MakeRunning("a");
  NoteSucceeded(record, kThen);
  record.running = RunningState{"rev-a", "fp-a", record.release};
  CloseStay(record, kThen + 20min);
  CHECK(record.releases[0].longest_stay == Duration(0));
}

TEST_CASE("the pause after an error doubles from 5 seconds to 5 minutes") {
  const Options options;
  const Duration expected[] = {5s, 10s, 20s, 40s, 80s, 160s, 5min, 5min};
  for (size_t i = 0; i < std::size(expected); ++i) {
    INFO(i);
    CHECK(Backoff(options, static_cast<int>(i)) == expected[i]);
  }
  CHECK(Backoff(options, 1'000'000) == Duration(5min));
}

}  // namespace sluice::rollout::life
