// One thread that runs callbacks at their time, in the order of (time, order of asking).
// Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "engine/base/clock.h"

namespace sluice::sandbox {

class Timers {
 public:
  Timers();
  ~Timers();  // Stop
  Timers(const Timers&) = delete;

  // Callbacks must not block for long and may ask for more. Dropped after Stop.
  void After(Duration delay, std::function<void()> callback);
  // Forgets what is pending and joins. Not from a callback.
  void Stop();

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<SteadyTime, uint64_t>, std::function<void()>> pending_;
  uint64_t next_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::sandbox
