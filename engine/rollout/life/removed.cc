// The unit left the config repo.
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {

Result<Moved> RemovalStarted(const Record& record, const std::string& rollout,
                             const std::string& revision, const std::string& objects,
                             SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld}, "RemovalStarted"));
  Record next = record;
  next.phase = Phase::kApplying;
  next.rollout = rollout;
  next.kind = "removal";
  next.attempt = 1;
  next.started = now;
  next.finished.reset();
  next.outcome.reset();
  ClearWhy(next);
  next.revision = revision;
  next.open = OpenRollout{};
  Event event = Tell(EventKind::kStarted, next, "removal started", objects);
  return Moved{std::move(next), {std::move(event)}};
}

Result<Moved> Removed(const Record& record, const Removal& removal, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld, Phase::kApplying}, "Removed"));
  Record next = record;
  CloseStay(next, now);
  next.phase = Phase::kIdle;
  next.revision = removal.revision;
  next.fingerprint.clear();
  next.kind = "removal";
  next.outcome = Outcome::kSucceeded;
  ClearWhy(next);
  if (!removal.is_all_gone) SetWhy(next, "ObjectsKept", removal.summary);
  next.finished = now;
  next.open.reset();
  next.running.reset();
  next.last_known_good.reset();
  next.drift.clear();
  next.targets.clear();
  next.leftovers.clear();
  Event event = Tell(EventKind::kRemoved, next, removal.summary, removal.body);
  return Moved{std::move(next), {std::move(event)}};
}

}  // namespace sluice::rollout::life
