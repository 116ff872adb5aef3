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
  SLUICE_CHECK(Render());
  SLUICE_TRY(inventory_, services_.log.ReadInventory(pass_.unit));
  PlanRequest request = MakeRequest();
  std::string going;
  for (const Target& target : unit_.targets) {
    request.inventory = inventory_[target.name];
    auto session = OpenTarget(services_, target, request);
    if (!session) return PruneLater(session.error().reason(), session.error().message());
    // What speaks against the declared objects does not matter here.
    const auto cap =
        std::ranges::find(session->plan.blockers, "PruneCapExceeded", &PlanBlocker::reason);
    if (cap != session->plan.blockers.end()) return Hold(pass_, cap->reason, cap->message);
    for (const Change& change : session->plan.changes) {
      if (change.action == Action::kPrune)
        going += target.name + ": " + ToString(change.ref) + "\n";
    }
    sessions_.push_back(std::move(*session));
  }
  if (!going.empty()) {
    SLUICE_CHECK(MayWriteLive(services_));
    SLUICE_CHECK(services_.log.Append(
        MakeEntry(services_, EventKind::kDrifted, record_,
                  "objects stayed that nothing declares; they are pruned now", going),
        services_.GitCall()));
  }
  const StepEnd end = Prune();
  if (end.kind == StepEnd::Kind::kInterrupted) return OnInterruption(end.interruption);
  if (!end.is_ok()) return PruneLater(end.reason, end.message);
  record_.prune_waits = PruneWaits();
  auto entry = MakeEntry(
      services_, EventKind::kHealed, record_,
      going.empty() ? "nothing stays that nothing declares" : "what stayed is pruned", notes_);
  entry.inventory = inventory_;
  SLUICE_CHECK(services_.log.Append(std::move(entry), services_.GitCall()));
  return PassResult{};
}

Result<PassResult> PruneLeftovers(Pass& pass) { return Attempt(pass).PruneLeftovers(); }

}  // namespace sluice::rollout
