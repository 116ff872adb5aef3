// A rollout without a verdict: it is tried again, and Git is not touched.
#include <algorithm>

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using Strings = std::vector<std::string>;

const Error kUnreachableServer(ErrorCode::kUnavailable, "connection refused");
const Error kThrottled(ErrorCode::kRateLimited, "too many requests");

void BringNew(World& world) {
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.eu.ForgetCalls();
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("new2")}});
}

}  // namespace

TEST_CASE(
    "live that cannot be read is Errored once, again when the reason changes, and backs off") {
  World world;
  BringNew(world);
  world.eu.Fail("observe", kUnreachableServer);
  const SystemTime now = world.engine->clock.SystemNow();
  const PassResult first = world.Pass();
  CHECK(first.standing == Standing::kErrored);
  CHECK(first.reason == "TargetUnreachable");
  CHECK(first.wake == now + Duration(5s));
  CHECK(world.Pass().wake == now + Duration(10s));
  CHECK(world.Pass().wake == now + Duration(20s));
  CHECK(world.Events() == Strings{"started", "succeeded", "errored"});
  world.eu.Fail("observe", kThrottled);
  CHECK(world.Pass().reason == "ServerBusy");
  world.Pass();
  CHECK(world.Events() == Strings{"started", "succeeded", "errored", "errored"});
  CHECK(world.eu.Writes().empty());
  world.eu.Mend();
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.Events() ==
        Strings{"started", "succeeded", "errored", "errored", "started", "succeeded"});
}

TEST_CASE("a deadline that passes while live is unreadable is no verdict") {
  World world;
  BringNew(world);
  world.eu.Fail("assess", kUnreachableServer);
  const std::string main = world.Main();
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kErrored);
  CHECK(world.Main() == main);
  CHECK(World::TagIn(world.eu) == "new2");
  CHECK(world.Get().outcome == Outcome::kErrored);
  CHECK(world.Get().failed.empty());
  world.eu.Mend();
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.Get().attempt == 1);
}

TEST_CASE("a retry with nothing left to apply waits no longer than the first try would have") {
  World world;
  BringNew(world);
  world.eu.SetHealth("new2", Health::kProgressing, "Updating");
  // A right that is missing ends the wait for health at once.
  world.eu.Fail("assess", Error(ErrorCode::kPermissionDenied, "pods is forbidden"), 1);
  const SystemTime begin = world.engine->clock.SystemNow();
  CHECK(world.Pass().standing == Standing::kErrored);
  CHECK(world.Get().open->health_deadline == begin + Duration(5min));
  SECTION("in the same process") {}
  SECTION("after a restart") { world.Restart(); }
  SECTION("after more errors") {
    world.eu.Fail("assess", Error(ErrorCode::kPermissionDenied, "pods is forbidden"), 1);
    world.engine->clock.Advance(1min);
    CHECK(world.Pass().standing == Standing::kErrored);
  }
  world.engine->clock.Advance(begin + 3min - world.engine->clock.SystemNow());
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kFailed);
  const Duration took = world.engine->clock.SystemNow() - begin;
  CHECK(took >= Duration(5min));
  CHECK(took < Duration(5min + 30s));
}

TEST_CASE("past its deadline a retry needs one reading for its verdict") {
  World world;
  BringNew(world);
  world.eu.Fail("assess", Error(ErrorCode::kPermissionDenied, "pods is forbidden"), 1);
  CHECK(world.Pass().standing == Standing::kErrored);
  world.engine->clock.Advance(7min);
  SECTION("a bad one") {
    world.eu.SetHealth("new2", Health::kProgressing, "Updating");
    CHECK(world.Pass().standing == Standing::kFailed);
    CHECK(World::TagIn(world.eu) == "good1");
  }
  SECTION("a good one") {
    CHECK(world.Pass().standing == Standing::kDone);
    CHECK_FALSE(world.Get().open);
  }
}

