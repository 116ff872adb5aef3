// The long-running half: looks at Git, decides which units need a look, and lets lanes take it, one
// pass per unit at a time: a lane for each cluster, one for Git, one for the lease. The same engine
// serves the daemon (until stopped) and `sync` (until nothing can move).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/guarded.h"
#include "engine/daemon/lane.h"
#include "engine/rollout/pass.h"
#include "engine/rollout/reconcile.h"

namespace sluice::daemon {

using namespace std::chrono_literals;

struct EngineOptions {
  Duration poll = 5s;
  int workers = 8;  // passes that work at one time in one cluster; a pass that waits does not count
  // sync: a unit without a verdict is given up after this many attempts
  int settled_after_errors = 3;
  bool maintains = false;                  // packs the mirror now and then; `Run` sets it
  LaneFactory make_lane = MakeThreadLane;  // tests run jobs at once
};

// What `sync` found, per unit.
struct UnitStanding {
  rollout::Standing standing = rollout::Standing::kDone;
  std::string reason, message;
  bool has_failed = false;  // a rollout Failed (and was handled) during this run
};

struct SyncEnd {
  std::map<UnitId, UnitStanding> units;
  std::vector<std::string> problems;  // of the config repo that belong to no unit
  bool timed_out = false;
  std::optional<Error> error;  // why it ended before everything was settled; `units` had settled
};

class Engine {
 public:
  // `services` without `interrupted` and `stop`, which are the engine's own. The lease and the log
  // in it are not null.
  Engine(rollout::Services services, EngineOptions options, std::stop_token stop);
  ~Engine();

  // Takes the lease (kHeldElsewhere names its holder) and works until nothing can move without time
  // or a person. An error after that comes with what was settled before it.
  Result<SyncEnd> Sync(Duration timeout);
  // Works until stopped. Waits for the lease while another engine holds it; survives Git and
  // clusters being away.
  Status Run();
  // One look: takes what the lanes finished and begins what is due, without waiting. Returns when
  // to look again at the latest. What `Run` and `Sync` repeat.
  SteadyTime Step();
  // Polls at once. Safe from any thread.
  void Wake();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::daemon
