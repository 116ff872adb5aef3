// What somebody asked for.
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {
namespace {

Moved Done(EventKind kind, Record next, const Asked& asked, const std::string& summary) {
  Event event = Tell(kind, next, summary, asked.reason, {{"Requested-By", asked.by}});
  return {std::move(next), {std::move(event)}};
}

void SetIdle(Record& record) {
  if (record.phase == Phase::kHeld) record.phase = Phase::kIdle;
  ClearWhy(record);
}

}  // namespace

Moved FrozenBy(const Record& record, const Asked& asked, SystemTime now) {
  Record next = record;
  next.frozen = Frozen{asked.by, asked.reason, now};
  return Done(EventKind::kFrozen, std::move(next), asked, "frozen by " + asked.by);
}

Moved Unfrozen(const Record& record, const Asked& asked) {
  Record next = record;
  next.frozen.reset();
  return Done(EventKind::kUnfrozen, std::move(next), asked, "unfrozen by " + asked.by);
}

Moved Answered(const Record& record, const Asked& asked, const std::string& answer) {
  return Done(EventKind::kRequest, record, asked, answer);
}

bool EndsByItself(const Record& record) {
  return record.IsOpen() ||
         (record.open && record.outcome == Outcome::kErrored && record.reason != "NoVerdict");
}

bool WaitsForRetry(const Record& record) {
  return !record.IsOpen() && (record.reason == "NoVerdict" || record.reason == "OutcomeUnknown");
}

Moved RetriedWithoutVerdict(const Record& record, const Asked& asked, SystemTime now) {
  Record next = record;
  SetIdle(next);
  next.attempt = 0;
  next.finished = now;  // a new attempt is a new rollout, never a first contact
  if (next.open) {
    next.open->errored_since.reset();
    next.open->found.reset();
  }
  return Done(EventKind::kRequest, std::move(next), asked, "retried after no verdict");
}

Moved FailureForgotten(const Record& record, const Asked& asked, const std::string& outcome) {
  Record next = record;
  const FailedContent failed = next.failed.front();
  ForgetFailure(next, failed);
  for (ReleaseHistory& release : next.releases) {
    if (release.digest == failed.release) release.has_failed = false;
  }
  SetIdle(next);
  return Done(EventKind::kRequest, std::move(next), asked,
              "the failure of " + ShortOf(failed.revision) + " is forgotten" +
                  (outcome.empty() ? "" : ", " + outcome));
}

}  // namespace sluice::rollout::life
