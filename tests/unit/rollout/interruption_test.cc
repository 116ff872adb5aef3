// Rollouts that are interrupted at each of their steps, and what a restart makes of an open one.
#include <algorithm>

#include "tests/unit/rollout/rollout_world.h"

namespace sluice::rollout {
namespace {

using Strs = std::vector<std::string>;

// Interrupts at the first call that begins so.
void InterruptAt(World& world, const std::string& step, Interruption what) {
  world.eu.OnCall([&world, step, what](const std::string& call) {
    if (call.starts_with(step)) world.interruption = what;
  });
}

// A rollout of new2 on top of good1 whose process dies at `step`; nothing that comes after is
// pushed or written.
void DieAt(World& world, const std::string& step) {
  world.eu.OnCall([&world, step](const std::string& call) {
    if (!call.starts_with(step)) return;
    using Fault = deploylog::FaultyRemote::Fault;
    world.engine->remote->FailNextPushes({100, Fault::kLostUnknown});
    world.interruption = Interruption::kStopped;
  });
  (void)world.TryPass().has_value();
  world.eu.OnCall({});
  world.Restart();
}

void BringNext(World& world) {
  REQUIRE(world.Pass().standing == Standing::kDone);
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("new2")},
                {kDirectory + "config.yaml", ConfigMapYaml("web", "2")}});
}

// Live calls that would change something, dry runs included, after the first call that begins with
// `step`.
Strs WritesAfter(const World& world, const std::string& step) {
  Strs calls = world.eu.Calls();
  const auto at =
      std::ranges::find_if(calls, [&](const auto& call) { return call.starts_with(step); });
  REQUIRE(at != calls.end());
  calls.erase(calls.begin(), at + 1);
  std::erase_if(calls, [](const auto& call) { return call == "await" || call == "assess"; });
  return calls;
}

const Strs kSteps = {"apply ConfigMap", "await", "apply Deployment", "assess"};

}  // namespace

TEST_CASE(
    "a newer commit supersedes a rollout at every step, and no write begins after it is seen") {
  for (const std::string& step : kSteps) {
    INFO(step);
    World world;
    BringNext(world);
    world.eu.SetHealth("new2", Health::kProgressing);
    InterruptAt(world, step, Interruption::kSuperseded);
    world.eu.ForgetCalls();
    const PassResult result = world.Pass();
    CHECK(result.look_again);
    CHECK(world.LastEvent() == "superseded");
    const Record record = world.Get();
    CHECK(record.phase == Phase::kIdle);
    CHECK(record.outcome == Outcome::kSuperseded);
    CHECK(record.failed.empty());
    CHECK(WritesAfter(world, step) == Strs{});
    world.interruption = Interruption::kNone;
    world.eu.OnCall({});
    world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")}});
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "good3");
  }
}

TEST_CASE("a freeze cancels a rollout at every step and leaves live as it is") {
  for (const std::string& step : kSteps) {
    INFO(step);
    World world;
    BringNext(world);
    world.eu.SetHealth("new2", Health::kProgressing);
    InterruptAt(world, step, Interruption::kFrozen);
    world.eu.ForgetCalls();
    world.Pass();
    CHECK(world.LastEvent() == "cancelled");
    CHECK(world.Get().outcome == Outcome::kCancelled);
    CHECK(world.Get().reason == "Frozen");
    CHECK(world.Get().attempt == 0);
    CHECK(world.Get().targets.at("eu").phase == Phase::kIdle);
    CHECK(WritesAfter(world, step) == Strs{});
  }
}

TEST_CASE("an interruption while smoke tests run ends them, with no verdict spoken") {
  World world;
  world.Commit({{kDirectory + "app.yaml", AppYaml("[eu]", kSmokeTest)}});
  BringNext(world);
  using Row = std::tuple<Interruption, std::string, std::string>;
  const auto [what, event, reason] =
      GENERATE(Row{Interruption::kSuperseded, "superseded", "Superseded"},
               Row{Interruption::kFrozen, "cancelled", "Frozen"},
               Row{Interruption::kStopped, "cancelled", "Stopped"});
  world.http.on_request = [&] {
    world.http.status = 500;
    world.interruption = what;
  };
  world.Pass();
  CHECK(world.LastEvent() == event);
  CHECK(world.Get().reason == reason);
  CHECK(world.Get().failed.empty());
  CHECK(World::TagIn(world.eu) == "new2");
}

TEST_CASE(
    "the end of the process cancels a rollout, counts no attempt, and the next process goes on") {
  for (const std::string& step : kSteps) {
    INFO(step);
    World world;
    BringNext(world);
    world.eu.SetHealth("new2", Health::kProgressing);
    InterruptAt(world, step, Interruption::kStopped);
    world.Pass();
    CHECK(world.LastEvent() == "cancelled");
    CHECK(world.Get().reason == "Stopped");
    world.eu.OnCall({});
    world.eu.Mend();
    world.Restart();
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "new2");
    CHECK(world.Get().attempt == 1);
    CHECK(world.Get().outcome == Outcome::kSucceeded);
  }
}

