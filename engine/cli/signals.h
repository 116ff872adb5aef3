// SIGTERM and SIGINT ask to stop, SIGUSR1 asks to poll now.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

namespace sluice::cli {

// Make it before any thread starts: the signals are blocked in all threads and taken by one of its
// own. A second SIGTERM or SIGINT ends the process at once.
class Signals {
 public:
  Signals();
  ~Signals();
  std::stop_token stop() const;
  // Called on the signal thread.
  void OnPoll(std::function<void()> poll);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Blocks until stop is requested.
void WaitForStop(const std::stop_token& stop);

}  // namespace sluice::cli
