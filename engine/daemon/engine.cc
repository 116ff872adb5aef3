#include "engine/daemon/engine.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "engine/base/log.h"
#include "engine/daemon/poller.h"
#include "engine/daemon/schedule.h"
#include "engine/daemon/workers.h"
#include "engine/rollout/facts.h"

namespace sluice::daemon {
namespace {

using rollout::Interruption;
using rollout::PassResult;
using rollout::Standing;

constexpr Duration kMaintainEvery = 1h;
constexpr Duration kLeaseCheck = 2s;  // how often the renewal thread looks whether it is due

}  // namespace

struct Engine::Impl {
  Impl(rollout::Services given, EngineOptions engine_options, std::stop_token stop_token)
      : services(std::move(given)),
        options(engine_options),
        stop(std::move(stop_token)),
        poller(services) {
    services.stop = ending.get_token();
    services.interrupted = [this](const UnitId& unit, const std::string& fingerprint) {
      return Check(unit, fingerprint);
    };
  }

  rollout::Services services;
  EngineOptions options;
  std::stop_token stop;     // somebody asked the process to end
  std::stop_source ending;  // that, or the deadline of a sync: rollouts are cancelled
  std::stop_callback<std::function<void()>> forward{stop, [this] { ending.request_stop(); }};
  Poller poller;
  Schedule schedule;                         // touched by the main thread only
  std::map<UnitId, UnitStanding> standings;  // likewise
  std::atomic<bool> lease_lost{false};
  SteadyTime maintain_at{};

  // What the workers leave for the main thread.
  struct Finished {
    UnitId unit;
    std::optional<PassResult> result;
    std::optional<Error> error;
  };
  std::mutex mutex;
  std::condition_variable_any wake;
  std::deque<Finished> finished;
  bool poll_now = false;

