// A cluster in a few lines: enough to apply a plan to and to plan again.
#include <map>
#include <random>
#include <set>

#include "engine/plan/plan_builder.h"
#include "tests/support/catch.h"
#include "tests/unit/plan/builders.h"

namespace sluice::plan {
namespace {

using builders::Json;
using builders::Ref;
using Objects = std::map<ObjectRef, Json>;

struct World {
  Objects live;
  std::set<ObjectRef> inventory;
};

std::string MarkOf(const Json& object) {
  return object.value("/metadata/labels/sluice.dev~1unit"_json_pointer, std::string());
}

Input InputFor(const Objects& declared, const World& world) {
  Input input = builders::Empty();
  input.target = "main";
  input.policy.prune_max_percent = 100;
  for (const auto& [ref, body] : declared) {
    Declared object;
    object.ref = ref;
    object.after = builders::Marked(body);
    const auto live = world.live.find(ref);
    object.is_ours = world.inventory.contains(ref);
    if (live != world.live.end()) {
      object.before = live->second;
      object.found =
          object.before == object.after ? Declared::Found::kSame : Declared::Found::kDiffers;
      object.is_ours |= MarkOf(live->second) == "u-1";
      if (const std::string mark = MarkOf(live->second); !mark.empty() && mark != "u-1") {
        object.other_owner = mark;
        object.is_ours = false;
      }
    }
    input.policy.adopted.insert(ref);
    input.declared.push_back(std::move(object));
  }
  for (const ObjectRef& ref : world.inventory) {
    if (declared.contains(ref)) continue;
    Leftover leftover;
    leftover.ref = ref;
    const auto live = world.live.find(ref);
    leftover.is_live = live != world.live.end();
    leftover.is_marked = leftover.is_live && MarkOf(live->second) == "u-1";
    leftover.is_applied_by_us = true;
    input.leftovers.push_back(leftover);
  }
  input.inventory_size = world.inventory.size();
  return input;
}

void Apply(const Plan& plan, const Objects& declared, World& world) {
  for (const Change& change : plan.changes) {
    switch (change.action) {
      case Action::kCreate:
      case Action::kUpdate:
      case Action::kReplace:
      case Action::kAdopt:
        world.live[change.ref] = builders::Marked(declared.at(change.ref));
        break;
      case Action::kPrune:
        world.live.erase(change.ref);
        break;
      case Action::kUnchanged:
      case Action::kSkip:
        break;
    }
  }
  std::erase_if(world.inventory, [&](const ObjectRef& ref) { return !declared.contains(ref); });
  for (const auto& [ref, body] : declared) world.inventory.insert(ref);
}

TEST_CASE("the plan of an applied plan is empty, and an object that is not ours is never deleted") {
  std::mt19937 random(7);
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 2000; ++round) {
    Objects declared;
    World world;
    std::set<ObjectRef> not_ours;
    for (int i = 0; i < 6; ++i) {
      const ObjectRef ref = Ref(pick(2) == 0 ? "ConfigMap" : "Secret", "o" + std::to_string(i));
      const auto body = [&] {
        return Json{{"metadata", {{"name", ref.name}}},
                    {"data", {{"k", "v" + std::to_string(pick(3))}}}};
      };
      if (pick(3) != 0) declared[ref] = body();
      const int state = pick(5);  // absent, ours, ours without mark, another unit's, nobody's
      if (state == 1) world.live[ref] = builders::Marked(body());
      if (state == 2 || state == 4) world.live[ref] = body();
      if (state == 3) world.live[ref] = builders::Marked(body(), "u-2");
      if ((state == 1 || state == 2) || pick(4) == 0) world.inventory.insert(ref);
      if (state > 1) not_ours.insert(ref);
    }
    const Plan first = Build(InputFor(declared, world));
    REQUIRE(first.blockers.empty());
    for (const Change& change : first.changes) {
      if (change.action == Action::kPrune) REQUIRE_FALSE(not_ours.contains(change.ref));
    }
    Apply(first, declared, world);
    const Plan second = Build(InputFor(declared, world));
    INFO(Format(first, Style::kPlain, {.all = true})
         << "then\n"
         << Format(second, Style::kPlain, {.all = true}));
    REQUIRE(second.IsEmpty());
    REQUIRE(second.blockers.empty());
    // The same facts in another order of arrival give the same plan.
    REQUIRE(Build(InputFor(declared, world)).changes == second.changes);
  }
}

}  // namespace
}  // namespace sluice::plan
