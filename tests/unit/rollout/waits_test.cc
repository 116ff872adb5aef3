// What is recorded while a unit waits before a rollout begins: it speaks of what waits, and a
// restart goes on waiting.
#include <algorithm>

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using WaitNames = std::vector<std::string>;

const Error kUnreachable(ErrorCode::kUnavailable, "connection refused");

std::string FingerprintAtTip(World& world) {
  const auto snapshot = LoadSnapshot(*world.services, world.Main(), nullptr);
  REQUIRE(snapshot);
  return (*snapshot)->FingerprintOf(kWeb);
}

// The newest event speaks of the tip, and of no rollout.
void CheckAboutTip(World& world, const std::string& event) {
  CHECK(world.Trailer("Event") == event);
  CHECK(world.Trailer("Revision") == world.Main());
  CHECK(world.Trailer("Fingerprint") == FingerprintAtTip(world));
  for (const char* of_rollout : {"Rollout", "Attempt", "Plan-Digest", "Started", "Finished"}) {
    INFO(of_rollout);
    CHECK(world.Trailer(of_rollout).empty());
  }
  CHECK(world.Get().wait.content->revision == world.Main());
}

std::string BringGood2(World& world) {
  REQUIRE(world.Pass().standing == Standing::kDone);
  return world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
}

}  // namespace

TEST_CASE("a hold before a rollout's start speaks of the tip, not of the rollout before") {
  World world;
  BringGood2(world);
  const std::string running = world.Get().fingerprint;
  world.eu.SetPrediction("good2", targets::Prediction::Kind::kConflict, "scale-bot owns it");
  CHECK(world.Pass().reason == "FieldConflict");
  CheckAboutTip(world, "held");
  CHECK(world.Trailer("Release").starts_with("good2 "));
  CHECK(world.Trailer("Outcome").empty());
  CHECK(world.Trailer("Fingerprint") != running);
  // The record still says what the newest rollout was.
  CHECK(world.Get().fingerprint == running);
  CHECK_FALSE(world.Get().rollout.empty());
  world.eu.Mend();
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK_FALSE(world.Get().wait.content);
}

TEST_CASE("an error before a rollout's start speaks of the tip, and again for other content") {
  World world;
  BringGood2(world);
  world.eu.Fail("observe", kUnreachable);
  CHECK(world.Pass().standing == Standing::kErrored);
  CheckAboutTip(world, "errored");
  CHECK(world.Trailer("Outcome") == "Errored");
  world.Pass();
  CHECK(world.Events() == WaitNames{"started", "succeeded", "errored"});
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")}});
  world.Pass();
  CheckAboutTip(world, "errored");
  CHECK(world.Events() == WaitNames{"started", "succeeded", "errored", "errored"});
}

TEST_CASE("content that cannot be used is told with its revision and without a fingerprint") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit({{kDirectory + "config.yaml", "kind: [\n"}});
  CHECK(world.Pass().reason == "ConfigInvalid");
  CheckAboutTip(world, "invalid");
  CHECK(world.Trailer("Fingerprint").empty());
  world.Commit({{"docs/notes.md", "theirs\n"}});
  world.Pass();  // the same problems at a newer revision are no news
  CHECK(world.Events() == WaitNames{"started", "succeeded", "invalid"});
}

TEST_CASE("a first hold, before any rollout, names its revision") {
  World world;
  world.eu.SetBlockers({{"UnknownKind", "no kind Widget in target eu"}});
  CHECK(world.Pass().reason == "UnknownKind");
  CheckAboutTip(world, "held");
}

TEST_CASE("a unit that was held and never ran leaves nothing behind when it is removed") {
  World world;
  world.eu.SetBlockers({{"UnknownKind", "no kind Widget in target eu"}});
  CHECK(world.Pass().reason == "UnknownKind");
  Files gone;
  for (const auto& [path, text] : Shop()) {
    if (path.starts_with(kDirectory)) gone[path] = "";
  }
  world.Commit(gone);
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.engine->log->Get()->records.empty());
}

TEST_CASE("an error in the middle of a rollout speaks of that rollout") {
  World world;
  BringGood2(world);
  world.eu.FailObject("apply", "Deployment shop/web", kUnreachable, 1);
  CHECK(world.Pass().standing == Standing::kErrored);
  CHECK(world.Trailer("Event") == "errored");
  CHECK(world.Trailer("Rollout") == world.Get().rollout);
  CHECK(world.Trailer("Attempt") == "1");
  CHECK(world.Trailer("Revision") == world.Main());
}

TEST_CASE("a back-off goes on from the record alone, and grows") {
  World world;
  BringGood2(world);
  world.eu.Fail("observe", kUnreachable);
  const SystemTime first = world.engine->clock.SystemNow();
  for (int i = 0; i < 3; ++i) CHECK(world.Pass().standing == Standing::kErrored);
  world.Restart();
  world.Pass();
  const Record record = world.Get();
  const std::string tip = FingerprintAtTip(world);
  const Options options = world.services->options;
  const auto at = [&](Duration since) {
    const auto found = BackingOffSince(options, record, tip, first + since);
    REQUIRE(found);
    return std::pair(found->errors_in_row, Duration(found->wake - first));
  };
  CHECK(at(1s) == std::pair(1, Duration(5s)));
  CHECK(at(5s) == std::pair(2, Duration(15s)));
  CHECK(at(20s) == std::pair(3, Duration(35s)));
  CHECK(at(10min).first == 7);
  CHECK(at(1h).first > 10);
  CHECK(at(1h).second - Duration(1h) <= Duration(5min));
  CHECK_FALSE(BackingOffSince(options, record, "other content", first));
  world.eu.Mend();
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK_FALSE(BackingOffSince(options, world.Get(), tip, first));
}

}  // namespace sluice::rollout
