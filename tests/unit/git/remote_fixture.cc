#include "tests/unit/git/remote_fixture.h"

#include <filesystem>

#include "tests/support/catch.h"

namespace sluice::git {

std::string MakeBareRepository() {
  const std::string directory = MakeTemporaryDirectory() + "/config.git";
  Run({"git", "init", "-q", "--bare", "-b", "main", directory});
  Git(directory, {"config", "http.receivepack", "true"});
  return directory;
}

RepositoryConfig AtUrl(const std::string& url) {
  RepositoryConfig config;
  config.url = url;
  return config;
}

Engine::Engine(RepositoryConfig config) : mirror(MakeMirror()) {
  auto made = MakeRemote({std::move(config), mirror.path}, metrics, effects);
  if (!made) FAIL(made.error().message());
  remote = std::move(*made);
}

PushResult Engine::Push(std::vector<RefUpdate> updates) {
  auto result = remote->Push(updates, TestCall());
  if (!result) FAIL(result.error().message());
  return *result;
}

std::string Engine::Listed(const std::string& ref) {
  auto refs = remote->List({ref}, TestCall());
  if (!refs) FAIL(refs.error().message());
  return refs->contains(ref) ? refs->at(ref) : "";
}

namespace {

const std::string kLease = "refs/sluice/lease/deployments";

void CheckEmpty(Engine& one) {
  CHECK(one.Listed(kMain).empty());
  const auto empty = one.remote->Fetch({kMain}, TestCall());
  REQUIRE_FALSE(empty);
  CHECK(empty.error().code() == ErrorCode::kNotFound);
  CHECK(empty.error().reason() == "RepositoryEmpty");
}

// A first push; the same again is no harm. Listing takes exact names.
std::string CheckFirstPush(const std::string& directory, Engine& one) {
  std::string first = one.Commit("", "a.yaml", "1");
  CHECK(one.Push({{kMain, first, ""}}).outcome == PushOutcome::kLanded);
  CHECK(one.Push({{kMain, first, ""}}).outcome == PushOutcome::kLanded);
  CHECK(Git(directory, {"rev-parse", kMain}) == first);
  Git(directory, {"update-ref", "refs/heads/main-two", first});
  Git(directory, {"update-ref", "refs/heads/x/refs/heads/main", first});
  const auto listed = one.remote->List({kMain, "refs/heads/mai", "refs/heads/none"}, TestCall());
  REQUIRE(listed);
  CHECK(*listed == std::map<std::string, std::string>{{kMain, first}});
  return first;
}

// Fetching, and what is missing.
void CheckFetch(Engine& two, const std::string& first) {
  REQUIRE(two.remote->Fetch({kMain}, TestCall()));
  CHECK(two.mirror->Resolve(MirrorRef(kMain)).value() == first);
  CHECK(two.mirror->ReadFile(first, "a.yaml").value() == "1");
  const auto missing = two.remote->Fetch({kMain, kLog}, TestCall());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().reason() == "BranchNotFound");
  CHECK(missing.error().message().find("branch 'deployments'") != std::string::npos);
  CHECK(missing.error().message().find("main'") == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(two.mirror.path + "/FETCH_HEAD"));
}

// The other moved first: raced, and nothing of ours is there. Returns what lost.
std::string CheckRace(const std::string& directory, Engine& one, Engine& two,
                      const std::string& first, const std::string& log) {
  REQUIRE(two.remote->Fetch({kMain, kLog}, TestCall()));
  const std::string theirs = two.Commit(first, "b.yaml", "2");
  std::string ours = one.Commit(first, "c.yaml", "3");
  CHECK(two.Push({{kMain, theirs, first}}).outcome == PushOutcome::kLanded);
  const PushResult raced = one.Push({{kLog, one.Commit(log, "x", "y"), log}, {kMain, ours, first}});
  CHECK(raced.outcome == PushOutcome::kRaced);
  CHECK(raced.message.find(kMain) != std::string::npos);
  CHECK(Git(directory, {"rev-parse", kMain}) == theirs);
  CHECK(Git(directory, {"rev-parse", kLog}) == log);
  CHECK(one.Push({{kMain, ours, ""}}).outcome == PushOutcome::kRaced);  // it exists
  return ours;
}

// A rewritten branch arrives too; a lease is replaced and dropped by its exact value.
void CheckRewrite(const std::string& directory, Engine& one, Engine& two, const std::string& first,
                  const std::string& log) {
  Git(directory, {"update-ref", kMain, first});
  REQUIRE(two.remote->Fetch({kMain}, TestCall()));
  CHECK(two.mirror->Resolve(MirrorRef(kMain)).value() == first);
  const std::string renewed = one.Commit("", "lease", "2");
  CHECK(one.Push({{kLease, renewed, log}}).outcome == PushOutcome::kLanded);
  CHECK(two.Push({{kLease, "", log}}).outcome == PushOutcome::kRaced);
  CHECK(two.Push({{kLease, "", renewed}}).outcome == PushOutcome::kLanded);
  CHECK(one.Listed(kLease).empty());
}

// A hook that says no.
void CheckRefusal(const std::string& directory, Engine& one, const std::string& first,
                  const std::string& ours) {
  const std::string hook = directory + "/hooks/pre-receive";
  WriteFile(
      hook,
      "#!/bin/sh\necho 'GH006: protected branch, see http://me:pass@host/rules' >&2\nexit 1\n");
  std::filesystem::permissions(hook, std::filesystem::perms::owner_all);
  const PushResult refused = one.Push({{kMain, ours, first}});
  CHECK(refused.outcome == PushOutcome::kRefused);
  CHECK(refused.message.find("GH006: protected branch") != std::string::npos);
  CHECK(refused.message.find("pass@") == std::string::npos);
  CHECK(Git(directory, {"rev-parse", kMain}) == first);
}

}  // namespace

void CheckTransport(const std::string& directory, const RepositoryConfig& config) {
  Engine one(config), two(config);
  CheckEmpty(one);
  const std::string first = CheckFirstPush(directory, one);
  CheckFetch(two, first);
  // Two refs at once, all or nothing.
  const std::string log = one.Commit("", "log.json", "{}");
  CHECK(one.Push({{kLog, log, ""}, {kLease, log, ""}}).outcome == PushOutcome::kLanded);
  CHECK(two.Listed(kLease) == log);
  const std::string ours = CheckRace(directory, one, two, first, log);
  CheckRewrite(directory, one, two, first, log);
  CheckRefusal(directory, one, first, ours);
  CHECK(one.effects.Counts()["push"] == 7);
  CHECK(one.metrics.Snapshot().git_calls >= 12);
}

}  // namespace sluice::git
