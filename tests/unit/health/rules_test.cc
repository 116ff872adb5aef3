// health.require and health.ignore of an application, over what the target found.
#include "tests/unit/health/fixtures.h"

namespace sluice {
namespace {

const ObjectRef kCert{"cert-manager.io", "Certificate", "shop", "web"};

std::vector<ObjectHealth> Ruled(const HealthRules& rules, ObjectHealth found) {
  std::vector<ObjectHealth> objects = {std::move(found)};
  Overrule(rules, objects);
  return objects;
}

TEST_CASE("a rule names a kind, with its group or not, and a name or all") {
  using Pattern = HealthRules::Pattern;
  CHECK(Pattern{"Certificate", ""}.Matches(kCert));
  CHECK(Pattern{"Certificate.cert-manager.io", "web"}.Matches(kCert));
  CHECK_FALSE(Pattern{"Certificate", "api"}.Matches(kCert));
  CHECK_FALSE(Pattern{"Certificate.example.com", ""}.Matches(kCert));
  CHECK_FALSE(Pattern{"Issuer", ""}.Matches(kCert));
}

TEST_CASE("a required object that nobody reports on is waited for") {
  const ObjectHealth silent{kCert, Health::kHealthy, "NotReported", "no status", false, true};
  const auto required = Ruled({.require = {{"Certificate", ""}}}, silent);
  CHECK(required[0].health == Health::kProgressing);
  CHECK(required[0].reason == "StatusNotReported");
  CHECK_FALSE(required[0].is_unreported);
  CHECK(Ruled({.require = {{"Issuer", ""}}}, silent)[0] == silent);
  const ObjectHealth well{kCert, Health::kHealthy, "", "", false};
  CHECK(Ruled({.require = {{"Certificate", ""}}}, well)[0] == well);
}

TEST_CASE("an ignored object is told, and counts only when it is missing") {
  const HealthRules rules{.ignore = {{"Certificate", "web"}}};
  const auto ignored = Ruled(rules, {kCert, Health::kDegraded, "Failed", "no issuer", true});
  CHECK(ignored[0].health == Health::kHealthy);
  CHECK(ignored[0].reason == "HealthIgnored");
  CHECK(ignored[0].message.find("Degraded Failed: no issuer") != std::string::npos);
  CHECK_FALSE(ignored[0].is_terminal);
  const ObjectHealth missing{kCert, Health::kMissing, "Missing", "gone", false};
  CHECK(Ruled(rules, missing)[0] == missing);
}

}  // namespace
}  // namespace sluice