  Interruption Check(const UnitId& unit, const std::string& fingerprint) const;
  void Notify();
  Status StartWork();
  void Dispatch(Workers& workers);
  bool Collect();
  void Take(const Finished& done);
  void WaitUntil(SteadyTime until);
  std::jthread RenewLease();
  Result<bool> PollOnce();
  Duration UntilNextLook() const;
  void MaintainIfDue();
  SyncEnd End(bool timed_out) const;
};

Interruption Engine::Impl::Check(const UnitId& unit, const std::string& fingerprint) const {
  if (ending.stop_requested()) return Interruption::kStopped;
  // Newer content first: a decided rollback heeds it, and nothing of what follows.
  if (const auto view = poller.Get(); view.snapshot) {
    if (view.snapshot->IsReadable(unit) && view.snapshot->FingerprintOf(unit) != fingerprint)
      return Interruption::kSuperseded;
  }
  if (lease_lost || !services.lease->MayWriteLive()) return Interruption::kLeaseLost;
  const auto state = services.log.Get();
  for (const auto& request : state->requests) {
    if (request.unit == unit && request.verb == "freeze") return Interruption::kFrozen;
  }
  return Interruption::kNone;
}

void Engine::Impl::Notify() {
  {
    const std::lock_guard lock(mutex);
    poll_now = true;
  }
  wake.notify_all();
}

// Keeps the lease while work is slow; a poll that hangs on Git must not lose it.
std::jthread Engine::Impl::RenewLease() {
  return std::jthread([this](std::stop_token ended) {
    while (services.clock.Sleep(kLeaseCheck, ended)) {
      if (!services.lease->IsHeld()) continue;
      if (auto renewed = services.lease->RenewIfDue(services.GitCall()); !renewed) {
        log::Warn("lease_renewal_failed", {{"error", renewed.error().message()}});
        if (renewed.error().code() == ErrorCode::kHeldElsewhere) lease_lost = true;
      }
    }
  });
}

void Engine::Impl::Dispatch(Workers& workers) {
  const auto view = poller.Get();
  if (!view.snapshot || stop.stop_requested()) return;
  const auto state = services.log.Get();
  for (const Schedule::Due& due :
       schedule.TakeDue(*view.snapshot, *state, services.clock.SystemNow())) {
    rollout::PassInput input;
    input.snapshot = view.snapshot;
    input.state = state;
    input.unit = due.unit;
    input.errors_in_row = due.errors_in_row;
    input.heals_in_row = due.heals_in_row;
    input.is_drift_due = due.is_drift_due;
    workers.Run([this, input] {
      auto result = rollout::Reconcile(services, input);
      Finished done{input.unit, std::nullopt, std::nullopt};
      if (result) {
        done.result = std::move(*result);
      } else {
        done.error = result.error();
      }
      {
        const std::lock_guard lock(mutex);
        finished.push_back(std::move(done));
      }
      wake.notify_all();
    });
  }
}

void Engine::Impl::Take(const Finished& done) {
  schedule.Done(done.unit, done.result, services.clock.SystemNow());
  UnitStanding& standing = standings[done.unit];
  if (done.result) {
    standing.standing = done.result->standing;
    // The failure stays the news of this run, whatever quiet passes follow it.
    if (!standing.has_failed || done.result->standing == Standing::kFailed) {
      standing.reason = done.result->reason;
      standing.message = done.result->message;
    }
    if (done.result->standing == Standing::kFailed) standing.has_failed = true;
    if (done.result->look_again) poll_now = true;
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
  poll_now = true;  // the log may have moved under us
}

bool Engine::Impl::Collect() {
  const std::lock_guard lock(mutex);
  const bool any = !finished.empty();
  for (const Finished& done : finished) Take(done);
  finished.clear();
  return any;
}

void Engine::Impl::WaitUntil(SteadyTime until) {
  std::unique_lock lock(mutex);
  wake.wait_until(lock, stop, until, [this] { return poll_now || !finished.empty(); });
}

Result<bool> Engine::Impl::PollOnce() {
  {
    const std::lock_guard lock(mutex);
    poll_now = false;
  }
  return poller.Poll();
}

// How long the main loop may sleep: at most one poll, less when a unit's time comes.
Duration Engine::Impl::UntilNextLook() const {
  Duration left = options.poll;
  if (const auto next = schedule.NextWake())
    left = std::min(left, std::max<Duration>(*next - services.clock.SystemNow(), 20ms));
  return left;
}

// Each fetch leaves a pack and each renewal of the lease a commit in the mirror.
void Engine::Impl::MaintainIfDue() {
  const SteadyTime now = services.clock.SteadyNow();
  if (now < maintain_at) return;
  maintain_at = now + kMaintainEvery;
  if (auto done = services.mirror.Maintain({now + 5min, stop}); !done)
    log::Warn("mirror_maintenance_failed", {{"error", done.error().message()}});
}

SyncEnd Engine::Impl::End(bool timed_out) const {
  SyncEnd end;
  end.units = standings;
  end.timed_out = timed_out;
  if (const auto view = poller.Get(); view.snapshot) {
    for (const Diagnostic& problem : view.snapshot->declared.problems)
      end.problems.push_back(ToString(problem));
  }
  return end;
}

Engine::Engine(rollout::Services services, EngineOptions options, std::stop_token stop)
    : impl_(std::make_unique<Impl>(std::move(services), options, std::move(stop))) {}
Engine::~Engine() = default;

void Engine::Wake() { impl_->Notify(); }

Result<SyncEnd> Engine::Sync(Duration timeout) {
  Impl& self = *impl_;
  const SteadyTime deadline = self.services.clock.SteadyNow() + timeout;
  SLUICE_CHECK(self.services.lease->Acquire({deadline, self.stop}));
  SyncEnd end;
  std::optional<Error> error;
  {
    const std::jthread renewal = self.RenewLease();
    Workers workers(self.options.workers);
    bool is_settled = false;
    bool timed_out = false;
    while (!is_settled && !self.stop.stop_requested()) {
      timed_out = self.services.clock.SteadyNow() >= deadline;
      if (timed_out || self.lease_lost) break;
      if (auto polled = self.PollOnce(); !polled) {
        error = polled.error();
        break;
      }
      self.Dispatch(workers);
      while (!self.schedule.IsIdle() && self.services.clock.SteadyNow() < deadline) {
        const SteadyTime until =
            std::min(deadline, self.services.clock.SteadyNow() + self.options.poll);
        self.WaitUntil(until);
        self.Collect();
        // A commit that comes while others work is seen by them too; so are operators' requests.
        if (auto polled = self.PollOnce(); !polled && !IsRetryable(polled.error().code())) break;
        self.Dispatch(workers);
      }
      self.Collect();
      if (!self.schedule.IsIdle()) continue;
      if (self.schedule.WantsAnotherLook()) continue;
      const auto retry = self.schedule.NextRetry(self.options.settled_after_errors);
      if (!retry) {
        // Settled, unless the last passes moved the log or the branch for somebody else.
        auto polled = self.PollOnce();
        if (!polled) {
          error = polled.error();
          break;
        }
        self.Dispatch(workers);
        is_settled = self.schedule.IsIdle();
      } else {
        const Duration left = std::max<Duration>(*retry - self.services.clock.SystemNow(), 20ms);
        self.WaitUntil(std::min(
            deadline, self.services.clock.SteadyNow() + std::min(left, self.options.poll)));
      }
    }
    if (timed_out) self.ending.request_stop();
    workers.Join();
    self.Collect();
    end = self.End(timed_out);
    if (!error && self.stop.stop_requested()) {
      error = Error(ErrorCode::kCancelled, "Stopped",
                    "stopped before everything was settled; the next sync goes on");
    }
    if (self.lease_lost) {
      error =
          Error(ErrorCode::kHeldElsewhere, "LeaseLost",
                "another engine took the lease on the deploy log; nothing more is written here");
    }
    end.error = std::move(error);
  }
  if (auto released = self.services.lease->Release(self.services.GitCall()); !released) {
    log::Warn("lease_release_failed", {{"error", released.error().message()}});
  }
  return end;
}

Status Engine::Run() {
  Impl& self = *impl_;
  self.schedule.ResumeBackOffs(self.services.options);
  std::string last_error;
  const std::jthread renewal = self.RenewLease();
  Workers workers(self.options.workers);
  while (!self.stop.stop_requested()) {
    Status ready;
    if (!self.services.lease->IsHeld()) ready = self.poller.TryLease();
    if (ready) {
      self.lease_lost = false;
      if (auto polled = self.PollOnce(); !polled) ready = Fail(polled.error());
    }
    if (!ready) {
      const std::string& message = ready.error().message();
      if (message != last_error) {
        const bool waits = ready.error().code() == ErrorCode::kHeldElsewhere;
        log::Write(waits ? log::Level::kInfo : log::Level::kError,
                   waits ? "waiting_for_lease" : "poll_failed",
                   {{"reason", ready.error().reason()}, {"error", message}});
        last_error = message;
      }
    } else {
      if (!last_error.empty()) log::Info("poll_recovered");
      last_error.clear();
      self.Dispatch(workers);
      self.MaintainIfDue();
    }
    // What is due cannot be begun while nothing is ready.
    const Duration pause = ready ? self.UntilNextLook() : self.options.poll;
    self.WaitUntil(self.services.clock.SteadyNow() + pause);
    self.Collect();
  }
  workers.Join();
  self.Collect();
  return self.services.lease->Release(self.services.GitCall());
}

}  // namespace sluice::daemon
