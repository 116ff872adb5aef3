// RFC 3339 times (UTC) and durations such as "90s", "10m", "1h30m".
#pragma once

#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace sluice {

// "2026-11-21T07:14:00Z"; milliseconds are dropped, so a value read back may be up to 1 s earlier.
std::string FormatTime(SystemTime time);
Result<SystemTime> ParseTime(std::string_view text);

// Units ms, s, m, h, d; largest first; "0s" for zero.
std::string FormatDuration(Duration duration);
// Error texts name the accepted form. Negative and unit-less values are refused; at most 365 days.
Result<Duration> ParseDuration(std::string_view text);

}  // namespace sluice
