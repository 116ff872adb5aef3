#include "engine/deploylog/deploy_log.h"

#include "engine/base/strings.h"
#include "tests/unit/deploylog/log_fixture.h"

namespace sluice::deploylog {
namespace {

std::string Trailer(const Hub& hub, const std::string& key, const std::string& revision = kBranch) {
  return hub.Git({"log", "-1",
                  "--format=%(trailers:key=Sluice-" + key + ",valueonly,separator=%x2C)",
                  revision});
}

ObjectRef Deployment(const std::string& name) { return {"apps", "Deployment", "shop", name}; }

}  // namespace

TEST_CASE("the first append begins an orphan branch with one commit per event in one push") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  CHECK(a->Get()->tip.empty());
  const int pushes = a->remote->pushes();
  std::vector<Entry> entries(2);
  entries[0].event.kind = EventKind::kInitialised;
  entries[0].event.summary = "log begun";
  entries[0].initialised =
      Initialised{"shop", ".", hub.revision, {{kUnit, {"f-0", {"d-0", "v0"}}}}};
  entries[1] = MakeEntry(EventKind::kStarted);
  REQUIRE(a->log->AppendAll(std::move(entries), a->MakeCall()));
  CHECK(a->remote->pushes() == pushes + 1);
  CHECK(Count(hub) == "2");
  CHECK(hub.Git({"rev-list", "--max-parents=0", "--count", kBranch}) == "1");
  CHECK(hub.Git({"log", "--format=%(trailers:key=Sluice-Event,valueonly,separator=)", "--reverse",
                 kBranch}) == "initialised\nstarted");
  CHECK(Trailer(hub, "Engine") == "e-a");
  CHECK(Trailer(hub, "Environment") == "prod");
  CHECK(Trailer(hub, "Application") == "checkout");
  CHECK(Trailer(hub, "Operation").starts_with("op-"));
  CHECK(hub.Git({"log", "-1", "--format=%s", kBranch}) == "prod/checkout: started");
  CHECK(hub.Git({"show", kBranch + ":prod/checkout.json"}) == Trim(FormatRecord(MakeRecord())));

  const auto state = a->Get();
  CHECK(state->tip == hub.Git({"rev-parse", kBranch}));
  CHECK(state->records.at(kUnit) == Shared(MakeRecord()));
  REQUIRE(state->initialised);
  CHECK(state->initialised->revision == hub.revision);
  CHECK(state->initialised->units.at(kUnit).release == ReleaseId{"d-0", "v0"});
}

TEST_CASE("an engine that starts elsewhere reads the same state") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  Entry entry = MakeEntry(EventKind::kStarted);
  entry.inventory = Inventory{{"eu", {Deployment("checkout")}}};
  REQUIRE(a->Append(std::move(entry)));
  REQUIRE(a->Append(MakeEntry(EventKind::kHeld, {"dev", "web"}, "Soaking")));
  REQUIRE(a->lease->Release(a->MakeCall()));
  const auto b = StartEngine(hub, "e-b");
  CHECK(b->Get()->tip == a->Get()->tip);
  CHECK(b->Get()->records == a->Get()->records);
  CHECK(b->Get()->records.size() == 2);
  const auto inventory = b->log->ReadInventory(kUnit);
  REQUIRE(inventory);
  CHECK(*inventory == Inventory{{"eu", {Deployment("checkout")}}});
}

TEST_CASE("refreshing reads nothing when the tip did not move") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry()));
  const int fetches = a->remote->fetches();
  const auto before = a->Get();
  REQUIRE(a->Refresh());
  CHECK(a->Get() == before);
  CHECK(a->remote->fetches() == fetches);
}

