#include "engine/deploylog/deploy_log.h"
#include "tests/unit/deploylog/log_fixture.h"

namespace sluice::deploylog {

TEST_CASE("a request is one commit by the person who asked and needs no lease") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  const auto command = Engine::Command(hub);
  Request request;
  request.verb = "freeze";
  request.unit = kUnit;
  const auto too_early = command->log->AddRequest(request, kAda, command->MakeCall());
  REQUIRE_FALSE(too_early);
  CHECK(too_early.error().code() == ErrorCode::kNotFound);
  REQUIRE(a->Append(MakeEntry()));

  const std::string id = Ask(*command, "freeze", "data migration");
  CHECK(hub.Git({"log", "-1", "--format=%an <%ae>%n%s%n%b", kBranch})
            .starts_with("Ada Lovelace <ada@example.test>\nprod/checkout: freeze requested\ndata "
                         "migration\n"));
  CHECK(hub.Git({"log", "-1", "--format=%(trailers:key=Sluice-Event,valueonly,separator=)",
                 kBranch}) == "request");
  CHECK(
      hub.Git({"log", "-1", "--format=%(trailers:key=Sluice-Engine,valueonly,separator=)", kBranch})
          .empty());
  CHECK(hub.Git({"diff", "--name-status", kBranch + "~1", kBranch}) ==
        "A\trequests/" + id + ".json");

  REQUIRE(a->Refresh());
  REQUIRE(a->Get()->requests.size() == 1);
  const Request& seen = a->Get()->requests[0];
  CHECK(seen.id == id);
  CHECK(seen.verb == "freeze");
  CHECK(seen.unit == kUnit);
  CHECK(seen.reason == "data migration");
  CHECK(seen.by == "Ada Lovelace <ada@example.test>");
  CHECK(seen.at == std::chrono::floor<std::chrono::seconds>(command->clock.SystemNow()));

  Entry entry = MakeEntry(EventKind::kFrozen);
  entry.removed_requests = {id};
  REQUIRE(a->Append(entry));
  CHECK(a->Get()->requests.empty());
  CHECK(hub.Git({"ls-tree", "-r", "--name-only", kBranch}) == "prod/checkout.json");
  const auto history = a->log->History({.kind = EventKind::kRequest});
  REQUIRE(history);
  REQUIRE(history->size() == 1);
  CHECK((*history)[0].author == "Ada Lovelace <ada@example.test>");
}

TEST_CASE(
    "requests are read oldest first with the person of each, however many events came since") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry()));
  const auto command = Engine::Command(hub);
  const std::string first = Ask(*command, "freeze");
  command->clock.Advance(1s);
  const std::string second = Ask(*command, "retry");
  REQUIRE(a->Refresh());
  for (int i = 0; i < 5; ++i)
    REQUIRE(a->Append(MakeEntry(EventKind::kHealth, kUnit, std::to_string(i))));
  const auto b = Engine::Command(hub);
  REQUIRE(b->Refresh());
  for (const Engine* engine : {a.get(), b.get()}) {
    const auto state = engine->Get();
    REQUIRE(state->requests.size() == 2);
    CHECK(state->requests[0].id == first);
    CHECK(state->requests[1].id == second);
    CHECK(state->requests[0].by == "Ada Lovelace <ada@example.test>");
    CHECK(state->requests[0].at < state->requests[1].at);
  }
}

TEST_CASE("of requests within one second the one that was added last comes last") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry()));
  const auto command = Engine::Command(hub);
  REQUIRE(a->Refresh());
  std::vector<std::string> asked = {Ask(*command, "unfreeze")};
  REQUIRE(a->Refresh());
  asked.push_back(Ask(*command, "freeze"));
  asked.push_back(Ask(*command, "retry"));
  asked.push_back(Ask(*command, "adopt"));
  const auto b = Engine::Command(hub);
  for (Engine* engine : {a.get(), b.get()}) {
    REQUIRE(engine->Refresh());
    std::vector<std::string> ids;
    for (const Request& request : engine->Get()->requests) ids.push_back(request.id);
    CHECK(ids == asked);
  }
}

TEST_CASE("a request that is not one is refused before it is sent") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry()));
  Request request;
  request.verb = "explode";
  request.unit = kUnit;
  CHECK(a->log->AddRequest(request, kAda, a->MakeCall()).error().code() ==
        ErrorCode::kInvalidArgument);
  request.verb = "adopt";
  request.unit = {"prod", "../x"};
  CHECK(a->log->AddRequest(request, kAda, a->MakeCall()).error().code() ==
        ErrorCode::kInvalidArgument);
  request.unit = kUnit;
  request.objects.assign(200, std::string(60, 'x'));
  CHECK_THAT(a->log->AddRequest(request, kAda, a->MakeCall()).error().message(),
             Catch::Contains("too many objects"));
  CHECK(Count(hub) == "1");
}

}  // namespace sluice::deploylog
