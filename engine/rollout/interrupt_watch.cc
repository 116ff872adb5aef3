#include "engine/rollout/interrupt_watch.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "engine/base/clock.h"

namespace sluice::rollout {
namespace {

// Many are asked less often, so that asking costs no more than so much.
constexpr Duration kEach = 1ms;

// Asks for all watches of the process, on one thread that lives as long as there are any.
class Watchman {
 public:
  static Watchman& Get() {
    static Watchman one;
    return one;
  }
  void Add(InterruptWatch* watch) {
    const std::lock_guard lock(mutex_);
    watches_.insert(watch);
    if (!thread_.joinable())
      thread_ = std::jthread([this](const std::stop_token& stop) { Loop(stop); });
    changed_.notify_all();
  }
  // Not asked any more when this returns.
  void Remove(InterruptWatch* watch) {
    const std::lock_guard lock(mutex_);
    watches_.erase(watch);
  }

 private:
  void Loop(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !watches_.empty(); })) {
      for (InterruptWatch* watch : watches_) watch->Check();
      const Duration pause = std::max<Duration>(50ms, watches_.size() * kEach);
      lock.unlock();
      const bool goes_on = RealClock().Sleep(pause, stop);
      lock.lock();
      if (!goes_on) return;
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<InterruptWatch*> watches_;
  std::jthread thread_;  // last: joins before the rest goes
};

}  // namespace

InterruptWatch::InterruptWatch(const Services& services, UnitId unit, std::string fingerprint,
                               Heed heed)
    : services_(services),
      unit_(std::move(unit)),
      fingerprint_(std::move(fingerprint)),
      heed_(heed) {
  Watchman::Get().Add(this);
}

InterruptWatch::~InterruptWatch() { Watchman::Get().Remove(this); }

Interruption InterruptWatch::Check() {
  if (const Interruption seen = seen_; seen != Interruption::kNone) return seen;
  const Interruption found = services_.interrupted(unit_, fingerprint_);
  const bool counts = heed_ == Heed::kAll
                          ? found != Interruption::kNone
                          : found == Interruption::kSuperseded || found == Interruption::kStopped ||
                                found == Interruption::kLeaseLost;
  if (!counts) return Interruption::kNone;
  Interruption none = Interruption::kNone;
  seen_.compare_exchange_strong(none, found);
  source_.request_stop();
  return seen_;
}

}  // namespace sluice::rollout
