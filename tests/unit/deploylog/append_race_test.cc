// Pushes that race, get lost or are refused.
#include <thread>

#include "engine/deploylog/deploy_log.h"
#include "tests/unit/deploylog/log_fixture.h"

namespace sluice::deploylog {
namespace {

using Fault = FaultyRemote::Fault;

// Runs `action` before the first push only.
void BeforeNextPush(Engine& engine, std::function<void()> action) {
  engine.remote->before_push = [&engine, action = std::move(action)] {
    const auto once = action;
    engine.remote->before_push = nullptr;
    once();
  };
}

}  // namespace

TEST_CASE("an append that a request came before is built again on top of it") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  const auto command = Engine::Command(hub);
  std::string id;
  BeforeNextPush(*a, [&] { id = Ask(*command, "freeze"); });
  REQUIRE(a->Append(MakeEntry(EventKind::kSucceeded, kUnit, "Done")));
  CHECK(hub.Git({"log", "--reverse", "--format=%(trailers:key=Sluice-Event,valueonly,separator=)",
                 kBranch}) == "started\nrequest\nsucceeded");
  CHECK(a->Get()->records.at(kUnit)->reason == "Done");
  REQUIRE(a->Get()->requests.size() == 1);
  CHECK(a->Get()->requests[0].id == id);
  CHECK(a->lease->IsHeld());
}

TEST_CASE("a request that an append came before is built again on top of it") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  const auto command = Engine::Command(hub);
  BeforeNextPush(*command, [&] { REQUIRE(a->Append(MakeEntry(EventKind::kSucceeded))); });
  Ask(*command, "retry");
  CHECK(hub.Git({"log", "--reverse", "--format=%(trailers:key=Sluice-Event,valueonly,separator=)",
                 kBranch}) == "started\nsucceeded\nrequest");
}

TEST_CASE("a request of unknown outcome is sent once") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  const auto command = Engine::Command(hub);
  command->remote->FailNextPushes({GENERATE(Fault::kLandsUnknown, Fault::kLostUnknown)});
  Ask(*command, "retry");
  CHECK(Count(hub) == "2");
}

TEST_CASE("an engine that lost the lease to another writes no more") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  Engine b(hub, "e-b");
  REQUIRE_FALSE(b.Acquire());
  b.clock.Advance(60s);
  REQUIRE(b.Acquire());
  REQUIRE(b.Refresh());
  const bool has_written = GENERATE(true, false);
  if (has_written) REQUIRE(b.Append(MakeEntry(EventKind::kErrored)));
  const std::string count = Count(hub);

  const auto status = a->Append(MakeEntry(EventKind::kSucceeded));
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kHeldElsewhere);
  CHECK_THAT(status.error().message(), Catch::Contains("e-b"));
  CHECK_FALSE(a->lease->IsHeld());
  const auto again = a->Append(MakeEntry(EventKind::kSucceeded));
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == ErrorCode::kHeldElsewhere);
  CHECK(Count(hub) == count);
  REQUIRE(b.Append(MakeEntry(EventKind::kCancelled)));
}

TEST_CASE("a foreign engine's commit ends the pass even where the lease still seems ours") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  hub.EditLog({{"notes.txt", "x"}}, "forged\n\nSluice-Event: started\nSluice-Engine: e-x");
  const auto status = a->Append(MakeEntry(EventKind::kSucceeded));
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kHeldElsewhere);
  CHECK_THAT(status.error().message(), Catch::Contains("engine e-x"));
}

TEST_CASE("a record changed by hand meanwhile is not overwritten") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  hub.EditLog({{"prod/checkout.json", FormatRecord(MakeRecord(kUnit, "ByHand"))}});
  const auto status = a->Append(MakeEntry(EventKind::kSucceeded));
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kConflict);
  CHECK(status.error().reason() == "LogMoved");
  CHECK(a->Get()->records.at(kUnit)->reason == "ByHand");
  CHECK(a->lease->IsHeld());
  // Another unit's entry goes through on top of it.
  hub.EditLog({{"prod/checkout.json", FormatRecord(MakeRecord(kUnit, "AgainByHand"))}});
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted, {"dev", "web"})));
  CHECK(a->Get()->records.at(kUnit)->reason == "AgainByHand");
}

TEST_CASE("a push of unknown outcome is looked up and lands exactly once") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  const bool is_first = GENERATE(true, false);
  if (!is_first) REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  const auto faults =
      GENERATE(values<std::deque<Fault>>({{Fault::kLandsUnknown},
                                          {Fault::kLostUnknown},
                                          {Fault::kLostUnknown, Fault::kLandsUnknown},
                                          {Fault::kLostUnknown, Fault::kLostUnknown}}));
  a->remote->FailNextPushes(faults);
  REQUIRE(a->Append(MakeEntry(EventKind::kSucceeded, kUnit, "Done")));
  CHECK(Count(hub) == (is_first ? "1" : "2"));
  CHECK(a->Get()->tip == hub.Git({"rev-parse", kBranch}));
  CHECK(a->Get()->records.at(kUnit)->reason == "Done");
  CHECK(a->lease->IsHeld());
  a->clock.Advance(20s);
  CHECK(a->lease->RenewIfDue(a->MakeCall()));
}

