#include "engine/rollout/pass.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/requests.h"

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
  const auto& content = record.wait.content;
  const bool backs_off = record.outcome == Outcome::kErrored && !record.IsOpen() &&
                         record.wait.wake && content && content->errors > 0 &&
                         content->fingerprint == fingerprint;
  if (!backs_off) return std::nullopt;
  BackingOff out{content->errors, *record.wait.wake};
  // The record is of the first error for this reason; those that followed it are not in the log.
  while (out.wake <= now) out.wake += Backoff(options, out.errors_in_row++);
  return out;
}

Pass::Pass(const Services& given, std::shared_ptr<const Snapshot> at,
           std::shared_ptr<const deploylog::State> log, const UnitId& id)
    : services(given),
      snapshot(std::move(at)),
      state(std::move(log)),
      unit(id),
      record_{.unit = id} {
  if (const Record* known = FindRecord(*state, unit)) record_ = *known;
}

void Pass::Refresh() {
  state = services.log.Get();
  if (const Record* known = FindRecord(*state, unit)) record_ = *known;
}

std::vector<deploylog::Entry> ToEntries(const Services& services, const life::Moved& moved,
                                        deploylog::Entry with) {
  std::vector<deploylog::Entry> entries(moved.events.size());
  if (!entries.empty()) entries.back() = std::move(with);
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i].event = moved.events[i];
    entries[i].record = life::WrittenBy(moved.record, services.options.engine);
    log::Info(ToString(moved.events[i].kind), {{"unit", ToString(moved.record.unit)},
                                               {"revision", moved.record.revision.substr(0, 7)},
                                               {"rollout", moved.record.rollout},
                                               {"phase", ToString(moved.record.phase)},
                                               {"reason", moved.record.reason},
                                               {"message", moved.events[i].summary}});
  }
  return entries;
}

Status Pass::Keep(const Result<Record>& next) {
  if (!next) return Fail(next.error());
  Keep(*next);
  return {};
}

Status Pass::Push(life::Moved moved, deploylog::Entry with) {
  const auto entries = ToEntries(services, moved, std::move(with));
  Status pushed;
  if (!entries.empty()) {
    services.Outside([&] { pushed = services.log.AppendAll(entries, services.GitCall()); });
  }
  SLUICE_CHECK(std::move(pushed));
  Keep(moved.record);
  return {};
}

Status Pass::Push(Result<life::Moved> moved, deploylog::Entry with) {
  if (!moved) return Fail(moved.error());
  return Push(*std::move(moved), std::move(with));
}

namespace {

std::optional<SystemTime> DeadlineOf(const Record* record) {
  return record && record->open ? record->open->health_deadline : std::nullopt;
}

}  // namespace

Status RecordWait(Pass& pass, const life::WaitFacts& facts) {
  return pass.Push(life::Waits(pass.record(), facts, pass.Now()));
}

Result<PassResult> Errored(Pass& pass, Happening happening, const Error& error) {
  const SystemTime now = pass.Now();
  const Record& record = pass.record();
  const std::string reason =
      error.reason().empty() ? std::string(DefaultReason(happening)) : error.reason();
  log::Warn("errored", {{"unit", ToString(pass.unit)},
                        {"reason", reason},
                        {"attempt", pass.errors_in_row + 1},
                        {"error", error.message()}});
  const SystemTime wake = now + Backoff(pass.services.options, pass.errors_in_row);
  life::WaitFacts facts{EventKind::kErrored, reason, error.message(), wake, record.wait.gates};
  facts.content = AtTip(pass);
  facts.errors = pass.errors_in_row + 1;
  // The message of a transient fault varies (ports, ids); the reason is what makes it the same.
  // A try that applied something gave itself a deadline that a restart must find.
  const bool is_known = record.outcome == Outcome::kErrored && record.reason == reason &&
                        record.wait.content &&
                        record.wait.content->fingerprint == facts.content.fingerprint &&
                        DeadlineOf(FindRecord(*pass.state, pass.unit)) == DeadlineOf(&record);
  if (!is_known) SLUICE_CHECK(RecordWait(pass, facts));
  return PassResult{Standing::kErrored, wake, false, reason, error.message()};
}

Status RecordInterruption(Pass& pass, Interruption interruption) {
  const auto by = interruption == Interruption::kSuperseded ? life::EndedBy::kNewerContent
                  : interruption == Interruption::kFrozen   ? life::EndedBy::kFreeze
                                                            : life::EndedBy::kStop;
  SLUICE_CHECK(pass.Push(life::Interrupted(pass.record(), by, pass.Now())));
  return AnswerEarlyRetries(pass.services, pass.record());
}

Result<PassResult> EndInterrupted(Pass& pass, Interruption interruption) {
  if (interruption == Interruption::kLeaseLost) {
    return Fail(
        ErrorCode::kHeldElsewhere, "LeaseLost",
        "the lease on the deploy log was lost while " + ToString(pass.unit) + " was rolling out");
  }
  PassResult result;
  if (interruption == Interruption::kSuperseded) {
    result.look_again = true;
  } else if (interruption == Interruption::kFrozen) {
    result = {Standing::kHeld, std::nullopt, true, "Frozen", "somebody asked to freeze this unit"};
  } else {
    result = {Standing::kErrored, std::nullopt, false, "Stopped",
              "interrupted before a verdict; the next start goes on"};
  }
  if (pass.record().IsOpen()) SLUICE_CHECK(RecordInterruption(pass, interruption));
  return result;
}

Result<PassResult> Hold(Pass& pass, const std::string& reason, const std::string& message,
                        std::optional<SystemTime> wake, std::vector<GateRecord> gates) {
  const bool is_invalid = reason == "ConfigInvalid";
  life::WaitFacts facts{is_invalid ? EventKind::kInvalid : EventKind::kHeld, reason, message, wake,
                        std::move(gates)};
  facts.content = AtTip(pass);
  SLUICE_CHECK(RecordWait(pass, facts));
  return PassResult{is_invalid ? Standing::kInvalid : Standing::kHeld, wake, false, reason,
                    message};
}

Result<SteadyTime> Services::MayWriteLive(Permission permission) const {
  if (lease) return lease->MayWriteLive(permission);
  return Fail(ErrorCode::kInternal, "a write to live by a command that only reads");
}

}  // namespace sluice::rollout
