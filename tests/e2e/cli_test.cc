// The command line as people and programs use it: forms of output, exit codes.
#include "tests/e2e/cli.h"

#include <algorithm>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/json_schema.h"
#include "tests/support/paths.h"

namespace sluice::e2e {
namespace {

using nlohmann::json;

void Begin(World& world) {
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  world.Write(
      "environments/dev/web/secret.yaml",
      "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: hunter2}\n");
  world.Commit("Add web");
}

json Checked(const Ran& ran, const std::string& schema) {
  INFO(Text(ran));
  const json value = json::parse(ran.out, nullptr, false);
  REQUIRE_FALSE(value.is_discarded());
  CHECK(test::CheckSchema(test::ReadSchema(schema), value) == std::vector<std::string>{});
  return value;
}

}  // namespace

TEST_CASE("validate and render work on a plain directory, without a configuration") {
  const std::string shop = test::SourceDirectory() + "/environments/shop";
  const Ran valid = Plain({"validate", shop});
  INFO(Text(valid));
  CHECK(valid.exit_code == 0);
  CHECK(Checked(Plain({"validate", shop, "-o", "json"}), "validate")["valid"] == true);

  const Ran rendered = Plain({"render", shop, "prod/checkout", "-o", "json"});
  CHECK(rendered.exit_code == 0);
  const json objects = json::parse(rendered.out);
  CHECK(objects.size() == 5);
  const Ran yaml = Plain({"render", shop, "prod/checkout"});
  CHECK(yaml.exit_code == 0);
  CHECK(yaml.out.starts_with("---\napiVersion: "));
  const Ran unknown = Plain({"render", shop, "prod/nothing"});
  INFO(Text(unknown));
  CHECK(unknown.exit_code == 2);
  CHECK(unknown.err.find("prod/nothing") != std::string::npos);
  CHECK(Plain({"validate", "/nonexistent"}).exit_code != 0);
}

TEST_CASE("output that cannot be written is an error, never a quiet success") {
  const std::string shop = test::SourceDirectory() + "/environments/shop";
  for (const std::string& words :
       {"render " + shop + " prod/checkout", "validate " + shop, std::string("version"),
        std::string("plan --help"), std::string("completion bash")}) {
    const Ran ran = Tool({"/bin/sh", "-c", Binary() + " " + words + " > /dev/full"}, "");
    INFO(words << "\n" << Text(ran));
    CHECK(ran.exit_code == 1);
    CHECK(ran.err.starts_with("sluice: the output could not be written"));
    CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
  }
}

TEST_CASE("problems of a directory come as text, JSON, SARIF and JUnit, with exit code 2") {
  char pattern[] = "/tmp/sluice-cli-XXXXXX";
  const std::string dir = mkdtemp(pattern);
  std::filesystem::copy(test::SourceDirectory() + "/environments/shop", dir,
                        std::filesystem::copy_options::recursive);
  const std::string broken = "environments/dev/checkout/app.yaml";
  WriteFile(dir + "/" + broken,
            "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: checkout}\nspec:\n  "
            "helth: {}\n  approvals: 2\n");
  const Ran text = Plain({"validate", dir});
  INFO(Text(text));
  CHECK(text.exit_code == 2);
  CHECK(text.out.find(broken + ":5:3") != std::string::npos);
  CHECK(text.out.find("did you mean 'health'") != std::string::npos);
  CHECK(text.out.find(broken + ":6:3") != std::string::npos);

  const Ran as_json = Plain({"validate", dir, "-o", "json"});
  CHECK(as_json.exit_code == 2);
  const json problems = Checked(as_json, "validate");
  CHECK(problems["valid"] == false);
  CHECK(problems["problems"].size() == 2);

  const Ran sarif = Plain({"validate", dir, "-o", "sarif"});
  CHECK(sarif.exit_code == 2);
  const json log = json::parse(sarif.out);
  CHECK(log["version"] == "2.1.0");
  CHECK(log["runs"][0]["tool"]["driver"]["name"] == "sluice");
  REQUIRE(log["runs"][0]["results"].size() == 2);
  const json place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
  CHECK(place["artifactLocation"]["uri"] == broken);
  CHECK(place["region"]["startLine"] == 5);

  const Ran junit = Plain({"validate", dir, "-o", "junit"});
  CHECK(junit.exit_code == 2);
  const Ran counted =
      Tool({"/usr/bin/python3", "-c",
            "import sys, xml.etree.ElementTree as e; r = e.parse(sys.stdin).getroot(); "
            "print(len(list(r.iter('testcase'))) > 0, len(list(r.iter('failure'))) + "
            "len(list(r.iter('error'))))"},
           junit.out);
  INFO(Text(counted));
  CHECK(counted.out.starts_with("True "));
  CHECK(counted.out != "True 0\n");
  std::filesystem::remove_all(dir);
}

namespace {

// Asks for JSON, holds it against its schema, and keeps all that was said.
struct Asker {
  World& world;
  std::string all;

