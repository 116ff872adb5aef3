#include "engine/daemon/lane.h"

#include <utility>

namespace sluice::daemon {
namespace {

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
    std::vector<std::thread> threads;
    {
      std::unique_lock lock(mutex_);
      is_closed_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return jobs_.empty() && under_way_ == 0; });
      threads.swap(threads_);
    }
    for (std::thread& thread : threads) thread.join();
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
    changed_.wait(lock, [this] { return working_ < width_; });
    --returning_;
    ++working_;
  }

 private:
  // Under the mutex: somebody may go on.
  void Rouse() {
    const bool is_place = working_ < width_;
    if (is_place && !jobs_.empty() && idle_ == 0) threads_.emplace_back([this] { Loop(); });
    changed_.notify_all();
  }

  void Loop() {
    std::unique_lock lock(mutex_);
    current = this;
    while (true) {
      ++idle_;
      const auto may_begin = [this] { return !jobs_.empty() && working_ + returning_ < width_; };
      changed_.wait(lock, [&] { return may_begin() || (is_closed_ && jobs_.empty()); });
      --idle_;
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      ++working_;
      ++under_way_;
      if (!jobs_.empty()) Rouse();
      lock.unlock();
      job();
      lock.lock();
      --working_;
      --under_way_;
      changed_.notify_all();
    }
  }

  const size_t width_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  size_t idle_ = 0;       // threads without a job
  size_t working_ = 0;    // jobs in a place
  size_t returning_ = 0;  // jobs that wait to have theirs back
  size_t under_way_ = 0;  // jobs in a place or outside
  bool is_closed_ = false;
  std::vector<std::thread> threads_;
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
