#include "engine/daemon/lane.h"

#include <utility>

namespace sluice::daemon {
namespace {

// A place that is free wakes one thread, not all: hundreds may wait.
class ThreadLane final : public Lane {
 public:
  explicit ThreadLane(int width) : width_(static_cast<size_t>(width)) {}
  ~ThreadLane() override { ThreadLane::Join(); }

  void Run(std::function<void()> job) override {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    Rouse();
  }

  void Join() override {
    std::unique_lock lock(mutex_);
    is_closed_ = true;
    has_job_.notify_all();
    has_ended_.wait(lock, [this] { return jobs_.empty() && threads_ == 0; });
  }

 protected:
  void Leave() override {
    const std::lock_guard lock(mutex_);
    --working_;
    Rouse();
  }
  // Before jobs that have not begun.
  void Return() override {
    std::unique_lock lock(mutex_);
    ++returning_;
    has_place_.wait(lock, [this] { return working_ < width_; });
    --returning_;
    ++working_;
  }

 private:
  bool MayBegin() const { return !jobs_.empty() && working_ + returning_ < width_; }

  // Under the mutex: somebody may go on.
  void Rouse() {
    if (returning_ > 0 && working_ < width_) has_place_.notify_one();
    if (!MayBegin()) return;
    if (idle_ > 0) {
      has_job_.notify_one();
    } else {
      ++threads_;
      std::thread([this] { Loop(); }).detach();
    }
  }

  void Loop() {
    std::unique_lock lock(mutex_);
    current = this;
    // Those that were made because others waited outside are not kept.
    while (idle_ < width_) {
      ++idle_;
      has_job_.wait(lock, [this] { return MayBegin() || (is_closed_ && jobs_.empty()); });
      --idle_;
      if (jobs_.empty()) break;
      std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      ++working_;
      Rouse();
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
      --working_;
      Rouse();
    }
    --threads_;
    if (is_closed_) has_job_.notify_all();
    has_ended_.notify_all();
  }

  const size_t width_;
  std::mutex mutex_;
  std::condition_variable has_job_, has_place_, has_ended_;
  std::deque<std::function<void()>> jobs_;
  size_t threads_ = 0;    // detached; each ends before Join returns
  size_t idle_ = 0;       // of them, without a job
  size_t working_ = 0;    // jobs in a place
  size_t returning_ = 0;  // jobs that wait to have theirs back
  bool is_closed_ = false;
};

}  // namespace

thread_local Lane* Lane::current = nullptr;

void Lane::Outside(const std::function<void()>& wait) {
  Lane* lane = std::exchange(current, nullptr);  // a wait within the wait has left already
  if (lane) lane->Leave();
  wait();
  if (lane) lane->Return();
  current = lane;
}

bool LaneClock::Sleep(Duration duration, std::stop_token stop) const {
  bool is_over = false;
  Lane::Outside([&] { is_over = real_.Sleep(duration, std::move(stop)); });
  return is_over;
}

std::unique_ptr<Lane> MakeThreadLane(int width) { return std::make_unique<ThreadLane>(width); }

Lane& Lanes::Named(const std::string& name) {
  std::unique_ptr<Lane>& lane = lanes_[name];
  if (!lane) lane = factory_(width_);
  return *lane;
}

void Lanes::Join() {
  for (auto& [name, lane] : lanes_) lane->Join();
}

}  // namespace sluice::daemon