TEST_CASE("a lost lease ends the pass without a record and without a further write") {
  World world;
  BringNext(world);
  world.eu.OnCall([&](const std::string& call) {
    if (!call.starts_with("apply ConfigMap")) return;
    world.engine->lease->Lost();
    world.interruption = Interruption::kLeaseLost;
  });
  world.eu.ForgetCalls();
  const auto result = world.TryPass();
  REQUIRE_FALSE(result);
  CHECK(result.error().code() == ErrorCode::kHeldElsewhere);
  CHECK(world.LastEvent() == "started");
  CHECK(world.eu.Writes() == Strs{"apply ConfigMap shop/web"});
}

TEST_CASE(
    "a rollout found open is resumed, whatever its step was, and ends as if nothing had "
    "been") {
  for (const std::string& step : kSteps) {
    INFO(step);
    World world;
    BringNext(world);
    world.eu.SetHealth("new2", Health::kProgressing, "", false, 1);
    DieAt(world, step);
    CHECK(world.LastEvent() == "started");
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "new2");
    CHECK(world.Events() == Strs{"started", "succeeded", "started", "started", "succeeded"});
    CHECK(world.Get().attempt == 2);
  }
}

TEST_CASE("a rollout that comes further each time goes on, however often its process dies") {
  World world;
  BringNext(world);
  for (const std::string& step : kSteps) DieAt(world, step);
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "new2");
}

TEST_CASE("a rollout found open at the same place again and again is held, and retry runs it") {
  World world;
  BringNext(world);
  DieAt(world, "apply ConfigMap");
  DieAt(world, "apply Deployment");
  for (int i = 0; i < 2; ++i) DieAt(world, "assess");
  world.eu.ForgetCalls();
  const PassResult held = world.Pass();
  CHECK(held.standing == Standing::kHeld);
  CHECK(held.reason == "OutcomeUnknown");
  CHECK(held.message.find("found open 3 times at the same place, with 0 changes not applied") !=
        std::string::npos);
  CHECK(world.Pass().reason == "OutcomeUnknown");
  CHECK(world.eu.Writes().empty());
  const auto events = world.Events();
  CHECK(std::ranges::count(events, "held") == 1);
  world.Request("retry");
  CHECK(world.Settle().standing == Standing::kDone);
  CHECK(World::TagIn(world.eu) == "new2");
}

TEST_CASE(
    "a rollout found open in a unit that was frozen meanwhile is cancelled, live left as it is") {
  for (const std::string& step : kSteps) {
    INFO(step);
    World world;
    BringNext(world);
    world.eu.SetHealth("new2", Health::kProgressing, "", false, 1);
    DieAt(world, step);
    const std::string live = World::TagIn(world.eu);
    world.Request("freeze");
    world.eu.ForgetCalls();
    CHECK(world.Settle().reason == "Frozen");
    CHECK(world.Events() ==
          Strs{"started", "succeeded", "started", "request", "frozen", "cancelled"});
    const Record record = world.Get();
    CHECK(record.phase == Phase::kIdle);
    CHECK(record.outcome == Outcome::kCancelled);
    CHECK(record.reason == "Frozen");
    CHECK(record.attempt == 0);
    CHECK(record.failed.empty());
    CHECK(world.eu.Calls().empty());
    CHECK(World::TagIn(world.eu) == live);
    world.Request("unfreeze");
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "new2");
    CHECK(world.Get().attempt == 1);
  }
}

TEST_CASE(
    "a removal found open in a unit that was frozen meanwhile is cancelled and begun again later") {
  World world;
  world.Commit({{"environments/prod/environment.yaml",
                 EnvironmentYaml("  prune: {removedApplications: delete}\n")}});
  REQUIRE(world.Pass().standing == Standing::kDone);
  Files gone;
  for (const char* name : {"app.yaml", "release.yaml", "config.yaml", "deploy.yaml"})
    gone[kDirectory + name] = "";
  world.Commit(gone);
  DieAt(world, "delete-dry-run");
  world.Request("freeze");
  world.eu.ForgetCalls();
  CHECK(world.Settle().reason == "Frozen");
  CHECK(world.LastEvent() == "cancelled");
  CHECK(world.Get().phase == Phase::kIdle);
  CHECK(world.eu.Writes().empty());
  world.Request("unfreeze");
  world.Settle();
  CHECK(world.LastEvent() == "removed");
  CHECK_FALSE(world.eu.Find(kDeployment));
}

TEST_CASE("new content supersedes a rollout that was found open, frozen or not") {
  World world;
  BringNext(world);
  DieAt(world, "apply ConfigMap");
  world.Commit({{kDirectory + "release.yaml", ReleaseYaml("good3")}});
  SECTION("not frozen") {
    CHECK(world.Settle().standing == Standing::kDone);
    CHECK(World::TagIn(world.eu) == "good3");
  }
  SECTION("frozen") {
    world.Request("freeze");
    CHECK(world.Settle().reason == "Frozen");
    CHECK(World::TagIn(world.eu) == "good1");
    CHECK_FALSE(world.Get().IsOpen());
  }
  const auto events = world.Events();
  CHECK(std::ranges::count(events, "superseded") == 1);
  CHECK(std::ranges::count(events, "cancelled") == 0);
}

