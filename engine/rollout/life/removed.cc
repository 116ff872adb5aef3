// The unit left the config repo.
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {

Record Leaves(const Record& record, std::vector<Leaving> leaving) {
  Record next = record;
  next.leaving = std::move(leaving);
  return next;
}

bool RemovalGoesOn(const Record& record) {
  return record.kind == "removal" && record.open && !record.finished;
}

Result<Record> RemovalResumed(const Record& record) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld, Phase::kApplying}, "RemovalResumed"));
  Record next = record;
  next.phase = Phase::kApplying;
  return next;
}

Result<Moved> RemovalWaits(const Record& record, const WaitFacts& facts,
                           std::vector<Leaving> leaving, bool has_shrunk, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kApplying}, "RemovalWaits"));
  // What it waited for before is no news when it waits for the same.
  Record before = Leaves(record, std::move(leaving));
  if (before.reason == facts.reason) before.phase = Phase::kHeld;
  SLUICE_TRY(Moved moved, Waits(before, facts, now));
  if (has_shrunk && moved.events.empty()) {
    moved.events.push_back(
        TellAbout(facts.kind, moved.record, facts.content, facts.reason + ": " + facts.message));
  }
  return moved;
}

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
  next.fingerprint.clear();  // the same files put back are content that is rolled out anew
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
  next.leaving.clear();
  Event event = Tell(EventKind::kRemoved, next, removal.summary, removal.body);
  return Moved{std::move(next), {std::move(event)}};
}

}  // namespace sluice::rollout::life
