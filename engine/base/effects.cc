#include "engine/base/effects.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace sluice {

std::string_view ToString(EffectKind kind) {
  switch (kind) {
    case EffectKind::kLiveWrite:
      return "live-write";
    case EffectKind::kPush:
      return "push";
    case EffectKind::kOutboxWrite:
      return "outbox-write";
  }
  return "live-write";
}

Effects::Effects(Effects&& other) noexcept
    : crash_after_(other.crash_after_),
      pause_after_(other.pause_after_),
      file_(std::move(other.file_)) {}

Effects Effects::FromEnvironment() {
  Effects effects;
  if (const char* after = std::getenv("SLUICE_CRASH_AFTER_EFFECT"))
    effects.crash_after_ = std::atoi(after);
  if (const char* after = std::getenv("SLUICE_PAUSE_AFTER_EFFECT"))
    effects.pause_after_ = std::atoi(after);
  if (const char* file = std::getenv("SLUICE_EFFECTS_FILE")) effects.file_ = file;
  return effects;
}

void Effects::Done(EffectKind kind, std::string_view what) {
  state_.With([&](State& state) {
    ++state.total;
    ++state.by_kind[std::string(ToString(kind))];
    if (!file_.empty()) {
      const std::string line = std::string(ToString(kind)) + " " + std::string(what) + "\n";
      if (const int fd = open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
          fd >= 0) {
        (void)!write(fd, line.data(), line.size());
        close(fd);
      }
    }
    if (crash_after_ > 0 && state.total >= crash_after_) kill(getpid(), SIGKILL);
    if (pause_after_ > 0 && state.total == pause_after_) kill(getpid(), SIGSTOP);
  });
}

std::map<std::string, int> Effects::Counts() const {
  return state_.With([](const State& state) { return state.by_kind; });
}

}  // namespace sluice
