#include "engine/rollout/interrupt_watch.h"

#include "engine/base/clock.h"

namespace sluice::rollout {

InterruptWatch::InterruptWatch(const Services& services, UnitId unit, std::string fingerprint,
                               Heed heed)
    : services_(services),
      unit_(std::move(unit)),
      fingerprint_(std::move(fingerprint)),
      heed_(heed) {
  thread_ = std::jthread([this](std::stop_token ended) {
    while (RealClock().Sleep(50ms, ended)) {
      if (Check() != Interruption::kNone) return;
    }
  });
}

Interruption InterruptWatch::Check() {
  if (const Interruption seen = seen_; seen != Interruption::kNone) return seen;
  const Interruption found = services_.interrupted(unit_, fingerprint_);
  const bool counts = heed_ == Heed::kAll
                          ? found != Interruption::kNone
                          : found == Interruption::kSuperseded || found == Interruption::kStopped ||
                                found == Interruption::kLeaseLost;
  if (!counts) return Interruption::kNone;
  Interruption none = Interruption::kNone;
  seen_.compare_exchange_strong(none, found);
  source_.request_stop();
  return seen_;
}

}  // namespace sluice::rollout
