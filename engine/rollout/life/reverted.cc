// Git follows live, or cannot.
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {

Result<Moved> Reverted(const Record& record, const std::string& commit,
                       const std::vector<std::string>& dropped) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld}, "Reverted"));
  Record next = record;
  next.pending_revert.reset();
  Trailers more = {{"Operation", RevertOperation(record)}};
  for (const std::string& reverted : dropped) more.emplace_back("Reverts", reverted);
  Event event = Tell(EventKind::kReverted, next, "reverted in Git by " + ShortOf(commit),
                     "The revert is commit " + commit + ".", std::move(more));
  return Moved{std::move(next), {std::move(event)}};
}

Result<Moved> NothingToRevert(const Record& record) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld}, "NothingToRevert"));
  Record next = record;
  next.pending_revert.reset();
  Event event = Tell(EventKind::kSuperseded, next,
                     "no revert: the branch no longer holds the failed content");
  return Moved{std::move(next), {std::move(event)}};
}

Result<Moved> RevertImpossible(const Record& record, const std::string& reason,
                               const std::string& message, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld}, "RevertImpossible"));
  Record next = record;
  next.pending_revert.reset();
  SetWhy(next, reason, message);
  next.frozen = Frozen{"sluice", message, now};
  Event event = Tell(EventKind::kFrozen, next, reason + ": frozen for a person", message);
  return Moved{std::move(next), {std::move(event)}};
}

}  // namespace sluice::rollout::life
