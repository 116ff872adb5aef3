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
  next.unwell_before = success.unwell;
  RebuildTargets(next, success.targets, success.occupied, now);
  SetTargetHealth(next, success.health);
  for (auto& [name, target] : next.targets) {
    target.outcome = Outcome::kSucceeded;
    if (success.suspended.empty()) target.last_known_good = next.fingerprint;
  }
  NoteStartedRelease(next);
  if (IsHealthy(next)) NoteSucceeded(next, now);
  if (!success.suspended.empty())
    SetWhy(next, std::string(kSuspended),
           "applied, but it has not run: " + success.suspended +
               "; no stay begins and nothing is promoted until it runs");
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
  if (!IsHealthy(next)) CloseStay(next, now);
  if (IsHealthy(next) && !next.healthy_since) next.healthy_since = now;
  return next;
}

}  // namespace

Result<Moved> Succeeded(const Record& record, const Success& success, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld, Phase::kApplying}, "Succeeded"));
  Record next = Good(record, success, now);
  const bool has_run = success.suspended.empty();
  if (has_run) next.last_known_good = AsGood(next, success, now);
  if (IsHealthy(next)) next.healthy_since = now;
  return Moved{next,
               {Tell(EventKind::kSucceeded, next,
                     "succeeded at " + ContentOf(next) + (has_run ? "" : ", " + next.message),
                     success.notes, success.trailers)}};
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