TEST_CASE("a cluster that was away at the deadline has its whole time once it is back") {
  World world;
  BringNew(world);
  const SystemTime begin = world.engine->clock.SystemNow();
  world.eu.OnCall([&](const std::string& call) {
    const Duration since = world.engine->clock.SystemNow() - begin;
    world.eu.Mend();
    world.eu.SetHealth("new2", Health::kProgressing, "Updating");
    if (call == "assess" && since > Duration(4min)) world.eu.Fail("assess", kUnreachableServer);
  });
  CHECK(world.Pass().standing == Standing::kErrored);
  world.eu.OnCall({});
  world.eu.Mend();
  CHECK_FALSE(world.Get().open->health_deadline);
  world.engine->clock.Advance(30min);
  SECTION("a good release passes") {
    world.eu.SetHealth("new2", Health::kProgressing, "Updating", false, 20);
    CHECK(world.Pass().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "new2");
  }
  SECTION("a bad one fails when that time is over") {
    world.eu.SetHealth("new2", Health::kProgressing, "Updating");
    const SystemTime back = world.engine->clock.SystemNow();
    CHECK(world.Pass().standing == Standing::kFailed);
    CHECK(world.engine->clock.SystemNow() - back >= Duration(5min));
    CHECK(World::TagIn(world.eu) == "good1");
  }
}

TEST_CASE("a cluster that is back before the deadline is over condemns nothing for its outage") {
  World world;
  world.Commit({{kDirectory + "app.yaml", AppYaml("[eu]", "  health: {timeout: 12s}\n")}});
  BringNew(world);
  const SystemTime begin = world.engine->clock.SystemNow();
  const bool is_good = GENERATE(true, false);
  world.eu.OnCall([&](const std::string& call) {
    if (call != "assess") return;
    const Duration since = world.engine->clock.SystemNow() - begin;
    world.eu.Mend();
    if (since > Duration(5s) && since < Duration(10s)) world.eu.Fail("assess", kUnreachableServer);
    if (!is_good || since < Duration(16s))
      world.eu.SetHealth("new2", Health::kProgressing, "Updating");
  });
  CHECK(world.Pass().standing == (is_good ? Standing::kDone : Standing::kFailed));
  CHECK(World::TagIn(world.eu) == (is_good ? "new2" : "good1"));
}

TEST_CASE("a cluster that was away while the retry was planned condemns nothing either") {
  World world;
  const bool is_overdue = GENERATE(false, true);
  world.Commit({{"environments/prod/environment.yaml",
                 EnvironmentYaml("  onError: {after: " + std::string(is_overdue ? "1m" : "1h") +
                                 ", then: hold}\n")}});
  BringNew(world);
  world.eu.Fail("assess", Error(ErrorCode::kPermissionDenied, "pods is forbidden"), 1);
  CHECK(world.Pass().standing == Standing::kErrored);
  world.eu.Fail("observe", kUnreachableServer);
  world.engine->clock.Advance(2min);
  CHECK(world.Pass().standing == Standing::kErrored);
  world.engine->clock.Advance(10min);
  CHECK(world.Pass().standing == Standing::kErrored);
  world.eu.Mend();
  world.eu.SetHealth("new2", Health::kProgressing, "Updating", false, 20);
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "new2");
}

TEST_CASE("what a retry applies only now has its whole time to become healthy") {
  World world;
  BringNew(world);
  world.eu.FailObject("apply", "Deployment shop/web", kUnreachableServer, 1);
  CHECK(world.Pass().standing == Standing::kErrored);
  world.engine->clock.Advance(10min);
  world.eu.SetHealth("new2", Health::kProgressing, "Updating", false, 20);
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "new2");
}

TEST_CASE("the deadline of what a retry applied is in the log, though its error is the same") {
  World world;
  BringNew(world);
  const Error denied(ErrorCode::kPermissionDenied, "is forbidden");
  world.eu.FailObject("apply", "Deployment shop/web", denied, 1);
  CHECK(world.Pass().reason == "PermissionDenied");
  world.engine->clock.Advance(10min);
  world.eu.Fail("assess", denied, 1);
  const SystemTime applied = world.engine->clock.SystemNow();
  CHECK(world.Pass().reason == "PermissionDenied");
  CHECK(world.Get().open->health_deadline == applied + Duration(5min));
}

TEST_CASE("a write that cannot reach the server is Errored and repeated") {
  World world;
  BringNew(world);
  world.eu.FailObject("apply", "Deployment shop/web", kUnreachableServer, 1);
  CHECK(world.Pass().standing == Standing::kErrored);
  CHECK(world.Get().open->errored_since);
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "new2");
  CHECK_FALSE(world.Get().open);
  CHECK(world.Events() == Strings{"started", "succeeded", "started", "errored", "succeeded"});
}

