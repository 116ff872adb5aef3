#include "engine/rollout/config_commit.h"

namespace sluice::rollout {
namespace {

constexpr int kAttempts = 10;

}  // namespace

Result<std::string> FetchTip(const Services& services) {
  const std::string ref = "refs/heads/" + services.options.branch;
  SLUICE_TRY(const auto refs, services.remote.List({ref}, services.GitCall()));
  const auto it = refs.find(ref);
  if (it == refs.end()) {
    return Fail(ErrorCode::kNotFound, "BranchMissing",
                "the config repo has no branch '" + services.options.branch +
                    "'; push it, or set spec.repository.branch in daemon.yaml");
  }
  SLUICE_TRY(const auto known, services.mirror.Resolve(git::MirrorRef(ref)));
  if (known != it->second) SLUICE_CHECK(services.remote.Fetch({ref}, services.GitCall()));
  SLUICE_TRY(const auto fetched, services.mirror.Resolve(git::MirrorRef(ref)));
  return fetched.value_or(it->second);
}

Result<std::optional<std::string>> FindOperation(const Services& services, const std::string& tip,
                                                 const std::string& since,
                                                 const std::string& operation) {
  std::optional<std::string> found;
  if (tip == since) return found;
  SLUICE_CHECK(
      services.mirror.Log(tip, since, git::Mirror::Walk::kAll, [&](const git::Commit& commit) {
        for (const auto& [key, value] : commit.trailers) {
          if (key == "Sluice-Operation" && value == operation) found = commit.oid;
        }
        return !found;
      }));
  return found;
}

Result<Committed> CommitConfig(const Services& services, const git::Person& author,
                               const std::string& operation, const std::string& since,
                               const DecideChange& decide) {
  std::string looked_until = since;
  std::shared_ptr<const Snapshot> snapshot;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    SLUICE_TRY(const std::string tip, FetchTip(services));
    if (!looked_until.empty()) {
      SLUICE_TRY(const auto done, FindOperation(services, tip, looked_until, operation));
      if (done) return Committed{Committed::How::kLanded, *done, ""};
    }
    looked_until = tip;
    SLUICE_TRY(snapshot, LoadSnapshot(services, tip, snapshot.get()));
    SLUICE_TRY(const auto change, decide(*snapshot));
    if (!change) return Committed{};
    auto trailers = change->trailers;
    trailers.emplace_back("Operation", operation);
    const git::CommitSpec spec{
        .parents = {tip},
        .base_commit = tip,
        .edits = change->edits,
        .message = git::FormatMessage(change->subject, change->body, trailers),
        .author = author,
        .time = services.clock.SystemNow()};
    SLUICE_TRY(const std::string commit, services.mirror.WriteCommit(spec));
    SLUICE_TRY(const auto pushed,
               services.remote.Push({{"refs/heads/" + services.options.branch, commit, tip}},
                                    services.GitCall()));
    if (pushed.outcome == git::PushOutcome::kLanded)
      return Committed{Committed::How::kLanded, commit, ""};
    if (pushed.outcome == git::PushOutcome::kRefused) {
      return Committed{Committed::How::kRefused, commit, pushed.message};
    }
  }
  return Fail(ErrorCode::kUnavailable, "PushContended",
              "lost " + std::to_string(kAttempts) + " races for branch " + services.options.branch +
                  "; try again");
}

Result<std::string> CommitConfigOrFail(const Services& services, const git::Person& author,
                                       const std::string& operation, const DecideChange& decide) {
  SLUICE_TRY(const Committed done, CommitConfig(services, author, operation, "", decide));
  if (done.how == Committed::How::kRefused) {
    return Fail(
        ErrorCode::kRejected, "PushRefused",
        "branch " + services.options.branch + " refuses the commit: " + done.message +
            "; push with credentials that may write to it, or make the change by a pull request");
  }
  return done.commit;
}

}  // namespace sluice::rollout
