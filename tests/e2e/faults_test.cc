// Clusters and Git that misbehave: no verdict is no failure, and nothing is reverted for it.
#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

std::string Text(const Ran& ran) {
  return std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

int Count(const World& world, const std::string& kind) {
  const auto kinds = world.EventKinds("dev/web");
  return static_cast<int>(std::count(kinds.begin(), kinds.end(), kind));
}

void AddWeb(World& world) {
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  world.Commit("Add web");
}

void CommitBad(World& world) {
  world.WriteRelease("dev", "web", "http500-1", "bad");
  world.Commit("Bad");
}

// What the config repo's server runs for each ref that is pushed: $1 the ref, $3 its new commit.
void HookUpdates(World& world, const std::string& script) {
  const std::string hook = world.Dir() + "/origin.git/hooks/update";
  WriteFile(hook, "#!/bin/sh\n" + script);
  world.Git({"config", "core.hooksPath", world.Dir() + "/origin.git/hooks"});
  REQUIRE(Run({{"/bin/chmod", "+x", hook}, {}, "", "", seconds(10)}).exit_code == 0);
}

}  // namespace

TEST_CASE("a proxy that answers 200 with {} is no verdict, for writes, reads and deletions") {
  const std::string fault =
      GENERATE(as<std::string>{}, "empty:verb=apply,dryRun=false,count=3",
               "empty:verb=get,resource=deployments,count=3", "empty:verb=list,count=3");
  World world({.faults = {fault}});
  AddWeb(world);
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  // Either it was tried again within the same sync, or it ended Errored and nothing was said of it.
  if (ran.exit_code != 0) {
    CHECK(ran.exit_code == 1);
    CHECK(ran.err.find("AnswerNotTheObject") != std::string::npos);
    CHECK(Count(world, "succeeded") == 0);
  }
  CHECK(Count(world, "failed") == 0);
  CHECK(Count(world, "reverted") == 0);
  CHECK(world.Sluice({"sync"}).exit_code == 0);
  CHECK(world.Image("dev", "web").ends_with("good-1"));
}

TEST_CASE("a busy API server is waited for, and the rollout succeeds") {
  World world({.faults = {"429:verb=patch,count=3,retryAfter=1"}});
  AddWeb(world);
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 0);
  CHECK(Count(world, "failed") == 0);
}

TEST_CASE(
    "an API server that keeps failing gives no verdict: errored, recorded once, nothing reverted") {
  World world({.faults = {"500:verb=apply,count=100000"}});
  AddWeb(world);
  const Ran ran = world.Sluice({"sync"}, seconds(400));
  INFO(Text(ran));
  CHECK(ran.exit_code == 1);
  CHECK(Count(world, "errored") == 1);
  CHECK(Count(world, "failed") == 0);
  CHECK(world.CommitCount("main") == 1);
}

TEST_CASE("on an API server that answers late, a good release succeeds and a bad one is reverted") {
  World world({.faults = {"stale:seconds=3"}});
  AddWeb(world);
  // The new namespace is not there at once, either.
  REQUIRE(Eventually([&] { return world.Sluice({"sync"}).exit_code == 0; }));
  world.WriteRelease("dev", "web", "good-2", "2");
  world.Commit("Good");
  const Ran good = world.Sluice({"sync"});
  INFO(Text(good));
  CHECK(good.exit_code == 0);
  CHECK(world.Record("dev/web")["outcome"] == "Succeeded");
  world.WriteRelease("dev", "web", "http500-3", "3");
  world.Commit("Bad");
  const Ran bad = world.Sluice({"sync"});
  INFO(Text(bad));
  CHECK(bad.exit_code == 3);
  CHECK(Count(world, "failed") == 1);
  CHECK(Count(world, "reverted") == 1);
  world.Pull();
  CHECK(world.Read("environments/dev/web/release.yaml").find("good-2") != std::string::npos);
  // The server's answers come up to it: it is the good one that runs.
  CHECK(
      Eventually([&] { return world.Image("dev", "web") == "registry.example/shop/web:good-2"; }));
  CHECK(world.Sluice({"sync"}).exit_code == 0);
}

TEST_CASE(
    "a branch that refuses the revert leaves it on a branch of its own and freezes the unit") {
  World world;
  AddWeb(world);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  CommitBad(world);
  HookUpdates(world,
              "[ \"$1\" != refs/heads/main ] || { echo 'main is protected' >&2; exit 1; }\n");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 3);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
  const auto record = world.Record("dev/web");
  CHECK(record["reason"] == "RevertRefused");
  CHECK(record["message"].get<std::string>().find("main is protected") != std::string::npos);
  CHECK(record.contains("frozen"));
  CHECK_FALSE(world.Git({"for-each-ref", "refs/heads/sluice/revert/"}).empty());
}

TEST_CASE("a rewritten config branch stops syncing and says so") {
  World world;
  AddWeb(world);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const std::string tree = world.Git({"rev-parse", "main^{tree}"});
  std::string other = world.Git({"-c", "user.name=x", "-c", "user.email=x@example.com",
                                 "commit-tree", tree.substr(0, 40), "-m", "Rewritten"});
  world.Git({"update-ref", "refs/heads/main", other.substr(0, 40)});
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 1);
  CHECK(ran.err.find("was rewritten") != std::string::npos);
  CHECK(ran.err.find("sluice init --accept-history") != std::string::npos);
  const Ran accept = world.Sluice({"init", "--accept-history"});
  INFO(Text(accept));
  CHECK(accept.exit_code == 0);
  CHECK(world.Sluice({"sync"}).exit_code == 0);
}

TEST_CASE("a sync that ends by an error still tells what Failed before it") {
  World world;
  AddWeb(world);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  CommitBad(world);
  // The branch is taken back behind our back while the verdict is pushed.
  HookUpdates(world,
              "[ \"$1\" = refs/heads/deployments ] || exit 0\n"
              "git log -1 --format=%B \"$3\" | grep -q 'Event: failed' || exit 0\n"
              "env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main refs/heads/main~1\n"
              "exit 0\n");
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 3);
  CHECK(ran.out.find("dev/web") != std::string::npos);
  CHECK(ran.out.find("Failed") != std::string::npos);
  CHECK(ran.err.find("was rewritten") != std::string::npos);
}

TEST_CASE("a lost deploy log stops everything until a person begins a new one") {
  World world;
  AddWeb(world);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  world.Git({"update-ref", "-d", "refs/heads/deployments"});
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 1);
  CHECK(ran.err.find("sluice init --new-log") != std::string::npos);
  const std::string fresh = world.WriteDaemonYaml("fresh");
  const Ran elsewhere = world.SluiceWith(fresh, {"sync"});
  INFO(Text(elsewhere));
  CHECK(elsewhere.exit_code == 1);
  CHECK(elsewhere.err.find("deploy log is empty") != std::string::npos);
  const Ran init = world.Sluice({"init", "--new-log"});
  INFO(Text(init));
  CHECK(init.exit_code == 0);
  const Ran again = world.Sluice({"sync"});
  INFO(Text(again));
  CHECK(again.exit_code == 0);
  CHECK(world.Record("dev/web")["outcome"] == "Succeeded");
}

}  // namespace sluice::e2e
