// Many blocking calls at once, in order of their index.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "engine/base/clock.h"

namespace sluice::targets::kubernetes {

// What one target is asked at once at most (the API server's own limit is shared by everybody).
inline constexpr size_t kMaxInFlight = 64;

// Calls use(0) … use(count-1), at most kMaxInFlight at a time, and returns when all have returned.
// `use` must not throw; it runs on several threads, the caller's among them.
void ForEachInParallel(size_t count, const std::function<void(size_t)>& use);

// The time of a batch, bounded by progress: each call gets as long as the batch was given, counted
// from the newest that ended well. A large batch goes on while it moves, one that is stuck is given
// up. Thread-safe.
class Progress {
 public:
  Progress(const Clock& clock, const Call& batch)
      : clock_(clock), given_(batch.deadline - clock.SteadyNow()), moved_(clock.SteadyNow()) {}
  // `call` with the deadline of a call that begins now.
  template <class AnyCall>
  AnyCall Bound(AnyCall call) const {
    call.deadline = moved_.load() + given_;
    return call;
  }
  void Note() { moved_ = clock_.SteadyNow(); }

 private:
  const Clock& clock_;
  const SteadyTime::duration given_;
  std::atomic<SteadyTime> moved_;
};

}  // namespace sluice::targets::kubernetes
