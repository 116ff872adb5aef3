// What a rollout left because some unit could not be read (Record::prune_waits), or because it does
// not go (Record::leaving).
#include <algorithm>

#include "engine/base/log.h"
#include "engine/rollout/deploy.h"
#include "engine/rollout/deploy_attempt.h"
#include "engine/rollout/leaving.h"

namespace sluice::rollout {

// Not in the record: the unit stands as before.
PassResult Attempt::PruneLater(const std::string& reason, const std::string& message) {
  log::Warn("prune_errored",
            {{"unit", ToString(pass_.unit)}, {"reason", reason}, {"error", message}});
  return PassResult{Standing::kErrored,
                    pass_.Now() + Backoff(services_.options, pass_.errors_in_row), false, reason,
                    "pruning what stayed: " + message};
}

// Told before the first deletion; what was refused before, and is asked for again, was told then.
Status Attempt::TellPrune(const std::string& going) {
  if (going.empty()) return {};
  return pass_.Push(life::PruneBegan(record_, going));
}

// Once per change of what is left.
Status Attempt::TellPruned(const std::vector<Leaving>& before, const deploylog::Inventory& known) {
  const auto same = [](const Leaving& a, const Leaving& b) {
    return a.target == b.target && a.ref == b.ref && a.uid == b.uid && a.held_by == b.held_by;
  };
  const bool is_same = std::ranges::equal(before, record_.leaving, same) && known == inventory_;
  if (is_same && PruneWaits() == record_.prune_waits) return {};
  const std::string summary = !record_.leaving.empty()
                                  ? "a prune is still open: " + LeavingSummary(record_.leaving)
                              : known == inventory_ ? "nothing stays that nothing declares"
                                                    : "what stayed is pruned";
  deploylog::Entry entry;
  entry.inventory = inventory_;
  return pass_.Push(life::Pruned(record_, PruneWaits(), summary, notes_), std::move(entry));
}

Result<PassResult> Attempt::PruneLeftovers() {
  SLUICE_TRY(content_, RenderAtTip(services_, *pass_.snapshot, pass_.unit));
  SLUICE_TRY(inventory_, services_.log.ReadInventory(pass_.unit));
  const deploylog::Inventory known = inventory_;
  const std::vector<Leaving> before = record_.leaving;
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
      const bool is_told = std::ranges::any_of(before, [&](const Leaving& one) {
        return one.target == session.target.name && one.ref == change.ref;
      });
      if (change.action == Action::kPrune && !is_told)
        going += session.target.name + ": " + ToString(change.ref) + "\n";
    }
  }
  SLUICE_CHECK(TellPrune(going));
  if (const StepEnd end = Prune(); !end.is_ok()) return OnInterruption(end.interruption);
  SLUICE_CHECK(TellPruned(before, known));
  PassResult stands = StandsLeaving(pass_);
  // A cluster that may have them under another name could not be asked.
  if (record_.prune_waits && !stands.wake) stands.wake = pass_.Now() + 1min;
  return stands;
}

Result<PassResult> PruneLeftovers(Pass& pass) { return Attempt(pass).PruneLeftovers(); }

}  // namespace sluice::rollout
