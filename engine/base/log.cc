#include "engine/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>

#include "engine/base/clock.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"

namespace sluice::log {
namespace {

std::atomic<Format> g_format{Format::kLogfmt};

// spdlog writes whole lines to stderr under its own lock; the line itself is ours, because its
// pattern formatter escapes nothing (log injection).
spdlog::logger& Logger() {
  static const auto logger = [] {
    auto made = spdlog::stderr_logger_mt("sluice");
    made->set_pattern("%v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum SpdlogLevel(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view Name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarn:
      return "warn";
    case Level::kError:
      return "error";
  }
  return "info";
}

std::string Quoted(std::string_view value) {
  std::string safe = EscapeControl(RedactCredentials(value));
  if (!safe.empty() && safe.find_first_of(" \"=") == std::string::npos) return safe;
  std::string out = "\"";
  for (const char c : safe) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

void Configure(Level level, Format format) {
  g_format = format;
  Logger().set_level(SpdlogLevel(level));
}

std::string FormatLine(Format format, Level level, std::string_view time, std::string_view event,
                       std::initializer_list<Field> fields) {
  if (format == Format::kJson) {
    nlohmann::ordered_json line{{"time", time}, {"level", Name(level)}, {"event", event}};
    for (const Field& field : fields) line[std::string(field.key)] = RedactCredentials(field.value);
    return line.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  }
  std::string line = "time=" + std::string(time) + " level=" + std::string(Name(level)) +
                     " event=" + Quoted(event);
  for (const Field& field : fields)
    line += " " + std::string(field.key) + "=" + Quoted(field.value);
  return line;
}

void Write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!Logger().should_log(SpdlogLevel(level))) return;
  const std::string time = FormatTime(RealClock().SystemNow());
  Logger().log(SpdlogLevel(level), FormatLine(g_format, level, time, event, fields));
}

}  // namespace sluice::log
