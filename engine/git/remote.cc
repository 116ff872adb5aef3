#include "engine/git/remote.h"

#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "engine/base/guarded.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/git/git_program.h"
#include "engine/git/http_listing.h"
#include "engine/git/ls_refs.h"
#include "engine/git/push_result.h"
#include "engine/git/remote_access.h"
#include "engine/git/remote_errors.h"
#include "engine/git/remote_url.h"
#include "engine/git/turnstile.h"

namespace sluice::git {
namespace {

bool IsDirectory(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Status CheckRefs(const std::vector<std::string>& refs) {
  if (refs.empty()) return Fail(ErrorCode::kInvalidArgument, "no ref is named");
  for (const std::string& ref : refs) {
    if (!IsFullRefName(ref)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "'" + EscapeControl(ref) + "' is not a full ref name such as refs/heads/main");
    }
  }
  return {};
}

Status CheckCall(const Call& call) {
  if (call.stop.stop_requested())
    return Fail(ErrorCode::kCancelled, "stopped before the git remote was asked");
  if (std::chrono::steady_clock::now() >= call.deadline) {
    return Fail(ErrorCode::kDeadlineExceeded, "no time was left to ask the git remote");
  }
  return {};
}

class RemoteImpl final : public Remote {
 public:
  RemoteImpl(RemoteOptions options, RemoteUrl url, std::unique_ptr<HttpListing> http,
             Metrics& metrics, Effects& effects)
      : config_(std::move(options.repository)),
        mirror_path_(std::move(options.mirror_path)),
        url_(std::move(url)),
        http_(std::move(http)),
        metrics_(metrics),
        effects_(effects) {}

  Result<std::map<std::string, std::string>> List(const std::vector<std::string>& refs,
                                                  const Call& call) override;
  Status Fetch(const std::vector<std::string>& refs, const Call& call) override;
  Result<PushResult> Push(const std::vector<RefUpdate>& updates, const Call& call) override;

 private:
  using Refs = std::map<std::string, std::string>;

  std::string At() const { return "'" + RedactCredentials(url_.text) + "'"; }
  Status CheckPath() const;
  Result<Turnstile::Turn> Begin(Turnstile& turnstile, const Call& call);
  Turnstile& FetchesOf(const std::string& ref);
  Result<ProcessResult> RunRemote(std::vector<std::string> arguments, const Call& call);
  Result<std::string> LsRemote(std::vector<std::string> arguments, const Call& call);
  Error ExplainMissingRef(const std::string& doing, const std::vector<std::string>& refs,
                          const Call& call);
  Result<std::vector<std::string>> PushArguments(const std::vector<RefUpdate>& updates) const;

