#include "engine/daemon/lane.h"

namespace sluice::daemon {
namespace {

class ThreadLane final : public Lane {
 public:
  explicit ThreadLane(int width) : width_(static_cast<size_t>(width)) {}
  ~ThreadLane() override { ThreadLane::Join(); }

  void Run(std::function<void()> job) override {
    {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      if (idle_ < jobs_.size() && threads_.size() < width_)
        threads_.emplace_back([this] { Loop(); });
    }
    ready_.notify_one();
  }

  void Join() override {
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
    }
    ready_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void Loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      ++idle_;
      ready_.wait(lock, [this] { return is_closed_ || !jobs_.empty(); });
      --idle_;
      if (jobs_.empty()) return;
      const std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
  }

  const size_t width_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> jobs_;
  size_t idle_ = 0;
  bool is_closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

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
