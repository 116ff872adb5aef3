#include "engine/rollout/verdict.h"

#include "tests/support/catch.h"

namespace sluice::rollout {
namespace {

struct VerdictRow {
  Happening happening;
  Verdict verdict;
  const char* reason;
};

// Design 5, row by row.
constexpr VerdictRow kVerdicts[] = {
    {Happening::kContentRefused, Verdict::kFailed, "ContentRejected"},
    {Happening::kUnhealthyTerminal, Verdict::kFailed, "Unhealthy"},
    {Happening::kUnhealthyPastDeadline, Verdict::kFailed, "HealthDeadlineExceeded"},
    {Happening::kTestSaidNo, Verdict::kFailed, "SmokeTestFailed"},
    {Happening::kUnreadablePastDeadline, Verdict::kErrored, "LiveUnreadable"},
    {Happening::kTestNoVerdict, Verdict::kErrored, "SmokeTestNoVerdict"},
    {Happening::kNoRights, Verdict::kErrored, "PermissionDenied"},
    {Happening::kServerBusy, Verdict::kErrored, "ServerBusy"},
    {Happening::kUnreachable, Verdict::kErrored, "TargetUnreachable"},
    {Happening::kInternal, Verdict::kErrored, "InternalError"},
    {Happening::kFieldConflict, Verdict::kHeld, "FieldConflict"},
    {Happening::kMissingKind, Verdict::kHeld, "UnknownKind"},
    {Happening::kObjectToAdopt, Verdict::kHeld, "AdoptionRequired"},
    {Happening::kCapExceeded, Verdict::kHeld, "PruneCapExceeded"},
    {Happening::kConfigInvalid, Verdict::kHeld, "ConfigInvalid"},
};

bool IsJudged(Happening happening, Verdict verdict, const char* reason) {
  return Judge(happening) == verdict && DefaultReason(happening) == reason;
}

}  // namespace

TEST_CASE("content that the server refuses Failed") {
  CHECK(IsJudged(Happening::kContentRefused, Verdict::kFailed, "ContentRejected"));
}
TEST_CASE("a state that cannot recover Failed") {
  CHECK(IsJudged(Happening::kUnhealthyTerminal, Verdict::kFailed, "Unhealthy"));
}
TEST_CASE("unhealthy past the deadline while live was readable Failed") {
  CHECK(IsJudged(Happening::kUnhealthyPastDeadline, Verdict::kFailed, "HealthDeadlineExceeded"));
}
TEST_CASE("a smoke test that says no Failed") {
  CHECK(IsJudged(Happening::kTestSaidNo, Verdict::kFailed, "SmokeTestFailed"));
}
TEST_CASE("a deadline that passed while live was unreadable is no verdict") {
  CHECK(IsJudged(Happening::kUnreadablePastDeadline, Verdict::kErrored, "LiveUnreadable"));
}
TEST_CASE("a smoke test without a verdict gives none") {
  CHECK(IsJudged(Happening::kTestNoVerdict, Verdict::kErrored, "SmokeTestNoVerdict"));
}
TEST_CASE("missing rights are no verdict") {
  CHECK(IsJudged(Happening::kNoRights, Verdict::kErrored, "PermissionDenied"));
}
TEST_CASE("a server that is busy is no verdict") {
  CHECK(IsJudged(Happening::kServerBusy, Verdict::kErrored, "ServerBusy"));
}
TEST_CASE("a server that is away is no verdict") {
  CHECK(IsJudged(Happening::kUnreachable, Verdict::kErrored, "TargetUnreachable"));
}
TEST_CASE("our own fault is no verdict") {
  CHECK(IsJudged(Happening::kInternal, Verdict::kErrored, "InternalError"));
}
TEST_CASE("a field conflict waits for a person") {
  CHECK(IsJudged(Happening::kFieldConflict, Verdict::kHeld, "FieldConflict"));
}
TEST_CASE("a kind that is not there waits for a person") {
  CHECK(IsJudged(Happening::kMissingKind, Verdict::kHeld, "UnknownKind"));
}
TEST_CASE("an object to adopt waits for a person") {
  CHECK(IsJudged(Happening::kObjectToAdopt, Verdict::kHeld, "AdoptionRequired"));
}
TEST_CASE("an exceeded cap waits for a person") {
  CHECK(IsJudged(Happening::kCapExceeded, Verdict::kHeld, "PruneCapExceeded"));
}
TEST_CASE("invalid configuration waits for a person") {
  CHECK(IsJudged(Happening::kConfigInvalid, Verdict::kHeld, "ConfigInvalid"));
}

TEST_CASE("every happening has a row of its own in the verdict table") {
  CHECK(std::size(kVerdicts) == static_cast<size_t>(Happening::kInternal) + 1);
  for (const VerdictRow& row : kVerdicts) {
    INFO(row.reason);
    CHECK(IsJudged(row.happening, row.verdict, row.reason));
  }
}

TEST_CASE("every error code has one meaning, and only a refusal condemns the content") {
  const std::pair<ErrorCode, Happening> rows[] = {
      {ErrorCode::kInvalidConfig, Happening::kConfigInvalid},
      {ErrorCode::kInvalidArgument, Happening::kConfigInvalid},
      {ErrorCode::kNotFound, Happening::kMissingKind},
      {ErrorCode::kConflict, Happening::kFieldConflict},
      {ErrorCode::kUnauthenticated, Happening::kNoRights},
      {ErrorCode::kPermissionDenied, Happening::kNoRights},
      {ErrorCode::kRejected, Happening::kContentRefused},
      {ErrorCode::kRateLimited, Happening::kServerBusy},
      {ErrorCode::kUnavailable, Happening::kUnreachable},
      {ErrorCode::kDeadlineExceeded, Happening::kUnreachable},
      {ErrorCode::kCancelled, Happening::kUnreachable},
      {ErrorCode::kCorrupted, Happening::kInternal},
      {ErrorCode::kHeldElsewhere, Happening::kInternal},
      {ErrorCode::kInternal, Happening::kInternal},
  };
  REQUIRE(std::size(rows) == static_cast<size_t>(ErrorCode::kInternal) + 1);
  for (const auto& [code, happening] : rows) {
    INFO(ToString(code));
    CHECK(FromError(code) == happening);
    CHECK((Judge(FromError(code)) == Verdict::kFailed) == (code == ErrorCode::kRejected));
  }
}

}  // namespace sluice::rollout
