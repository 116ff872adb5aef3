// A fixed number of threads that run jobs in the order they came.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::daemon {

class Workers {
 public:
  explicit Workers(int count);
  ~Workers();  // joins

  void Run(std::function<void()> job);
  // Lets every job given so far end. Nothing may be given afterwards.
  void Join();

 private:
  void Loop();

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> jobs_;
  bool is_closed_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace sluice::daemon
