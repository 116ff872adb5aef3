// Looks for interruptions while a rollout waits, and ends the wait. Writes in flight are not
// touched by it.
#pragma once

#include <atomic>
#include <stop_token>
#include <string>

#include "engine/rollout/services.h"

namespace sluice::rollout {

enum class Heed {
  kAll,
  kDecidedRollback,  // newer content, the end of the process and of its lease only: the bad version
                     // must not stay up for anything else
};

class InterruptWatch {
 public:
  InterruptWatch(const Services& services, UnitId unit, std::string fingerprint,
                 Heed heed = Heed::kAll);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  // Stops when an interruption came.
  std::stop_token token() const { return source_.get_token(); }
  // Asks now. What came once stays, even if its cause went away again.
  Interruption Check();

 private:
  const Services& services_;
  UnitId unit_;
  std::string fingerprint_;
  Heed heed_;
  std::atomic<Interruption> seen_{Interruption::kNone};
  std::stop_source source_;
};

}  // namespace sluice::rollout
