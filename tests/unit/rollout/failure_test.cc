// A rollout that Failed: the rollback of live, the revert in Git, and where either cannot be.
#include <algorithm>

#include "tests/unit/rollout/failing.h"

namespace sluice::rollout {
namespace {

using targets::Prediction;

}  // namespace

TEST_CASE(
    "content that the server refuses while planning Failed: live is not touched, Git is reverted") {
  World world;
  const std::string good = world.Main();
  Worsen(world);
  world.eu.SetPrediction("bad2", Prediction::Kind::kRefused, "spec.replicas: must be positive");
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kFailed);
  CHECK(result.reason == "ContentRejected");
  CHECK(Has(result.message, "must be positive"));
  CHECK(world.eu.Writes().empty());
  CHECK(world.TreeOf("main") == world.TreeOf(good));
  CHECK(world.Events() == FailureNames{"started", "succeeded", "failed", "reverted"});
  const Record record = world.Get();
  CHECK(record.failed.size() == 1);
  CHECK(record.running->release.version == "good1");
  CHECK_FALSE(record.pending_revert);
  CHECK(world.OutboxSize() == 0);
}

TEST_CASE("content that no server was asked about, for none could take it, Failed all the same") {
  World world;
  const std::string good = world.Main();
  Worsen(world);
  world.eu.SetBlockers({{"ContentRejected", "Secret web: stringData.port is not text", "", true}});
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kFailed);
  CHECK(result.reason == "ContentRejected");
  CHECK(Has(result.message, "stringData.port is not text"));
  CHECK(world.eu.Writes().empty());
  CHECK(world.TreeOf("main") == world.TreeOf(good));
  CHECK(world.Events() == FailureNames{"started", "succeeded", "failed", "reverted"});
}

TEST_CASE("content that only its stage's dry run can refuse Failed with last known good live") {
  World world;
  const std::string good = world.Main();
  Worsen(world);
  world.eu.SetPrediction("bad2", targets::Prediction::Kind::kUnknowable, "its type comes first");
  world.eu.FailObject("dry-run", "Deployment shop/web", kRefusal);
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kFailed);
  CHECK(result.reason == "ContentRejected");
  CHECK(world.eu.Writes().empty());
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.TreeOf("main") == world.TreeOf(good));
}

TEST_CASE("of a refusal the record has one line, and the event the server's words in full") {
  World world;
  Worsen(world);
  world.eu.SetPrediction("bad2", targets::Prediction::Kind::kUnknowable, "its type comes first");
  world.eu.FailObject("dry-run", "Deployment shop/web",
                      Error(kRefusal).WithDetail("core.DeploymentSpec{Replicas:-1}"));
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kFailed);
  CHECK(Has(result.message, "spec.replicas: must be positive"));
  CHECK_FALSE(Has(result.message, "core."));
  CHECK(Has(world.hub.Git({"log", "--format=%B", "deployments"}),
            "core.DeploymentSpec{Replicas:-1}"));
}

TEST_CASE("an unhealthy rollout is rolled back live, then reverted in Git") {
  World world;
  const std::string good = world.Main();
  const std::string bad = Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", /*is_terminal=*/true);
  FailureNames main_at_write;
  world.eu.OnCall([&](const std::string& call) {
    if (call == "apply Deployment shop/web")
      main_at_write.push_back(world.Main() == bad ? "bad" : "reverted");
  });
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kFailed);
  CHECK(result.reason == "CrashLoopBackOff");
  CHECK(main_at_write == FailureNames{"bad", "bad"});  // the rollback does not wait for Git
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.eu.Calls("replace").size() == 1);
  CHECK(world.Events() ==
        FailureNames{"started", "succeeded", "started", "failed", "rolledback", "reverted"});

  CHECK(world.TreeOf("main") == world.TreeOf(good));
  CHECK(world.hub.Git({"rev-parse", "main^"}) == bad);
  const std::string message = world.hub.Git({"log", "-1", "--format=%B", "main"});
  CHECK(message.starts_with("Revert \"Bring the bad one\"\n"));
  CHECK(Has(message, "Sluice-Reverts: " + bad));
  CHECK(Has(message, "Sluice-Reason: CrashLoopBackOff"));
  CHECK(Has(message, "Sluice-Operation: op-"));

  const Record record = world.Get();
  CHECK(record.phase == Phase::kIdle);
  CHECK(record.outcome == Outcome::kFailed);
  CHECK_FALSE(record.IsRollingBack());
  CHECK_FALSE(record.pending_revert);
  CHECK(record.failed.front().revision == bad);
  CHECK(record.releases.front().has_failed);
  CHECK(record.running->release.version == "good1");
}

