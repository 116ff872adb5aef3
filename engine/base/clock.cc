#include "engine/base/clock.h"

#include <condition_variable>
#include <mutex>

namespace sluice {

SystemTime RealClock::SystemNow() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

SteadyTime RealClock::SteadyNow() const { return std::chrono::steady_clock::now(); }

bool RealClock::Sleep(Duration duration, std::stop_token stop) const {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace sluice
