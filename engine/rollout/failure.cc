#include "engine/rollout/failure.h"

#include <future>
#include <nlohmann/json.hpp>

#include "engine/base/log.h"
#include "engine/io/outbox.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/recorder.h"
#include "engine/rollout/revert.h"
#include "engine/rollout/rollback.h"

namespace sluice::rollout {
namespace {

// What the outbox holds: enough to push the verdict from another process.
nlohmann::json ToOutbox(const deploylog::Entry& entry) {
  return {{"record", ToJson(*entry.record)},
          {"summary", entry.event.summary},
          {"body", entry.event.body},
          {"trailers", entry.event.trailers}};
}

Result<deploylog::Entry> FromOutbox(const std::string& text) {
  deploylog::Entry entry;
  try {
    const auto json = nlohmann::json::parse(text);
    SLUICE_TRY(entry.record, ParseRecord(json.at("record")));
    entry.event.kind = EventKind::kFailed;
    entry.event.summary = json.at("summary").get<std::string>();
    entry.event.body = json.at("body").get<std::string>();
    entry.event.trailers =
        json.at("trailers").get<std::vector<std::pair<std::string, std::string>>>();
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kCorrupted, std::string("outbox document: ") + error.what());
  }
  return entry;
}

// The record as it is when the verdict is spoken.
Status SpeakVerdict(Pass& pass, const StepEnd& end) {
  Record& record = pass.record;
  const DeclaredUnit* unit = pass.declared();
  const bool has_good = record.last_known_good.has_value();
  const bool freezes = unit && unit->environment.on_failure.live == LiveOnFailure::kFreeze;
  const bool wrote = record.has_written;
  record.rollback_pending = wrote && has_good && !freezes;
  record.revert_pending =
      has_good && !freezes && (!unit || unit->environment.on_failure.git == GitOnFailure::kRevert);
  SLUICE_CHECK(Advance(record, record.rollback_pending ? Trigger::kFail : Trigger::kFailClean));
  record.outcome = Outcome::kFailed;
  record.reason = end.reason;
  record.message = end.message;
  record.finished = pass.Now();
  record.has_written = false;
  record.errored_since.reset();
  record.health_deadline.reset();
  record.wake.reset();
  record.adopting.clear();
  NoteStartedRelease(record);
  NoteFailed(record, end.reason);
  // Nothing takes it back: it runs, however badly.
  if (wrote && !record.rollback_pending)
    record.running = RunningState{record.revision, record.fingerprint, record.release};
  if (freezes) {
    record.frozen = Frozen{
        "sluice", "onFailure.live is freeze: the failed version is kept for a person", pass.Now()};
  } else if (!has_good && wrote) {
    record.message +=
        "; there is no last known good to go back to (NoLastKnownGood): nothing is deleted, push a "
        "fix";
    record.reason = "NoLastKnownGood";
  }
  return {};
}

}  // namespace

Result<PassResult> HandleFailure(Pass& pass, const StepEnd& end,
                                 const std::vector<verify::TestResult>& smoke) {
  const Services& services = pass.services;
  SLUICE_CHECK(SpeakVerdict(pass, end));
  Trailers more;
  if (!smoke.empty()) more.emplace_back("Smoke", SmokeTrailer(smoke));
  if (const DeclaredUnit* unit = pass.declared()) {
    if (auto author = FindAuthorship(services, pass.record.revision,
                                     RepositoryPath(services.options, unit->directory))) {
      more.emplace_back("Author", author->author);
    }
  }
  auto entry = MakeEntry(services, EventKind::kFailed, pass.record,
                         "failed at " + pass.record.revision.substr(0, 7) + ": " + end.reason,
                         end.message + "\n" + end.detail, std::move(more));
  SLUICE_CHECK(services.outbox->Put(
      pass.record.rollout,
      ToOutbox(entry).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)));

  // The push goes beside the rollback: Git being slow or away must not keep the bad version up.
  auto pushed = std::async(std::launch::async, [&services, entry] {
    return services.log.Append(entry, services.GitCall());
  });
  Result<RollbackEnd> rolled_back =
      pass.record.rollback_pending ? RollBack(pass) : Result<RollbackEnd>(RollbackEnd{});
  if (Status status = pushed.get(); !status)
    return Fail(std::move(status).error().With("recording the verdict"));
  if (auto removed = services.outbox->Remove(pass.record.rollout); !removed) {
    log::Warn("outbox_remove_failed", {{"error", removed.error().message()}});
  }
  if (pass.record.rollback_pending) {
    SLUICE_TRY(const auto result, RecordRollback(pass, std::move(rolled_back)));
    if (result) return *result;
  }
  SLUICE_TRY(PassResult result, FinishFailure(pass));
  if (result.standing == Standing::kDone) result.standing = Standing::kFailed;
  result.reason = end.reason;
  result.message = end.message;
  return result;
}

