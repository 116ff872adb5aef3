// What goes to the log branch without being an event of the engine: operators' requests, and a new
// beginning.
#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/deploylog/deploy_log_impl.h"
#include "engine/deploylog/log_format.h"

namespace sluice::deploylog {
namespace {

constexpr int kAttempts = 10;
constexpr Duration kFirstWait = 50ms;  // doubles, up to 2 s
constexpr Duration kLongestWait = 2s;
constexpr size_t kMaxReason = 500;
// They return in the record's `adopting`, which has 16 KiB for everything.
constexpr size_t kMaxObjectBytes = 6 << 10;

// 2026-11-21T07:14:00Z -> 20261121T071400Z
std::string Compact(SystemTime time) {
  std::string text = FormatTime(time);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

Status CheckRequest(const Request& request) {
  if (!IsRequestVerb(request.verb)) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + EscapeControl(request.verb) + "' is not something to ask for");
  }
  if (!ParseUnitId(ToString(request.unit)) || request.unit.environment == kRequests) {
    return Fail(ErrorCode::kInvalidArgument, "'" + EscapeControl(ToString(request.unit)) +
                                                 "' is not a unit; write it as env/app");
  }
  if (request.reason.size() > kMaxReason) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "the reason has " + std::to_string(request.reason.size()) + " bytes; at most 500 are kept");
  }
  size_t bytes = 0;
  for (const std::string& object : request.objects) bytes += object.size() + 5;
  if (bytes > kMaxObjectBytes) {
    return Fail(ErrorCode::kInvalidArgument,
                "too many objects are named in one request (" +
                    std::to_string(request.objects.size()) +
                    "); name none to mean all, or ask in several requests");
  }
  return {};
}

std::string MessageOf(const Request& request) {
  std::string body = request.reason;
  for (const std::string& object : request.objects) body += (body.empty() ? "" : "\n") + object;
  return git::FormatMessage(ToString(request.unit) + ": " + request.verb + " requested", body,
                            {{"Event", std::string(ToString(EventKind::kRequest))},
                             {"Environment", request.unit.environment},
                             {"Application", request.unit.application},
                             {"Operation", NewOperationId()}});
}

}  // namespace

Result<std::string> DeployLog::AddRequest(Request request, const git::Person& person,
                                          const Call& call) {
  SLUICE_CHECK(CheckRequest(request));
  const SystemTime now = impl_->clock.SystemNow();
  if (request.id.empty()) request.id = Compact(now) + "-" + request.verb + "-" + RandomHex(4);
  if (!IsRequestId(request.id)) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + EscapeControl(request.id) + "' is not a request's id");
  }
  const std::string message = MessageOf(request);
  const std::string branch = "log branch '" + impl_->options.branch + "'";
  const std::lock_guard lock(impl_->network);
  std::string base, commit, last_words;
  bool is_unknown = false;
  Duration wait = kFirstWait;
  for (int tries = 1; tries <= kAttempts; ++tries) {
    SLUICE_TRY(auto refs, impl_->List(call));
    if (refs[impl_->ref].empty()) {
      return Fail(ErrorCode::kNotFound, "LogMissing",
                  branch +
                      " does not exist at the remote yet; start the engine first (sluice run, or "
                      "sluice sync)");
    }
    if (refs[impl_->ref] != base || commit.empty()) {
      SLUICE_TRY(const std::string tip, impl_->FetchBranch(refs[impl_->ref], call));
      if (tip.empty()) continue;
      if (!commit.empty()) {
        SLUICE_TRY(const bool is_landed, impl_->mirror.IsAncestor(commit, tip));
        if (is_landed) return request.id;
      }
      base = tip;
      const git::TreeEdit edit{RequestPath(request.id),
                               git::TreeEdit::Content{FormatRequest(request)}};
      SLUICE_TRY(commit, impl_->mirror.WriteCommit(MakeSpec(base, {edit}, message, person, now)));
      is_unknown = false;
    }
    SLUICE_TRY(const git::PushResult pushed,
               impl_->remote.Push({{impl_->ref, commit, base}}, call));
    if (pushed.outcome == git::PushOutcome::kLanded) return request.id;
    last_words = pushed.message;
    if (pushed.outcome == git::PushOutcome::kRefused) {
      return Fail(ErrorCode::kPermissionDenied, "LogPushRefused",
                  "the server refuses the push to " + branch + ": " + last_words +
                      "; ask for the right to push to it");
    }
    is_unknown = is_unknown || pushed.outcome == git::PushOutcome::kUnknown;
    if (impl_->clock.SteadyNow() + wait >= call.deadline || !impl_->clock.Sleep(wait, call.stop))
      break;
    wait = std::min(wait * 2, kLongestWait);
  }
  return Fail(
      ErrorCode::kUnavailable, is_unknown ? "LogPushUnknown" : "LogPushRaced",
      (is_unknown ? "it is not known whether the request reached " : "others kept moving ") +
          branch + ": " + last_words + "; look with 'sluice log' before asking again");
}

Status DeployLog::StartNewLog(const Call& call) {
  Impl& impl = *impl_;
  if (!impl.lease) return Fail(ErrorCode::kInternal, "the deploy log was opened for reading only");
  const std::lock_guard lock(impl.network);
  SLUICE_TRY(auto refs, impl.List(call));
  const std::string branch = "log branch '" + impl.options.branch + "'";
  if (!refs[impl.ref].empty()) {
    SLUICE_TRY(const std::string tip, impl.FetchBranch(refs[impl.ref], call));
    const std::string kept = impl.ref + "-until-" + Compact(impl.clock.SystemNow());
    SLUICE_TRY(const git::RefUpdate renewal, impl.lease->PrepareRenewal());
    auto pushed = impl.remote.Push({{kept, tip, ""}, {impl.ref, "", tip}, renewal}, call);
    if (!pushed || pushed->outcome != git::PushOutcome::kLanded) {
      impl.lease->RenewalAbandoned(renewal);
      if (!pushed) return Fail(std::move(pushed).error());
      const bool is_refused = pushed->outcome == git::PushOutcome::kRefused;
      return Fail(
          is_refused ? ErrorCode::kPermissionDenied : ErrorCode::kUnavailable,
          is_refused ? "LogPushRefused" : "LogPushUnknown",
          branch + " could not be put aside as '" + kept + "': " + pushed->message +
              (is_refused ? "; let this engine remove the branch" : "; run the command again"));
    }
    impl.lease->RenewalLanded(renewal);
  }
  SLUICE_CHECK(impl.Forget());
  return {};
}

}  // namespace sluice::deploylog
