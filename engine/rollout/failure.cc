#include "engine/rollout/failure.h"

#include <future>
#include <nlohmann/json.hpp>

#include "engine/base/log.h"
#include "engine/io/outbox.h"
#include "engine/rollout/authorship.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/requests.h"
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

life::Failure Describe(const Pass& pass, const StepEnd& end,
                       const std::vector<verify::TestResult>& smoke, const std::string& target) {
  life::Failure failure{end.reason, end.message, end.detail, target};
  if (!smoke.empty()) failure.trailers.emplace_back("Smoke", SmokeTrailer(smoke));
  const DeclaredUnit* unit = pass.declared();
  if (!unit) return failure;
  failure.freezes = unit->environment.on_failure.live == LiveOnFailure::kFreeze;
  failure.reverts = unit->environment.on_failure.git == GitOnFailure::kRevert;
  if (auto author = FindAuthorship(pass.services, pass.record().revision,
                                   RepositoryPath(pass.services.options, unit->directory))) {
    failure.trailers.emplace_back("Author", author->author);
  }
  return failure;
}

Status PushVerdict(const Services& services, const deploylog::Entry& verdict) {
  SLUICE_CHECK(services.log.Append(verdict, services.GitCall()));
  return AnswerEarlyRetries(services, *verdict.record);
}

void Forget(const Services& services, const std::string& rollout) {
  services.unspoken->With([&](auto& verdicts) { verdicts.erase(rollout); });
  if (auto removed = services.outbox->Remove(rollout); !removed)
    log::Warn("outbox_remove_failed", {{"error", removed.error().message()}});
}

// The verdict is safe from here on: in the outbox, and soon in the log. The push goes beside the
// rollback: neither Git being slow or away nor a full disk may keep the bad version up.
std::future<Status> SpeakVerdict(Pass& pass, const life::Moved& verdict) {
  const Services& services = pass.services;
  const std::string& rollout = verdict.record.rollout;
  const deploylog::Entry entry = ToEntries(services, verdict).back();
  services.unspoken->With([&](auto& verdicts) { verdicts.insert_or_assign(rollout, entry); });
  if (auto kept = services.outbox->Put(
          rollout, ToOutbox(entry).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
      !kept) {
    log::Err("verdict_not_kept",
             {{"unit", ToString(pass.unit)},
              {"rollout", rollout},
              {"error", kept.error().message()},
              {"remedy",
               "live goes back all the same; make room in dataDir before this process "
               "ends, or the next one has to judge again"}});
  }
  pass.Keep(verdict.record);
  return std::async(std::launch::async,
                    [&services, entry] { return PushVerdict(services, entry); });
}

}  // namespace

Result<PassResult> HandleFailure(Pass& pass, const StepEnd& end,
                                 const std::vector<verify::TestResult>& smoke,
                                 const std::string& target) {
  const Services& services = pass.services;
  SLUICE_TRY(const life::Moved verdict,
             life::Failed(pass.record(), Describe(pass, end, smoke, target), pass.Now()));
  std::future<Status> pushed = SpeakVerdict(pass, verdict);
  const bool goes_back = pass.record().IsRollingBack();
  Result<RollbackEnd> rolled_back = goes_back ? RollBack(pass) : Result<RollbackEnd>(RollbackEnd{});
  if (Status status = pushed.get(); !status)
    return Fail(std::move(status).error().With("recording the verdict"));
  Forget(services, pass.record().rollout);
  if (goes_back) {
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
  if (pass.record().IsRollingBack()) {
    SLUICE_TRY(const auto result, RecordRollback(pass, RollBack(pass)));
    if (result) return *result;
  }
  if (pass.record().pending_revert) return Revert(pass);
  return PassResult{.standing = Standing::kFailed,
                    .reason = pass.record().reason,
                    .message = pass.record().message};
}

Result<PassResult> RollBackWithoutVerdict(Pass& pass, const StepEnd& end) {
  auto rolled_back = RollBack(pass);
  if (!rolled_back)
    return Errored(pass, FromError(rolled_back.error().code()), rolled_back.error());
  SLUICE_CHECK(
      pass.Keep(life::GivenUp(pass.record(), end.reason + ": " + end.message, pass.Now())));
  SLUICE_TRY(const auto ended, RecordRollback(pass, std::move(rolled_back)));
  const Record& record = pass.record();
  if (ended || record.frozen)
    return ended.value_or(
        PassResult{Standing::kHeld, std::nullopt, false, record.reason, record.message});
  life::WaitFacts facts{EventKind::kHeld, "NoVerdict",
                        record.message +
                            (record.running ? "; live is back at last known good" : "") +
                            "; push new content or run `sluice retry " + ToString(pass.unit) + "`"};
  facts.content = AtTip(pass);
  facts.is_of_ended_rollout = true;
  SLUICE_CHECK(RecordWait(pass, facts));
  return PassResult{Standing::kHeld, std::nullopt, false, facts.reason, facts.message};
}

namespace {

// The log waits for it: its rollout is open there, or has a verdict without a start (a refusal at
// dry run).
bool IsUnheard(const deploylog::State& state, const Record& verdict) {
  const Record* known = FindRecord(state, verdict.unit);
  if (known && known->rollout == verdict.rollout) return !known->finished;
  return verdict.attempt == 0 && (!known || !HasFailed(*known, verdict.fingerprint));
}

Status Flush(const Services& services, const deploylog::State& state,
             const deploylog::Entry& verdict) {
  if (IsUnheard(state, *verdict.record)) SLUICE_CHECK(PushVerdict(services, verdict));
  Forget(services, verdict.record->rollout);
  return {};
}

std::vector<deploylog::Entry> UnspokenOf(const Services& services, const UnitId& unit) {
  return services.unspoken->With([&](const auto& verdicts) {
    std::vector<deploylog::Entry> out;
    for (const auto& [rollout, verdict] : verdicts) {
      if (verdict.record->unit == unit) out.push_back(verdict);
    }
    return out;
  });
}

}  // namespace

Result<bool> FlushOutbox(const Services& services, const deploylog::State& state,
                         const UnitId& unit) {
  const std::vector<deploylog::Entry> unspoken = UnspokenOf(services, unit);
  for (const deploylog::Entry& verdict : unspoken) SLUICE_CHECK(Flush(services, state, verdict));
  bool flushed = !unspoken.empty();
  SLUICE_TRY(const OutboxContents contents, services.outbox->List());
  for (const std::string& damaged : contents.damaged)
    log::Err("outbox_damaged", {{"file", damaged}});
  for (const OutboxEntry& kept : contents.entries) {
    auto entry = FromOutbox(kept.text);
    if (!entry) {
      log::Err("outbox_unreadable", {{"key", kept.key}, {"error", entry.error().message()}});
      SLUICE_CHECK(services.outbox->SetAside(kept.key));
      continue;
    }
    if (entry->record->unit != unit) continue;
    SLUICE_CHECK(Flush(services, state, *entry));
    flushed = true;
  }
  return flushed;
}

}  // namespace sluice::rollout