TEST_CASE("ten passes after a revert add no commit to either branch and no call that writes") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  world.Settle();
  const int main = world.CommitCount("main");
  const int log = world.CommitCount("deployments");
  world.eu.ForgetCalls();
  for (int i = 0; i < 10; ++i) CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.CommitCount("main") == main);
  CHECK(world.CommitCount("deployments") == log);
  CHECK(world.eu.Writes().empty());
  CHECK(world.Get().outcome == Outcome::kSucceeded);
}

TEST_CASE("content that Failed is not tried again, whoever brings it, until somebody asks") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  world.Pass();
  world.Settle();
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "FailedBefore");
  CHECK(Has(held.message, "sluice retry prod/web"));
  CHECK(world.eu.Writes().empty());
  world.eu.Mend();
  world.Request("retry");
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "bad2");
  CHECK(world.Get().outcome == Outcome::kSucceeded);
}

TEST_CASE("retry after a revert commits the failed content again and runs it") {
  World world;
  const std::string bad = Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  world.Pass();
  world.Settle();
  world.eu.Mend();
  world.Request("retry");
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(world.TreeOf("main") == world.TreeOf(bad));
  CHECK(World::TagIn(world.eu) == "bad2");
}

TEST_CASE("a workload that is not healthy in time Failed at its deadline, not before") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kProgressing, "Updating");
  const SystemTime begin = world.engine->clock.SystemNow();
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kFailed);
  CHECK(result.reason == "Updating");
  const Duration took = world.engine->clock.SystemNow() - begin;
  CHECK(took >= Duration(5min));
  CHECK(took < Duration(6min));
  CHECK(World::TagIn(world.eu) == "good1");
}

TEST_CASE("a workload that becomes healthy before its deadline Succeeded") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kProgressing, "Updating", false, 20);
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "bad2");
}

TEST_CASE("a smoke test that says no is a failure that names the test") {
  World world;
  world.Commit({{kDirectory + "app.yaml", AppYaml("[eu]", kSmokeTest)}});
  Worsen(world);
  world.http.on_request = [&] { world.http.status = World::TagIn(world.eu) == "bad2" ? 500 : 200; };
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kFailed);
  CHECK(result.reason == "SmokeTestFailed");
  CHECK(Has(result.message, "'up'"));
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.LastEvent() == "reverted");
  CHECK(Has(world.hub.Git({"log", "--grep=Sluice-Event: failed", "--format=%B", "deployments"}),
            "Sluice-Smoke: up=failed"));
}

TEST_CASE("the first rollout has nothing to go back to: nothing is deleted and nothing reverted") {
  World world;
  const std::string main = world.Main();
  world.eu.SetHealth("good1", Health::kDegraded, "CrashLoopBackOff", true);
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kFailed);
  CHECK(world.Get().reason == "NoLastKnownGood");
  CHECK(world.Main() == main);
  CHECK(world.eu.Calls("delete").empty());
  CHECK(world.eu.Find(kDeployment));
  CHECK(world.Events() == FailureNames{"started", "failed"});
  REQUIRE(world.Get().running);
  CHECK(world.Get().running->revision == main);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good2")}});
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "good2");
}

TEST_CASE("onFailure freeze keeps the failed version and Git as they are") {
  World world;
  world.Commit({{"environments/prod/environment.yaml",
                 EnvironmentYaml("  onFailure: {live: freeze, git: none}\n")}});
  const std::string bad = Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(World::TagIn(world.eu) == "bad2");
  CHECK(world.Main() == bad);
  REQUIRE(world.Get().frozen);
  CHECK(world.Get().frozen->by == "sluice");
  world.eu.ForgetCalls();
  CHECK(world.Pass().reason == "Frozen");
  CHECK(world.eu.Calls().empty());
  // What was kept is what runs: it has not drifted from what ran before.
  REQUIRE(world.Get().running);
  CHECK(world.Get().running->revision == bad);
  world.Pass(/*is_drift_due=*/true);
  CHECK(world.Get().drift.empty());
}

