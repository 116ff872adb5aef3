#include "engine/rollout/requests.h"

#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/rollout/config_commit.h"
#include "engine/rollout/pass.h"

namespace sluice::rollout {
namespace {

// The request ends with the commit that records its effect.
Status Answer(Pass& pass, const deploylog::Request& request, life::Moved moved) {
  deploylog::Entry entry;
  entry.removed_requests = {request.id};
  return pass.Push(std::move(moved), std::move(entry));
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
    const auto& good = pass.record().last_known_good;
    const bool is_reverted = good && tip.FingerprintOf(pass.unit) == good->fingerprint &&
                             failed.fingerprint != good->fingerprint;
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
  SLUICE_TRY(const Committed done,
             CommitConfig(services, services.options.identity, operation,
                          ObjectEffect(services, directory, *tree), failed.revision, decide));
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

life::Moved TooEarly(const Record& record, const deploylog::Request& request) {
  return life::Answered(record, {request.by, request.reason},
                        "nothing to retry: rollout " + record.rollout +
                            " was open when it was asked for; ask again if its end calls for it");
}

Status Retry(Pass& pass, const deploylog::Request& request) {
  const Record& record = pass.record();
  const life::Asked asked{request.by, request.reason};
  if (life::EndsByItself(record)) return Answer(pass, request, TooEarly(record, request));
  if (life::WaitsForRetry(record))
    return Answer(pass, request, life::RetriedWithoutVerdict(record, asked, pass.Now()));
  if (record.failed.empty())
    return Answer(pass, request, life::Answered(record, asked, "nothing to retry"));
  if (!pass.snapshot->IsReadable(pass.unit)) {
    return Answer(
        pass, request,
        life::Answered(record, asked,
                       "not retried: environments/" + ToString(pass.unit) +
                           " cannot be read at the tip of branch " + pass.services.options.branch +
                           "; mend it (`sluice validate`), then ask again"));
  }
  SLUICE_TRY(const std::string outcome, CommitFailedTree(pass, record.failed.front(), request));
  return Answer(pass, request, life::FailureForgotten(record, asked, outcome));
}

// Whether the unit is to be looked at anew.
Result<bool> Handle(Pass& pass, const deploylog::Request& request) {
  const life::Asked asked{request.by, request.reason};
  if (request.verb == "retry") {
    SLUICE_CHECK(Retry(pass, request));
    return true;
  }
  if (request.verb == "freeze") {
    SLUICE_CHECK(Answer(pass, request, life::FrozenBy(pass.record(), asked, pass.Now())));
    return true;
  }
  if (request.verb == "unfreeze") {
    SLUICE_CHECK(Answer(pass, request, life::Unfrozen(pass.record(), asked)));
    return true;
  }
  SLUICE_CHECK(Answer(pass, request,
                      life::Answered(pass.record(), asked,
                                     "request '" + request.verb +
                                         "' is not known to this version and was dropped")));
  return false;
}

}  // namespace

Status AnswerEarlyRetries(const Services& services, const Record& record) {
  std::vector<deploylog::Entry> entries;
  const auto state = services.log.Get();
  for (const deploylog::Request& request : state->requests) {
    if (request.unit != record.unit || request.verb != "retry") continue;
    deploylog::Entry with;
    with.removed_requests = {request.id};
    for (auto& entry : ToEntries(services, TooEarly(record, request), std::move(with)))
      entries.push_back(std::move(entry));
  }
  return entries.empty() ? Status{} : services.log.AppendAll(entries, services.GitCall());
}

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
