// Errors as values. Everything that can go wrong outside our own code is a Result<T>; exceptions
// stay inside the one .cc that touches a throwing library. Start reading here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace sluice {

enum class ErrorCode {
  kInvalidConfig,    // a file of the config repo or daemon.yaml; exit code 2
  kInvalidArgument,  // the command line; exit code 2
  kNotFound,
  kConflict,          // somebody else changed it first, or another manager owns the field
  kUnauthenticated,   // 401
  kPermissionDenied,  // 403 of rights
  kRejected,          // the server understood and refuses this content for good (400, 413, 422)
  kRateLimited,       // 429 after retries
  kUnavailable,       // 5xx, refused connections, DNS
  kDeadlineExceeded,
  kCancelled,      // a stop was requested
  kCorrupted,      // data that cannot be what we wrote: bad object, rewritten history
  kHeldElsewhere,  // another engine holds the lease or the data directory; exit code 4
  kInternal,
};

std::string_view ToString(ErrorCode code);

// True for errors that may go away by themselves. The only retry rule of the engine.
bool IsRetryable(ErrorCode code);

// Message style: lower case, no full stop, names the thing and the value seen, then the remedy.
class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  Error(ErrorCode code, std::string reason, std::string message)
      : code_(code), reason_(std::move(reason)), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  // A name from docs/reference/reasons.md, or empty.
  const std::string& reason() const { return reason_; }
  const std::string& message() const { return message_; }
  // What the other side said in full, where `message` is a digest of it: for who asks for more.
  const std::string& detail() const { return detail_; }
  // For looking for words of the other side.
  const std::string& words() const { return detail_.empty() ? message_ : detail_; }

  // Puts what was being done in front, unless it is there: "applying KIND web/api: <message>".
  Error With(std::string_view context) && {
    if (message_.starts_with(context) && message_.substr(context.size()).starts_with(": "))
      return std::move(*this);
    message_ = std::string(context) + ": " + message_;
    return std::move(*this);
  }
  Error With(std::string_view context) const& { return Error(*this).With(context); }
  Error WithReason(std::string reason) && {
    reason_ = std::move(reason);
    return std::move(*this);
  }
  Error WithDetail(std::string detail) && {
    detail_ = std::move(detail);
    return std::move(*this);
  }

 private:
  ErrorCode code_;
  std::string reason_;
  std::string message_;
  std::string detail_;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};
template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
 public:
  using tl::expected<void, Error>::expected;
};
using Status = Result<void>;

inline tl::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error(code, std::move(message)));
}
inline tl::unexpected<Error> Fail(ErrorCode code, std::string reason, std::string message) {
  return tl::unexpected<Error>(Error(code, std::move(reason), std::move(message)));
}
inline tl::unexpected<Error> Fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace sluice

#define SLUICE_CONCAT_(a, b) a##b
#define SLUICE_CONCAT(a, b) SLUICE_CONCAT_(a, b)
#define SLUICE_TRY_(tmp, decl, expr)                       \
  auto tmp = (expr);                                       \
  if (!tmp) return ::sluice::Fail(std::move(tmp).error()); \
  decl = std::move(*tmp)
// SLUICE_TRY(auto tree, repo.ReadTree(id));  returns the error from the calling function.
#define SLUICE_TRY(decl, ...) SLUICE_TRY_(SLUICE_CONCAT(try_, __COUNTER__), decl, (__VA_ARGS__))
#define SLUICE_CHECK_(tmp, expr) \
  if (auto tmp = (expr); !tmp) return ::sluice::Fail(std::move(tmp).error())
// SLUICE_CHECK(log.Append(record));  for Status.
#define SLUICE_CHECK(...) SLUICE_CHECK_(SLUICE_CONCAT(check_, __COUNTER__), (__VA_ARGS__))
