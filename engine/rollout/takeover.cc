#include "engine/rollout/takeover.h"

#include "engine/base/log.h"
#include "engine/rollout/target_session.h"

namespace sluice::rollout {

Status RefuseLostLog(const Services& services, const Snapshot& snapshot) {
  if (services.options.accept_empty_log) return {};
  bool has_target = false;
  std::optional<Error> unusable;
  for (const auto& [id, unit] : snapshot.declared.units) {
    const auto claims = snapshot.claims.find(id);
    if (claims == snapshot.claims.end()) continue;
    for (const Target& target : unit.targets) {
      std::vector<ObjectRef> kinds;
      for (const Claim& claim : claims->second) {
        if (claim.cluster == snapshot.ClusterOf(target)) kinds.push_back(claim.ref);
      }
      auto driver = services.make_driver(target);
      if (!driver) {
        // Wrong configuration of one target holds its own units; of all, there is nothing to begin.
        if (!unusable) unusable = driver.error();
        continue;
      }
      has_target = true;
      auto found = (*driver)->FindMarked(OwnershipOf(snapshot.declared.pipeline.name, id), kinds,
                                         services.ReadCall());
      if (!found) {
        // A cluster that cannot be asked now proves nothing; its units will be Errored one by one.
        log::Warn("takeover_check_failed",
                  {{"unit", ToString(id)}, {"error", found.error().message()}});
        continue;
      }
      if (found->empty()) continue;
      return Fail(ErrorCode::kCorrupted, "LogMissing",
                  "the deploy log is empty, but target " + target.name + " holds " +
                      ToString(found->front()) + " marked as " + ToString(id) +
                      "'s: the log branch '" + services.options.log_branch +
                      "' was lost. Restore it, or start afresh with `sluice init --new-log`");
    }
  }
  if (unusable && !has_target) return Fail(*unusable);
  return {};
}

}  // namespace sluice::rollout
