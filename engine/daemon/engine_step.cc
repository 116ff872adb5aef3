// One look of the engine at everything that may be due. Nothing here waits.
#include <algorithm>
#include <exception>
#include <set>
#include <vector>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/daemon/engine_impl.h"
#include "engine/rollout/facts.h"

namespace sluice::daemon {
namespace {

using rollout::Interruption;
using rollout::Standing;

constexpr Duration kMaintainEvery = 1h;
constexpr Duration kLeaseCheck = 2s;  // how often it is looked whether the lease is to be renewed
constexpr Duration kSoonest = 5ms;    // between two steps that time alone asks for

Status LeaseIsEnding() {
  return Fail(ErrorCode::kHeldElsewhere, "LeaseLost",
              "the lease was lost; what was begun under it is ending");
}

}  // namespace

Engine::Impl::Impl(rollout::Services given, EngineOptions engine_options,
                   std::stop_token stop_token)
    : services(std::move(given)),
      options(std::move(engine_options)),
      stop(std::move(stop_token)),
      poller(services),
      git_lane(options.make_lane(1)),
      lease_lane(options.make_lane(1)),
      unit_lanes(options.make_lane, options.workers) {
  services.stop = ending.get_token();
  services.interrupted = [this](const UnitId& unit, const std::string& fingerprint) {
    return Check(unit, fingerprint);
  };
  services.outside = Lane::Outside;
  services.look_at_git = [this]() -> Result<std::shared_ptr<const rollout::Snapshot>> {
    SLUICE_CHECK(poller.Poll());
    return poller.Get().snapshot;
  };
}

Interruption Engine::Impl::Check(const UnitId& unit, const std::string& fingerprint) const {
  if (ending.stop_requested()) return Interruption::kStopped;
  // Newer content first: a decided rollback heeds it, and nothing of what follows.
  if (const auto view = poller.Get(); view.snapshot) {
    // A removal has no fingerprint; a directory that is back ends it, readable or not.
    const bool is_restored = fingerprint.empty() && view.snapshot->Find(unit);
    if (is_restored ||
        (view.snapshot->IsReadable(unit) && view.snapshot->FingerprintOf(unit) != fingerprint))
      return Interruption::kSuperseded;
  }
  if (lease_lost || !services.lease->IsHeld()) return Interruption::kLeaseLost;
  const auto state = services.log.Get();
  for (const auto& request : state->requests) {
    if (request.unit == unit && request.verb == "freeze") return Interruption::kFrozen;
  }
  return Interruption::kNone;
}

SteadyTime Engine::Impl::Step() {
  Collect();
  const SteadyTime now = services.clock.SteadyNow();
  StartRenewal(now);
  StartPoll(now);
  // While Git is away, or the lease, nothing new is begun, but what waits for live goes on.
  const bool may_begin = IsReady() && !lease_lost;
  Dispatch(may_begin ? Schedule::Which::kAll : Schedule::Which::kWaiting);
  StartMaintenance(now);
  // The end of what is under way is told; until then its time says nothing.
  SteadyTime next = now + kMaintainEvery;
  if (!is_polling) next = std::min(next, poll_at);
  if (!is_renewing) next = std::min(next, renew_at);
  if (const auto wake = may_begin ? schedule.NextWake() : std::nullopt) {
    const Duration left = std::max<Duration>(*wake - services.clock.SystemNow(), kSoonest);
    next = std::min(next, now + left);
  }
  return next;
}

void Engine::Impl::Collect() {
  std::deque<Finished> passes;
  {
    const std::lock_guard lock(mutex);
    passes.swap(finished);
    if (poll_result) {
      is_polling = false;
      polled = std::move(poll_result);
      if (IsReady()) polled_well_at = services.clock.SteadyNow();
      poll_result.reset();
    }
    if (has_renewed) is_renewing = has_renewed = false;
    if (wants_poll) is_poll_behind = true, poll_at = {};
    wants_poll = false;
  }
  for (const Finished& done : passes) Take(done);
}

void Engine::Impl::Take(const Finished& done) {
  schedule.Done(done.unit, done.result, services.clock.SystemNow());
  is_poll_behind = true;
  UnitStanding& standing = standings[done.unit];
  if (done.result) {
    standing.standing = done.result->standing;
    // The failure stays the news of this run, whatever quiet passes follow it.
    if (!standing.has_failed || done.result->standing == Standing::kFailed) {
      standing.reason = done.result->reason;
      standing.message = done.result->message;
    }
    if (done.result->standing == Standing::kFailed) standing.has_failed = true;
    if (done.result->look_again) poll_at = {};
    return;
  }
  standing.standing = Standing::kErrored;
  standing.reason = done.error->reason().empty() ? std::string(ToString(done.error->code()))
                                                 : done.error->reason();
  standing.message = done.error->message();
  log::Err(
      "pass_failed",
      {{"unit", ToString(done.unit)}, {"reason", standing.reason}, {"error", standing.message}});
  if (done.error->code() == ErrorCode::kHeldElsewhere) lease_lost = true;
  poll_at = {};  // the log may have moved under us
}

// On a lane of its own: a remote that is slow holds up no unit.
void Engine::Impl::StartPoll(SteadyTime now) {
  if (is_polling || now < poll_at || ending.stop_requested()) return;
  is_polling = true;
  is_poll_behind = false;
  poll_at = now + options.poll;
  // What was begun under a lease that was lost ends before the next one begins: its plans are of
  // another time.
  const bool may_take = schedule.IsIdle();
  git_lane->Run([this, may_take] {
    Status result;
    if (!services.lease->IsHeld()) result = may_take ? poller.TryLease() : LeaseIsEnding();
    if (result) {
      lease_lost = false;
      if (auto looked = poller.Poll(); !looked) result = Fail(looked.error());
    }
    Post([&] { poll_result = std::move(result); });
  });
}

// On a lane that nothing can block.
void Engine::Impl::StartRenewal(SteadyTime now) {
  if (is_renewing || now < renew_at) return;
  renew_at = now + kLeaseCheck;
  if (!services.lease->IsHeld()) return;
  is_renewing = true;
  lease_lane->Run([this] {
    const Result<bool> renewed = services.lease->RenewIfDue(services.GitCall());
    // Told once, and when it is over.
    if (!renewed && !is_lease_late)
      log::Warn("lease_renewal_failed", {{"error", renewed.error().message()}});
    if (renewed && *renewed && is_lease_late) log::Info("lease_renewed_again");
    is_lease_late = !renewed || (is_lease_late && !*renewed);
    if (!renewed && renewed.error().code() == ErrorCode::kHeldElsewhere) lease_lost = true;
    Post([&] { has_renewed = true; });
  });
}

// Each fetch leaves a pack and each renewal of the lease a commit in the mirror.
void Engine::Impl::StartMaintenance(SteadyTime now) {
  if (!options.maintains || now < maintain_at || !IsReady()) return;
  maintain_at = now + kMaintainEvery;
  git_lane->Run([this] {
    if (auto done = services.mirror.Maintain({services.clock.SteadyNow() + 5min, stop}); !done)
      log::Warn("mirror_maintenance_failed", {{"error", done.error().message()}});
  });
}

// The clusters that the unit's passes talk to, so that a slow one holds up its own units only.
std::string Engine::Impl::LaneOf(const rollout::Snapshot& snapshot, const UnitId& unit) const {
  std::set<std::string> clusters;
  if (const DeclaredUnit* declared = snapshot.Find(unit)) {
    for (const Target& target : declared->targets) clusters.insert(snapshot.ClusterOf(target));
  } else if (const auto it = snapshot.declared.environments.find(unit.environment);
             it != snapshot.declared.environments.end()) {
    for (const Target& target : it->second.targets) clusters.insert(snapshot.ClusterOf(target));
  }
  return Join(std::vector(clusters.begin(), clusters.end()), "\n");
}

// An exception ends this pass, not the process: the other units go on.
Engine::Impl::Finished Engine::Impl::RunPass(const rollout::PassInput& input) const {
  Finished done{input.unit, std::nullopt, std::nullopt};
  std::string what = "an exception that says nothing";
  try {
    auto result = rollout::Reconcile(services, input);
    if (result) {
      done.result = std::move(*result);
    } else {
      done.error = result.error();
    }
    return done;
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
  }
  done.error = Error(ErrorCode::kInternal, "Internal",
                     "the pass over " + ToString(input.unit) + " ended by " + what +
                         "; it is tried again, and other units go on; please report it");
  return done;
}

void Engine::Impl::Dispatch(Schedule::Which which) {
  const auto view = poller.Get();
  if (!view.snapshot) return;
  const auto state = services.log.Get();
  schedule.Note(view.snapshot, state);
  for (const Schedule::Due& due : schedule.TakeDue(services.clock.SystemNow(), which)) {
    rollout::PassInput input;
    input.snapshot = view.snapshot;
    input.unit = due.unit;
    input.errors_in_row = due.errors_in_row;
    input.heals_in_row = due.heals_in_row;
    input.is_drift_due = due.is_drift_due;
    unit_lanes.Named(LaneOf(*view.snapshot, due.unit)).Run([this, input]() mutable {
      // The world as it is when the pass runs, not as it was when it was queued.
      if (const auto newest = poller.Get(); newest.snapshot) input.snapshot = newest.snapshot;
      input.state = services.log.Get();
      Finished done = RunPass(input);
      Post([&] { finished.push_back(std::move(done)); });
    });
  }
}

void Engine::Impl::WaitUntil(SteadyTime until) {
  std::unique_lock lock(mutex);
  news.wait_until(lock, stop, until,
                  [this] { return wants_poll || !finished.empty() || poll_result || has_renewed; });
}

void Engine::Impl::End() {
  ending.request_stop();
  Collect();
  Dispatch(Schedule::Which::kWaiting);
  unit_lanes.Join();
  git_lane->Join();
  lease_lane->Join();
  Collect();
}

bool Engine::Impl::IsSettled() const {
  return !IsBusy() && !is_polling && IsReady() && !is_poll_behind && !schedule.WantsAnotherLook() &&
         !schedule.NextRetry(options.settled_after_errors);
}

SyncEnd Engine::Impl::Summary(bool timed_out) const {
  SyncEnd end;
  end.units = standings;
  end.timed_out = timed_out;
  if (const auto view = poller.Get(); view.snapshot) {
    for (const Diagnostic& problem : view.snapshot->declared.problems)
      end.problems.push_back(ToString(problem));
  }
  return end;
}

}  // namespace sluice::daemon
