// Lets one call in at a time; waiting obeys the call's deadline and stop.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace sluice::git {

// Thread-safe.
class Turnstile {
 public:
  class Turn {
   public:
    explicit Turn(Turnstile* owner) : owner_(owner) {}
    Turn(Turn&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    ~Turn() {
      if (owner_) owner_->Leave();
    }

   private:
    Turnstile* owner_;
  };

  Result<Turn> Enter(const Call& call) {
    std::unique_lock lock(mutex_);
    if (!freed_.wait_until(lock, call.stop, call.deadline, [this] { return !is_taken_; })) {
      if (call.stop.stop_requested())
        return Fail(ErrorCode::kCancelled, "stopped while waiting for the git remote");
      return Fail(ErrorCode::kDeadlineExceeded,
                  "another git call to the same remote took too long");
    }
    is_taken_ = true;
    return Turn(this);
  }

 private:
  void Leave() {
    {
      const std::lock_guard lock(mutex_);
      is_taken_ = false;
    }
    freed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable_any freed_;
  bool is_taken_ = false;
};

}  // namespace sluice::git
