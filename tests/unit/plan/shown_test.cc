// What of a long plan is shown to who does not ask for all of it.
#include "tests/support/catch.h"
#include "tests/unit/plan/builders.h"

namespace sluice::plan {
namespace {

using namespace builders;
using Found = Declared::Found;

bool Shows(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Json ManyKeys(int count, const char* value) {
  Json data = Json::object();
  for (int i = 0; i < count; ++i) data["key" + std::to_string(100 + i)] = value;
  return data;
}

}  // namespace

TEST_CASE("an object that differs in many lines is told in one, and whole when asked") {
  const auto plan_of = [](int count) {
    return Build(One(Ours(Object(Found::kDiffers, Marked(ConfigMap(ManyKeys(count, "1"))),
                                 Marked(ConfigMap(ManyKeys(count, "2")))))));
  };
  for (const Style style : {Style::kPlain, Style::kMarkdown}) {
    const std::string few = Format(plan_of(26), style, {});
    CHECK(Shows(few, "/data/key125"));
    CHECK_FALSE(Shows(few, "shortened"));
    CHECK(few == Format(plan_of(26), style, {.verbose = true}));
    const std::string many = Format(plan_of(27), style, {});
    CHECK(Shows(many,
                "27 fields differ: /data/key100, /data/key101, /data/key102, /data/key103 "
                "and 23 more"));
    CHECK_FALSE(Shows(many, "key125"));
    CHECK(Shows(many, "1 to update (shortened; --verbose shows all)"));
    const std::string all = Format(plan_of(27), style, {.verbose = true});
    CHECK(Shows(all, "/data/key126"));
    CHECK_FALSE(Shows(all, "shortened"));
  }
  CHECK(ToJson(plan_of(27), false)[0]["fields"].size() == 27);
}

TEST_CASE("a summary stands in the place of the fields, once") {
  Declared declared = Ours(
      Object(Found::kDiffers, Marked(ConfigMap({{"a", "1"}})), Marked(ConfigMap({{"a", "2"}}))));
  declared.summary = "version v2 added";
  SECTION("ours") {
    const Plan plan = Build(One(declared));
    CHECK(Format(plan, Style::kPlain, {}) ==
          "target main\n  ~ update ConfigMap shop/settings  (version v2 added)\n"
          "1 to update (shortened; --verbose shows all)\n");
    CHECK(Shows(Format(plan, Style::kPlain, {.verbose = true}), "/data/a"));
  }
  SECTION("to be adopted") {
    declared.is_ours = false;
    const std::string text = Format(Build(One(declared)), Style::kPlain, {});
    CHECK(Shows(text, "(already there, not ours)\n      version v2 added\n"));
    CHECK_FALSE(Shows(text, "- \"1\""));
  }
}

TEST_CASE("the target's words in full are behind the line that tells a refusal") {
  Declared declared =
      Ours(Object(Found::kRefused, ConfigMap({{"a", "1"}}), ConfigMap({{"a", "2"}})));
  declared.message = "spec.replicas: must not be negative";
  declared.reason = "QuotaExceeded";
  declared.detail = "core.Spec{Replicas:-1}";
  const Plan plan = Build(One(declared));
  REQUIRE(plan.blockers.size() == 1);
  CHECK(plan.blockers[0].reason == "QuotaExceeded");
  CHECK(plan.blockers[0].is_refusal);
  CHECK(plan.blockers[0].detail == "ConfigMap shop/settings: core.Spec{Replicas:-1}");
  CHECK_FALSE(Shows(Format(plan, Style::kPlain, {}), "core."));
  CHECK(Shows(Format(plan, Style::kPlain, {}), "shortened"));
  CHECK(Shows(Format(plan, Style::kPlain, {.verbose = true}),
              "\n      ConfigMap shop/settings: core.Spec{Replicas:-1}\n"));
}

}  // namespace sluice::plan
