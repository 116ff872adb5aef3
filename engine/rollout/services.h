// What one pass over a unit works with. Built in cli/compose.cc, shared by all workers; every
// member is thread-safe or makes per-worker instances. Start reading the module in reconcile.h.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/base/guarded.h"
#include "engine/base/metrics.h"
#include "engine/deploylog/deploy_log.h"
#include "engine/deploylog/lease.h"
#include "engine/git/mirror.h"
#include "engine/git/remote.h"
#include "engine/model/config.h"
#include "engine/model/target_kind.h"
#include "engine/targets/target_driver.h"
#include "engine/verify/verify.h"
#include "engine/yaml/yaml.h"

namespace sluice {
class Outbox;
}

namespace sluice::rollout {

using namespace std::chrono_literals;
using deploylog::Permission;

struct Snapshot;

// A driver of its own for each caller.
using DriverFactory =
    std::function<Result<std::unique_ptr<targets::TargetDriver>>(const Target& target)>;

struct Options {
  std::string engine;    // id of this engine
  git::Person identity;  // author of the engine's commits
  std::string branch;    // config branch
  std::string log_branch;
  std::string path;  // repository.path, "." for the root
  bool allow_commands = false;
  bool accept_empty_log = false;  // `init --new-log`: marked objects without a log are taken over
  std::string hmac_key;           // "": digests of secrets are the words "key present"
  Duration read_timeout = 60s;    // one observation of a unit's objects
  Duration write_timeout = 120s;  // one stage's writes
  Duration git_timeout = 60s;     // of one exchange with the remote but a fetch
  Duration fetch_limit = 6h;      // of one fetch that goes on making progress
  Duration stage_timeout = 2min;  // what the next stage needs is there
  Duration leave_timeout = 10s;   // what is deleted is gone; after that a person is asked
  Duration health_poll_min = 300ms;
  Duration health_poll_max = 2s;
  Duration error_backoff_min = 5s;  // doubles up to 5 min
};

// Why a rollout must not go on, seen between its steps.
enum class Interruption {
  kNone,
  kSuperseded,  // the tip declares other content for the unit
  kFrozen,      // somebody asked to freeze it
  kStopped,     // the process was asked to end
  kLeaseLost,   // another engine holds the lease; one of ours that is late interrupts nothing
};
std::string_view ToString(Interruption interruption);

// Asked often and from several threads; must be cheap. `fingerprint` is what the rollout works on.
using InterruptionCheck =
    std::function<Interruption(const UnitId& unit, const std::string& fingerprint)>;

struct Services {
  const Clock& clock;
  git::Mirror& mirror;
  git::Remote& remote;
  deploylog::DeployLog& log;
  deploylog::Lease* lease = nullptr;  // null: nothing may be written (plan, drift)
  DriverFactory make_driver;
  const TargetKinds& kinds;
  verify::Verifier& verifier;
  Outbox* outbox = nullptr;  // null: nothing may be written
  Metrics& metrics;
  yaml::Cache& yaml;
  InterruptionCheck interrupted;
  std::stop_token stop;
  Options options;
  // Runs what a pass waits for (a push, a smoke test) while another pass has its place. Null: here.
  std::function<void(const std::function<void()>& wait)> outside;
  // Ids of the rollouts that this process began. One of them that is found open was not left by a
  // crash: its record could not be pushed, or the lease was away.
  std::shared_ptr<Guarded<std::set<std::string>>> begun =
      std::make_shared<Guarded<std::set<std::string>>>();
  // Verdicts that the log does not have yet, by rollout. The outbox keeps them for the next
  // process; here they are kept when there is no room for that.
  std::shared_ptr<Guarded<std::map<std::string, deploylog::Entry>>> unspoken =
      std::make_shared<Guarded<std::map<std::string, deploylog::Entry>>>();
  // Equal for two targets that are in one cluster, as far as the configuration tells: it may have
  // two names. Sends nothing. Empty: each TargetKind::Place is one.
  std::function<std::string(const Target& target)> cluster_of;
  // Looks at Git now, so that `interrupted` answers by what is pushed. What the tip declares.
  // Empty: there is nobody to ask.
  std::function<Result<std::shared_ptr<const Snapshot>>()> look_at_git;

  bool HasBegun(const std::string& rollout) const {
    return begun->With([&](const auto& ids) { return ids.contains(rollout); });
  }

  // Reads and waits end at once on stop; writes in flight are let to end and only have deadlines.
  Call ReadCall() const { return {clock.SteadyNow() + options.read_timeout, stop}; }
  targets::WriteCall WriteCall(Permission permission = Permission::kLease) const {
    return Writing({clock.SteadyNow() + options.write_timeout, {}}, permission);
  }
  // The same with bounds of the caller's.
  targets::WriteCall Writing(const Call& call, Permission permission) const {
    return {call, [this, permission] { return MayWriteLive(permission); }};
  }
  // Until when a write to live that is sent now may be under way (deploylog/lease.h).
  Result<SteadyTime> MayWriteLive(Permission permission) const;
  Call GitCall() const { return {clock.SteadyNow() + options.git_timeout, {}}; }
  // Nothing is lost by a fetch that is stopped half way.
  Call FetchCall() const { return {clock.SteadyNow() + options.fetch_limit, stop}; }

  void Outside(const std::function<void()>& wait) const { outside ? outside(wait) : wait(); }
};

// Adds the seconds between construction and destruction to a step of the metrics.
class StepTimer {
 public:
  StepTimer(const Services& services, std::string step)
      : services_(services), step_(std::move(step)), start_(services.clock.SteadyNow()) {}
  ~StepTimer() {
    services_.metrics.AddStep(
        step_, std::chrono::duration<double>(services_.clock.SteadyNow() - start_).count());
  }
  StepTimer(const StepTimer&) = delete;
  StepTimer& operator=(const StepTimer&) = delete;

 private:
  const Services& services_;
  std::string step_;
  SteadyTime start_;
};

}  // namespace sluice::rollout
