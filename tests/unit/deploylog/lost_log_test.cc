// A log branch that was cut back, deleted or begun anew.
#include "engine/deploylog/deploy_log.h"
#include "tests/unit/deploylog/log_fixture.h"

namespace sluice::deploylog {

TEST_CASE("a log that was cut back is refused, by memory and after a restart") {
  const Hub hub;
  const std::string data_dir = git::MakeTemporaryDirectory();
  auto a = StartEngine(hub, "e-a", data_dir);
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  REQUIRE(a->Append(MakeEntry(EventKind::kFailed)));
  const std::string good = a->Get()->tip;
  hub.Git({"update-ref", kBranchRef, good + "~1"});
  const auto check = [](const Status& status) {
    REQUIRE_FALSE(status);
    CHECK(status.error().code() == ErrorCode::kCorrupted);
    CHECK(status.error().reason() == "LogRewritten");
    CHECK_THAT(status.error().message(), Catch::Contains("sluice init --new-log"));
  };
  check(a->Refresh());
  check(a->Append(MakeEntry(EventKind::kStarted)));
  CHECK(Count(hub) == "1");
  // A restart without the mirror: only the state directory remembers.
  git::Run({"rm", "-rf", data_dir + "/mirror"});
  a = std::make_unique<Engine>(hub, "e-a", data_dir);
  REQUIRE(a->Acquire());
  check(a->Refresh());
  check(a->Append(MakeEntry(EventKind::kStarted)));
  CHECK(Count(hub) == "1");
  // An engine that never saw the log cannot know.
  const auto stranger = Engine::Command(hub);
  CHECK(stranger->Refresh());
  // Pushed back, all is well.
  hub.Git({"update-ref", kBranchRef, good});
  REQUIRE(a->Refresh());
  CHECK(a->Get()->tip == good);
}

TEST_CASE("a log that is gone is refused until a new one is begun") {
  const Hub hub;
  const std::string data_dir = git::MakeTemporaryDirectory();
  auto a = StartEngine(hub, "e-a", data_dir);
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  hub.Git({"update-ref", "-d", kBranchRef});
  const auto check = [](const Status& status) {
    REQUIRE_FALSE(status);
    CHECK(status.error().code() == ErrorCode::kCorrupted);
    CHECK(status.error().reason() == "LogMissing");
    CHECK_THAT(status.error().message(), Catch::Contains("sluice init --new-log"));
  };
  check(a->Refresh());
  check(a->Append(MakeEntry(EventKind::kStarted)));
  a = std::make_unique<Engine>(hub, "e-a", data_dir);
  REQUIRE(a->Acquire());
  check(a->Refresh());
  REQUIRE(a->log->StartNewLog(a->MakeCall()));
  REQUIRE(a->Refresh());
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  CHECK(Count(hub) == "1");
}

TEST_CASE("a new log keeps the old branch under another name") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  const std::string old = a->Get()->tip;
  REQUIRE(a->log->StartNewLog(a->MakeCall()));
  CHECK(a->Get()->tip.empty());
  CHECK(hub.Git({"for-each-ref", kBranchRef}).empty());
  CHECK(hub.Git({"rev-parse", kBranch + "-until-20261121T090000Z"}) == old);
  REQUIRE(a->Refresh());
  REQUIRE(a->Append(MakeEntry(EventKind::kHeld)));
  CHECK(a->Get()->records.size() == 1);
  CHECK(Count(hub) == "1");
}

TEST_CASE("a listing older than the last append is no truncation") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->log->Refresh("", a->MakeCall()));
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  const std::string older = a->Get()->tip;
  REQUIRE(a->log->Refresh("", a->MakeCall()));
  REQUIRE(a->Append(MakeEntry(EventKind::kSucceeded)));
  const std::string tip = a->Get()->tip;
  REQUIRE(a->log->Refresh(older, a->MakeCall()));
  CHECK(a->Get()->tip == tip);
}

}  // namespace sluice::deploylog
