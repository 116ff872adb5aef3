// Held, invalid or without a verdict.
#include <algorithm>

#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {
namespace {

// The wait is a part of the record's rollout, which goes on.
bool IsOfRollout(const Record& record, const WaitFacts& facts) {
  if (facts.is_of_ended_rollout) return true;
  return !record.rollout.empty() && !record.finished && !record.fingerprint.empty() &&
         record.fingerprint == facts.content.fingerprint;
}

bool IsTold(const Record& record, const WaitFacts& facts) {
  if (record.phase != Phase::kHeld || record.reason != facts.reason) return false;
  // As the log would give it back: long messages are shortened there.
  Record told = record;
  told.message = facts.message;
  told = Normalized(told);
  const auto same_gate = [](const GateRecord& a, const GateRecord& b) {
    return a.gate == b.gate && a.decision == b.decision && a.reason == b.reason &&
           a.until == b.until;
  };
  return record.wait.content && record.wait.content->fingerprint == facts.content.fingerprint &&
         (record.message == facts.message || record.message == told.message) &&
         std::ranges::equal(record.wait.gates, facts.gates, same_gate);
}

}  // namespace

Result<Moved> Waits(const Record& record, const WaitFacts& facts, SystemTime now) {
  SLUICE_CHECK(ComesFrom(record, {Phase::kIdle, Phase::kHeld, Phase::kApplying}, "Waits"));
  const bool is_error = facts.kind == EventKind::kErrored;
  Moved moved{record, {}};
  Record& next = moved.record;
  next.phase = is_error ? Phase::kIdle : Phase::kHeld;
  if (is_error) next.outcome = Outcome::kErrored;
  if (is_error && next.open && !next.open->errored_since) next.open->errored_since = now;
  SetWhy(next, facts.reason, facts.message);
  next.wait = {facts.wake, facts.gates,
               Waiting{facts.content.revision, facts.content.fingerprint, facts.errors}};
  if (!is_error && IsTold(record, facts)) return moved;
  Trailers more;
  for (const GateRecord& gate : facts.gates) {
    if (gate.decision != "open")
      more.emplace_back("Gate", gate.gate + " " + gate.decision + " " + gate.reason);
  }
  const std::string summary = facts.reason + ": " + facts.message;
  moved.events.push_back(
      IsOfRollout(record, facts)
          ? Tell(facts.kind, next, summary, "", std::move(more))
          : TellAbout(facts.kind, next, facts.content, summary, "", std::move(more)));
  return moved;
}

}  // namespace sluice::rollout::life
