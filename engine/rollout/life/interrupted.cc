// A rollout ends without a verdict of its own.
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {

Result<Moved> Interrupted(const Record& record, EndedBy by, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kApplying}, "Interrupted"));
  const bool is_superseded = by == EndedBy::kNewerContent;
  Moved moved{record, {}};
  Record& next = moved.record;
  next.phase = Phase::kIdle;
  next.outcome = is_superseded ? Outcome::kSuperseded : Outcome::kCancelled;
  ClearWhy(next);
  SetWhy(next,
         is_superseded            ? "Superseded"
         : by == EndedBy::kFreeze ? "Frozen"
                                  : "Stopped",
         is_superseded ? "a newer commit changes this unit" : "interrupted; live is left as it is");
  next.finished = now;
  next.attempt = 0;  // not counted
  if (next.open) next.open->found.reset();
  SetTargetPhases(next, Phase::kIdle);
  moved.events.push_back(
      Tell(is_superseded ? EventKind::kSuperseded : EventKind::kCancelled, next, next.message));
  return moved;
}

}  // namespace sluice::rollout::life
