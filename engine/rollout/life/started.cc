// A rollout begins, or goes on.
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {

bool GoesOn(const Record& record, const std::string& fingerprint) {
  return record.fingerprint == fingerprint && !record.rollout.empty() && !record.finished &&
         record.kind != "removal" && (record.IsOpen() || record.open);
}

Result<Record> Entered(const Record& record, const Content& content, const std::string& plan,
                       const std::string& new_rollout) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld, Phase::kApplying}, "Entered"));
  Record next = record;
  next.revision = content.revision;
  next.fingerprint = content.fingerprint;
  next.content = content.rendered;
  next.release = content.release;
  next.kind = "deploy";
  next.plan = plan;
  if (GoesOn(record, content.fingerprint)) return next;
  next.rollout = new_rollout;
  next.attempt = 0;
  next.started.reset();
  next.finished.reset();
  next.open.reset();
  next.pending_revert.reset();
  return next;
}

Result<Moved> Started(const Record& record, const Start& start, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld, Phase::kApplying}, "Started"));
  const bool is_resume = record.phase == Phase::kApplying;
  const bool is_retry = !is_resume && record.attempt > 0;
  Moved moved{record, {}};
  Record& next = moved.record;
  next.phase = Phase::kApplying;
  // Its start is in the log already; only an adoption that came meanwhile is news.
  if (is_retry && !start.takes_over) return moved;
  if (!is_retry && !(is_resume && start.is_own)) ++next.attempt;
  CloseStay(next, now);
  next.outcome.reset();
  ClearWhy(next);
  next.drift.clear();
  next.started = now;
  next.finished.reset();
  if (!next.open) next.open.emplace();
  next.open->adopting = start.adopting;
  if (!is_retry) next.open->health_deadline = now + start.health_timeout;
  NoteStartedRelease(next);
  for (const NamedTarget& named : start.targets) {
    TargetRecord& target = next.targets[named.name];
    target.phase = Phase::kApplying;
    target.outcome.reset();
    target.identity = named.identity;
  }
  Trailers trailers = start.trailers;
  if (next.last_known_good)
    trailers.emplace_back("Last-Known-Good", next.last_known_good->revision);
  if (start.takes_over)
    moved.events.push_back(
        Tell(EventKind::kAdopted, next, "objects of others are taken over as asked"));
  moved.events.push_back(Tell(EventKind::kStarted, next,
                              (is_resume ? "resumed " : "started ") + ContentOf(next), start.notes,
                              std::move(trailers)));
  return moved;
}

Record LookedBefore(const Record& record, const std::vector<UnwellBefore>& unwell) {
  Record next = record;
  next.unwell_before = unwell;
  return next;
}

Record FoundAgain(const Record& record, const FoundOpen& found) {
  Record next = record;
  if (next.open) next.open->found = found;
  return next;
}

Record DueBy(const Record& record, std::optional<SystemTime> health_deadline) {
  Record next = record;
  if (next.open) next.open->health_deadline = health_deadline;
  return next;
}

}  // namespace sluice::rollout::life
