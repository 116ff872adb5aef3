#include "engine/daemon/engine.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/daemon/engine_impl.h"

namespace sluice::daemon {

Engine::Engine(rollout::Services services, EngineOptions options, std::stop_token stop)
    : impl_(std::make_unique<Impl>(std::move(services), std::move(options), std::move(stop))) {}
Engine::~Engine() = default;

void Engine::Wake() {
  impl_->Post([this] { impl_->wants_poll = true; });
}

SteadyTime Engine::Step() { return impl_->Step(); }

// Once it has begun, a sync outlives what a daemon does.
bool Engine::Impl::IsGitAwayForAMoment() const {
  constexpr Duration kPatience = 2min;
  return IsRetryable(polled->error().code()) &&
         services.clock.SteadyNow() - polled_well_at < kPatience;
}

Result<SyncEnd> Engine::Sync(Duration timeout) {
  Impl& self = *impl_;
  const SteadyTime deadline = self.services.clock.SteadyNow() + timeout;
  SLUICE_CHECK(self.services.lease->Acquire({deadline, self.stop}));
  bool timed_out = false;
  std::optional<Error> error;
  while (!self.stop.stop_requested() && !self.lease_lost) {
    timed_out = self.services.clock.SteadyNow() >= deadline;
    if (timed_out) break;
    const SteadyTime next = self.Step();
    // Git being away matters when there is nothing else to do.
    const bool has_polled_badly = self.polled && !*self.polled && !self.is_polling;
    if (has_polled_badly && !self.IsBusy() && !self.IsGitAwayForAMoment()) {
      error = self.polled->error();
      break;
    }
    if (self.IsSettled()) break;
    if (!self.IsBusy() && self.is_poll_behind && !self.is_polling) {
      self.poll_at = {};
      continue;
    }
    self.WaitUntil(std::min(deadline, next));
  }
  self.End();
  SyncEnd end = self.Summary(timed_out);
  if (!error && self.stop.stop_requested()) {
    error = Error(ErrorCode::kCancelled, "Stopped",
                  "stopped before everything was settled; the next sync goes on");
  }
  if (self.lease_lost) {
    error = Error(ErrorCode::kHeldElsewhere, "LeaseLost",
                  "another engine took the lease on the deploy log; nothing more is written here");
  }
  end.error = std::move(error);
  if (auto released = self.services.lease->Release(self.services.GitCall()); !released) {
    log::Warn("lease_release_failed", {{"error", released.error().message()}});
  }
  return end;
}

namespace {

// One line for each change of how looking at Git ends.
void TellOfPoll(const Status& polled, const std::string& holder, std::string& last_error) {
  if (polled) {
    if (!last_error.empty()) log::Info("poll_recovered");
    last_error.clear();
    return;
  }
  const std::string& message = polled.error().message();
  const bool waits = polled.error().code() == ErrorCode::kHeldElsewhere;
  // How long another holder was watched is another number each time.
  const std::string state = waits ? polled.error().reason() + " " + holder : message;
  if (state == last_error) return;
  log::Write(waits ? log::Level::kInfo : log::Level::kError,
             waits ? "waiting_for_lease" : "poll_failed",
             {{"reason", polled.error().reason()}, {"error", message}});
  last_error = state;
}

}  // namespace

Status Engine::Run() {
  Impl& self = *impl_;
  self.schedule.ResumeBackOffs(self.services.options);
  self.options.maintains = true;
  std::string last_error;
  while (!self.stop.stop_requested()) {
    const SteadyTime next = self.Step();
    if (self.polled) TellOfPoll(*self.polled, self.services.lease->OtherHolder(), last_error);
    self.WaitUntil(next);
  }
  self.End();
  return self.services.lease->Release(self.services.GitCall());
}

}  // namespace sluice::daemon
