#include "tests/unit/config/config_repo.h"

namespace sluice::config {

TEST_CASE("a valid config repo loads without problems") {
  const Declared declared = LoadAll(Repo());
  CHECK(Lines(declared.problems) == "");
  CHECK(declared.pipeline.name == "shop");
  CHECK(declared.pipeline.environments == std::vector<std::string>{"dev", "prod"});
  REQUIRE(declared.units.size() == 2);
  const DeclaredUnit& unit = declared.units.at({"prod", "web"});
  CHECK(Lines(unit.problems) == "");
  CHECK(unit.directory == "environments/prod/web");
  CHECK(Paths(unit.manifests) == std::vector<std::string>{"environments/prod/web/config.yaml"});
  CHECK(Paths(unit.inputs) == std::vector<std::string>{"environments/prod/web/app.yaml",
                                                       "environments/prod/web/config.yaml",
                                                       "environments/prod/web/release.yaml"});
  CHECK(unit.shared_inputs.empty());
  REQUIRE(unit.targets.size() == 2);
  CHECK(unit.targets[1] == testing::ClusterTarget("us", "prod-us", "shop"));
  REQUIRE(unit.release);
  CHECK(unit.release->images.at(0).tag == "3f2c1d0");
  CHECK(unit.release->images.at(0).at ==
        SourcePosition{"environments/prod/web/release.yaml", 7, 7});
}

TEST_CASE("what an environment leaves out has the documented defaults") {
  const Environment environment = LoadAll(Repo()).environments.at("dev");
  CHECK(environment.targets.at(0) == testing::ClusterTarget("eu", "dev-eu"));
  CHECK(environment.promotion.mode == PromotionMode::kManual);
  CHECK(environment.promotion.soak == 0ms);
  CHECK(environment.promotion.from == "");
  CHECK(environment.on_failure.live == LiveOnFailure::kRollback);
  CHECK(environment.on_failure.git == GitOnFailure::kRevert);
  CHECK(environment.on_error.after == 15min);
  CHECK(environment.on_error.then == AfterError::kHold);
  CHECK(environment.prune.max_count == 10);
  CHECK(environment.prune.max_percent == 25);
  CHECK(environment.prune.removed_applications == RemovedApplications::kKeep);
  CHECK(environment.drift.mode == DriftMode::kReport);
  CHECK(environment.drift.interval == 3min);
  CHECK(environment.dry_run == DryRunMode::kServer);
}

TEST_CASE("every field of an environment is read") {
  auto tree = Repo();
  tree.Put("environments/prod/environment.yaml",
           std::string(kProd) + R"(  promotion: {mode: auto, soak: 30m, from: dev}
  gates: {}
  onFailure: {live: freeze, git: none}
  onError: {after: 1h30m, then: rollback}
  prune: {maxCount: 0, maxPercent: 100, removedApplications: delete}
  drift: {mode: heal, interval: 90s}
  dryRun: none
)");
  const Declared declared = LoadAll(tree);
  CHECK(Lines(declared.problems) == "");
  const Environment& environment = declared.environments.at("prod");
  CHECK(environment.promotion.mode == PromotionMode::kAuto);
  CHECK(environment.promotion.soak == 30min);
  CHECK(environment.promotion.from == "dev");
  CHECK(environment.on_failure.live == LiveOnFailure::kFreeze);
  CHECK(environment.on_failure.git == GitOnFailure::kNone);
  CHECK(environment.on_error.after == 90min);
  CHECK(environment.on_error.then == AfterError::kRollback);
  CHECK(environment.prune.max_count == 0);
  CHECK(environment.prune.max_percent == 100);
  CHECK(environment.prune.removed_applications == RemovedApplications::kDelete);
  CHECK(environment.drift.mode == DriftMode::kHeal);
  CHECK(environment.drift.interval == 90s);
  CHECK(environment.dry_run == DryRunMode::kNone);
}

TEST_CASE("freeze means that Git is left alone, said or not") {
  auto tree = Repo();
  tree.Put("environments/prod/environment.yaml",
           std::string(kProd) + "  onFailure: {live: freeze}\n");
  const Declared declared = LoadAll(tree);
  CHECK(Lines(declared.problems) == "");
  CHECK(declared.environments.at("prod").on_failure.git == GitOnFailure::kNone);
}

TEST_CASE("an application names its targets, in the order of the environment") {
  auto tree = Repo();
  tree.Put("environments/prod/web/app.yaml",
           "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec:\n  targets: "
           "[us]\n  source: {plain: {}}\n  health: {timeout: 90s}\n");
  const Declared declared = LoadAll(tree);
  CHECK(AllProblems(tree) == "");
  const DeclaredUnit& unit = declared.units.at({"prod", "web"});
  REQUIRE(unit.targets.size() == 1);
  CHECK(unit.targets[0].name == "us");
  CHECK(unit.application.health_timeout == 90s);
}

TEST_CASE("an application says which objects must report, and which do not count") {
  auto tree = Repo();
  tree.Put("environments/prod/web/app.yaml",
           "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec:\n  health:\n"
           "    require: [{kind: Certificate.cert-manager.io, name: web}]\n"
           "    ignore: [{kind: ServiceMonitor}]\n");
  const Declared declared = LoadAll(tree);
  CHECK(AllProblems(tree) == "");
  const HealthRules& rules = declared.units.at({"prod", "web"}).application.health_rules;
  CHECK(rules.require == std::vector<HealthRules::Pattern>{{"Certificate.cert-manager.io", "web"}});
  CHECK(rules.ignore == std::vector<HealthRules::Pattern>{{"ServiceMonitor", ""}});
}

TEST_CASE("a unit without release.yaml has no release") {
  auto tree = Repo();
  tree.Remove("environments/prod/web/release.yaml");
  const Declared declared = LoadAll(tree);
  CHECK(AllProblems(tree) == "");
  CHECK_FALSE(declared.units.at({"prod", "web"}).release);
}

}  // namespace sluice::config
