// Live goes back to last known good, or cannot.
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {

Result<Record> GivenUp(const Record& record, const std::string& why, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld, Phase::kApplying}, "GivenUp"));
  Record next = record;
  next.phase = Phase::kRollingBack;
  ClearWhy(next);
  SetWhy(next, "NoVerdict", "no verdict within onError.after (" + why + ")");
  next.finished = now;
  next.open.reset();
  return next;
}

Result<Moved> RolledBack(const Record& record, const Back& back, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kRollingBack}, "RolledBack"));
  Record next = record;
  next.phase = Phase::kIdle;
  next.wait = {};
  std::string where = "last known good";
  if (const auto& good = next.last_known_good) {
    next.running = RunningState{good->revision, good->fingerprint, good->release};
    where = ShortOf(good->revision);
  }
  RebuildTargets(next, back.targets, back.occupied, now);
  SetTargetHealth(next, back.health);
  next.unwell_before = back.unwell;
  next.healthy_since.reset();
  if (next.running && IsHealthy(next)) next.healthy_since = now;
  const std::string stays = back.stays.empty() ? "" : "; " + back.stays;
  next.message += stays;
  Event event = Tell(EventKind::kRolledback, next, "live is back at " + where + stays, back.notes);
  return Moved{std::move(next), {std::move(event)}};
}

Result<Moved> RollbackYielded(const Record& record) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kRollingBack}, "RollbackYielded"));
  Record next = record;
  next.phase = Phase::kIdle;
  next.wait = {};
  next.pending_revert.reset();
  // Live is between the two, and nobody verified it.
  next.running.reset();
  next.healthy_since.reset();
  next.message += "; newer content came before the rollback ended";
  SetTargetPhases(next, Phase::kIdle);
  Event event = Tell(EventKind::kSuperseded, next, "the rollback yields to a newer commit");
  return Moved{std::move(next), {std::move(event)}};
}

namespace {

// Something of the failed content runs, and nobody knows what.
Record NotBack(const Record& record, std::string_view reason, const std::string& why) {
  Record next = record;
  next.phase = Phase::kIdle;
  next.wait = {};
  next.running.reset();
  next.healthy_since.reset();
  SetTargetPhases(next, Phase::kIdle);
  for (auto& [name, target] : next.targets) target.health = Health::kUnknown;
  SetWhy(next, std::string(reason), "live could not be brought back to last known good: " + why);
  return next;
}

}  // namespace

Result<Moved> RollbackIncomplete(const Record& record, const std::string& why,
                                 const std::string& stays) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kRollingBack}, "RollbackIncomplete"));
  Record next = NotBack(record, kRollbackIncomplete, why + "; " + stays + "; push a fix");
  Event event = Tell(EventKind::kRolledback, next, "rolled back as far as it goes; " + stays, why);
  return Moved{std::move(next), {std::move(event)}};
}

Result<Moved> RollbackImpossible(const Record& record, const std::string& why, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kRollingBack}, "RollbackImpossible"));
  Record next = NotBack(record, "RollbackImpossible", why);
  next.frozen = Frozen{"sluice", next.message, now};
  Event event = Tell(EventKind::kFrozen, next, "rollback impossible, frozen for a person", why);
  return Moved{std::move(next), {std::move(event)}};
}

}  // namespace sluice::rollout::life
