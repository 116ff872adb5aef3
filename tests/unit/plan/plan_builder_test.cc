#include "engine/plan/plan_builder.h"

#include "tests/support/catch.h"
#include "tests/unit/plan/builders.h"

namespace sluice::plan {
namespace {

using builders::ConfigMap;
using builders::Json;
using builders::Marked;
using builders::Object;
using builders::One;
using builders::Ours;
using builders::Ref;
using Found = Declared::Found;

const Json kOld = ConfigMap({{"a", "1"}});
const Json kNew = Marked(ConfigMap({{"a", "2"}}));
const Json kSameValues = Marked(kOld);

struct Row {
  std::string name;
  Declared declared;
  Action action;
  std::string reason;
  std::string blocker;  // reason; "" for none
};

Declared ClaimedBy(Declared declared, const std::string& unit) {
  declared.claimed_by = unit;
  return declared;
}
Declared OfOther(Declared declared, bool still_claims) {
  declared.other_owner = "u-2";
  if (still_claims) declared.claimed_by = "prod/other";
  return declared;
}
Declared Saying(Declared declared, const std::string& message) {
  declared.message = message;
  return declared;
}

Declared Advised(Declared declared, bool may_be_replaced, const std::string& advice) {
  declared.may_be_replaced = may_be_replaced;
  declared.replace_advice = advice;
  return declared;
}

TEST_CASE("a replacement shows what differs and is no empty plan") {
  Declared declared = Ours(Object(Found::kImmutable, kOld, kNew));
  declared.may_be_replaced = true;
  const Plan plan = Build(One(declared));
  REQUIRE(plan.changes.size() == 1);
  CHECK_FALSE(plan.IsEmpty());
  CHECK(plan.changes[0].fields.size() == 2);  // the value, and the mark
  CHECK(Format(plan, Style::kPlain, {}).find("! replace ConfigMap shop/settings") !=
        std::string::npos);
  CHECK(Format(plan, Style::kPlain, {}).find("1 to replace") != std::string::npos);
}

TEST_CASE("each case of declared and live has its action, reason and blocker") {
  Declared foreign = OfOther(Object(Found::kDiffers, Marked(kOld, "u-9"), kSameValues), false);
  foreign.is_other_owner_foreign = true;
  const std::vector<Row> rows = {
      {"absent", Object(Found::kAbsent, nullptr, kNew), Action::kCreate, "not in the cluster yet",
       ""},
      {"ours, vanished", Ours(Object(Found::kAbsent, nullptr, kNew)), Action::kCreate,
       "no longer in the cluster", ""},
      {"unknowable", Object(Found::kUnknowable, nullptr, kNew), Action::kCreate,
       "its namespace or type is not there yet", ""},
      {"ours, unknowable",
       Saying(Ours(Object(Found::kUnknowable, Marked(kOld), kNew)), "its definition comes with it"),
       Action::kUpdate, "its definition comes with it", ""},
      {"not ours, unknowable", Object(Found::kUnknowable, kOld, kNew), Action::kAdopt,
       "already there, not ours", "AdoptionRequired"},
      {"being deleted",
       Saying(Ours(Object(Found::kDeleting, nullptr, kNew)), "being deleted (finalizers a/b)"),
       Action::kCreate, "being deleted (finalizers a/b)", ""},
      {"ours, the same", Ours(Object(Found::kSame, nullptr, nullptr)), Action::kUnchanged,
       "as declared", ""},
      {"ours, differs", Ours(Object(Found::kDiffers, Marked(kOld), kNew)), Action::kUpdate,
       "data changed: a", ""},
      {"ours, mark lost", Ours(Object(Found::kDiffers, kOld, kSameValues)), Action::kUpdate,
       "its ownership mark is missing", ""},
      {"ours, only ownership", Ours(Object(Found::kDiffers, kNew, kNew)), Action::kUpdate,
       "only ownership of fields changes", ""},
      {"not ours, equal", Object(Found::kDiffers, kOld, kSameValues), Action::kAdopt,
       "already there with equal values", ""},
      {"not ours, the same", Object(Found::kSame, nullptr, nullptr), Action::kAdopt,
       "already there with equal values", ""},
      {"not ours, differs", Object(Found::kDiffers, kOld, kNew), Action::kAdopt,
       "already there, not ours", "AdoptionRequired"},
      {"not ours, conflict",
       Saying(Object(Found::kConflict, kOld, kNew), ".data.a is owned by 'kubectl'"),
       Action::kAdopt, "already there, not ours", "AdoptionRequired"},
      {"another unit's, still claimed", OfOther(Object(Found::kDiffers, kOld, kNew), true),
       Action::kSkip, "prod/other declares it too", "DuplicateObject"},
      {"another unit's, still claimed and refused",
       OfOther(Object(Found::kRefused, kOld, kNew), true), Action::kSkip,
       "prod/other declares it too", "DuplicateObject"},
      {"ours, and another unit declares it too",
       ClaimedBy(Ours(Object(Found::kDiffers, Marked(kOld), kNew)), "prod/other"), Action::kUpdate,
       "data changed: a", ""},
      {"moved, equal", OfOther(Object(Found::kDiffers, Marked(kOld, "u-2"), kSameValues), false),
       Action::kAdopt, "moved here: the unit that had it no longer declares it", ""},
      {"moved, differs", OfOther(Object(Found::kDiffers, Marked(kOld, "u-2"), kNew), false),
       Action::kUpdate, "moved here: the unit that had it no longer declares it; data changed: a",
       ""},
      {"another pipeline's", foreign, Action::kAdopt, "already there, not ours",
       "AdoptionRequired"},
      {"conflict", Saying(Ours(Object(Found::kConflict, kOld, kNew)), ".data.a is owned by 'hpa'"),
       Action::kUpdate, "conflict: .data.a is owned by 'hpa'", "FieldConflict"},
      {"refused", Saying(Ours(Object(Found::kRefused, kOld, kNew)), "spec.x: Invalid value"),
       Action::kUpdate, "refused: spec.x: Invalid value", "ContentRejected"},
      {"refused, new", Object(Found::kRefused, nullptr, kNew), Action::kCreate,
       "refused: the server gave no reason", "ContentRejected"},
      {"immutable",
       Saying(Ours(Object(Found::kImmutable, kOld, kNew)), "spec.selector: field is immutable"),
       Action::kUpdate,
       "refused: spec.selector: field is immutable; give the new object another name, or delete "
       "the old one and push again",
       "ImmutableField"},
      {"immutable, with advice",
       Advised(Saying(Ours(Object(Found::kImmutable, kOld, kNew)), "it is immutable"), false,
               "let sluice delete it"),
       Action::kUpdate,
       "refused: it is immutable; give the new object another name, or let sluice delete it",
       "ImmutableField"},
      {"immutable, may be replaced",
       Advised(Saying(Ours(Object(Found::kImmutable, kOld, kNew)), "it is immutable"), true, ""),
       Action::kReplace,
       "deleted and created again, for it cannot be changed in place: it is immutable", ""},
      {"immutable, not ours",
       Advised(Saying(Object(Found::kImmutable, kOld, kNew), "it is immutable"), true, ""),
       Action::kUpdate,
       "refused: it is immutable; give the new object another name, or delete the old one and "
       "push again",
       "ImmutableField"},
  };
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.name) {
      const Plan plan = Build(One(row.declared));
      REQUIRE(plan.changes.size() == 1);
      CHECK(ToString(plan.changes[0].action) == ToString(row.action));
      CHECK(plan.changes[0].reason == row.reason);
      CHECK(plan.changes[0].target == "main");
      CHECK(plan.changes[0].api_version == "v1");
      REQUIRE(plan.blockers.size() == (row.blocker.empty() ? 0 : 1));
      if (!row.blocker.empty()) CHECK(plan.blockers[0].reason == row.blocker);
    }
  }
}

