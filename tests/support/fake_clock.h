// A clock that stands still until told otherwise. Thread-safe.
#pragma once

#include "engine/base/clock.h"
#include "engine/base/guarded.h"

namespace sluice::testing {

class FakeClock final : public Clock {
 public:
  // Begins at 2026-11-21T09:00:00Z unless told otherwise. Its steady time begins at the real one,
  // so that deadlines made from it still bound calls that look at the real clock (child programs,
  // sockets).
  FakeClock();
  explicit FakeClock(SystemTime start);

  SystemTime SystemNow() const override;
  SteadyTime SteadyNow() const override;
  // Advances by `duration` at once; false, without advancing, when stop was requested.
  bool Sleep(Duration duration, std::stop_token stop) const override;

  // Both times move together.
  void Advance(Duration duration);

 private:
  struct Now {
    SystemTime system{};
    SteadyTime steady{};
  };
  mutable Guarded<Now> now_;
};

}  // namespace sluice::testing