Result<PassResult> FinishFailure(Pass& pass) {
  if (pass.record.rollback_pending) {
    SLUICE_TRY(const auto result, RecordRollback(pass, RollBack(pass)));
    if (result) return *result;
  }
  if (pass.record.revert_pending) return Revert(pass);
  return PassResult{
      .standing = Standing::kFailed, .reason = pass.record.reason, .message = pass.record.message};
}

Result<PassResult> RollBackWithoutVerdict(Pass& pass, const StepEnd& end) {
  auto rolled_back = RollBack(pass);
  if (!rolled_back)
    return Errored(pass, FromError(rolled_back.error().code()), rolled_back.error());
  Record& record = pass.record;
  record.reason = "NoVerdict";
  record.message = "no verdict within onError.after (" + end.reason + ": " + end.message + ")";
  record.finished = pass.Now();
  record.has_written = false;
  record.errored_since.reset();
  record.phase = Phase::kRollingBack;  // for RecordRollback, which takes it from there
  SLUICE_TRY(const auto ended, RecordRollback(pass, std::move(rolled_back)));
  if (ended || record.frozen)
    return ended.value_or(
        PassResult{Standing::kHeld, std::nullopt, false, record.reason, record.message});
  Wait wait{EventKind::kHeld, "NoVerdict",
            record.message +
                "; live is back at last known good; push new content or run `sluice retry " +
                ToString(pass.unit) + "`"};
  wait.content = AtTip(pass);
  wait.is_of_ended_rollout = true;
  SLUICE_CHECK(RecordWait(pass.services, record, wait));
  return PassResult{Standing::kHeld, std::nullopt, false, wait.reason, wait.message};
}

Result<bool> FlushOutbox(const Services& services, const deploylog::State& state,
                         const UnitId& unit) {
  SLUICE_TRY(const OutboxContents contents, services.outbox->List());
  for (const std::string& damaged : contents.damaged)
    log::Err("outbox_damaged", {{"file", damaged}});
  bool flushed = false;
  for (const OutboxEntry& kept : contents.entries) {
    auto entry = FromOutbox(kept.text);
    if (!entry) {
      log::Err("outbox_unreadable", {{"key", kept.key}, {"error", entry.error().message()}});
      SLUICE_CHECK(services.outbox->SetAside(kept.key));
      continue;
    }
    if (entry->record->unit != unit) continue;
    const Record* known = FindRecord(state, unit);
    const bool is_open = known && known->rollout == kept.key && !known->finished;
    // A refusal at dry run has a verdict without a start.
    const bool is_unstarted = (!known || known->rollout != kept.key) &&
                              entry->record->attempt == 0 &&
                              (!known || !HasFailed(*known, entry->record->fingerprint));
    if (is_open || is_unstarted)
      SLUICE_CHECK(services.log.Append(std::move(*entry), services.GitCall()));
    SLUICE_CHECK(services.outbox->Remove(kept.key));
    flushed = true;
  }
  return flushed;
}

}  // namespace sluice::rollout