TEST_CASE("a push whose outcome cannot be learnt is unavailable, and the next refresh tells") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  const std::string tip = a->Get()->tip;
  a->remote->FailNextPushes(std::deque<Fault>(1, Fault::kLandsUnknown));
  a->remote->before_push = [&] { a->remote->FailLists(true); };
  Entry entry = MakeEntry(EventKind::kSucceeded);
  entry.event.trailers = {{"Operation", "op-77"}};
  // The tries after the first lose the race against it.
  const auto status = a->Append(entry);
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kUnavailable);
  CHECK(status.error().reason() == "LogPushUnknown");
  CHECK(a->Get()->tip == tip);
  a->remote->before_push = nullptr;
  a->remote->FailLists(false);
  REQUIRE(a->Refresh());
  CHECK(Count(hub) == "2");
  const auto history = a->log->History({.limit = 1});
  REQUIRE(history);
  CHECK((*history)[0].trailers.back().second == "e-a");
  CHECK((*history)[0].trailers[(*history)[0].trailers.size() - 2].second == "op-77");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
}

TEST_CASE("an append after an outcome that was never learnt does not overwrite what landed") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  a->remote->FailNextPushes({Fault::kLandsUnknown});
  a->remote->before_push = [&] { a->remote->FailLists(true); };
  REQUIRE_FALSE(a->Append(MakeEntry(EventKind::kFailed, kUnit, "Bad")));
  a->remote->before_push = nullptr;
  a->remote->FailLists(false);
  const auto same_unit = a->Append(MakeEntry(EventKind::kFailed, kUnit, "Bad again"));
  REQUIRE_FALSE(same_unit);
  CHECK(same_unit.error().code() == ErrorCode::kConflict);
  CHECK(a->Get()->records.at(kUnit)->reason == "Bad");
  CHECK(Count(hub) == "2");
}

TEST_CASE("a refused push names the server's words and what to allow") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  git::WriteFile(hub.path + "/hooks/pre-receive",
                 "#!/bin/sh\necho 'deployments is protected' >&2\nexit 1\n");
  git::Run({"chmod", "+x", hub.path + "/hooks/pre-receive"});
  const auto status = a->Append(MakeEntry());
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kPermissionDenied);
  CHECK(status.error().reason() == "LogPushRefused");
  CHECK_THAT(status.error().message(), Catch::Contains("refs/sluice/*"));
  CHECK(a->Get()->tip.empty());
}

TEST_CASE("entries that wait at the same time share one push") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  const int pushes = a->remote->pushes();
  a->remote->CloseGate();
  std::array<Status, 4> results;
  std::vector<std::jthread> threads;
  const auto append = [&](size_t i) {
    threads.emplace_back([&, i] {
      results[i] = a->Append(MakeEntry(EventKind::kHeld, {"dev", "app-" + std::to_string(i)}));
    });
  };
  append(0);
  a->remote->WaitForPushAtGate();
  for (size_t i = 1; i < results.size(); ++i) append(i);
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (a->log->PendingAppends() < 3 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  REQUIRE(a->log->PendingAppends() == 3);
  a->remote->OpenGate();
  threads.clear();
  for (const Status& result : results) CHECK(result);
  CHECK(a->remote->pushes() == pushes + 2);
  CHECK(Count(hub) == "5");
  CHECK(a->Get()->records.size() == 5);
}

TEST_CASE("an entry that waited too long behind another push is withdrawn") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  a->remote->CloseGate();
  Status first;
  std::jthread thread([&] { first = a->Append(MakeEntry(EventKind::kStarted)); });
  a->remote->WaitForPushAtGate();
  Call call{std::chrono::steady_clock::now() + 10ms, {}};
  const auto late = a->log->Append(MakeEntry(EventKind::kHeld, {"dev", "web"}), call);
  REQUIRE_FALSE(late);
  CHECK(late.error().code() == ErrorCode::kDeadlineExceeded);
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = a->log->Append(MakeEntry(EventKind::kHeld, {"dev", "web"}),
                                      {a->MakeCall().deadline, stop.get_token()});
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code() == ErrorCode::kCancelled);
  CHECK(a->log->PendingAppends() == 0);
  a->remote->OpenGate();
  thread.join();
  REQUIRE(first);
  CHECK(Count(hub) == "1");
}

TEST_CASE("appends, renewals, refreshes and requests from several threads lose nothing") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  const auto command = Engine::Command(hub);
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, t] {
        const UnitId unit{"dev", "app-" + std::to_string(t)};
        for (int i = 0; i < 4; ++i)
          failures += a->Append(MakeEntry(EventKind::kHealth, unit, std::to_string(i))) ? 0 : 1;
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; i < 4; ++i) {
        a->clock.Advance(20s);
        failures += a->lease->RenewIfDue(a->MakeCall()) ? 0 : 1;
        (void)a->lease->MayWriteLive(Permission::kLease);
      }
    });
    threads.emplace_back([&] {
      for (int i = 0; i < 4; ++i) {
        auto refs = a->remote->List({kBranchRef}, a->MakeCall());
        failures += refs && a->log->Refresh((*refs)[kBranchRef], a->MakeCall()) ? 0 : 1;
        (void)a->Get()->records.size();
      }
    });
    threads.emplace_back([&] {
      for (int i = 0; i < 3; ++i) {
        Request request;
        request.verb = "retry";
        request.unit = kUnit;
        failures += command->log->AddRequest(request, kAda, command->MakeCall()) ? 0 : 1;
      }
    });
  }
  CHECK(failures == 0);
  REQUIRE(a->Refresh());
  CHECK(Count(hub) == "16");
  CHECK(a->Get()->requests.size() == 3);
  for (int t = 0; t < 3; ++t)
    CHECK(a->Get()->records.at({"dev", "app-" + std::to_string(t)})->reason == "3");
}

}  // namespace sluice::deploylog