TEST_CASE("an append leaves the lease renewed in the same push") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  a->clock.Advance(39s);
  const std::string old = hub.Git({"rev-parse", kLeaseRef});
  const int pushes = a->remote->pushes();
  REQUIRE(a->Append(MakeEntry()));
  CHECK(hub.Git({"rev-parse", kLeaseRef}) != old);
  a->clock.Advance(19s);
  REQUIRE(a->lease->RenewIfDue(a->MakeCall()));
  CHECK(a->remote->pushes() == pushes + 1);
  CHECK(a->lease->MayWriteLive(Permission::kLease));
}

TEST_CASE("without the lease nothing is written") {
  const Hub hub;
  Engine a(hub, "e-a");
  REQUIRE(a.Refresh());
  const auto status = a.Append(MakeEntry());
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kHeldElsewhere);
  CHECK(hub.Git({"for-each-ref", kBranchRef}).empty());
  const auto command = Engine::Command(hub);
  const auto refused = command->Append(MakeEntry());
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message(), Catch::Contains("for reading only"));
}

TEST_CASE("inventory and created lists are written, shrunk and removed") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  Entry entry = MakeEntry();
  entry.inventory = Inventory{{"eu", {Deployment("a"), {"", "Namespace", "", "shop"}}},
                              {"us", {Deployment("a")}}};
  entry.created = Inventory{{"eu", {Deployment("a")}}};
  REQUIRE(a->Append(entry));
  CHECK(hub.Git({"show", kBranch + ":prod/checkout.inventory"}) ==
        "eu /Namespace//shop\neu apps/Deployment/shop/a\nus apps/Deployment/shop/a");
  CHECK(*a->log->ReadCreated(kUnit) == *entry.created);
  CHECK(*a->log->ReadInventory(kUnit) == *entry.inventory);
  Entry end = MakeEntry(EventKind::kSucceeded);
  end.inventory = Inventory{{"eu", {Deployment("a")}}};
  end.created = Inventory{};
  REQUIRE(a->Append(end));
  CHECK(*a->log->ReadInventory(kUnit) == *end.inventory);
  CHECK(a->log->ReadCreated(kUnit)->empty());
  CHECK(hub.Git({"ls-tree", "-r", "--name-only", kBranch}) ==
        "prod/checkout.inventory\nprod/checkout.json");
  // Nothing was ever recorded of this one.
  CHECK(a->log->ReadInventory({"dev", "web"})->empty());
}

TEST_CASE("an inventory that cannot be read is an error, never an empty one") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry()));
  hub.EditLog({{"prod/checkout.inventory", "eu apps/Deployment/shop/a\nnonsense\n"}});
  REQUIRE(a->Refresh());
  const auto inventory = a->log->ReadInventory(kUnit);
  REQUIRE_FALSE(inventory);
  CHECK(inventory.error().code() == ErrorCode::kCorrupted);
  CHECK_THAT(inventory.error().message(),
             Catch::Contains("prod/checkout.inventory") && Catch::Contains("line 2"));
}

TEST_CASE("last known good is kept as the config repo's own objects and replaced whole") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  CHECK_FALSE(a->log->OpenGood(kUnit)->has_value());
  REQUIRE(a->remote->Fetch({"refs/heads/main"}, a->MakeCall()));
  Entry entry = MakeEntry(EventKind::kSucceeded);
  entry.good_commit = hub.revision;
  entry.good_paths = {"sluice.yaml", "environments/prod/environment.yaml",
                      "environments/prod/checkout"};
  REQUIRE(a->Append(entry));
  CHECK(hub.Git({"ls-tree", "-r", "--name-only", kBranch + ":prod/checkout.good"}) ==
        "environments/prod/checkout/app.yaml\nenvironments/prod/checkout/deploy.yaml\n"
        "environments/prod/environment.yaml\nsluice.yaml");
  CHECK(hub.Git({"rev-parse", kBranch + ":prod/checkout.good/environments/prod/checkout"}) ==
        hub.Git({"rev-parse", "main:environments/prod/checkout"}));
  auto good = a->log->OpenGood(kUnit);
  REQUIRE(good);
  REQUIRE(good->has_value());
  const auto files = (**good)->List("environments/prod/checkout");
  REQUIRE(files);
  CHECK(files->size() == 2);

  entry.good_paths = {"sluice.yaml"};
  REQUIRE(a->Append(entry));
  CHECK(hub.Git({"ls-tree", "-r", "--name-only", kBranch + ":prod/checkout.good"}) ==
        "sluice.yaml");
  const auto missing = [&] {
    entry.good_paths = {"sluice.yaml", "environments/prod/nothing"};
    return a->Append(entry);
  }();
  REQUIRE_FALSE(missing);
  CHECK_THAT(missing.error().message(), Catch::Contains("environments/prod/nothing"));
}

