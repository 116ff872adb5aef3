// Which units need a look now. Pure bookkeeping, no threads.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/rollout/pass.h"

namespace sluice::daemon {

// Everything a pass over a unit depends on; a pass is due when it changed.
struct Inputs {
  std::string fingerprint;
  std::string problems;
  bool is_declared = false;
  std::optional<Record> own, upstream;
  std::vector<std::string> requests;
  bool is_cleared = false;  // a prune or removal waited until all of the config repo can be read
  // Of a held unit: the rollouts that Succeeded in its environment. One of them may have brought
  // the kind or the namespace that it waits for.
  std::set<std::string> neighbours;
  bool operator==(const Inputs&) const = default;
};
Inputs InputsOf(const rollout::Snapshot& snapshot, const deploylog::State& state,
                const UnitId& unit);

class Schedule {
 public:
  struct Due {
    UnitId unit;
    bool is_drift_due = false;
    int errors_in_row = 0;
    int heals_in_row = 0;
  };

  // A unit whose record says that it waits out a back-off goes on waiting when it is first seen, so
  // that a restart is no retry. For the daemon; a sync is somebody's wish to try now.
  void ResumeBackOffs(const rollout::Options& options) { resumes_ = options; }

  // Units not in flight whose inputs changed, whose wake-up came, or whose drift check is due;
  // marks them in flight.
  std::vector<Due> TakeDue(const rollout::Snapshot& snapshot, const deploylog::State& state,
                           SystemTime now);
  // The pass ended with this result (nullopt: an error of the engine, tried again after a while).
  void Done(const UnitId& unit, const std::optional<rollout::PassResult>& result, SystemTime now);

  bool IsIdle() const { return in_flight_.empty(); }
  // The earliest moment at which TakeDue may find something by time alone. `with_errors_after`:
  // units with at least that many errors in a row do not count.
  std::optional<SystemTime> NextWake() const;
  // Errors that are still to be retried before `limit` attempts.
  std::optional<SystemTime> NextRetry(int limit) const;
  bool WantsAnotherLook() const;

 private:
  struct Unit {
    std::optional<Inputs> seen;
    std::optional<SystemTime> wake;
    SystemTime drift_at{};  // next check
    int errors_in_row = 0;
    Duration drift_interval{0};
    int heals_in_row = 0;
    bool look_again = false;
  };
  void ResumeBackOff(Unit& unit, const Inputs& inputs, SystemTime now) const;

  std::optional<rollout::Options> resumes_;
  std::map<UnitId, Unit> units_;
  std::set<UnitId> in_flight_;
};

}  // namespace sluice::daemon
