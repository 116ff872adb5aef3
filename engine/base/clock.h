// The only source of time. System time is for records and people, steady time for intervals.
#pragma once

#include <chrono>
#include <stop_token>

namespace sluice {

using Duration = std::chrono::milliseconds;
using SystemTime = std::chrono::sys_time<Duration>;
using SteadyTime = std::chrono::steady_clock::time_point;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual SystemTime SystemNow() const = 0;
  virtual SteadyTime SteadyNow() const = 0;
  // Waits; returns false when `stop` was requested before the time was up.
  virtual bool Sleep(Duration duration, std::stop_token stop) const = 0;
};

class RealClock final : public Clock {
 public:
  SystemTime SystemNow() const override;
  SteadyTime SteadyNow() const override;
  bool Sleep(Duration duration, std::stop_token stop) const override;
};

// What bounds one blocking call: it returns kDeadlineExceeded or kCancelled soon after either.
struct Call {
  SteadyTime deadline;
  std::stop_token stop;
};

}  // namespace sluice
