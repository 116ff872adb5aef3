// A verdict: the content is bad.
#include "engine/base/hash.h"
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {
namespace {

// A version that stays although it Failed, and why.
void Stay(Record& record, bool freezes, bool has_good, bool wrote, SystemTime now) {
  if (freezes) {
    record.frozen =
        Frozen{"sluice", "onFailure.live is freeze: the failed version is kept for a person", now};
  } else if (!has_good && wrote) {
    SetWhy(record, "NoLastKnownGood",
           record.message +
               "; there is no last known good to go back to (NoLastKnownGood): nothing is deleted, "
               "push a fix");
  }
}

}  // namespace

std::string RevertOperation(const Record& record) {
  if (record.pending_revert && !record.pending_revert->operation.empty())
    return record.pending_revert->operation;
  return "op-" + Sha256Hex("revert " + ToString(record.unit) + " " + record.rollout).substr(0, 16);
}

Result<Moved> Failed(const Record& record, const Failure& failure, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld, Phase::kApplying}, "Failed"));
  Record next = record;
  const bool wrote = record.open.has_value();
  const bool has_good = record.last_known_good.has_value();
  const bool goes_back = wrote && has_good && !failure.freezes;
  next.phase = goes_back ? Phase::kRollingBack : Phase::kIdle;
  next.outcome = Outcome::kFailed;
  ClearWhy(next);
  SetWhy(next, failure.reason, failure.message);
  if (!next.started) next.started = now;
  next.finished = now;
  next.open.reset();
  next.pending_revert.reset();
  if (has_good && !failure.freezes && failure.reverts)
    next.pending_revert = PendingRevert{RevertOperation(next)};
  NoteStartedRelease(next);
  NoteFailed(next, failure.reason);
  SetTargetPhases(next, next.phase);
  if (!failure.target.empty()) next.targets[failure.target].outcome = Outcome::kFailed;
  // Nothing takes it back: it runs, however badly.
  if (wrote && !goes_back)
    next.running = RunningState{next.revision, next.fingerprint, next.release};
  Stay(next, failure.freezes, has_good, wrote, now);
  Event event =
      Tell(EventKind::kFailed, next, "failed at " + ShortOf(next.revision) + ": " + failure.reason,
           failure.message + "\n" + failure.detail, failure.trailers);
  return Moved{std::move(next), {std::move(event)}};
}

}  // namespace sluice::rollout::life
