#include "engine/rollout/pass.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/rollout/facts.h"
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

std::optional<BackingOff> BackingOffSince(const Options& options, const Record& record,
                                          const std::string& fingerprint, SystemTime now) {
  const bool backs_off = record.outcome == Outcome::kErrored && !record.IsOpen() && record.wake &&
                         record.waiting && record.waiting->errors > 0 &&
                         record.waiting->fingerprint == fingerprint;
  if (!backs_off) return std::nullopt;
  BackingOff out{record.waiting->errors, *record.wake};
  // The record is of the first error for this reason; those that followed it are not in the log.
  while (out.wake <= now) out.wake += Backoff(options, out.errors_in_row++);
  return out;
}

namespace {

// This try applied something, which gave it a deadline of its own that a restart must find.
bool IsDeadlineNews(const Pass& pass) {
  const Record* known = FindRecord(*pass.state, pass.unit);
  return !known || known->health_deadline != pass.record.health_deadline;
}

}  // namespace

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
  Wait wait{EventKind::kErrored, reason, error.message(), std::nullopt, record.gates};
  wait.content = AtTip(pass);
  wait.errors = pass.errors_in_row + 1;
  wait.wake = now + Backoff(pass.services.options, pass.errors_in_row);
  const bool is_known = record.outcome == Outcome::kErrored && record.reason == reason &&
                        record.waiting && record.waiting->fingerprint == wait.content.fingerprint &&
                        !IsDeadlineNews(pass);
  const auto wake = wait.wake;
  if (!is_known) SLUICE_CHECK(RecordWait(pass.services, record, wait));
  return PassResult{Standing::kErrored, wake, false, reason, error.message()};
}

Status RecordInterruption(Pass& pass, Interruption interruption) {
  Record& record = pass.record;
  const bool is_superseded = interruption == Interruption::kSuperseded;
  SLUICE_CHECK(Advance(record, is_superseded ? Trigger::kSupersede : Trigger::kCancel));
  record.outcome = is_superseded ? Outcome::kSuperseded : Outcome::kCancelled;
  record.reason = is_superseded                           ? "Superseded"
                  : interruption == Interruption::kFrozen ? "Frozen"
                                                          : "Stopped";
  record.message =
      is_superseded ? "a newer commit changes this unit" : "interrupted; live is left as it is";
  record.finished = pass.Now();
  record.attempt = 0;
  for (auto& [name, target] : record.targets) target.phase = Phase::kIdle;
  return pass.services.log.Append(
      MakeEntry(pass.services, is_superseded ? EventKind::kSuperseded : EventKind::kCancelled,
                record, record.message),
      pass.services.GitCall());
}

Result<PassResult> Hold(Pass& pass, const std::string& reason, const std::string& message,
                        std::optional<SystemTime> wake, std::vector<GateRecord> gates) {
  const bool is_invalid = reason == "ConfigInvalid";
  Wait wait{is_invalid ? EventKind::kInvalid : EventKind::kHeld, reason, message, wake,
            std::move(gates)};
  wait.content = AtTip(pass);
  SLUICE_CHECK(RecordWait(pass.services, pass.record, wait));
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