TEST_CASE("a refusal of one object outweighs an unreachable server for another") {
  World world;
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit({{kDirectory + "aaa.yaml", ConfigMapYaml("aaa")},
                {kDirectory + "bbb.yaml", ConfigMapYaml("bbb")}});
  world.eu.FailObject("apply", "ConfigMap shop/aaa", kUnreachableServer);
  world.eu.FailObject("apply", "ConfigMap shop/bbb",
                      Error(ErrorCode::kRejected, "denied by policy"));
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kFailed);
  CHECK(result.reason == "ContentRejected");
}

TEST_CASE("a smoke test without a verdict is Errored, not Failed") {
  World world;
  world.Commit(
      {{kDirectory + "app.yaml",
        AppYaml("[eu]", "  smokeTests: [{name: ready, job: {manifest: job.json}}]\n")},
       {kDirectory + "job.json",
        R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"ready"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"registry.example/probe:1"}]}}}})"}});
  BringNew(world);
  world.eu.Fail("job", kUnreachableServer);
  const std::string main = world.Main();
  const PassResult result = world.Pass();
  CHECK(result.standing == Standing::kErrored);
  CHECK(result.reason == "SmokeTestNoVerdict");
  CHECK(world.Main() == main);
  world.eu.Mend();
  world.eu.SetTaskOutcome({false, "exit code 1"});
  CHECK(world.Pass().standing == Standing::kFailed);
}

TEST_CASE("hold: after onError.after nothing more is written, and the verdict is still read") {
  World world;
  world.Commit({{"environments/prod/environment.yaml",
                 EnvironmentYaml("  onError: {after: 10m, then: hold}\n")}});
  BringNew(world);
  world.eu.Fail("assess", kUnreachableServer);
  CHECK(world.Pass().standing == Standing::kErrored);
  world.engine->clock.Advance(11min);
  world.eu.ForgetCalls();
  const PassResult held = world.Pass();
  CHECK(held.reason == "NoVerdict");
  CHECK(held.wake);
  CHECK(world.eu.Writes().empty());
  const size_t count = world.Events().size();
  world.engine->clock.Advance(1min);
  CHECK(world.Pass().reason == "NoVerdict");
  CHECK(world.eu.Writes().empty());
  CHECK(world.Events().size() <= count + 1);
  world.eu.Mend();
  CHECK(world.Pass().standing == Standing::kDone);
  CHECK(world.Get().outcome == Outcome::kSucceeded);
  CHECK(world.eu.Writes().empty());
}

TEST_CASE("hold: content that is only half applied stays so until a person acts") {
  World world;
  world.Commit({{"environments/prod/environment.yaml",
                 EnvironmentYaml("  onError: {after: 10m, then: hold}\n")}});
  BringNew(world);
  world.eu.FailObject("apply", "Deployment shop/web", kUnreachableServer);
  CHECK(world.Pass().standing == Standing::kErrored);
  world.engine->clock.Advance(11min);
  world.eu.Mend();
  world.eu.ForgetCalls();
  CHECK(world.Pass().reason == "NoVerdict");
  CHECK(world.eu.Writes().empty());
  world.Request("retry");
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "new2");
}

TEST_CASE(
    "rollback: after onError.after live goes back, Git stays, and the content waits for a person") {
  World world;
  world.Commit({{"environments/prod/environment.yaml",
                 EnvironmentYaml("  onError: {after: 10m, then: rollback}\n")}});
  BringNew(world);
  const std::string main = world.Main();
  world.eu.Fail("assess", kUnreachableServer, 200);
  CHECK(world.Pass().standing == Standing::kErrored);
  CHECK(World::TagIn(world.eu) == "new2");
  world.engine->clock.Advance(11min);
  world.eu.FailObject("dry-run", "Deployment shop/web", kUnreachableServer);
  world.eu.Mend();
  world.eu.Fail("observe", kThrottled, 1);
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "NoVerdict");
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.Main() == main);
  world.eu.ForgetCalls();
  const size_t count = world.Events().size();
  world.engine->clock.Advance(1h);
  CHECK(world.Pass().reason == "NoVerdict");  // not tried again by itself
  CHECK(world.eu.Writes().empty());
  CHECK(world.Events().size() == count);
}

}  // namespace sluice::rollout