TEST_CASE("a removed unit leaves nothing in the tree but its history") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  Entry entry = MakeEntry(EventKind::kSucceeded);
  entry.inventory = Inventory{{"eu", {Deployment("a")}}};
  REQUIRE(a->Append(entry));
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted, {"prod", "web"})));
  Entry removed = MakeEntry(EventKind::kRemoved);
  removed.removes_unit = true;
  REQUIRE(a->Append(removed));
  CHECK(hub.Git({"ls-tree", "-r", "--name-only", kBranch}) == "prod/web.json");
  CHECK_FALSE(a->Get()->records.contains(kUnit));
  CHECK(a->Get()->records.contains({"prod", "web"}));
}

TEST_CASE("history is filtered, newest first, and passes over commits made by hand") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted)));
  hub.EditLog({{"README.md", "notes\n"}}, "Add notes\n\nSluice-Event: nonsense");
  REQUIRE(a->Refresh());
  a->clock.Advance(5s);
  Entry entry = MakeEntry(EventKind::kFailed);
  entry.event.body = "smoke test 'up' said no\n--- not a trailer\nSluice-Event: succeeded";
  entry.event.trailers = {
      {"Environment", "prod"}, {"Application", "checkout"}, {"Reason", "SmokeTestFailed"},
      {"Reverts", "c1"},       {"Reverts", "c2"},           {"Operation", "op-1"}};
  REQUIRE(a->Append(entry));
  REQUIRE(a->Append(MakeEntry(EventKind::kStarted, {"dev", "web"})));

  const auto all = a->log->History({});
  REQUIRE(all);
  REQUIRE(all->size() == 3);
  CHECK((*all)[0].kind == EventKind::kStarted);
  const Event& failed = (*all)[1];
  CHECK(failed.kind == EventKind::kFailed);
  CHECK(failed.summary == "prod/checkout: failed");
  CHECK_THAT(failed.body, Catch::StartsWith("smoke test 'up' said no\n"));
  CHECK(failed.author == "sluice <sluice@example.test>");
  CHECK(failed.commit == hub.Git({"rev-parse", kBranch + "~1"}));
  CHECK(failed.time == std::chrono::floor<std::chrono::seconds>(a->clock.SystemNow()));
  CHECK(failed.trailers ==
        std::vector<std::pair<std::string, std::string>>{{"Event", "failed"},
                                                         {"Environment", "prod"},
                                                         {"Application", "checkout"},
                                                         {"Reason", "SmokeTestFailed"},
                                                         {"Reverts", "c1"},
                                                         {"Reverts", "c2"},
                                                         {"Operation", "op-1"},
                                                         {"Engine", "e-a"}});
  CHECK(a->log->History({.environment = "prod"})->size() == 2);
  CHECK(a->log->History({.environment = "dev", .application = "checkout"})->empty());
  CHECK(a->log->History({.kind = EventKind::kFailed})->size() == 1);
  CHECK(a->log->History({.limit = 2})->size() == 2);
}

