#include <nlohmann/json.hpp>

#include "tests/support/json_schema.h"
#include "tests/unit/config/config_repo.h"

namespace sluice::config {
namespace {

std::string AppWith(const std::string& tests) {
  return "apiVersion: sluice.dev/v1\nkind: Application\nmetadata: {name: web}\nspec:\n  "
         "smokeTests:\n" +
         tests;
}

test::MemoryTree RepoWith(const std::string& tests) {
  auto tree = Repo();
  tree.Put("environments/prod/web/app.yaml", AppWith(tests));
  return tree;
}

}  // namespace

TEST_CASE("every kind of smoke test and every field of it is read") {
  auto tree = RepoWith(R"(    - name: up
      http:
        url: https://shop.example:8443/healthz?x=1
        connectTo: "127.0.0.1:8080"
        status: 204
        headers: {X-Probe: sluice}
        expectHeaders: {Content-Type: text/plain}
        contains: ok
        json: {path: /version, equals: {a: [1, null]}}
      timeout: 5s
      retries: 3
      interval: 2s
      samples: 5
      required: 4
    - {name: port, tcp: {address: "[::1]:5432"}}
    - {name: script, command: {run: [./bin/check.sh, --fast, "", ./data.txt]}, timeout: 1m}
    - {name: tool, command: {run: [curl, -f]}}
    - {name: job, job: {manifest: smoke/job.yaml}}
)");
  tree.PutExecutable("environments/prod/web/bin/check.sh", "#!/bin/sh\n");
  tree.Put("environments/prod/web/data.txt", "1\n");
  tree.Put("environments/prod/web/unread.txt", "1\n");
  tree.Put("environments/prod/web/smoke/job.yaml",
           "apiVersion: batch/v1\nkind: Job\nmetadata: {name: smoke}\n");
  CHECK(AllProblems(tree) == "");
  const DeclaredUnit unit = LoadAll(tree).units.at({"prod", "web"});
  const auto& tests = unit.application.smoke_tests;
  REQUIRE(tests.size() == 5);
  const auto& http = std::get<HttpSmokeTest>(tests[0].check);
  CHECK(http.url == "https://shop.example:8443/healthz?x=1");
  CHECK(http.connect_to == "127.0.0.1:8080");
  CHECK(http.status == 204);
  CHECK(http.headers == std::map<std::string, std::string>{{"X-Probe", "sluice"}});
  CHECK(http.expect_headers == std::map<std::string, std::string>{{"content-type", "text/plain"}});
  CHECK(http.contains == "ok");
  CHECK(http.json->path == "/version");
  CHECK(http.json->equals == nlohmann::json::parse(R"({"a":[1,null]})"));
  CHECK(tests[0].timeout == 5s);
  CHECK(tests[0].retries == 3);
  CHECK(tests[0].interval == 2s);
  CHECK(tests[0].samples == 5);
  CHECK(tests[0].required == 4);
  CHECK(std::get<TcpSmokeTest>(tests[1].check).address == "[::1]:5432");
  CHECK(tests[1].timeout == 30s);
  CHECK(tests[1].required == 0);
  CHECK(std::get<CommandSmokeTest>(tests[2].check).run ==
        std::vector<std::string>{"./bin/check.sh", "--fast", "", "./data.txt"});
  CHECK(std::get<TaskSmokeTest>(tests[4].check).manifest == "smoke/job.yaml");

  // What they name is read for the unit; a Job's manifest is not applied.
  CHECK(Paths(unit.manifests) == std::vector<std::string>{"environments/prod/web/config.yaml"});
  CHECK(Paths(unit.inputs) ==
        std::vector<std::string>{
            "environments/prod/web/app.yaml", "environments/prod/web/bin/check.sh",
            "environments/prod/web/config.yaml", "environments/prod/web/data.txt",
            "environments/prod/web/release.yaml", "environments/prod/web/smoke/job.yaml"});
}

TEST_CASE("a broken smoke test is told with its place") {
  struct Row {
    std::string test, problem;
    bool is_seen_by_schema = true;
  };
  const std::vector<Row> rows = {
      {"{http: {url: http://a/}}", "6:7: spec.smokeTests[0].name is required"},
      {"{name: up}", "6:7: spec.smokeTests[0] needs one of http, tcp, command, job"},
      {"{name: up, http: {url: http://a/}, tcp: {address: 'a:1'}}",
       "6:7: spec.smokeTests[0] must have only one of http, tcp, command, job"},
      {"{name: up, task: {}}", "6:18: spec.smokeTests[0].task is not supported by this version"},
      {"{name: up, http: {}}", "6:18: spec.smokeTests[0].http.url is required"},
      {"{name: up, http: {url: ftp://a/}}",
       "6:25: spec.smokeTests[0].http.url must begin with http:// or https://"},
      {"{name: up, http: {url: a/b}}",
       "6:25: spec.smokeTests[0].http.url must begin with http:// or https://"},
      {"{name: up, http: {url: 'http://u:p@a/'}}",
       "6:25: spec.smokeTests[0].http.url must not carry a user name or password"},
      {"{name: up, http: {url: 'http:///x'}}",
       "6:25: spec.smokeTests[0].http.url must be a URL with a host"},
      {"{name: up, http: {url: 'http://a:99999/'}}",
       "6:25: spec.smokeTests[0].http.url must be a URL with a host", false},
      {"{name: up, http: {url: http://a/, connectTo: localhost}}",
       "6:41: spec.smokeTests[0].http.connectTo must be host:port, not 'localhost'"},
      {"{name: up, http: {url: http://a/, connectTo: 'a:0'}}",
       "6:41: spec.smokeTests[0].http.connectTo must be host:port, not 'a:0'", false},
      {"{name: up, http: {url: http://a/, status: 99}}",
       "6:41: spec.smokeTests[0].http.status must be from 100 to 599, not 99"},
      {"{name: up, http: {url: http://a/, status: '200'}}",
       "6:41: spec.smokeTests[0].http.status must be a whole number, not text"},
      {"{name: up, http: {url: http://a/, headers: {'a b': c}}}",
       "6:51: spec.smokeTests[0].http.headers.a b is no HTTP header name", false},
      {"{name: up, http: {url: http://a/, headers: {a: 1}}}",
       "6:51: spec.smokeTests[0].http.headers.a must be text, not a number; put it in quotes"},
      {"{name: up, http: {url: http://a/, json: {path: version, equals: 1}}}",
       "6:48: spec.smokeTests[0].http.json.path must be a JSON pointer such as /version"},
      {"{name: up, http: {url: http://a/, json: {path: /v}}}",
       "6:41: spec.smokeTests[0].http.json.equals is required"},
      {"{name: up, tcp: {address: 'a'}}",
       "6:24: spec.smokeTests[0].tcp.address must be host:port, not 'a'"},
      {"{name: up, tcp: {address: '::1:5'}}",
       "6:24: spec.smokeTests[0].tcp.address must be host:port, not '::1:5'", false},
      {"{name: up, command: {run: []}}",
       "6:28: spec.smokeTests[0].command.run must name a command"},
      {"{name: up, command: {run: [/bin/sh]}}",
       "6:28: spec.smokeTests[0].command.run '/bin/sh' must be a file of the application's "
       "directory",
       false},
      {"{name: up, command: {run: [../x.sh]}}",
       "6:28: spec.smokeTests[0].command.run '../x.sh' must be a file of the application's "
       "directory",
       false},
      {"{name: up, command: {run: [./no.sh]}}",
       "6:34: smoke test up runs ./no.sh, which is not in environments/prod/web [missing-file]",
       false},
      {"{name: up, job: {manifest: no.yaml}}",
       "6:24: smoke test up names no.yaml, which is not in environments/prod/web [missing-file]",
       false},
      {"{name: up, job: {manifest: no.sh}}",
       "6:24: spec.smokeTests[0].job.manifest 'no.sh' must be a YAML or JSON file"},
      {"{name: up, job: {manifest: app.yaml}}",
       "6:24: smoke test up names app.yaml, which is no Job", false},
      {"{name: up, tcp: {address: 'a:1'}, samples: 0}",
       "6:41: spec.smokeTests[0].samples must be from 1 to 1000, not 0"},
      {"{name: up, tcp: {address: 'a:1'}, samples: 2, required: 3}",
       "6:7: spec.smokeTests[0] requires 3 of 2 samples", false},
      {"{name: up, tcp: {address: 'a:1'}, retries: -1}",
       "6:41: spec.smokeTests[0].retries must be from 0 to 1000, not -1"},
      {"{name: up, tcp: {address: 'a:1'}, timeout: 1x}",
       "6:41: spec.smokeTests[0].timeout must be a duration: '1x' is not a duration"},
      {"{name: up, tcp: {address: 'a:1'}, retry: 3}",
       "6:41: unknown field 'retry' in spec.smokeTests[0] [unknown-field]"},
  };
  const nlohmann::json schema = test::ReadSchema("application");
  for (const Row& row : rows) {
    DYNAMIC_SECTION(row.test) {
      const std::string tests = "    - " + row.test + "\n";
      const std::string problems = AllProblems(RepoWith(tests));
      INFO(problems);
      CHECK(problems.find("environments/prod/web/app.yaml:" + row.problem) != std::string::npos);
      CHECK_FALSE(test::CheckSchema(schema, yaml::Parse(AppWith(tests), "a").documents.at(0).value)
                      .empty() == row.is_seen_by_schema);
    }
  }
}

TEST_CASE("names of smoke tests are unique") {
  const std::string problems = AllProblems(RepoWith(
      "    - {name: up, tcp: {address: 'a:1'}}\n    - {name: up, tcp: {address: 'a:2'}}\n"));
  CHECK(problems ==
        "environments/prod/web/app.yaml:7:7: spec.smokeTests[1] has the name 'up' of another smoke "
        "test [duplicate-name]\n");
}

TEST_CASE("a script must be executable and a Job must be one") {
  auto tree = RepoWith(
      "    - {name: s, command: {run: [./check.sh]}}\n    - {name: j, job: {manifest: "
      "job.yaml}}\n");
  tree.Put("environments/prod/web/check.sh", "#!/bin/sh\n")
      .Put("environments/prod/web/job.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n");
  CHECK(AllProblems(tree) ==
        "environments/prod/web/check.sh: is run by smoke test s but is not executable; git "
        "update-index --chmod=+x [not-executable]\n"
        "environments/prod/web/job.yaml:2:1: must be a Job of batch/v1, for smoke test j "
        "[wrong-kind]\n");
}

}  // namespace sluice::config
