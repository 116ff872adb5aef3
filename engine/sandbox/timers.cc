#include "engine/sandbox/timers.h"

namespace sluice::sandbox {

Timers::Timers() : thread_([this] { Run(); }) {}

Timers::~Timers() { Stop(); }

void Timers::After(Duration delay, std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  pending_.emplace(std::pair(std::chrono::steady_clock::now() + delay, next_++),
                   std::move(callback));
  changed_.notify_one();
}

void Timers::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  pending_.clear();
}

void Timers::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (pending_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const SteadyTime due = pending_.begin()->first.first;
    if (std::chrono::steady_clock::now() < due) {
      changed_.wait_until(lock, due);
      continue;
    }
    const std::function<void()> callback = std::move(pending_.begin()->second);
    pending_.erase(pending_.begin());
    lock.unlock();
    callback();
    lock.lock();
  }
}

}  // namespace sluice::sandbox
