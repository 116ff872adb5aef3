// Brings live back to last known good and verifies it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/rollout/judge/left_behind.h"
#include "engine/rollout/pass.h"

namespace sluice::rollout {

struct RollbackEnd {
  bool is_possible = true;     // false: RollbackImpossible, with the reason
  bool is_superseded = false;  // newer content came: it goes on from what is live
  std::string message;
  deploylog::Inventory inventory;
  std::vector<Target> targets;  // of last known good
  // What could not go back: it stays and is named, and freezes nothing.
  std::vector<judge::LeftBehind> left;
  std::map<std::string, Health> health;  // of each target, of what stays too
  std::vector<UnwellBefore> unwell;      // what is still told
  std::vector<Leaving> leaving;          // was created by the failed rollout and is not gone yet
};

// Renders last known good from the log's copy, applies it everywhere the unit may have touched as
// far as the server takes it, deletes what the failed rollout created and last known good lacks,
// takes away what is stuck, waits for health, runs its smoke tests. An Error: no verdict yet (live
// or Git unreachable), to be tried again.
Result<RollbackEnd> RollBack(Pass& pass);

// "OBJECT in target TARGET, which UNIT": an object of last known good that moved to another unit at
// `tip`; "" for none. With one, Git cannot go back by this unit's tree alone.
Result<std::string> TakenByAnother(Pass& pass, const Snapshot& tip);

// Records what came of it (rolledback, with what stays; or frozen RollbackImpossible). Returns a
// result when the pass ends here.
Result<std::optional<PassResult>> RecordRollback(Pass& pass, Result<RollbackEnd> end);

}  // namespace sluice::rollout
