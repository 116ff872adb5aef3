#include "tests/unit/deploylog/log_fixture.h"

namespace sluice::deploylog {

void FaultyRemote::FailNextPushes(std::deque<Fault> faults) {
  const std::lock_guard lock(mutex_);
  faults_ = std::move(faults);
}

void FaultyRemote::CloseGate() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
}

void FaultyRemote::OpenGate() {
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = false;
  }
  changed_.notify_all();
}

void FaultyRemote::WaitForPushAtGate() {
  std::unique_lock lock(mutex_);
  REQUIRE(changed_.wait_for(lock, std::chrono::seconds(60), [&] { return at_gate_ > 0; }));
}

Result<std::map<std::string, std::string>> FaultyRemote::List(const std::vector<std::string>& refs,
                                                              const Call& call) {
  ++lists_;
  if (before_list) before_list();
  if (lists_fail_) return Fail(ErrorCode::kUnavailable, "the network is away");
  return real_.List(refs, call);
}

Status FaultyRemote::Fetch(const std::vector<std::string>& refs, const Call& call) {
  ++fetches_;
  return real_.Fetch(refs, call);
}

Result<git::PushResult> FaultyRemote::Push(const std::vector<git::RefUpdate>& updates,
                                           const Call& call) {
  ++pushes_;
  std::optional<Fault> fault;
  {
    std::unique_lock lock(mutex_);
    if (is_closed_) {
      ++at_gate_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return !is_closed_; });
      --at_gate_;
    }
    if (!faults_.empty()) {
      fault = faults_.front();
      faults_.pop_front();
    }
  }
  // A copy: it may put another in its place.
  if (const auto hook = before_push) hook();
  if (!fault) return real_.Push(updates, call);
  switch (*fault) {
    case Fault::kRefused:
      return git::PushResult{git::PushOutcome::kRefused, "protected branch"};
    case Fault::kLostUnknown:
      break;
    case Fault::kLandsUnknown: {
      auto landed = real_.Push(updates, call);
      if (!landed) return landed;
      break;
    }
  }
  return git::PushResult{git::PushOutcome::kUnknown, "the connection was reset"};
}

Hub::Hub() : path(git::MakeTemporaryDirectory() + "/hub.git") {
  git::Run({"git", "init", "-q", "--bare", "-b", "main", path});
  git::TestMirror source = git::MakeMirror();
  revision = git::CommitFiles(*source.mirror, "",
                              {{"sluice.yaml", "kind: Pipeline\n"},
                               {"environments/prod/environment.yaml", "kind: Environment\n"},
                               {"environments/prod/checkout/app.yaml", "kind: Application\n"},
                               {"environments/prod/checkout/deploy.yaml", "kind: Deployment\n"},
                               {"environments/prod/web/app.yaml", "kind: Application\n"}});
  git::Git(source.path, {"push", "-q", path, revision + ":refs/heads/main"});
}

std::string Hub::EditLog(const std::map<std::string, std::string>& files,
                         const std::string& message) const {
  const std::string work = git::MakeTemporaryDirectory() + "/work";
  git::Run({"git", "clone", "-q", "-b", kBranch, path, work});
  for (const auto& [name, content] : files) {
    if (content.empty()) {
      git::Git(work, {"rm", "-q", name});
    } else {
      git::WriteFile(work + "/" + name, content);
    }
  }
  git::Git(work, {"add", "-A"});
  git::Git(work, {"commit", "-q", "-m", message});
  git::Git(work, {"push", "-q", "origin", kBranch});
  return git::Git(work, {"rev-parse", "HEAD"});
}

Engine::Engine(const Hub& hub, std::string engine_id, std::string directory)
    : Engine(hub, std::move(engine_id), std::move(directory), true) {}

std::unique_ptr<Engine> Engine::Command(const Hub& hub, std::string data_dir) {
  return std::unique_ptr<Engine>(new Engine(hub, "", std::move(data_dir), false));
}

Engine::Engine(const Hub& hub, std::string engine_id, std::string directory, bool has_lease)
    : id(std::move(engine_id)), data_dir(std::move(directory)) {
  auto opened = git::Mirror::Open(data_dir + "/mirror", git::Mirror::Access::kReadWrite, {});
  if (!opened) FAIL(opened.error().message());
  mirror = *std::move(opened);
  RepositoryConfig repository;
  repository.url = hub.path;
  auto made = git::MakeRemote({repository, mirror->path()}, metrics, effects);
  if (!made) FAIL(made.error().message());
  real_remote = *std::move(made);
  remote = std::make_unique<FaultyRemote>(*real_remote);
  const git::Person identity{"sluice", "sluice@example.test"};
  if (has_lease) {
    lease = std::make_unique<Lease>(*mirror, *remote, clock,
                                    LeaseOptions{.log_branch = kBranch,
                                                 .engine = id,
                                                 .holder = "sluice run of " + id,
                                                 .identity = identity});
  }
  log = std::make_unique<DeployLog>(*mirror, *remote, lease.get(), clock,
                                    Options{.branch = kBranch,
                                            .path = ".",
                                            .engine = id,
                                            .identity = identity,
                                            .state_dir = data_dir + "/log"});
}

std::string Engine::ListTip() {
  auto refs = remote->List({kBranchRef}, MakeCall());
  if (!refs) FAIL(refs.error().message());
  return (*refs)[kBranchRef];
}

Status Engine::Acquire() {
  auto refs = remote->List({kLeaseRef}, MakeCall());
  if (!refs) FAIL(refs.error().message());
  return lease->TryAcquire((*refs)[kLeaseRef], MakeCall());
}

std::unique_ptr<Engine> StartEngine(const Hub& hub, const std::string& id, std::string data_dir) {
  auto engine = std::make_unique<Engine>(hub, id, std::move(data_dir));
  if (auto status = engine->Acquire(); !status) FAIL(status.error().message());
  if (auto status = engine->Refresh(); !status) FAIL(status.error().message());
  return engine;
}

Record MakeRecord(const UnitId& unit, const std::string& reason) {
  Record record;
  record.unit = unit;
  record.phase = Phase::kApplying;
  record.reason = reason;
  record.rollout = "r-0000000001";
  return record;
}

Entry MakeEntry(EventKind kind, const UnitId& unit, const std::string& reason) {
  Entry entry;
  entry.event.kind = kind;
  entry.event.summary = ToString(unit) + ": " + std::string(ToString(kind));
  entry.record = MakeRecord(unit, reason);
  return entry;
}

std::string Count(const Hub& hub) { return hub.Git({"rev-list", "--count", kBranch}); }

std::string Ask(const Engine& command, const std::string& verb, const std::string& reason) {
  Request request;
  request.verb = verb;
  request.unit = kUnit;
  request.reason = reason;
  auto id = command.log->AddRequest(request, kAda, command.MakeCall());
  if (!id) FAIL(id.error().message());
  return *id;
}

}  // namespace sluice::deploylog
