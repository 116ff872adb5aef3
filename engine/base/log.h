// Logging facade: fields, not format strings; one event a line, on stderr. Thread-safe.
// Keys in fixed use: event unit environment application target revision rollout phase outcome
// reason attempt duration_ms error. Values pass EscapeControl and RedactCredentials. Never log
// bodies, tokens or secret values; never log while holding a lock. Pure modules do not log.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace sluice::log {

enum class Level { kDebug, kInfo, kWarn, kError };
enum class Format { kLogfmt, kJson };

struct Field {
  std::string_view key;
  std::string value;
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  template <class N>
  requires(std::is_integral_v<N> && !std::is_same_v<N, bool>) Field(std::string_view k, N v)
      : key(k), value(std::to_string(v)) {}
};

// Call once, before threads start. Before that, logfmt at Info.
void Configure(Level level, Format format);

// Info: state changes. Debug: polls, requests. Warn: we recovered. Error: a person must act.
void Write(Level level, std::string_view event, std::initializer_list<Field> fields);
inline void Debug(std::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kDebug, event, fields);
}
inline void Info(std::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kInfo, event, fields);
}
inline void Warn(std::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kWarn, event, fields);
}
inline void Err(std::string_view event, std::initializer_list<Field> fields = {}) {
  Write(Level::kError, event, fields);
}

// The line Write would print, for tests.
std::string FormatLine(Format format, Level level, std::string_view time, std::string_view event,
                       std::initializer_list<Field> fields);

}  // namespace sluice::log
