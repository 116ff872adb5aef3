#include "engine/rollout/config_commit.h"

#include <algorithm>

namespace sluice::rollout {
namespace {

constexpr int kAttempts = 10;
constexpr int kNewestLookedAt = 2000;  // commits, where nothing says how far to look

Result<bool> Brought(const Services& services, const git::Commit& commit, const Effect& effect) {
  if (effect.path.empty()) return true;
  SLUICE_TRY(const bool is_after, effect.is_there(commit.oid));
  if (!is_after || commit.parents.empty()) return is_after;
  const std::string& parent = commit.parents.front();
  SLUICE_TRY(const auto after, services.mirror.ObjectAt(commit.oid, effect.path));
  SLUICE_TRY(const auto before, services.mirror.ObjectAt(parent, effect.path));
  if (before == after) return false;
  SLUICE_TRY(const bool is_before, effect.is_there(parent));
  return !is_before;
}

}  // namespace

Effect ObjectEffect(const Services& services, const std::string& path, const std::string& oid) {
  return {path, [&services, path, oid](const std::string& commit) -> Result<bool> {
            SLUICE_TRY(const auto found, services.mirror.ObjectAt(commit, path));
            return found == oid;
          }};
}

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

Result<bool> IsHere(const Services& services, const std::string& commit) {
  const auto found = services.mirror.ReadCommit(commit);
  if (found) return true;
  if (found.error().code() == ErrorCode::kNotFound) return false;
  return Fail(found.error());
}

Result<std::optional<std::string>> FindOperation(const Services& services, const std::string& tip,
                                                 const std::string& since,
                                                 const std::string& operation,
                                                 const Effect& effect) {
  std::optional<std::string> found;
  if (tip == since) return found;
  SLUICE_TRY(const bool is_bounded, IsHere(services, since));
  Status inner;
  int seen = 0;
  SLUICE_CHECK(services.mirror.Log(
      tip, is_bounded ? since : "", git::Mirror::Walk::kAll, [&](const git::Commit& commit) {
        const std::pair<std::string, std::string> trailer("Sluice-Operation", operation);
        const bool may_go_on = is_bounded || ++seen < kNewestLookedAt;
        if (std::ranges::find(commit.trailers, trailer) == commit.trailers.end()) return may_go_on;
        const auto brought = Brought(services, commit, effect);
        if (!brought) inner = Fail(brought.error());
        if (brought && *brought) found = commit.oid;
        return brought && !found && may_go_on;
      }));
  SLUICE_CHECK(inner);
  return found;
}

Result<Committed> CommitConfig(const Services& services, const git::Person& author,
                               const std::string& operation, const Effect& effect,
                               const std::string& since, const DecideChange& decide) {
  std::string looked_until = since;
  std::shared_ptr<const Snapshot> snapshot;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    SLUICE_TRY(const std::string tip, FetchTip(services));
    if (!looked_until.empty()) {
      SLUICE_TRY(const auto done, FindOperation(services, tip, looked_until, operation, effect));
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
                                       const std::string& operation, const DecideChange& decide,
                                       const Effect& effect) {
  SLUICE_TRY(const Committed done, CommitConfig(services, author, operation, effect, "", decide));
  if (done.how == Committed::How::kRefused) {
    return Fail(
        ErrorCode::kRejected, "PushRefused",
        "branch " + services.options.branch + " refuses the commit: " + done.message +
            "; push with credentials that may write to it, or make the change by a pull request");
  }
  return done.commit;
}

}  // namespace sluice::rollout
