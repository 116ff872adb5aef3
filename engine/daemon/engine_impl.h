// The engine's state, for engine.cc and engine_step.cc only. Everything but what `mutex` guards is
// touched by the one thread that steps.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "engine/daemon/engine.h"
#include "engine/daemon/lane.h"
#include "engine/daemon/poller.h"
#include "engine/daemon/schedule.h"

namespace sluice::daemon {

struct Engine::Impl {
  Impl(rollout::Services given, EngineOptions engine_options, std::stop_token stop_token);

  rollout::Services services;
  EngineOptions options;
  std::stop_token stop;     // somebody asked the process to end
  std::stop_source ending;  // that, or the deadline of a sync: rollouts are cancelled
  std::stop_callback<std::function<void()>> forward{stop, [this] { ending.request_stop(); }};
  Poller poller;
  Schedule schedule;
  std::map<UnitId, UnitStanding> standings;
  std::atomic<bool> lease_lost{false};

  // Git.
  bool is_polling = false;
  std::optional<Status> polled;  // how the newest look at Git ended
  bool is_poll_behind = true;    // a pass ended, or was asked for, since the newest look began
  SteadyTime poll_at{};          // the next look
  SteadyTime polled_well_at{};   // long ago before the first
  SteadyTime renew_at{}, maintain_at{};
  bool is_renewing = false;
  bool is_lease_late = false;  // touched by the lease's lane only

  // What the lanes leave for the thread that steps.
  struct Finished {
    UnitId unit;
    std::optional<rollout::PassResult> result;
    std::optional<Error> error;
  };
  std::mutex mutex;
  std::condition_variable_any news;
  std::deque<Finished> finished;  // guarded by `mutex`, as what follows
  std::deque<UnitId> woken;       // something they wait for came
  std::optional<Status> poll_result;
  bool has_renewed = false;
  bool wants_poll = false;

  // Last: their threads use all of the above.
  std::unique_ptr<Lane> git_lane, lease_lane;
  Lanes unit_lanes;

  rollout::Interruption Check(const UnitId& unit, const std::string& fingerprint) const;

  // What is due now is begun. Returns when to look again, if nothing comes of what was begun
  // before.
  SteadyTime Step();
  void Collect();
  void Take(const Finished& done);
  void StartPoll(SteadyTime now);
  void StartRenewal(SteadyTime now);
  void StartMaintenance(SteadyTime now);
  void Dispatch(Schedule::Which which);
  std::string LaneOf(const rollout::Snapshot& snapshot, const UnitId& unit) const;
  Finished RunPass(const rollout::PassInput& input) const;
  void WaitUntil(SteadyTime until);
  // Ends what waits in this process, and everything under way.
  void End();
  bool IsGitAwayForAMoment() const;
  bool IsReady() const { return polled && polled->has_value(); }
  bool IsBusy() const { return !schedule.IsIdle() || schedule.HasWaiting(); }
  bool IsSettled() const;
  SyncEnd Summary(bool timed_out) const;

  template <class F>
  void Post(F&& leave) {
    {
      const std::lock_guard lock(mutex);
      leave();
    }
    news.notify_all();
  }
};

}  // namespace sluice::daemon
