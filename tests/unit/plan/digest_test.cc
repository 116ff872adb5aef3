#include "engine/plan/plan_builder.h"
#include "tests/support/catch.h"
#include "tests/unit/plan/builders.h"

namespace sluice::plan {
namespace {

using builders::ConfigMap;
using builders::Object;
using builders::One;
using builders::Ours;
using Found = Declared::Found;

Plan Digested(Input input, const std::string& key) {
  input.hmac_key = key;
  Plan plan = Build(input);
  SetDigest(plan, key);
  return plan;
}

Input SecretInput(const std::string& value) {
  return One(Ours(Object(Found::kDiffers, builders::Secret({{"p", "b2xk"}}),
                         builders::Secret({{"p", value}}), builders::Ref("Secret", "db"))));
}

TEST_CASE("the digest is the same for the same plan and another for another") {
  const Input input =
      One(Ours(Object(Found::kDiffers, ConfigMap({{"a", "1"}}), ConfigMap({{"a", "2"}}))));
  const Plan plan = Digested(input, "");
  CHECK(plan.digest.size() == 64);
  CHECK(Digested(input, "").digest == plan.digest);
  Input other = input;
  other.declared[0].after = ConfigMap({{"a", "3"}});
  CHECK(Digested(other, "").digest != plan.digest);
  other = input;
  other.target = "eu";
  CHECK(Digested(other, "").digest != plan.digest);
  other = input;
  other.leftovers = {builders::Gone("old")};
  CHECK(Digested(other, "").digest != plan.digest);
}

TEST_CASE("an object that is as declared does not move the digest") {
  Input input =
      One(Ours(Object(Found::kDiffers, ConfigMap({{"a", "1"}}), ConfigMap({{"a", "2"}}))));
  const std::string digest = Digested(input, "").digest;
  input.declared.push_back(
      Ours(Object(Found::kSame, nullptr, nullptr, builders::Ref("ConfigMap", "other"))));
  CHECK(Digested(input, "").digest == digest);
}

TEST_CASE("the value of a Secret reaches the digest only by HMAC with the daemon's key") {
  CHECK(Digested(SecretInput("bmV3"), "k1").digest != Digested(SecretInput("bmV4"), "k1").digest);
  CHECK(Digested(SecretInput("bmV3"), "k1").digest != Digested(SecretInput("bmV3"), "k2").digest);
  CHECK(Digested(SecretInput("bmV3"), "").digest == Digested(SecretInput("bmV4"), "").digest);
  CHECK(Digested(SecretInput("bmV3"), "").changes[0].secret_digest == "key present");
  CHECK(Digested(SecretInput("bmV3"), "k1").changes[0].secret_digest.find("bmV3") ==
        std::string::npos);
}

TEST_CASE("a value in an unknown member of a Secret reaches the digest by HMAC too") {
  const auto digest = [](const std::string& value) {
    builders::Json body = builders::Secret(nullptr);
    body["stringDatas"] = {{"p", value}};
    return Digested(One(Ours(Object(Found::kDiffers, builders::Secret(nullptr), body,
                                    builders::Ref("Secret", "db")))),
                    "k1")
        .digest;
  };
  CHECK(digest("bmV3") != digest("bmV4"));
}

TEST_CASE("a server's message cannot carry what stands in an unknown member of a Secret") {
  builders::Json body = builders::Secret(nullptr);
  body["stringDatas"] = {{"p", {"s3cr3tA", 7654321}}};
  Declared secret = Object(Found::kRefused, nullptr, body, builders::Ref("Secret", "db"));
  secret.message = "unknown field \"stringDatas\": s3cr3tA, 7654321";
  const Plan plan = Build(One(secret));
  CHECK(plan.blockers[0].message.find("unknown field") != std::string::npos);
  for (const std::string& text : {plan.changes[0].reason, plan.blockers[0].message}) {
    CHECK(text.find("s3cr3tA") == std::string::npos);
    CHECK(text.find("7654321") == std::string::npos);
  }
}

TEST_CASE("no form of a plan holds the value of a Secret") {
  const Plan plan = Digested(SecretInput("aHVudGVyMjI="), "k1");
  for (const std::string& text :
       {Format(plan, Style::kPlain, {.all = true}), Format(plan, Style::kColour, {.all = true}),
        Format(plan, Style::kMarkdown, {.all = true}), ToJson(plan, true).dump()}) {
    CHECK(text.find("aHVudGVyMjI=") == std::string::npos);
    CHECK(text.find("b2xk") == std::string::npos);
    CHECK(text.find("*** (after)") != std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::plan
