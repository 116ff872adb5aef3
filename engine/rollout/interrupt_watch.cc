#include "engine/rollout/interrupt_watch.h"

#include "engine/base/clock.h"

namespace sluice::rollout {

InterruptWatch::InterruptWatch(const Services& services, UnitId unit, std::string fingerprint)
    : services_(services), unit_(std::move(unit)), fingerprint_(std::move(fingerprint)) {
  thread_ = std::jthread([this](std::stop_token ended) {
    while (RealClock().Sleep(50ms, ended)) {
      if (services_.interrupted(unit_, fingerprint_) == Interruption::kNone) continue;
      source_.request_stop();
      return;
    }
  });
}

Interruption InterruptWatch::Check() {
  const Interruption found = services_.interrupted(unit_, fingerprint_);
  if (found != Interruption::kNone) source_.request_stop();
  return found;
}

}  // namespace sluice::rollout
