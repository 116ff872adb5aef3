#include "engine/cli/signals.h"

#include <signal.h>
#include <unistd.h>

#include <thread>

#include "engine/base/clock.h"
#include "engine/base/guarded.h"
#include "engine/base/log.h"

namespace sluice::cli {

struct Signals::State {
  sigset_t set{};
  std::stop_source source;
  Guarded<std::function<void()>> poll;
  std::jthread thread;

  void Loop(const std::stop_token& ended);
};

void Signals::State::Loop(const std::stop_token& ended) {
  while (!ended.stop_requested()) {
    const timespec pause{0, 200'000'000};
    const int number = sigtimedwait(&set, nullptr, &pause);
    if (number == SIGUSR1) {
      const auto wake = poll.With([](const auto& f) { return f; });
      if (wake) wake();
    } else if (number == SIGTERM || number == SIGINT) {
      if (source.stop_requested()) _exit(128 + number);
      log::Info("stopping", {{"signal", number}});
      source.request_stop();
    }
  }
}

Signals::Signals() : state_(std::make_unique<State>()) {
  sigemptyset(&state_->set);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&state_->set, number);
  pthread_sigmask(SIG_BLOCK, &state_->set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  state_->thread =
      std::jthread([state = state_.get()](const std::stop_token& ended) { state->Loop(ended); });
}

Signals::~Signals() = default;

std::stop_token Signals::stop() const { return state_->source.get_token(); }

void Signals::OnPoll(std::function<void()> poll) {
  state_->poll.With([&](auto& f) { f = std::move(poll); });
}

void WaitForStop(const std::stop_token& stop) {
  while (RealClock().Sleep(std::chrono::hours(1), stop)) {
  }
}

}  // namespace sluice::cli