  const RepositoryConfig config_;
  const std::string mirror_path_;
  const RemoteUrl url_;
  const std::unique_ptr<HttpListing> http_;  // null unless http(s)
  Metrics& metrics_;
  Effects& effects_;
  // A listing, a push and the fetches of different refs do not wait for each other: a push renews
  // the lease, and a first fetch may take minutes.
  Turnstile listings_, pushes_;
  Guarded<std::map<std::string, std::unique_ptr<Turnstile>>> fetches_;  // by ref
};

// Git takes a directory that is none for "not found" too, but says so in words about access rights.
Status RemoteImpl::CheckPath() const {
  if (url_.kind != RemoteUrl::Kind::kPath) return {};
  const std::string& path = url_.text;
  const bool is_bare = IsDirectory(path + "/objects") && IsDirectory(path + "/refs");
  if (is_bare || IsDirectory(path + "/.git/objects")) return {};
  return Fail(ErrorCode::kNotFound, std::string(kReasonRepositoryNotFound),
              "there is no Git repository at '" + EscapeControl(path) +
                  "'; create it with git init --bare, or correct repository.url");
}

Turnstile& RemoteImpl::FetchesOf(const std::string& ref) {
  return fetches_.With([&](auto& by_ref) -> Turnstile& {
    std::unique_ptr<Turnstile>& turnstile = by_ref[ref];
    if (!turnstile) turnstile = std::make_unique<Turnstile>();
    return *turnstile;
  });
}

Result<Turnstile::Turn> RemoteImpl::Begin(Turnstile& turnstile, const Call& call) {
  SLUICE_CHECK(CheckCall(call));
  SLUICE_TRY(Turnstile::Turn turn, turnstile.Enter(call));
  SLUICE_CHECK(CheckPath());
  return turn;
}

Result<ProcessResult> RemoteImpl::RunRemote(std::vector<std::string> arguments, const Call& call) {
  SLUICE_TRY(auto environment, RemoteEnvironment(url_, config_));
  metrics_.CountGitCall();
  return RunGit(mirror_path_, std::move(arguments), std::move(environment), call, config_.timeout);
}

Result<std::string> RemoteImpl::LsRemote(std::vector<std::string> arguments, const Call& call) {
  const std::string doing = "listing refs of " + At();
  SLUICE_TRY(ProcessResult result, RunRemote(std::move(arguments), call));
  if (result.timed_out)
    return Fail(ErrorCode::kDeadlineExceeded, doing + ": no answer in time; is the server up?");
  if (result.exit_code != 0) return Fail(ExplainGitFailure(doing, result.stderr_text, config_));
  if (result.is_truncated) return Fail(ErrorCode::kUnavailable, doing + ": the list is too long");
  return std::move(result.stdout_text);
}

Result<std::map<std::string, std::string>> RemoteImpl::List(const std::vector<std::string>& refs,
                                                            const Call& call) {
  SLUICE_CHECK(CheckRefs(refs));
  SLUICE_TRY(const Turnstile::Turn turn, Begin(listings_, call));
  if (http_) {
    SLUICE_TRY(auto found, http_->List(refs, call));
    if (found) return std::move(*found);
  }
  // A pattern of ls-remote also matches the ends of longer names: exact names are picked from the
  // answer.
  std::vector<std::string> arguments = {"ls-remote", "--quiet", "--refs", "--", url_.text};
  arguments.insert(arguments.end(), refs.begin(), refs.end());
  SLUICE_TRY(const std::string text, LsRemote(std::move(arguments), call));
  return ParseLsRemote(text, refs);
}

Error RemoteImpl::ExplainMissingRef(const std::string& doing, const std::vector<std::string>& refs,
                                    const Call& call) {
  const auto heads = LsRemote({"ls-remote", "--quiet", "--refs", "--", url_.text}, call);
  if (heads && Trim(*heads).empty()) {
    return {ErrorCode::kNotFound, std::string(kReasonRepositoryEmpty),
            doing + ": the repository is empty; push a first commit to " + DescribeRef(refs[0])};
  }
  std::vector<std::string> missing;
  const Refs present = heads ? ParseLsRemote(*heads, refs) : Refs();
  for (const std::string& ref : refs) {
    if (!present.contains(ref)) missing.push_back(DescribeRef(ref));
  }
  return {ErrorCode::kNotFound, std::string(kReasonBranchNotFound),
          doing + ": there is no " + Join(missing, ", no ") +
              "; create it, or correct repository.branch"};
}

Status RemoteImpl::Fetch(const std::vector<std::string>& refs, const Call& call) {
  SLUICE_CHECK(CheckRefs(refs));
  SLUICE_TRY(const Turnstile::Turn turn, Begin(FetchesOf(refs.front()), call));
  // --progress: as long as bytes flow something is written, which is how a slow fetch is told from
  // one that hangs.
  std::vector<std::string> arguments = {"fetch",
                                        "--progress",
                                        "--no-tags",
                                        "--no-write-fetch-head",
                                        "--no-recurse-submodules",
                                        "--no-auto-maintenance",
                                        "--",
                                        url_.text};
  for (const std::string& ref : refs) arguments.push_back("+" + ref + ":" + MirrorRef(ref));
  const std::string doing = "fetching from " + At();
  SLUICE_TRY(const ProcessResult result, RunRemote(std::move(arguments), call));
  if (result.was_idle) {
    return Fail(ErrorCode::kDeadlineExceeded, doing + ": no progress for " +
                                                  FormatDuration(config_.timeout) +
                                                  "; is the server up? (repository.timeout)");
  }
  if (result.timed_out)
    return Fail(ErrorCode::kDeadlineExceeded, doing + ": not done in time; is the server up?");
  if (result.exit_code == 0) return {};
  if (result.stderr_text.find("couldn't find remote ref") != std::string::npos) {
    return Fail(ExplainMissingRef(doing, refs, call));
  }
  return Fail(ExplainGitFailure(doing, result.stderr_text, config_));
}

Result<std::vector<std::string>> RemoteImpl::PushArguments(
    const std::vector<RefUpdate>& updates) const {
  std::vector<std::string> arguments = {
      "push",        "--porcelain",      "--progress",
      "--no-verify", "--no-follow-tags", "--recurse-submodules=no"};
  if (updates.empty()) return Fail(ErrorCode::kInvalidArgument, "nothing to push is named");
  if (updates.size() > 1) arguments.push_back("--atomic");
  std::set<std::string> names;
  for (const RefUpdate& update : updates) {
    SLUICE_CHECK(CheckRefs({update.ref}));
    for (const std::string* oid : {&update.new_oid, &update.expected_old}) {
      if (!oid->empty() &&
          (oid->size() != 40 || oid->find_first_not_of("0123456789abcdef") != std::string::npos)) {
        return Fail(ErrorCode::kInvalidArgument,
                    "'" + EscapeControl(*oid) + "' is not an object id of 40 hex digits");
      }
    }
    if (!names.insert(update.ref).second)
      return Fail(ErrorCode::kInvalidArgument, "'" + update.ref + "' is pushed twice");
    arguments.push_back("--force-with-lease=" + update.ref + ":" + update.expected_old);
  }
  arguments.insert(arguments.end(), {"--", url_.text});
  for (const RefUpdate& update : updates) arguments.push_back(update.new_oid + ":" + update.ref);
  return arguments;
}

Result<PushResult> RemoteImpl::Push(const std::vector<RefUpdate>& updates, const Call& call) {
  SLUICE_TRY(auto arguments, PushArguments(updates));
  SLUICE_TRY(const Turnstile::Turn turn, Begin(pushes_, call));
  const std::string doing = "pushing to " + At();
  const auto result = RunRemote(std::move(arguments), call);
  std::vector<std::string> names;
  for (const RefUpdate& update : updates) names.push_back(update.ref);
  const auto done = [&](PushResult outcome) {
    effects_.Done(EffectKind::kPush, Join(names, " "));
    return outcome;
  };
  if (!result && result.error().code() == ErrorCode::kCancelled) {
    return done({PushOutcome::kUnknown, doing + " was stopped half way"});
  }
  if (!result) return Fail(result.error().With(doing));
  const auto outcome = ClassifyPush(updates, {result->stdout_text, result->stderr_text,
                                              result->timed_out || result->signal != 0});
  if (!outcome) return Fail(ExplainGitFailure(doing, result->stderr_text, config_));
  return done(*outcome);
}

}  // namespace

Result<std::unique_ptr<Remote>> MakeRemote(RemoteOptions options, Metrics& metrics,
                                           Effects& effects) {
  const RepositoryConfig& config = options.repository;
  const PlainHttp plain_http =
      config.allow_insecure ? PlainHttp::kAllowed : PlainHttp::kLoopbackOnly;
  SLUICE_TRY(RemoteUrl url, ParseRemoteUrl(config.url, plain_http));
  if (!config.username_file.empty() && config.token_file.empty()) {
    return Fail(ErrorCode::kInvalidConfig,
                "repository.usernameFile is set without repository.tokenFile; set both");
  }
  // Read once now, so that a file that cannot be used is an error of the configuration.
  { SLUICE_TRY(const auto environment, RemoteEnvironment(url, config)); }
  std::unique_ptr<HttpListing> http;
  if (url.kind == RemoteUrl::Kind::kHttp) {
    SLUICE_TRY(http, HttpListing::Make(url, config, metrics));
  }
  return std::unique_ptr<Remote>(std::make_unique<RemoteImpl>(std::move(options), std::move(url),
                                                              std::move(http), metrics, effects));
}

std::string MirrorRef(const std::string& remote_ref) {
  constexpr std::string_view kRefs = "refs/";
  const std::string_view rest = remote_ref.starts_with(kRefs)
                                    ? std::string_view(remote_ref).substr(kRefs.size())
                                    : remote_ref;
  return "refs/remotes/origin/" + std::string(rest);
}

}  // namespace sluice::git
