// What a person reads when the server refuses a manifest: one line with object, field, rule and
// remedy, whatever the kind.
#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

const std::string kUnit = "environments/dev/web/";

std::string Told(const Ran& ran) {
  return "exit code " + std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

bool Tells(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Refusal {
  std::string file, before, after;
  std::string reason;
  std::string line;  // a part of what blocks the plan
};

const std::string kJob =
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: job}\nspec:\n  template:\n    spec:\n"
    "      restartPolicy: Never\n      containers:\n        - {name: c, image: "
    "\"registry.example/job:good-1\", env: [{name: A, value: \"x: } {\"}]}\n";
const std::string kSet =
    "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: set}\nspec:\n  serviceName: web\n"
    "  selector: {matchLabels: {app: set}}\n  template:\n    metadata: {labels: {app: set}}\n"
    "    spec:\n      containers: [{name: c, image: \"registry.example/set:good-1\"}]\n";
const std::string kMap =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: map}\nimmutable: true\ndata: {a: \"1\"}\n";
const std::string kSecret =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: secret}\nimmutable: true\nstringData: {a: "
    "\"hunter2\"}\n";

const std::vector<Refusal> kRefusals = {
    {"job.yaml", "A, value", "B, value", "ImmutableField",
     "Job job: spec.template: field is immutable; give the new object another name, or let sluice "
     "delete and create it again by the annotation"},
    {"deployment.yaml", "matchLabels: {app: web}", "matchLabels: {app: web, x: z}",
     "ImmutableField", "Deployment web: spec.selector: field is immutable; give"},
    {"set.yaml", "serviceName: web", "serviceName: other", "ImmutableField",
     "StatefulSet set: spec.serviceName: updates to statefulset spec for fields other than"},
    {"map.yaml", "a: \"1\"", "a: \"2\"", "ImmutableField",
     "ConfigMap map: data.a: field is immutable when `immutable` is set; give"},
    {"secret.yaml", "hunter2", "hunter3", "ImmutableField",
     "Secret secret: data: field is immutable when `immutable` is set; give"},
    {"set.yaml", "serviceName: web", "replicas: -1\n  serviceName: web", "ContentRejected",
     "StatefulSet set: spec.replicas: Invalid value: -1: must be greater than or equal to 0; "
     "correct the manifest"},
    {"job.yaml", "restartPolicy: Never", "restartPolicy: Never\n      hostnam: x",
     "ContentRejected", "spec.template.spec.hostnam"},
};

void Change(World& world, const Refusal& refusal) {
  std::string text = world.Read(kUnit + refusal.file);
  const size_t at = text.find(refusal.before);
  REQUIRE(at != std::string::npos);
  text.replace(at, refusal.before.size(), refusal.after);
  // A selector must fit its template.
  if (refusal.file == "deployment.yaml")
    text.replace(text.find("      labels: {app: web}"), 24, "      labels: {app: web, x: z}");
  world.Write(kUnit + refusal.file, text);
}

std::string Without(std::string text, const std::string& what) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what))
    text.erase(at, what.size());
  return text;
}

}  // namespace

TEST_CASE("a refusal is one line with object, field, rule and remedy, and the rest is verbose") {
  World world;
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  for (const auto& [file, text] : {std::pair{"job.yaml", kJob}, std::pair{"set.yaml", kSet},
                                   std::pair{"map.yaml", kMap}, std::pair{"secret.yaml", kSecret}})
    world.Write(kUnit + file, text);
  world.Commit("Add web");
  const Ran first = world.Sluice({"sync"});
  INFO(Told(first));
  REQUIRE(first.exit_code == 0);
  for (const Refusal& refusal : kRefusals) {
    const std::string kept = world.Read(kUnit + refusal.file);
    Change(world, refusal);
    world.Commit("Change " + refusal.file);
    const Ran plan = world.Sluice({"plan"});
    INFO(Told(plan));
    CHECK(plan.exit_code == 4);
    // An object is named with its namespace.
    const std::string out = Without(plan.out, world.Ns("dev") + "/");
    CHECK(Tells(out, "blocked: " + refusal.reason + ": "));
    CHECK(Tells(out, refusal.line));
    CHECK_FALSE(Tells(out, "core."));
    CHECK_FALSE(Tells(out, "ontainers\":["));
    CHECK_FALSE(Tells(out, "hunter"));
    CHECK_FALSE(Tells(world.Sluice({"plan", "--verbose"}).out, "hunter"));
    world.Write(kUnit + refusal.file, kept);
  }
  Change(world, kRefusals[0]);
  world.Commit("Change the job");
  const Ran sync = world.Sluice({"sync"});
  INFO(Told(sync));
  CHECK(sync.exit_code == 3);
  const nlohmann::json record = world.Record("dev/web");
  const std::string message = record["failed"][0]["reason"];
  CHECK(message == "ImmutableField");
  const LoggedEvent failed = [&] {
    for (const LoggedEvent& event : world.Events("dev/web")) {
      if (event.kind == "failed") return event;
    }
    return LoggedEvent{};
  }();
  CHECK(failed.trailers.at("Reason") == "ImmutableField");
  const std::string log = world.Sluice({"log", "dev/web"}).out;
  CHECK_FALSE(Tells(log, "restartPolicy"));
  const std::string full = world.Sluice({"log", "dev/web", "--verbose"}).out;
  CHECK(Tells(full, "is invalid: spec.template: Invalid value: "));
  CHECK(Tells(world.Sluice({"plan", "--help"}).out, "--verbose"));
}

TEST_CASE("a definition's new version is one line of the plan, and whole when asked") {
  World world({.may_manage_cluster = true});
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  const std::string group = world.Ns("dev") + ".example.test";
  const auto crd = [&](const std::string& properties) {
    return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: "
           "things." +
           group + "}\nspec:\n  group: " + group +
           "\n  scope: Namespaced\n"
           "  names: {plural: things, kind: Thing}\n  versions:\n    - name: v1\n      served: "
           "true\n      storage: true\n      schema:\n"
           "        openAPIV3Schema:\n          type: object\n          properties:\n"
           "            spec:\n              type: object\n              properties:\n" +
           properties;
  };
  const auto property = [](const std::string& name) {
    return "                " + name + ": {type: string, description: \"words\\nof " + name +
           "\"}\n";
  };
  world.Write(kUnit + "crd.yaml", crd(property("old")));
  world.Commit("Add a definition");
  const Ran first = world.Sluice({"sync"});
  INFO(Told(first));
  REQUIRE(first.exit_code == 0);
  std::string properties;
  for (int i = 0; i < 40; ++i) properties += property("field" + std::to_string(10 + i));
  world.Write(kUnit + "crd.yaml", crd(properties));
  world.Commit("Upgrade it");
  const Ran plan = world.Sluice({"plan"});
  INFO(Told(plan));
  CHECK(Tells(plan.out,
              "(40 fields added (spec.field10, spec.field11, spec.field12 and 37 more); "
              "1 field removed (spec.old))\n1 to update"));
  CHECK(Tells(plan.out, "--verbose shows all"));
  CHECK(Tells(world.Sluice({"plan", "--verbose"}).out, "properties/field49"));
}

}  // namespace sluice::e2e
