// The long-running half: polls Git, decides which units need a look, and lets workers take it, one
// worker per unit at a time. The same engine serves the daemon (until stopped) and `sync` (until
// nothing can move).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/guarded.h"
#include "engine/rollout/pass.h"
#include "engine/rollout/reconcile.h"

namespace sluice::daemon {

using namespace std::chrono_literals;

struct EngineOptions {
  Duration poll = 5s;
  int workers = 8;
  int settled_after_errors =
      3;  // sync: a unit without a verdict is given up after this many attempts
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
  // Polls at once. Safe from any thread.
  void Wake();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::daemon
