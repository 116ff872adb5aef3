#include "engine/rollout/requests.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/rollout/config_commit.h"
#include "engine/rollout/recorder.h"

namespace sluice::rollout {
namespace {

Status RecordEffect(Pass& pass, EventKind kind, const deploylog::Request& request,
                    const std::string& summary) {
  auto entry = MakeEntry(pass.services, kind, pass.record, summary, request.reason,
                         {{"Requested-By", request.by}});
  entry.removed_requests = {request.id};
  return pass.services.log.Append(std::move(entry), pass.services.GitCall());
}

// A failed tree that Git was reverted from is committed again, so that what runs is what Git says.
// Returns what became of it, for the log; "" when Git holds it already.
Result<std::string> CommitFailedTree(Pass& pass, const FailedContent& failed,
                                     const deploylog::Request& request) {
  const Services& services = pass.services;
  const std::string directory =
      RepositoryPath(services.options, "environments/" + ToString(pass.unit));
  const std::string operation = "op-" + Sha256Hex("retry " + request.id).substr(0, 16);
  SLUICE_TRY(const bool is_here, IsHere(services, failed.revision));
  if (!is_here) return std::string("the failed content is no longer in the repository");
  SLUICE_TRY(const auto tree, services.mirror.ObjectAt(failed.revision, directory));
  if (!tree) return std::string();
  const auto decide = [&](const Snapshot& tip) -> Result<std::optional<ConfigChange>> {
    const bool is_reverted =
        pass.record.last_known_good &&
        tip.FingerprintOf(pass.unit) == pass.record.last_known_good->fingerprint &&
        failed.fingerprint != pass.record.last_known_good->fingerprint;
    if (!is_reverted) return std::optional<ConfigChange>();
    ConfigChange change;
    change.edits = {{directory, git::TreeEdit::Subtree{*tree}}};
    change.subject = "Retry " + ToString(pass.unit) + " as of " + failed.revision.substr(0, 7);
    change.body =
        "Asked for by " + request.by + (request.reason.empty() ? "" : ": " + request.reason);
    change.trailers = {{"Event", "request"},
                       {"Environment", pass.unit.environment},
                       {"Application", pass.unit.application}};
    return std::optional(change);
  };
  SLUICE_TRY(const Committed done, CommitConfig(services, services.options.identity, operation,
                                                {directory, *tree}, failed.revision, decide));
  switch (done.how) {
    case Committed::How::kNothing:
      break;
    case Committed::How::kLanded:
      return "its content committed again as " + done.commit.substr(0, 7);
    case Committed::How::kRefused:
      // Told, not tried again: an operator's next request must not wait behind this one.
      return "but cannot commit its content again: branch " + services.options.branch +
             " refuses it (" + done.message + "); push it yourself";
  }
  return std::string();
}

Result<bool> Retry(Pass& pass, const deploylog::Request& request) {
  Record& record = pass.record;
  const bool is_waiting = record.reason == "NoVerdict" || record.reason == "OutcomeUnknown";
  std::string summary = "nothing to retry";
  if (is_waiting) {
    record.reason.clear();
    record.message.clear();
    record.phase = Phase::kIdle;
    record.waiting.reset();
    record.attempt = 0;
    record.finished = pass.Now();  // a new attempt is a new rollout, never a first contact
    record.errored_since.reset();
    summary = "retried after no verdict";
  } else if (!record.failed.empty() && !pass.snapshot->IsReadable(pass.unit)) {
    summary = "not retried: environments/" + ToString(pass.unit) +
              " cannot be read at the tip of branch " + pass.services.options.branch +
              "; mend it (`sluice validate`), then ask again";
  } else if (!record.failed.empty()) {
    const FailedContent failed = record.failed.front();
    SLUICE_TRY(const std::string outcome, CommitFailedTree(pass, failed, request));
    record.failed.erase(record.failed.begin());
    for (ReleaseHistory& release : record.releases) {
      if (release.digest == failed.release) release.has_failed = false;
    }
    if (record.phase == Phase::kHeld) record.phase = Phase::kIdle;
    record.waiting.reset();
    record.reason.clear();
    record.message.clear();
    summary = "the failure of " + failed.revision.substr(0, 7) + " is forgotten" +
              (outcome.empty() ? "" : ", " + outcome);
  }
  SLUICE_CHECK(RecordEffect(pass, EventKind::kRequest, request, summary));
  return true;
}

Result<bool> Handle(Pass& pass, const deploylog::Request& request) {
  Record& record = pass.record;
  if (request.verb == "retry") return Retry(pass, request);
  if (request.verb == "freeze") {
    record.frozen = Frozen{request.by, request.reason, pass.Now()};
    SLUICE_CHECK(RecordEffect(pass, EventKind::kFrozen, request, "frozen by " + request.by));
    return true;
  }
  if (request.verb == "unfreeze") {
    record.frozen.reset();
    SLUICE_CHECK(RecordEffect(pass, EventKind::kUnfrozen, request, "unfrozen by " + request.by));
    return true;
  }
  SLUICE_CHECK(
      RecordEffect(pass, EventKind::kRequest, request,
                   "request '" + request.verb + "' is not known to this version and was dropped"));
  return false;
}

}  // namespace

Result<bool> HandleRequests(Pass& pass) {
  std::vector<deploylog::Request> requests;
  std::ranges::copy_if(pass.state->requests, std::back_inserter(requests),
                       [&](const deploylog::Request& request) {
                         return request.unit == pass.unit && request.verb != "adopt";
                       });
  // Freezing needs nothing but the log; it must not wait for what may fail.
  std::ranges::stable_partition(requests, [](const deploylog::Request& request) {
    return request.verb == "freeze" || request.verb == "unfreeze";
  });
  bool changed = false;
  for (const deploylog::Request& request : requests) {
    log::Info("request",
              {{"unit", ToString(pass.unit)}, {"verb", request.verb}, {"by", request.by}});
    SLUICE_TRY(const bool again, Handle(pass, request));
    changed |= again;
  }
  return changed;
}

}  // namespace sluice::rollout