TEST_CASE("a rollback that was cut short is resumed by the next process") {
  World world;
  BringNext(world);
  world.eu.SetHealth("new2", Health::kDegraded, "CrashLoopBackOff", true);
  world.eu.OnCall([&](const std::string& call) {
    if (call == "prepare" && world.eu.Calls("assess").size() > 1) {
      world.eu.Fail("observe", Error(ErrorCode::kUnavailable, "gone"), 1);
    }
  });
  const PassResult cut = world.Pass();
  CHECK(cut.standing == Standing::kErrored);
  CHECK(world.Get().phase == Phase::kRollingBack);
  CHECK(World::TagIn(world.eu) == "new2");
  world.eu.OnCall({});
  world.Restart();
  world.Settle();
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.Events() ==
        Strs{"started", "succeeded", "started", "failed", "rolledback", "reverted", "succeeded"});
}

TEST_CASE("a rollback yields to newer content, after its verdict is in the log") {
  World world;
  BringNext(world);
  world.eu.SetHealth("new2", Health::kDegraded, "CrashLoopBackOff", true);
  world.eu.OnCall([&](const std::string& call) {
    if (call == "replace") world.interruption = Interruption::kSuperseded;
  });
  const PassResult result = world.Pass();
  CHECK(result.look_again);
  const auto events = world.Events();
  CHECK(events == Strs{"started", "succeeded", "started", "failed", "superseded"});
  CHECK_FALSE(world.Get().IsRollingBack());
  CHECK(world.Get().failed.size() == 1);
}

namespace {

const Strs kRollbackSteps = {"prepare",          "observe", "predict", "apply ConfigMap",
                             "apply Deployment", "replace", "assess"};

// What it is rolled back to is slow to come back, so that there is a wait to be interrupted.
void BringOneThatFails(World& world) {
  BringNext(world);
  world.eu.SetHealth("new2", Health::kDegraded, "CrashLoopBackOff", true);
  world.eu.SetHealth("good1", Health::kProgressing, "", false, 1);
}

// Calls back at the first call of the rollback that begins so: after the health of new2 was read.
void OnRollbackStep(World& world, const std::string& step, std::function<void()> then) {
  world.eu.ForgetCalls();
  world.eu.OnCall([&world, step, then](const std::string& call) {
    const size_t assessed = world.eu.Calls("assess").size();
    const bool is_rolling_back = assessed > (step == "assess" ? 1 : 0);
    if (is_rolling_back && call.starts_with(step)) then();
  });
}

}  // namespace

TEST_CASE("the end of the process leaves a rollback open, and the next one resumes it") {
  for (const std::string& step : kRollbackSteps) {
    INFO(step);
    World world;
    BringOneThatFails(world);
    OnRollbackStep(world, step, [&] { world.interruption = Interruption::kStopped; });
    world.Pass();
    CHECK(world.Get().IsRollingBack());
    CHECK(world.LastEvent() == "failed");
    CHECK(world.Get().phase == Phase::kRollingBack);
    world.eu.OnCall({});
    world.Restart();
    world.Settle();
    CHECK(World::TagIn(world.eu) == "good1");
    CHECK(world.Events() ==
          Strs{"started", "succeeded", "started", "failed", "rolledback", "reverted", "succeeded"});
    CHECK(world.Get().failed.size() == 1);
  }
}

TEST_CASE("a crash at any step of a rollback comes to the same end") {
  for (const std::string& step : kRollbackSteps) {
    INFO(step);
    World world;
    BringOneThatFails(world);
    OnRollbackStep(world, step, [&] {
      using Fault = deploylog::FaultyRemote::Fault;
      world.engine->remote->FailNextPushes({100, Fault::kLostUnknown});
      world.interruption = Interruption::kStopped;
    });
    (void)world.TryPass().has_value();
    world.eu.OnCall({});
    world.Restart();
    world.Settle();
    CHECK(World::TagIn(world.eu) == "good1");
    const auto events = world.Events();
    for (const char* once : {"failed", "rolledback", "reverted"}) {
      INFO(once);
      CHECK(std::ranges::count(events, once) == 1);
    }
    CHECK(world.OutboxSize() == 0);
    CHECK(world.Get().failed.size() == 1);
    CHECK(world.Get().outcome == Outcome::kSucceeded);
  }
}

TEST_CASE("a freeze does not stop a rollback that is decided; the unit is frozen afterwards") {
  for (const std::string& step : kRollbackSteps) {
    INFO(step);
    World world;
    BringOneThatFails(world);
    OnRollbackStep(world, step, [&] { world.interruption = Interruption::kFrozen; });
    CHECK(world.Pass().standing == Standing::kFailed);
    CHECK(World::TagIn(world.eu) == "good1");
    CHECK(world.LastEvent() == "reverted");
    world.eu.OnCall({});
    world.interruption = Interruption::kNone;
    world.Request("freeze");
    CHECK(world.Settle().reason == "Frozen");
  }
}

}  // namespace sluice::rollout
