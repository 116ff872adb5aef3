// What a rollout left because some unit could not be read (Record::prune_waits).
#include <algorithm>

#include "engine/base/log.h"
#include "engine/rollout/deploy.h"
#include "engine/rollout/deploy_attempt.h"

namespace sluice::rollout {

// Not in the record: the unit stands as before.
PassResult Attempt::PruneLater(const std::string& reason, const std::string& message) {
  log::Warn("prune_errored",
            {{"unit", ToString(pass_.unit)}, {"reason", reason}, {"error", message}});
  return PassResult{Standing::kErrored,
                    pass_.Now() + Backoff(services_.options, pass_.errors_in_row), false, reason,
                    "pruning what stayed: " + message};
}

Result<PassResult> Attempt::PruneLeftovers() {
  SLUICE_TRY(content_, RenderAtTip(services_, *pass_.snapshot, pass_.unit));
  SLUICE_TRY(inventory_, services_.log.ReadInventory(pass_.unit));
  auto sessions = PlanUnit(services_, RolloutRequest(services_, *pass_.snapshot, content_),
                           unit_.targets, inventory_);
  if (!sessions) return PruneLater(sessions.error().reason(), sessions.error().message());
  sessions_ = *std::move(sessions);
  std::string going;
  for (const TargetSession& session : sessions_) {
    // What speaks against the declared objects does not matter here.
    const auto cap =
        std::ranges::find(session.plan.blockers, "PruneCapExceeded", &PlanBlocker::reason);
    if (cap != session.plan.blockers.end()) return Hold(pass_, cap->reason, cap->message);
    for (const Change& change : session.plan.changes) {
      if (change.action == Action::kPrune)
        going += session.target.name + ": " + ToString(change.ref) + "\n";
    }
  }
  if (!going.empty()) {
    SLUICE_CHECK(pass_.Push(life::PruneBegan(record_, going)));
  }
  const StepEnd end = Prune();
  if (end.kind == StepEnd::Kind::kInterrupted) return OnInterruption(end.interruption);
  if (!end.is_ok()) return PruneLater(end.reason, end.message);
  deploylog::Entry entry;
  entry.inventory = inventory_;
  SLUICE_CHECK(pass_.Push(
      life::Pruned(record_, PruneWaits(),
                   going.empty() ? "nothing stays that nothing declares" : "what stayed is pruned",
                   notes_),
      std::move(entry)));
  return PassResult{};
}

Result<PassResult> PruneLeftovers(Pass& pass) { return Attempt(pass).PruneLeftovers(); }

}  // namespace sluice::rollout
