// What is wrong in a file of ours, with the place and the words; and that the published schemas
// refuse the same, where a schema can.
#include <nlohmann/json.hpp>

#include "tests/support/json_schema.h"
#include "tests/unit/config/config_repo.h"

namespace sluice::config {
namespace {

enum class BySchema { kRefused, kCannotTell };

struct Row {
  std::string replaced, by;  // in the file's valid text
  std::string problem;  // the first line of the problems, without the file name; a part is enough
  BySchema schema = BySchema::kRefused;
};

// The valid text with one place replaced ("" : appended).
std::string Broken(const std::string& text, const Row& row) {
  if (row.replaced.empty()) return text + row.by;
  const size_t at = text.find(row.replaced);
  REQUIRE(at != std::string::npos);
  return std::string(text).replace(at, row.replaced.size(), row.by);
}

void Check(const std::string& path, const std::string& valid, const std::string& schema,
           const std::vector<Row>& rows) {
  const nlohmann::json rules = test::ReadSchema(schema);
  REQUIRE(test::CheckSchema(rules, yaml::Parse(valid, path).documents.at(0).value).empty());
  for (const Row& row : rows) {
    DYNAMIC_SECTION(schema << ": " << row.by) {
      const std::string text = Broken(valid, row);
      auto tree = Repo();
      tree.Put(path, text);
      const std::string problems = AllProblems(tree);
      INFO(problems);
      CHECK(problems.find(path + ":" + row.problem) != std::string::npos);
      const yaml::Parsed parsed = yaml::Parse(text, path);
      REQUIRE(parsed.documents.size() == 1);
      CHECK(test::CheckSchema(rules, parsed.documents[0].value).empty() ==
            (row.schema == BySchema::kCannotTell));
    }
  }
}

}  // namespace

TEST_CASE("a broken sluice.yaml is told with its place") {
  Check(
      "sluice.yaml", kPipeline, "pipeline",
      {{"sluice.dev/v1", "sluice.dev/v2",
        "1:1: apiVersion must be sluice.dev/v1 in this file, not \"sluice.dev/v2\" [wrong-kind]"},
       {"Pipeline", "Pipelines",
        "2:1: kind must be Pipeline in this file, not \"Pipelines\" [wrong-kind]"},
       {"kind: Pipeline\n", "", "1:1: kind is required; write kind: Pipeline [missing-field]"},
       {"metadata: {name: shop}\n", "", "1:1: metadata is required [missing-field]"},
       {"{name: shop}", "{}", "3:1: metadata.name is required"},
       {"{name: shop}", "{name: Shop}", "3:12: metadata.name 'Shop' must be a DNS label"},
       {"{name: shop}", "{name: shop, labels: {a: b}}", "3:24: unknown field 'labels' in metadata"},
       {"environments:", "enviroments:",
        "5:3: unknown field 'enviroments' in spec; did you mean 'environments'? [unknown-field]"},
       {"  environments: [dev, prod]", "  {}",
        "4:1: spec.environments is required [missing-field]"},
       {"[dev, prod]", "dev", "5:3: spec.environments must be a list, not text [wrong-type]"},
       {"[dev, prod]", "[]", "5:3: spec.environments must name at least one environment"},
       {"[dev, prod]", "[dev, prod, dev]",
        "5:29: spec.environments[2] names 'dev' a second time [duplicate-name]"},
       {"[dev, prod]", "[dev, requests]",
        "5:23: spec.environments[1] must not be 'requests', which is a directory of the deploy "
        "log; give the environment, and its directory, another name [reserved-name]"},
       {"[dev, prod]", "[dev, 7]",
        "5:23: spec.environments[1] must be text, not a number; put it in quotes [wrong-type]"},
       {"", "  notifications: {}\n",
        "6:3: spec.notifications is not supported by this version [unsupported]"},
       {"", "status: {}\n", "6:1: unknown field 'status' at the top of the file"}});
}

TEST_CASE("a broken environment.yaml is told with its place") {
  Check(
      "environments/prod/environment.yaml", kProd, "environment",
      {{"{name: prod}", "{name: production}",
        "3:12: metadata.name is 'production' but must be 'prod', the name of its directory",
        BySchema::kCannotTell},
       {"context: prod-eu, ", "", "6:18: spec.targets[0].kubernetes.context is required"},
       {"context: prod-eu", "context: 7",
        "6:31: spec.targets[0].kubernetes.context must be text, not a number; put it in quotes"},
       {"namespace: shop", "namespace: Shop",
        "6:49: spec.targets[0].kubernetes.namespace 'Shop' must be a DNS label"},
       {"namespace: shop", "ns: shop", "6:49: unknown field 'ns' in spec.targets[0].kubernetes"},
       {"name: us", "name: eu", "7:8: spec.targets[1].name names 'eu' a second time",
        BySchema::kCannotTell},
       {"kubernetes: {context: prod-eu, namespace: shop}", "ecs: {region: eu-west-2}",
        "6:18: spec.targets[0].ecs is not supported by this version [unsupported]"},
       {", kubernetes: {context: prod-us, namespace: shop}", "",
        "7:7: spec.targets[1] needs kubernetes: {context: ..., namespace: ...}"},
       {"", "  promotion: {mode: pull-request}\n",
        "8:15: spec.promotion.mode: pull-request is not supported by this version [unsupported]"},
       {"", "  promotion: {mode: autoo}\n",
        "8:15: spec.promotion.mode must be one of auto, manual, not 'autoo'; did you mean 'auto'? "
        "[invalid-value]"},
       {"", "  promotion: {soak: 30}\n",
        "8:15: spec.promotion.soak must be a duration such as 30s or 10m, not a number"},
       {"", "  promotion: {soak: 213503982335d}\n",
        "8:15: spec.promotion.soak must be a duration: '213503982335d' is longer than 365 days",
        BySchema::kCannotTell},
       {"", "  promotion: {soak: 999999999999d1s}\n",
        "8:15: spec.promotion.soak must be a duration: '999999999999d1s' is longer than 365 days",
        BySchema::kCannotTell},
       {"", "  promotion: {soak: 30 m}\n",
        "8:15: spec.promotion.soak must be a duration: '30 m' is not a duration"},
       {"", "  promotion: {from: prod}\n",
        "8:15: spec.promotion.from must name an environment before prod, not 'prod' "
        "[unknown-environment]",
        BySchema::kCannotTell},
       {"", "  promotion: {from: devv}\n",
        "8:15: spec.promotion.from must name an environment before prod, not 'devv'; did you mean "
        "'dev'?",
        BySchema::kCannotTell}});
}

TEST_CASE("a broken policy of an environment.yaml is told with its place") {
  Check(
      "environments/prod/environment.yaml", kProd, "environment",
      {{"", "  gates: {approvals: {count: 2}}\n",
        "8:11: spec.gates.approvals is not supported by this version [unsupported]"},
       {"", "  gates: {windows: {}}\n",
        "8:11: spec.gates.windows is not supported by this version"},
       {"", "  gates: {signedCommits: true}\n",
        "8:11: spec.gates.signedCommits is not supported by this version"},
       {"", "  gates: {policy: {}}\n", "8:11: spec.gates.policy is not supported by this version"},
       {"", "  gates: {externalCommand: {}}\n",
        "8:11: spec.gates.externalCommand is not supported by this version"},
       {"", "  gates: {dependsOn: []}\n",
        "8:11: spec.gates.dependsOn is not supported by this version"},
       {"", "  gates: {preflight: {}}\n",
        "8:11: spec.gates.preflight is not supported by this version"},
       {"", "  gates: {aprovals: {}}\n", "8:11: unknown field 'aprovals' in spec.gates"},
       {"", "  approvals: 2\n", "8:3: spec.approvals is not supported by this version"},
       {"", "  notifications: {}\n", "8:3: spec.notifications is not supported by this version"},
       {"", "  onFailure: {git: pull-request}\n",
        "8:15: spec.onFailure.git: pull-request is not supported by this version"},
       {"", "  onFailure: {live: freeze, git: revert}\n",
        "8:3: spec.onFailure live: freeze keeps the new version, so Git must keep it too; write "
        "git: none"},
       {"", "  onFailure: {live: stop}\n",
        "8:15: spec.onFailure.live must be one of rollback, freeze, not 'stop'"},
       {"", "  onError: {after: 0s}\n", "8:13: spec.onError.after must be at least 1s, not 0s",
        BySchema::kCannotTell},
       {"", "  prune: {maxCount: -1}\n",
        "8:11: spec.prune.maxCount must be from 0 to 1000000, not -1"},
       {"", "  prune: {maxPercent: 101}\n",
        "8:11: spec.prune.maxPercent must be from 0 to 100, not 101"},
       {"", "  prune: {maxCount: ten}\n",
        "8:11: spec.prune.maxCount must be a whole number, not text"},
       {"", "  prune: {removedApplications: drop}\n",
        "8:11: spec.prune.removedApplications must be one of keep, delete, not 'drop'"},
       {"", "  drift: {mode: repair}\n",
        "8:11: spec.drift.mode must be one of report, heal, not 'repair'"},
       {"", "  drift: {intervall: 3m}\n",
        "8:11: unknown field 'intervall' in spec.drift; did you mean 'interval'?"},
       {"", "  dryRun: client\n", "8:3: spec.dryRun must be one of server, none, not 'client'"},
       {"", "  dryRun: off\n", "8:3: spec.dryRun must be one of server, none, not a boolean"}});
}

TEST_CASE("a broken app.yaml is told with its place") {
  const std::string valid =
      "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec:\n  health: "
      "{timeout: 5m}\n";
  Check("environments/prod/web/app.yaml", valid, "application",
        {{"{name: web}", "{name: wbe}",
          "3:12: metadata.name is 'wbe' but must be 'web', the name of its directory",
          BySchema::kCannotTell},
         {"", "  targets: [eu, asia]\n",
          "6:17: environment prod has no target 'asia' (it has eu, us) [unknown-target]",
          BySchema::kCannotTell},
         {"", "  targets: []\n", "6:3: spec.targets must name at least one target"},
         {"", "  targets: [eu, eu]\n", "6:17: spec.targets[1] names 'eu' a second time",
          BySchema::kCannotTell},
         {"", "  source: {kustomize: {}}\n",
          "6:12: spec.source.kustomize is not supported by this version"},
         {"", "  source: {helm: {}}\n", "6:12: spec.source.helm is not supported by this version"},
         {"", "  source: {ecs: {}}\n", "6:12: spec.source.ecs is not supported by this version"},
         {"", "  source: {plain: {recursive: true}}\n",
          "6:20: unknown field 'recursive' in spec.source.plain"},
         {"", "  strategy: {canary: {}}\n", "6:3: spec.strategy is not supported by this version"},
         {"", "  waves: []\n", "6:3: spec.waves is not supported by this version"},
         {"", "  dependsOn: [catalog]\n", "6:3: spec.dependsOn is not supported by this version"},
         {"", "  analysis: {}\n", "6:3: spec.analysis is not supported by this version"},
         {"", "  preflight: {}\n", "6:3: spec.preflight is not supported by this version"},
         {"timeout: 5m", "timeout: 5",
          "5:12: spec.health.timeout must be a duration such as 30s or 10m, not a number"},
         {"timeout: 5m", "timeout: 0s", "5:12: spec.health.timeout must be at least 1s, not 0s",
          BySchema::kCannotTell},
         {"{timeout: 5m}", "5m", "5:3: spec.health must be a map, not text"},
         {"{timeout: 5m}", "{require: [{name: web}]}",
          "5:22: spec.health.require[0].kind is required"},
         {"{timeout: 5m}", "{ignore: [{kind: Job}], require: [{kind: Job}]}",
          "5:3: spec.health both requires and ignores Job", BySchema::kCannotTell},
         {"", "  ignore: [{kind: Deployment}]\n", "6:12: spec.ignore[0].fields is required"},
         {"", "  ignore: [{fields: [/a]}]\n", "6:12: spec.ignore[0].kind is required"},
         {"", "  ignore: [{kind: Deployment, fields: []}]\n",
          "6:31: spec.ignore[0].fields must name at least one field"},
         {"", "  ignore: [{kind: Deployment, fields: [spec.replicas]}]\n",
          "6:40: spec.ignore[0].fields[0] must be a JSON pointer such as /spec/replicas, not "
          "'spec.replicas'"},
         {"", "  ignore: [{kind: Deployment, fields: [/spec/]}]\n",
          "6:40: spec.ignore[0].fields[0] must be a JSON pointer"},
         {"", "  ignore: [{kind: Deployment, fields: [/metadata]}]\n",
          "6:40: spec.ignore[0].fields[0] is '/metadata', which says whose object it is",
          BySchema::kCannotTell},
         {"", "  ignore: [{kind: Deployment, fields: [/a, /a]}]\n",
          "6:44: spec.ignore[0].fields[1] names '/a' a second time", BySchema::kCannotTell},
         {"", "  smokeTests: {}\n", "6:3: spec.smokeTests must be a list, not a map"}});
}

TEST_CASE("a broken release.yaml is told with its place") {
  Check(
      "environments/prod/web/release.yaml", kRelease, "release",
      {{"{name: web}", "{name: api}",
        "3:12: metadata.name is 'api' but must be 'web', the name of its directory",
        BySchema::kCannotTell},
       {"v7", "7.10", "5:3: spec.version must be text, not a number; put it in quotes"},
       {"tag: 3f2c1d0", "tag: latest", "7:36: spec.images[0].tag 'latest' must not be latest"},
       {"tag: 3f2c1d0", "tag: 12e03",
        "7:36: spec.images[0].tag must be text, not a number; put it in quotes"},
       {", tag: 3f2c1d0", "", "7:7: spec.images[0] needs a tag or a digest"},
       {"tag: 3f2c1d0", "tag: a b", "7:36: spec.images[0].tag 'a b' must be a tag"},
       {"tag: 3f2c1d0", "digest: sha256:abc",
        "7:36: spec.images[0].digest 'sha256:abc' must be sha256: and 64 lower-case hex digits"},
       {"tag: 3f2c1d0",
        "tag: a, digest: 'sha256:0000000000000000000000000000000000000000000000000000000000000000'",
        "7:7: spec.images[0] must have a tag or a digest, not both"},
       {"registry.example/web", "registry.example/web:v1",
        "7:8: spec.images[0].name 'registry.example/web:v1' must be an image name"},
       {"registry.example/web", "registry.example/Web",
        "7:8: spec.images[0].name 'registry.example/Web' must be an image name"},
       {"", "    - {name: registry.example/web, tag: b}\n",
        "8:7: spec.images[1] names registry.example/web a second time", BySchema::kCannotTell},
       {"    - {name: registry.example/web, tag: 3f2c1d0}\n", "    []\n",
        "6:3: spec.images must name at least one image"},
       {"", "  approvals: 2\n", "8:3: unknown field 'approvals' in spec"}});
}

TEST_CASE("all problems of a file are told at once") {
  auto tree = Repo();
  tree.Put("environments/prod/environment.yaml", R"(apiVersion: sluice.dev/v1
kind: Environment
metadata: {name: prod}
spec:
  target: []
  promotion: {mode: pull-request, soak: soon}
  drift: [heal]
)");
  CHECK(Lines(LoadAll(tree).problems) ==
        "environments/prod/environment.yaml:4:1: spec.targets is required [missing-field]\n"
        "environments/prod/environment.yaml:5:3: unknown field 'target' in spec; did you mean "
        "'targets'? [unknown-field]\n"
        "environments/prod/environment.yaml:6:15: spec.promotion.mode: pull-request is not "
        "supported by this version [unsupported]\n"
        "environments/prod/environment.yaml:6:35: spec.promotion.soak must be a duration: 'soon' "
        "is not a duration; write for example 90s, 10m or 1h30m [invalid-value]\n"
        "environments/prod/environment.yaml:7:3: spec.drift must be a map, not a list "
        "[wrong-type]\n");
}

TEST_CASE("a file must hold one document") {
  auto tree = Repo();
  tree.Put("environments/prod/web/app.yaml", std::string(kApp) + "---\n" + kRelease);
  CHECK(AllProblems(tree).find("environments/prod/web/app.yaml:6:1: a second document; this file "
                               "must hold only one, of kind Application [extra-document]") !=
        std::string::npos);
  tree.Put("environments/prod/web/app.yaml", "# nothing\n");
  CHECK(AllProblems(tree).find("environments/prod/web/app.yaml: is empty; it must hold one "
                               "document of kind Application") != std::string::npos);
}

TEST_CASE("control characters of a hostile repo do not reach the terminal") {
  auto tree = Repo();
  tree.Put("environments/prod/environment.yaml", std::string(kProd) + "  \"x\\e[2J\": 1\n");
  const std::string problems = AllProblems(tree);
  CHECK(problems.find('\x1b') == std::string::npos);
  CHECK(problems.find("unknown field 'x\\x1b[2J' in spec") != std::string::npos);
}

}  // namespace sluice::config