TEST_CASE("adoption opens what it was asked for and nothing else") {
  Input input = One(Object(Found::kDiffers, kOld, kNew));
  input.declared.push_back(Object(Found::kDiffers, kOld, kNew, Ref("ConfigMap", "other")));
  input.declared.push_back(
      Saying(Ours(Object(Found::kConflict, kOld, kNew, Ref("ConfigMap", "third"))),
             ".data.a is owned by 'hpa'"));
  input.policy.adopted = {input.declared[0].ref, input.declared[2].ref};
  const Plan plan = Build(input);
  CHECK(plan.changes[0].action == Action::kAdopt);
  CHECK(plan.changes[0].reason == "taken over as asked; data changed: a");
  CHECK(plan.changes[2].action == Action::kAdopt);
  REQUIRE(plan.blockers.size() == 1);
  CHECK(plan.blockers[0].message.find("other") != std::string::npos);
  CHECK(plan.blockers[0].message.find("settings") == std::string::npos);
}

TEST_CASE("adoption never takes an object that another unit declares") {
  Input input = One(OfOther(Object(Found::kDiffers, kOld, kNew), true));
  input.policy.adopted = {input.declared[0].ref};
  CHECK(Build(input).blockers.at(0).reason == "DuplicateObject");
}

TEST_CASE("a blocker names the objects, the fields and the command") {
  Input input = One(Object(Found::kDiffers, kOld, kNew));
  for (int i = 0; i < 7; ++i)
    input.declared.push_back(
        Object(Found::kDiffers, kOld, kNew, Ref("ConfigMap", "c" + std::to_string(i))));
  const Plan plan = Build(input);
  REQUIRE(plan.blockers.size() == 1);
  CHECK(plan.blockers[0].message ==
        "ConfigMap shop/settings differs at /data/a; ConfigMap shop/c0 differs at /data/a; "
        "ConfigMap shop/c1 differs at /data/a; "
        "ConfigMap shop/c2 differs at /data/a; ConfigMap shop/c3 differs at /data/a; and 3 more; "
        "take them over with "
        "`sluice adopt prod/checkout`, or make the manifests equal");
  const Plan conflict =
      Build(One(Saying(Ours(Object(Found::kConflict, kOld, kNew)), ".data.a is owned by 'hpa'")));
  CHECK(conflict.blockers[0].message ==
        "ConfigMap shop/settings: .data.a is owned by 'hpa'; leave the field out of the manifest, "
        "or take it over with `sluice adopt prod/checkout`");
}

