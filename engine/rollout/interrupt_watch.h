// Looks for interruptions while a rollout waits, and ends the wait. Writes in flight are not
// touched by it.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "engine/rollout/services.h"

namespace sluice::rollout {

class InterruptWatch {
 public:
  InterruptWatch(const Services& services, UnitId unit, std::string fingerprint);

  // Stops when an interruption came.
  std::stop_token token() const { return source_.get_token(); }
  // Asks now.
  Interruption Check();

 private:
  const Services& services_;
  UnitId unit_;
  std::string fingerprint_;
  std::stop_source source_;
  std::jthread thread_;  // last: joins before the rest goes
};

}  // namespace sluice::rollout
