#include "engine/base/time_format.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

namespace sluice {
namespace {

constexpr std::array<std::pair<std::string_view, int64_t>, 5> kUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

}  // namespace

std::string FormatTime(SystemTime time) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> buffer{};
  const size_t size = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {buffer.data(), size};
}

Result<SystemTime> ParseTime(std::string_view text) {
  const std::string copy(text);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, used = 0;
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute,
                  &second, &used) != 6) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + copy + "' is not an RFC 3339 time such as 2026-11-21T07:14:00Z");
  }
  std::string_view rest = std::string_view(copy).substr(static_cast<size_t>(used));
  if (rest.starts_with('.'))
    rest.remove_prefix(std::min(rest.size(), rest.find_first_not_of("0123456789", 1)));
  int64_t offset_minutes = 0;
  if (rest != "Z") {
    int zone_hours = 0, zone_minutes = 0;
    char sign = 0;
    if (std::sscanf(std::string(rest).c_str(), "%c%2d:%2d", &sign, &zone_hours, &zone_minutes) !=
            3 ||
        (sign != '+' && sign != '-')) {
      return Fail(ErrorCode::kInvalidArgument,
                  "'" + copy + "' has no time zone; write Z or +01:00 at its end");
    }
    offset_minutes = (zone_hours * 60 + zone_minutes) * (sign == '-' ? -1 : 1);
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) {
    return Fail(ErrorCode::kInvalidArgument, "'" + copy + "' is not a date of the calendar");
  }
  return SystemTime{std::chrono::sys_days{date}} + std::chrono::hours{hour} +
         std::chrono::minutes{minute - offset_minutes} + std::chrono::seconds{second};
}

std::string FormatDuration(Duration duration) {
  int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string out = left < 0 ? "-" : "";
  left = left < 0 ? -left : left;
  for (const auto& [name, size] : kUnits) {
    if (const int64_t count = left / size; count > 0) {
      out += std::to_string(count) + std::string(name);
      left -= count * size;
    }
  }
  return out;
}

Result<Duration> ParseDuration(std::string_view text) {
  const auto refuse = [&] {
    return Fail(
        ErrorCode::kInvalidArgument,
        "'" + std::string(text) + "' is not a duration; write for example 90s, 10m or 1h30m");
  };
  if (text.empty()) return refuse();
  constexpr int64_t kMax = 365 * kUnits[0].second;
  int64_t total = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
    if (digits == 0 || digits > 12) return refuse();
    int64_t value = 0;
    for (const char c : rest.substr(0, digits)) value = value * 10 + (c - '0');
    rest.remove_prefix(digits);
    const std::string_view unit =
        rest.substr(0, std::min(rest.find_first_of("0123456789"), rest.size()));
    rest.remove_prefix(unit.size());
    int64_t factor = 0;
    for (const auto& [name, size] : kUnits) {
      if (unit == name) factor = size;
    }
    if (factor == 0) return refuse();
    // In this order, so that nothing overflows.
    if (value > kMax / factor || total + value * factor > kMax) {
      return Fail(ErrorCode::kInvalidArgument,
                  "'" + std::string(text) + "' is longer than 365 days");
    }
    total += value * factor;
  }
  return Duration{total};
}

}  // namespace sluice
