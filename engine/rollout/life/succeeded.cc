// A unit comes to stand where it is declared.
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {
namespace {

// What every success leaves behind.
Record Good(const Record& record, const Success& success, SystemTime now) {
  Record next = record;
  next.phase = Phase::kIdle;
  next.outcome = Outcome::kSucceeded;
  ClearWhy(next);
  next.finished = now;
  if (!next.started) next.started = now;
  next.open.reset();
  next.pending_revert.reset();
  next.prune_waits = success.prune_waits;
  next.running = RunningState{next.revision, next.fingerprint, next.release};
  NoteSucceeded(next, now);
  RebuildTargets(next, success.targets, success.occupied, now);
  for (auto& [name, target] : next.targets) {
    target.outcome = Outcome::kSucceeded;
    target.last_known_good = next.fingerprint;
  }
  return next;
}

LastKnownGood AsGood(const Record& record, const Success& success, SystemTime now) {
  return {record.revision,      record.fingerprint, record.rollout, record.release, now,
          success.shared_inputs};
}

Result<Record> Unrun(const Record& record, const Success& success, SystemTime now,
                     std::string_view move) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld, Phase::kApplying}, move));
  Record next = Good(record, success, now);
  next.started = now;
  if (!next.healthy_since) next.healthy_since = now;
  return next;
}

}  // namespace

Result<Moved> Succeeded(const Record& record, const Success& success, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld, Phase::kApplying}, "Succeeded"));
  Record next = Good(record, success, now);
  next.last_known_good = AsGood(next, success, now);
  next.healthy_since = now;
  return Moved{next,
               {Tell(EventKind::kSucceeded, next, "succeeded at " + ContentOf(next), success.notes,
                     success.trailers)}};
}

Result<Moved> AlreadyThere(const Record& record, const Success& success, SystemTime now) {
  SLUICE_TRY(Record next, Unrun(record, success, now, "AlreadyThere"));
  if (next.last_known_good) next.last_known_good->revision = next.revision;
  Event event = Tell(EventKind::kSucceeded, next,
                     "already at " + ShortOf(next.revision) + ", nothing to do", success.notes);
  return Moved{std::move(next), {std::move(event)}};
}

Result<Moved> TakenOver(const Record& record, const Success& success, SystemTime now) {
  SLUICE_TRY(Record next, Unrun(record, success, now, "TakenOver"));
  next.last_known_good = AsGood(next, success, now);
  next.kind = "adoption";
  Event event = Tell(EventKind::kAdopted, next,
                     "taken over as it stands; only ownership marks are written", success.notes);
  return Moved{std::move(next), {std::move(event)}};
}

Result<Moved> NoLongerHeld(const Record& record, const std::string& revision) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld}, "NoLongerHeld"));
  Record next = record;
  next.phase = Phase::kIdle;
  next.revision = revision;
  ClearWhy(next);
  Event event = Tell(EventKind::kSucceeded, next, "declares what runs again, nothing is held");
  return Moved{std::move(next), {std::move(event)}};
}

}  // namespace sluice::rollout::life