TEST_CASE("git none rolls live back and leaves the branch alone") {
  World world;
  world.Commit({{"environments/prod/environment.yaml",
                 EnvironmentYaml("  onFailure: {live: rollback, git: none}\n")}});
  const std::string bad = Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.Main() == bad);
  world.eu.ForgetCalls();
  CHECK(world.Pass().reason == "FailedBefore");
  CHECK(world.eu.Writes().empty());
}

TEST_CASE("a failure outside the unit's directory is rolled back live and frozen, not reverted") {
  World world;
  // The targets are part of the fingerprint; they come from environment.yaml.
  std::string moved = EnvironmentYaml();
  moved.replace(moved.find("namespace: shop"), std::string("namespace: shop").size(),
                "namespace: mall");
  const std::string bad = Worsen(world, {{"environments/prod/environment.yaml", moved}});
  world.eu.SetHealth("good1", Health::kDegraded, "CrashLoopBackOff", true, 1);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(world.Main() == bad);
  REQUIRE(world.Get().frozen);
  CHECK(world.Get().reason == "SharedInputFailed");
  CHECK(world.LastEvent() == "frozen");
}

TEST_CASE(
    "a branch that refuses the revert gets it on a branch of its own, and the unit is frozen") {
  World world;
  const std::string bad = Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  git::WriteFile(world.hub.path + "/hooks/update",
                 "#!/bin/sh\n[ \"$1\" = refs/heads/main ] && echo 'main is protected' >&2 && exit "
                 "1\nexit 0\n");
  git::Run({"chmod", "+x", world.hub.path + "/hooks/update"});
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(world.Main() == bad);
  CHECK(World::TagIn(world.eu) == "good1");
  const Record record = world.Get();
  CHECK(record.reason == "RevertRefused");
  REQUIRE(record.frozen);
  const std::string branch = "sluice/revert/prod-web-" + record.rollout;
  CHECK(Has(record.message, branch));
  CHECK(world.hub.Git({"rev-parse", branch + "^"}) == bad);
}

TEST_CASE("a revert leaves the commits of other teams in place") {
  World world;
  const std::string good = world.Main();
  Worsen(world);
  world.Commit({{"docs/notes.md", "theirs\n"}});
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  CHECK(world.TreeOf("main") == world.TreeOf(good));
  CHECK(world.hub.Git({"show", "main:docs/notes.md"}) == "theirs");
}

TEST_CASE("newer content that came meanwhile is not reverted") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  std::string fix;
  world.eu.OnCall([&](const std::string& call) {
    if (call == "replace")
      fix = world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")}});
  });
  CHECK(world.Pass().standing == Standing::kFailed);
  world.eu.OnCall({});
  CHECK(world.Main() == fix);
  world.Settle();
  CHECK(World::TagIn(world.eu) == "good3");
  CHECK(world.Main() == fix);
}

TEST_CASE("values of Secrets reach neither records nor messages") {
  World world;
  const std::string value = "hunter2-in-plain";
  world.Pass();
  world.Commit({{kDirectory + "secret.yaml",
                 "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: " +
                     value + "}\n"},
                {kDirectory + "release.yaml", ReleaseYaml("bad2")}});
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  CHECK(world.Pass().standing == Standing::kFailed);
  world.Commit({{kDirectory + "secret.yaml",
                 "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: " +
                     value + "}\n"}});
  world.eu.SetPrediction("\"Secret\"", Prediction::Kind::kRefused,
                         "stringData.password: invalid value \"" + value + "\"");
  const PassResult refused = world.Pass();
  CHECK(refused.standing == Standing::kFailed);
  CHECK_FALSE(Has(refused.message, value));
  CHECK_FALSE(Has(world.hub.Git({"log", "-p", "--format=%B", "deployments", "--", "prod/web.json"}),
                  value));
  CHECK_FALSE(Has(world.hub.Git({"log", "--format=%B", "deployments"}), value));
  CHECK_FALSE(Has(world.hub.Git({"log", "-5", "--format=%B", "main"}), value));
}

}  // namespace sluice::rollout