TEST_CASE("a server's message cannot carry the values of a Secret") {
  Declared secret = Object(Found::kRefused, nullptr,
                           builders::Secret({{"password", "aHVudGVyMjI="}}), Ref("Secret", "db"));
  secret.message = "data.password: Invalid value: \"aHVudGVyMjI=\": decoded as hunter22\x1b[2J";
  const Plan plan = Build(One(secret));
  for (const std::string& text : {plan.changes[0].reason, plan.blockers[0].message}) {
    CHECK(text.find("aHVudGVyMjI=") == std::string::npos);
    CHECK(text.find("hunter22") == std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("Invalid value") != std::string::npos);
  }
}

TEST_CASE("an update says what changes in the fewest words") {
  const auto reason = [](const Json& before, const Json& after, const ObjectRef& ref) {
    return Build(One(Ours(Object(Found::kDiffers, before, after, ref)))).changes.at(0).reason;
  };
  const ObjectRef web = Ref("Deployment", "web", "apps");
  const auto deployment = [](const std::string& image, const std::string& sidecar, int replicas) {
    return Json{
        {"spec",
         {{"replicas", replicas},
          {"template",
           {{"spec",
             {{"containers",
               {{{"name", "web"}, {"image", image}}, {{"name", "log"}, {"image", sidecar}}}}}}}}}}};
  };
  CHECK(reason(deployment("w:1", "l:1", 2), deployment("w:2", "l:1", 2), web) ==
        "image w:1 -> w:2");
  CHECK(reason(deployment("w:1", "l:1", 2), deployment("w:2", "l:1", 3), web) ==
        "image w:1 -> w:2, 1 more field");
  CHECK(reason(deployment("w:1", "l:1", 2), deployment("w:2", "l:2", 2), web) ==
        "image l:1 -> l:2 and 1 more image");
  CHECK(reason(deployment("w:1", "l:1", 2), deployment("w:1", "l:1", 3), web) == "replicas 2 -> 3");
  CHECK(reason({{"spec", {{"paused", true}}}}, {{"spec", Json::object()}}, web) ==
        "paused removed");
  CHECK(reason({{"spec", Json::object()}}, {{"spec", {{"paused", true}}}}, web) ==
        "paused set to true");
  CHECK(reason({{"spec", {{"a", Json::array({1})}}}}, {{"spec", {{"a", Json::array({2})}}}}, web) ==
        "a changed");
  CHECK(reason({{"a", 1}, {"b", 1}}, {{"a", 2}, {"b", 2}}, web) == "2 fields changed");
  CHECK(reason({{"metadata", {{"labels", {{"x/y", "1"}}}}}},
               {{"metadata", {{"labels", {{"x/y", "2"}}}}}}, web) == "labels changed: x/y");
  CHECK(reason(builders::Secret({{"p", "YQ=="}}), builders::Secret({{"p", "Yg=="}}),
               Ref("Secret", "db")) == "data changed: p");
}

TEST_CASE("a conflict over what Git drops says what adopting would do") {
  Declared declared = Saying(Ours(Object(Found::kConflict, kOld, kNew)),
                             ".data.a is to go and is owned by 'helm', too");
  declared.drops = true;
  const Plan plan = Build(One(declared));
  REQUIRE(plan.blockers.size() == 1);
  CHECK(plan.blockers[0].reason == "FieldConflict");
  CHECK(plan.blockers[0].message.find(
            "`sluice adopt prod/checkout`, which also removes what is to go") != std::string::npos);
}

TEST_CASE("what is left to others is told of unchanged objects, too") {
  Declared declared = Ours(Object(Found::kSame, nullptr, nullptr));
  declared.left = {{"/spec/replicas", "spec.ignore"}};
  const Plan plan = Build(One(declared));
  CHECK(plan.IsEmpty());
  for (const Style style : {Style::kPlain, Style::kMarkdown}) {
    CHECK(Format(plan, style, {}).find("is left to others") != std::string::npos);
  }
  CHECK(ToJson(plan, false).empty());
  const nlohmann::json all = ToJson(plan, true);
  REQUIRE(all.size() == 1);
  CHECK(all[0]["left"] ==
        nlohmann::json::parse(R"([{"path":"/spec/replicas","why":"spec.ignore"}])"));
}

}  // namespace
}  // namespace sluice::plan
