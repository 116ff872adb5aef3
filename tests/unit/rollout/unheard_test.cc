// Pushes of a verdict or a revert that were lost, or landed unheard.
#include <algorithm>
#include <filesystem>

#include "tests/unit/rollout/failing.h"

namespace sluice::rollout {

TEST_CASE("a verdict whose push was lost is in the outbox and is pushed by the next pass") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  using Fault = deploylog::FaultyRemote::Fault;
  world.eu.OnCall([&](const std::string& call) {
    if (call == "assess") world.engine->remote->FailNextPushes({10, Fault::kLostUnknown});
  });
  const auto lost = world.TryPass();
  CHECK_FALSE(lost);
  CHECK(World::TagIn(world.eu) == "good1");  // Git being away does not keep the bad version up
  CHECK(world.OutboxSize() == 1);
  CHECK(world.LastEvent() == "started");
  world.eu.OnCall({});
  world.engine->remote->FailNextPushes({});
  world.Restart();
  world.Settle();
  CHECK(world.OutboxSize() == 0);
  const auto events = world.Events();
  CHECK(std::ranges::count(events, "failed") == 1);
  CHECK(std::ranges::count(events, "reverted") == 1);
  CHECK(World::TagIn(world.eu) == "good1");
  CHECK(world.Get().failed.size() == 1);
}

TEST_CASE("a verdict that cannot be kept on disk takes live back, and is pushed by the next pass") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  using Fault = deploylog::FaultyRemote::Fault;
  const std::filesystem::path outbox = world.data_dir + "/outbox", away = world.data_dir + "/away";
  const bool can_push = GENERATE(true, false);
  world.eu.OnCall([&](const std::string& call) {
    if (call != "assess") return;
    std::filesystem::rename(outbox, away);
    if (!can_push) world.engine->remote->FailNextPushes({10, Fault::kLostUnknown});
    world.eu.OnCall({});
  });
  const auto first = world.TryPass();
  CHECK(first.has_value() == can_push);
  CHECK(World::TagIn(world.eu) == "good1");
  std::filesystem::rename(away, outbox);
  world.engine->remote->FailNextPushes({});
  world.Settle();
  const auto events = world.Events();
  CHECK(std::ranges::count(events, "started") == 2);
  CHECK(std::ranges::count(events, "failed") == 1);
  CHECK(std::ranges::count(events, "reverted") == 1);
  CHECK(World::TagIn(world.eu) == "good1");
}

TEST_CASE("a verdict that landed although nobody heard of it is not pushed twice") {
  World world;
  Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  using Fault = deploylog::FaultyRemote::Fault;
  world.eu.OnCall([&](const std::string& call) {
    if (call == "assess") world.engine->remote->FailNextPushes({Fault::kLandsUnknown});
    if (call == "replace") world.eu.OnCall({});
  });
  auto first = world.TryPass();
  (void)first;
  world.eu.OnCall({});
  world.engine->remote->FailNextPushes({});
  world.Restart();
  world.Settle();
  const auto events = world.Events();
  CHECK(std::ranges::count(events, "failed") == 1);
  CHECK(std::ranges::count(events, "reverted") == 1);
  CHECK(world.OutboxSize() == 0);
}

TEST_CASE("a revert whose push landed unheard is found again and not made twice") {
  World world;
  const std::string bad = Worsen(world);
  world.eu.SetHealth("bad2", Health::kDegraded, "CrashLoopBackOff", true);
  // Asked before each push: after the verdict the next one is that of `rolledback`, and the one
  // after it the revert's.
  using Fault = deploylog::FaultyRemote::Fault;
  auto& remote = *world.engine->remote;
  SECTION("by the same process") {
    remote.before_push = [&] {
      if (world.LastEvent() != "failed") return;
      remote.FailNextPushes({Fault::kLandsUnknown});
      remote.before_push = {};
    };
    CHECK(world.Pass().standing == Standing::kFailed);
  }
  SECTION("by the next one") {
    remote.before_push = [&] {
      if (world.LastEvent() != "failed") return;
      remote.FailNextPushes({Fault::kLandsUnknown});
      remote.before_push = [&remote] { remote.FailLists(true); };
    };
    CHECK_FALSE(world.TryPass());
    CHECK(world.LastEvent() == "rolledback");
    CHECK(world.Get().pending_revert);
    CHECK(world.hub.Git({"rev-parse", "main^"}) == bad);  // it landed
    world.Restart();
  }
  world.Settle();
  CHECK(world.hub.Git({"rev-parse", "main^"}) == bad);
  const auto events = world.Events();
  CHECK(std::ranges::count(events, "reverted") == 1);
  CHECK_FALSE(world.Get().pending_revert);
  const std::string log =
      world.hub.Git({"log", "--grep=Sluice-Event: reverted", "--format=%B", "deployments"});
  CHECK(Has(log, "Sluice-Reverts: " + bad));
  CHECK_FALSE(Has(log, "Sluice-Reverts: " + world.Main()));
}

}  // namespace sluice::rollout
