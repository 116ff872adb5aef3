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

void CheckTransport(const std::string& directory, const RepositoryConfig& config) {
  Engine one(config), two(config);

  // Empty.
  CHECK(one.Listed(kMain).empty());
  const auto empty = one.remote->Fetch({kMain}, TestCall());
  REQUIRE_FALSE(empty);
  CHECK(empty.error().code() == ErrorCode::kNotFound);
  CHECK(empty.error().reason() == "RepositoryEmpty");

  // A first push; the same again is no harm.
  const std::string first = one.Commit("", "a.yaml", "1");
  CHECK(one.Push({{kMain, first, ""}}).outcome == PushOutcome::kLanded);
  CHECK(one.Push({{kMain, first, ""}}).outcome == PushOutcome::kLanded);
  CHECK(Git(directory, {"rev-parse", kMain}) == first);

  // Listing takes exact names.
  Git(directory, {"update-ref", "refs/heads/main-two", first});
  Git(directory, {"update-ref", "refs/heads/x/refs/heads/main", first});
  const auto listed = one.remote->List({kMain, "refs/heads/mai", "refs/heads/none"}, TestCall());
  REQUIRE(listed);
  CHECK(*listed == std::map<std::string, std::string>{{kMain, first}});

  // Fetching, and what is missing.
  REQUIRE(two.remote->Fetch({kMain}, TestCall()));
  CHECK(two.mirror->Resolve(MirrorRef(kMain)).value() == first);
  CHECK(two.mirror->ReadFile(first, "a.yaml").value() == "1");
  const auto missing = two.remote->Fetch({kMain, kLog}, TestCall());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().reason() == "BranchNotFound");
  CHECK(missing.error().message().find("branch 'deployments'") != std::string::npos);
  CHECK(missing.error().message().find("main'") == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(two.mirror.path + "/FETCH_HEAD"));

  // Two refs at once, all or nothing.
  const std::string lease = "refs/sluice/lease/deployments";
  const std::string log = one.Commit("", "log.json", "{}");
  CHECK(one.Push({{kLog, log, ""}, {lease, log, ""}}).outcome == PushOutcome::kLanded);
  CHECK(two.Listed(lease) == log);

  // The other moved first: raced, and nothing of ours is there.
  REQUIRE(two.remote->Fetch({kMain, kLog}, TestCall()));
  const std::string theirs = two.Commit(first, "b.yaml", "2");
  const std::string ours = one.Commit(first, "c.yaml", "3");
  CHECK(two.Push({{kMain, theirs, first}}).outcome == PushOutcome::kLanded);
  const PushResult raced = one.Push({{kLog, one.Commit(log, "x", "y"), log}, {kMain, ours, first}});
  CHECK(raced.outcome == PushOutcome::kRaced);
  CHECK(raced.message.find(kMain) != std::string::npos);
  CHECK(Git(directory, {"rev-parse", kMain}) == theirs);
  CHECK(Git(directory, {"rev-parse", kLog}) == log);
  CHECK(one.Push({{kMain, ours, ""}}).outcome == PushOutcome::kRaced);  // it exists

  // A rewritten branch arrives too; a lease is replaced and dropped by its exact value.
  Git(directory, {"update-ref", kMain, first});
  REQUIRE(two.remote->Fetch({kMain}, TestCall()));
  CHECK(two.mirror->Resolve(MirrorRef(kMain)).value() == first);
  const std::string renewed = one.Commit("", "lease", "2");
  CHECK(one.Push({{lease, renewed, log}}).outcome == PushOutcome::kLanded);
  CHECK(two.Push({{lease, "", log}}).outcome == PushOutcome::kRaced);
  CHECK(two.Push({{lease, "", renewed}}).outcome == PushOutcome::kLanded);
  CHECK(one.Listed(lease).empty());

  // A hook that says no.
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

  CHECK(one.effects.Counts()["push"] == 7);
  CHECK(one.metrics.Snapshot().git_calls >= 12);
}

}  // namespace sluice::git
