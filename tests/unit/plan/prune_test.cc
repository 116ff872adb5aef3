#include "engine/plan/plan_builder.h"
#include "tests/support/catch.h"
#include "tests/unit/plan/builders.h"

namespace sluice::plan {
namespace {

using builders::Gone;

Input WithLeftovers(std::vector<Leftover> leftovers, size_t inventory_size = 100) {
  Input input = builders::Empty();
  input.target = "main";
  input.leftovers = std::move(leftovers);
  input.inventory_size = inventory_size;
  return input;
}

Leftover With(void (*edit)(Leftover&)) {
  Leftover leftover = Gone("old");
  edit(leftover);
  return leftover;
}

TEST_CASE(
    "an object is pruned only when inventory, mark and managed fields agree and nothing protects "
    "it") {
  struct Row {
    std::string name;
    Leftover leftover;
    Action action;
    std::string reason;
  };
  const std::vector<Row> rows = {
      {"ours", Gone("old"), Action::kPrune, "no longer declared"},
      {"gone", With([](Leftover& l) { l.is_live = false; }), Action::kSkip, "already gone"},
      {"no mark", With([](Leftover& l) { l.is_marked = false; }), Action::kSkip,
       "no longer declared, but kept: it does not carry this unit's mark any more"},
      {"never applied by us", With([](Leftover& l) { l.is_applied_by_us = false; }), Action::kSkip,
       "no longer declared, but kept: sluice has not applied it"},
      {"claimed", With([](Leftover& l) { l.is_claimed = true; }), Action::kSkip,
       "another unit declares it now; ownership moves"},
      {"another name",
       With([](Leftover& l) { l.is_also = "Ingress shop/web, which a/b declares"; }), Action::kSkip,
       "the same object as Ingress shop/web, which a/b declares"},
      {"protected", With([](Leftover& l) { l.protected_by = "helm release y"; }), Action::kSkip,
       "no longer declared, but kept: helm release y"},
  };
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      const Plan plan = Build(WithLeftovers({row.leftover}));
      REQUIRE(plan.changes.size() == 1);
      CHECK(plan.changes[0].action == row.action);
      CHECK(plan.changes[0].reason == row.reason);
      CHECK(plan.changes[0].api_version == "v1");
      CHECK(plan.blockers.empty());
      CHECK(plan.IsEmpty() == (row.action == Action::kSkip));
    }
  }
}

TEST_CASE("a removal with keep prunes nothing and names what stays") {
  Input input = WithLeftovers({Gone("a"), Gone("b")}, 2);
  input.policy.keep_leftovers = true;
  const Plan plan = Build(input);
  CHECK(plan.blockers.empty());
  for (const Change& change : plan.changes) CHECK(change.reason == "no longer declared; kept");
}

TEST_CASE("the cap on prunes is by count and by percent, and one object may always go") {
  struct Row {
    size_t going, inventory;
    int max_count, max_percent;
    bool is_blocked;
  };
  for (const Row& row : std::vector<Row>{{10, 100, 10, 25, false},
                                         {11, 100, 10, 25, true},
                                         {5, 20, 10, 25, false},
                                         {6, 20, 10, 25, true},
                                         {1, 2, 10, 25, false},
                                         {2, 4, 10, 25, true},
                                         {1, 100, 0, 25, true},
                                         {1, 100, 10, 0, true},
                                         {4, 4, 10, 100, false}}) {
    DYNAMIC_SECTION(row.going << " of " << row.inventory << " under " << row.max_count << " and "
                              << row.max_percent << "%") {
      std::vector<Leftover> leftovers;
      for (size_t i = 0; i < row.going; ++i) leftovers.push_back(Gone("c" + std::to_string(i)));
      Input input = WithLeftovers(leftovers, row.inventory);
      input.policy.prune_max_count = row.max_count;
      input.policy.prune_max_percent = row.max_percent;
      const Plan plan = Build(input);
      REQUIRE(plan.blockers.size() == (row.is_blocked ? 1 : 0));
      if (row.is_blocked) CHECK(plan.blockers[0].reason == "PruneCapExceeded");
    }
  }
}

TEST_CASE("skipped objects do not count against the cap") {
  std::vector<Leftover> leftovers;
  for (int i = 0; i < 20; ++i) {
    leftovers.push_back(Gone("c" + std::to_string(i)));
    leftovers.back().is_claimed = true;
  }
  CHECK(Build(WithLeftovers(leftovers, 20)).blockers.empty());
}

TEST_CASE("the cap's message counts, names and says what to do") {
  std::vector<Leftover> leftovers;
  for (int i = 0; i < 7; ++i) leftovers.push_back(Gone("c" + std::to_string(i)));
  CHECK(Build(WithLeftovers(leftovers, 8)).blockers.at(0).message ==
        "7 of 8 objects in target main would be deleted, 2 may (ConfigMap shop/c0, ConfigMap "
        "shop/c1, ConfigMap shop/c2, ConfigMap shop/c3, "
        "ConfigMap shop/c4 and 2 more); put them back, or raise prune.maxCount or prune.maxPercent "
        "in environment.yaml by a commit");
}

TEST_CASE("prunes come last and in the order of deletion, whatever the order of the inventory") {
  const auto leftover = [](const std::string& group, const std::string& kind) {
    Leftover out = Gone("x");
    out.ref = {group, kind, "shop", "x"};
    return out;
  };
  Input input = WithLeftovers(
      {leftover("", "Namespace"), leftover("apiextensions.k8s.io", "CustomResourceDefinition"),
       leftover("", "ConfigMap"), leftover("example.com", "Deployment"),
       leftover("apps", "Deployment"), leftover("", "Service"),
       leftover("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
       leftover("", "ServiceAccount")});
  input.declared.push_back(
      builders::Ours(builders::Object(Declared::Found::kSame, nullptr, nullptr)));
  std::vector<std::string> order;
  for (const Change& change : Build(input).changes)
    order.push_back(change.ref.group + "/" + change.ref.kind);
  CHECK(order ==
        std::vector<std::string>{"/ConfigMap", "example.com/Deployment",
                                 "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
                                 "/Service", "apps/Deployment", "/ConfigMap", "/ServiceAccount",
                                 "apiextensions.k8s.io/CustomResourceDefinition", "/Namespace"});
}

TEST_CASE("what is being deleted already is named with what holds it, and counts against no cap") {
  std::vector<Leftover> leftovers;
  for (int i = 0; i < 20; ++i) {
    leftovers.push_back(Gone("c" + std::to_string(i)));
    leftovers.back().held_by = "finalizer example.test/hold";
  }
  const Plan plan = Build(WithLeftovers(leftovers, 20));
  CHECK(plan.blockers.empty());
  CHECK(plan.changes[0].action == Action::kSkip);
  CHECK(plan.changes[0].reason ==
        "no longer declared; being deleted, held by finalizer example.test/hold");
}

}  // namespace
}  // namespace sluice::plan
