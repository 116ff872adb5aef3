#include "tests/support/fake_clock.h"

namespace sluice::testing {

using std::chrono_literals::operator""h;

FakeClock::FakeClock()
    : FakeClock(SystemTime{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}} + 9h) {}

FakeClock::FakeClock(SystemTime start) : now_(Now{start, std::chrono::steady_clock::now()}) {}

SystemTime FakeClock::SystemNow() const {
  return now_.With([](const Now& now) { return now.system; });
}

SteadyTime FakeClock::SteadyNow() const {
  return now_.With([](const Now& now) { return now.steady; });
}

bool FakeClock::Sleep(Duration duration, std::stop_token stop) const {
  if (stop.stop_requested()) return false;
  now_.With([&](Now& now) {
    now.system += duration;
    now.steady += duration;
  });
  return true;
}

void FakeClock::Advance(Duration duration) { (void)Sleep(duration, {}); }

}  // namespace sluice::testing
