// Which units need a look now. Pure bookkeeping, no threads. What it costs follows what moved, not
// how many units there are.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/daemon/inputs.h"
#include "engine/rollout/pass.h"

namespace sluice::daemon {

class Schedule {
 public:
  struct Due {
    UnitId unit;
    bool is_drift_due = false;
    int errors_in_row = 0;
    int heals_in_row = 0;
  };
  // kWaiting: only units whose rollout waits in this process; nothing new is begun.
  enum class Which { kAll, kWaiting };

  // A unit whose record says that it waits out a back-off goes on waiting when it is first seen, so
  // that a restart is no retry. For the daemon; a sync is somebody's wish to try now.
  void ResumeBackOffs(const rollout::Options& options) { resumes_ = options; }

  // What is declared and recorded now.
  void Note(std::shared_ptr<const rollout::Snapshot> snapshot,
            std::shared_ptr<const deploylog::State> state);
  // Units not in flight whose inputs changed, whose wake-up came, or whose drift check is due;
  // marks them in flight.
  std::vector<Due> TakeDue(SystemTime now, Which which = Which::kAll);
  // The pass ended with this result (nullopt: an error of the engine, tried again after a while).
  void Done(const UnitId& unit, const std::optional<rollout::PassResult>& result, SystemTime now);

  bool IsIdle() const { return in_flight_.empty(); }
  // A rollout waits in this process: for health, a smoke test, a deletion.
  bool HasWaiting() const { return !waiting_.empty(); }
  // The earliest moment at which TakeDue may find something by time alone.
  std::optional<SystemTime> NextWake() const;
  // Errors that are still to be retried before `limit` attempts.
  std::optional<SystemTime> NextRetry(int limit) const;
  bool WantsAnotherLook() const { return !again_.empty(); }

 private:
  struct Unit {
    std::optional<Inputs> seen;
    std::optional<SystemTime> wake;
    SystemTime drift_at{};  // next check
    int errors_in_row = 0;
    Duration drift_interval{0};
    int heals_in_row = 0;
    std::optional<SystemTime> timer;  // its place in timers_
  };
  void NoteSnapshot(std::shared_ptr<const rollout::Snapshot> snapshot);
  void NoteState(std::shared_ptr<const deploylog::State> state);
  void NoteRecord(const UnitId& id, const Record* before, const Record* now);
  void Forget(const UnitId& id);
  std::optional<Due> Consider(const UnitId& id, SystemTime now);
  void ResumeBackOff(Unit& unit, const Inputs& inputs, SystemTime now) const;
  void SetTimer(const UnitId& id, Unit& unit, bool runs);
  std::set<UnitId> Candidates(SystemTime now) const;

  std::optional<rollout::Options> resumes_;
  std::shared_ptr<const rollout::Snapshot> snapshot_;
  std::shared_ptr<const deploylog::State> state_;
  std::map<UnitId, Unit> units_;
  std::map<UnitId, std::vector<UnitId>> downstream_;  // of the snapshot
  std::map<std::string, uint64_t> successes_;         // of an environment, since the start
  std::map<std::string, std::set<UnitId>> held_;      // by environment
  std::set<UnitId> dirty_;                            // something they depend on moved
  std::set<UnitId> again_;                            // their pass asked for another look
  std::set<UnitId> waiting_, in_flight_, retrying_;
  std::set<std::pair<SystemTime, UnitId>> timers_;
};

}  // namespace sluice::daemon