TEST_CASE("a log branch of another pipeline is refused") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  Entry entry;
  entry.event.kind = EventKind::kInitialised;
  entry.initialised = Initialised{"shop", "", hub.revision, {}};
  CHECK(a->log->CheckPipeline("bank"));  // nobody's yet
  REQUIRE(a->Append(std::move(entry)));  // "" and "." are one path
  CHECK(a->log->CheckPipeline("shop"));
  const auto refused = [](const Status& status) {
    REQUIRE_FALSE(status);
    CHECK(status.error().code() == ErrorCode::kInvalidConfig);
    CHECK(status.error().reason() == "LogOfAnotherPipeline");
    return status.error().message();
  };
  CHECK_THAT(refused(a->log->CheckPipeline("bank")),
             Catch::Contains("belongs to pipeline 'shop'") && Catch::Contains("'bank'") &&
                 Catch::Contains("logBranch"));
  hub.EditLog({{"log.json", R"({"pipeline": "shop", "path": "sub"})"}});
  CHECK_THAT(refused(a->Refresh()), Catch::Contains("at path 'sub'") &&
                                        Catch::Contains("spec.repository.path is '.'") &&
                                        Catch::Contains("logBranch"));
}

TEST_CASE("a record that cannot be read is named with its commit") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry()));
  const auto before = a->Get();
  struct Row {
    std::string content, message;
  };
  const auto row =
      GENERATE(values<Row>({{"{", "not JSON"},
                            {R"({"unit": "prod/web", "phase": "Idle"})", "record of 'prod/web'"},
                            {R"({"unit": "prod/checkout", "phase": "Idle", "x": 1})", "'x'"},
                            {std::string(70'000, ' '), "checkout.json"}}));
  const std::string commit = hub.EditLog({{"prod/checkout.json", row.content}});
  const auto status = a->Refresh();
  REQUIRE_FALSE(status);
  CHECK(status.error().code() == ErrorCode::kCorrupted);
  CHECK_THAT(status.error().message(),
             Catch::Contains("'prod/checkout.json' at commit " + commit.substr(0, 12)) &&
                 Catch::Contains(row.message));
  CHECK(a->Get() == before);
  // Mended by a commit, it goes on.
  hub.EditLog({{"prod/checkout.json", FormatRecord(MakeRecord(kUnit, "Mended"))}});
  REQUIRE(a->Refresh());
  CHECK(a->Get()->records.at(kUnit)->reason == "Mended");
}

TEST_CASE("files that are not ours are left alone") {
  const Hub hub;
  const auto a = StartEngine(hub, "e-a");
  REQUIRE(a->Append(MakeEntry()));
  hub.EditLog({{"README.md", "x"},
               {"Prod/checkout.json", "{"},
               {"prod/Checkout.json", "{"},
               {"prod/notes.txt", "x"},
               {"prod/.json", "{"},
               {"requests/not json.json", "{"},
               {"requests/broken.json", "{"},
               {"requests/unknown-verb.json", R"({"verb": "explode", "unit": "prod/checkout"})"},
               {"requests/huge.json", std::string(20'000, '[')},
               {"requests/fine.json", R"({"verb": "retry", "unit": "prod/checkout"})"}});
  REQUIRE(a->Refresh());
  CHECK(a->Get()->records.size() == 1);
  REQUIRE(a->Get()->requests.size() == 1);
  CHECK(a->Get()->requests[0].id == "fine");
  CHECK(a->Get()->requests[0].by == "Tess Tester <tess@example.test>");
  REQUIRE(a->Append(MakeEntry(EventKind::kHeld)));
  CHECK(hub.Git({"show", kBranch + ":README.md"}) == "x");
}

TEST_CASE("ids of rollouts and operations have their fixed form") {
  CHECK(NewRolloutId().size() == 12);
  CHECK(NewRolloutId().starts_with("r-"));
  CHECK(NewOperationId().size() == 19);
  CHECK(NewOperationId().starts_with("op-"));
  CHECK(NewRolloutId() != NewRolloutId());
}

}  // namespace sluice::deploylog
