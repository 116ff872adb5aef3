#include "engine/rollout/pass.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/rollout/recorder.h"

namespace sluice::rollout {

std::string_view ToString(Interruption interruption) {
  switch (interruption) {
    case Interruption::kNone:
      return "none";
    case Interruption::kSuperseded:
      return "superseded";
    case Interruption::kFrozen:
      return "frozen";
    case Interruption::kStopped:
      return "stopped";
    case Interruption::kLeaseLost:
      return "lease lost";
  }
  return "none";
}

Duration Backoff(const Options& options, int errors_in_row) {
  const int doublings = std::min(errors_in_row, 6);
  return std::min<Duration>(options.error_backoff_min * (1 << doublings), 5min);
}

Result<PassResult> Errored(Pass& pass, Happening happening, const Error& error) {
  const SystemTime now = pass.Now();
  Record& record = pass.record;
  if (record.has_written && !record.errored_since) record.errored_since = now;
  const std::string reason =
      error.reason().empty() ? std::string(DefaultReason(happening)) : error.reason();
  log::Warn("errored", {{"unit", ToString(pass.unit)},
                        {"reason", reason},
                        {"attempt", pass.errors_in_row + 1},
                        {"error", error.message()}});
  // The message of a transient fault varies (ports, ids); the reason is what makes it the same.
  const bool is_known = record.outcome == Outcome::kErrored && record.reason == reason;
  const SystemTime wake = now + Backoff(pass.services.options, pass.errors_in_row);
  if (!is_known) {
    SLUICE_CHECK(RecordWait(pass.services, record,
                            {EventKind::kErrored, reason, error.message(), wake, record.gates}));
  }
  return PassResult{Standing::kErrored, wake, false, reason, error.message()};
}

Result<PassResult> Hold(Pass& pass, const std::string& reason, const std::string& message,
                        std::optional<SystemTime> wake, std::vector<GateRecord> gates) {
  const bool is_invalid = reason == "ConfigInvalid";
  SLUICE_CHECK(RecordWait(pass.services, pass.record,
                          {is_invalid ? EventKind::kInvalid : EventKind::kHeld, reason, message,
                           wake, std::move(gates)}));
  return PassResult{is_invalid ? Standing::kInvalid : Standing::kHeld, wake, false, reason,
                    message};
}

Status MayWriteLive(const Services& services) {
  if (services.lease && services.lease->MayWriteLive()) return {};
  return Fail(ErrorCode::kHeldElsewhere, "LeaseLost",
              "the lease on the deploy log was not renewed in time, so nothing is written to live; "
              "another engine may hold it: see `sluice status`");
}

}  // namespace sluice::rollout