  json operator()(std::vector<std::string> args, const std::string& schema, int code) {
    args.insert(args.end(), {"-o", "json"});
    const Ran ran = world.Sluice(args);
    INFO(args.front());
    CHECK(ran.exit_code == code);
    all += ran.out + ran.err;
    return Checked(ran, schema);
  }
};

void CheckMetrics(const World& world) {
  const json metrics = json::parse(ReadFile(world.Dir() + "/metrics.json"));
  CHECK(test::CheckSchema(test::ReadSchema("metrics"), metrics) == std::vector<std::string>{});
  CHECK(metrics["requests"].value("patch", 0) + metrics["requests"].value("create", 0) >= 3);
  CHECK(metrics["gitCalls"] > 0);
  CHECK(metrics["steps"].value("apply", 0.0) > 0);
}

}  // namespace

TEST_CASE("JSON outputs follow their schemas, before and after a rollout") {
  World world;
  Begin(world);
  Asker ask{world, ""};
  CHECK(ask({"status"}, "status", 0)[0]["running"].is_null());
  CHECK(ask({"log"}, "log", 0).empty());
  CHECK(ask({"drift"}, "drift", 0)[0]["health"].is_null());
  const json creates = ask({"plan"}, "plan", 0);
  CHECK(creates[0]["changes"].size() == 3);
  CHECK(creates[0]["error"].is_null());
  const json synced = ask({"sync", "--metrics-file", world.Dir() + "/metrics.json"}, "sync", 0);
  CHECK(synced[0]["unit"] == "dev/web");
  CHECK(synced[0]["standing"] == "Synced");
  CheckMetrics(world);
  const json status = ask({"status", "dev/web", "--live"}, "status", 0);
  CHECK(status[0]["running"]["revision"] == *world.Tip("main"));
  CHECK(status[0]["desired"]["fingerprint"] == status[0]["running"]["fingerprint"]);
  const json log = ask({"log", "dev/web"}, "log", 0);
  REQUIRE(log.size() == 2);
  CHECK(log[0]["event"] == "succeeded");
  CHECK(log[1]["event"] == "started");
  CHECK(ask({"log", "dev", "--event", "started", "--limit", "1"}, "log", 0).size() == 1);
  CHECK(ask({"plan"}, "plan", 0)[0]["changes"].empty());
  CHECK(ask({"plan", "--all"}, "plan", 0)[0]["changes"].size() == 3);
  CHECK(ask({"drift"}, "drift", 0)[0]["health"] == "Healthy");
}

TEST_CASE("JSON outputs of what goes wrong follow their schemas, and never show a Secret's value") {
  World world;
  Begin(world);
  Asker ask{world, ""};
  CHECK(ask({"sync"}, "sync", 0)[0]["standing"] == "Synced");
  world.WriteRelease("dev", "web", "good-2", "2");
  world.Write("environments/dev/web/secret.yaml",
              "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: "
              "correct-horse}\n");
  world.Commit("Release 2");
  const json updates = ask({"plan", "--exit-code"}, "plan", 5);
  REQUIRE(updates[0]["changes"].size() == 2);
  for (const json& change : updates[0]["changes"]) CHECK(change["action"] == "update");
  ask.all += world.Sluice({"plan"}).out + world.Sluice({"plan", "-o", "markdown"}).out +
             world.Sluice({"plan", "-o", "yaml"}).out;

  world.WriteRelease("dev", "web", "http500-1", "bad");
  world.Commit("Bad");
  CHECK(ask({"sync"}, "sync", 3)[0]["standing"] == "Failed");
  ask({"log"}, "log", 0);
  ask({"status"}, "status", 0);
  world.Pull();  // the revert
  world.Write("environments/dev/web/app.yaml", "kind: Application\n");
  world.Commit("Break it");
  CHECK_FALSE(ask({"plan"}, "plan", 2)[0]["error"].is_null());
  CHECK(ask({"sync"}, "sync", 2)[0]["standing"] == "Invalid");
  ask({"validate"}, "validate", 2);
  for (const std::string value : {"hunter2", "correct-horse", "aHVudGVyMg", "Y29ycmVjdC1ob3JzZQ"}) {
    INFO(value);
    CHECK(ask.all.find(value) == std::string::npos);
  }
}

TEST_CASE("tables are for people: no colour and no control characters when nobody watches") {
  World world;
  Begin(world);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  for (const std::string command : {"status", "log", "plan", "drift"}) {
    const Ran ran = world.Sluice({command});
    INFO(command << "\n" << Text(ran));
    CHECK(ran.exit_code == 0);
    CHECK(ran.out.find("dev/web") != std::string::npos);
    CHECK(ran.out.find('\x1b') == std::string::npos);
  }
  CHECK(world.Sluice({"status", "-o", "yaml"}).out.starts_with("- "));
}

TEST_CASE("operators' words are answered in one line, with the exit code that fits") {
  World world;
  world.WritePipeline({{.name = "dev"}, {.name = "prod"}});
  for (const std::string environment : {"dev", "prod"}) world.WriteApp(environment, {});
  world.Commit("Add web");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const auto tip = world.Tip("main");
  struct Case {
    std::vector<std::string> args;
    int code;
    std::string out, err;
  };
  const std::string image = "registry.example/shop/web";
  const std::vector<Case> cases = {
      {{"promote", "prod/web"}, 0, "prod/web: nothing newer in dev", ""},
      {{"promote", "dev/web"}, 2, "", "no upstream environment"},
      {{"promote", "prod/wob"}, 2, "", "did you mean 'prod/web'?"},
      {{"release", "dev/web"}, 2, "", "--image NAME=TAG"},
      {{"release", "dev/web", "--image", image + "=latest"}, 2, "", "latest"},
      {{"release", "dev/web", "--image", image}, 2, "", "NAME=TAG"},
      {{"release", "dev/web", "--image", image + "=1", "--image", image + "=2"},
       2,
       "",
       "is given twice"},
      {{"release", "dev/web", "--image", "reg.io/nope=v2"},
       2,
       "",
       "would make dev/web invalid: environments/dev/web/release.yaml: image reg.io/nope"},
      {{"release", "dev/web", "--image", image + "=good-2", "--version", "a\nb"},
       2,
       "",
       "nothing is committed"},
      {{"release", "dev/web", "--image", image + "=good-1", "--version", "1"},
       0,
       "declares this release already",
       ""},
      {{"rollback", "dev/web"}, 2, "", "no Succeeded rollout with other content"},
      {{"rollback", "dev/web", "--to", "r-none"}, 2, "", "r-none"},
      {{"log", "--event", "nonsense"}, 2, "", "unknown event 'nonsense'"},
      {{"log", "prodd"}, 2, "", "no environment prodd is declared or recorded; did you mean"},
      {{"log", "prod/wob"}, 2, "", "no unit prod/wob is declared or recorded; did you mean"},
      {{"adopt", "dev/web", "--object", "bogus"}, 2, "", "as group/kind/namespace/name"},
      {{"adopt", "dev/web", "--object", "v1/ConfigMap/shop/x"}, 2, "", "'/ConfigMap/shop/x'"},
      {{"adopt", "dev/web", "--object", "v2ray.example.com/Route/shop/x"}, 0, "adopt dev/web", ""},
      {{"freeze", "dev/web", "--reason", "a drill"}, 0, "freeze dev/web is asked for", ""}};
  for (const Case& given : cases) {
    const Ran ran = world.Sluice(given.args);
    INFO(given.args[0] << " " << Text(ran));
    CHECK(ran.exit_code == given.code);
    CHECK(ran.out.find(given.out) != std::string::npos);
    CHECK(ran.err.find(given.err) != std::string::npos);
    const std::string said = ran.out + ran.err;
    CHECK(std::count(said.begin(), said.end(), '\n') == 1);
  }
  CHECK(world.Tip("main") == tip);
  CHECK(world.Sluice({"sync"}).exit_code == 4);
}

}  // namespace sluice::e2e
