// What goes wrong before a rollout: each is one clear line with what, where, why and what to do,
// and its exit code.
#include <algorithm>
#include <regex>
#include <sstream>

#include "tests/e2e/cli.h"
#include "tests/support/catch.h"

namespace sluice::e2e {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;

// One line of the output has all the words.
void CheckLine(const Ran& ran, int code, const Words& words) {
  INFO(Text(ran));
  CHECK(ran.exit_code == code);
  std::istringstream in(ran.out + ran.err);
  bool is_found = false;
  for (std::string line; std::getline(in, line);) {
    is_found = is_found || std::all_of(words.begin(), words.end(), [&](const std::string& word) {
                 return line.find(word) != std::string::npos;
               });
  }
  for (const std::string& word : words) UNSCOPED_INFO("a line with: " << word);
  CHECK(is_found);
}

void Begin(World& world) {
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  world.Commit("Add web");
}

// Ended on 2025-01-01.
constexpr const char* kExpiredCertificate = R"(-----BEGIN CERTIFICATE-----
MIIBCjCBsgIBATAKBggqhkjOPQQDAjASMRAwDgYDVQQDDAdleHBpcmVkMB4XDTI0
MDEwMTAwMDAwMFoXDTI1MDEwMTAwMDAwMFowEjEQMA4GA1UEAwwHZXhwaXJlZDBZ
MBMGByqGSM49AgEGCCqGSM49AwEHA0IABM+draJrnTNgEnMQIp60h6ayn0lEYyPh
Bbr927jS0Y+i/pDPBihAmLcLIeFAEMH6dPGdInZTNJ3I6ziFgyA3Tw0wCgYIKoZI
zj0EAwIDRwAwRAIgAdDbp1COuNrbIiXreR+xSwa7tISUOKIOHdrZ8DuYxHICICtv
l0hFC/+3mwQqbCDBPxWBaMgmx7kHOdJKsPeEs1ok
-----END CERTIFICATE-----
)";

}  // namespace

TEST_CASE("an object that the cluster cannot take holds its unit before anything is written") {
  struct Case {
    std::string manifest;
    Words words;
  };
  const std::string file = "environments/dev/web/extra.yaml:1";
  const Case given = GENERATE_COPY(
      as<Case>{},
      Case{"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: x, "
           "namespace: shop}\nrules: []\n",
           {"WrongScope", "ClusterRole x", file, "cluster-scoped", "'shop'",
            "remove metadata.namespace"}},
      Case{"apiVersion: v1\nkind: ConfiMap\nmetadata: {name: x}\n",
           {"UnknownKind", "ConfiMap x", file, "cluster 'dev'", "did you mean 'ConfigMap'?"}},
      Case{"apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: x}\n",
           {"UnknownKind", "Widget", file, "example.com/v1",
            "install its CustomResourceDefinition"}},
      Case{"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: nowhere}\n",
           {"NamespaceMissing", "ConfigMap nowhere/x", file, "no namespace 'nowhere'",
            "create it"}});
  World world;
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  world.Write("environments/dev/web/extra.yaml", given.manifest);
  world.Commit("Add web");
  CheckLine(world.Sluice({"plan"}), 4, given.words);
  CheckLine(world.Sluice({"sync"}), 4, given.words);
  CHECK(world.Deployment("dev", "web").is_null());
}

TEST_CASE("a Secret that no server could take Failed: it stays declared, and Git is reverted") {
  World world;
  Begin(world);
  const std::string file = "environments/dev/web/secret.yaml";
  const std::string secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {p: ";
  world.Write(file, secret + "\"1\"}\n");
  world.Commit("Add a secret");
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  world.Write(file, secret + "7654321}\n");
  world.Commit("Forget the quotes");
  const Ran plan = world.Sluice({"plan"});
  CheckLine(plan, 4, {"ContentRejected", "Secret", file + ":1", "stringData.p is not text"});
  CHECK(plan.out.find("no longer declared") == std::string::npos);
  const size_t writes = world.WriteCount();
  CheckLine(world.Sluice({"sync"}), 3, {"ContentRejected", "stringData.p is not text"});
  CHECK(world.WriteCount() == writes);
  CHECK(world.Record("dev/web")["failed"].size() == 1);
  CHECK(world.Git({"show", "main:" + file}).find("\"1\"") != std::string::npos);
}

TEST_CASE(
    "a kubeconfig that cannot be used is invalid configuration, named before anything is "
    "recorded") {
  World world;
  Begin(world);
  const std::string missing =
      world.ChangedDaemonYaml("missing", "kubeconfig: .*", "kubeconfig: /nonexistent/kubeconfig");
  const Words words = {"/nonexistent/kubeconfig", "no such file", "spec.kubeconfig"};
  CheckLine(world.SluiceWith(missing, {"plan"}), 2, words);
  CheckLine(world.SluiceWith(missing, {"sync"}), 2, words);
  world.Write(
      "environments/dev/environment.yaml",
      "apiVersion: sluice.dev/v1\nkind: Environment\nmetadata: {name: dev}\nspec:\n  targets:\n"
      "    - {name: main, kubernetes: {context: devv, namespace: shop}}\n");
  world.Commit("A typing error");
  const Words context = {world.Kubeconfig(), "no context 'devv'", "did you mean 'dev'?"};
  CheckLine(world.Sluice({"plan"}), 2, context);
  CheckLine(world.Sluice({"sync"}), 2, context);
  CHECK_FALSE(world.Tip("deployments"));
}

TEST_CASE("on an empty log, too, a context that is unknown holds its own environment only") {
  World world;
  world.WritePipeline({{.name = "dev"}, {.name = "prod"}});
  for (const std::string environment : {"dev", "prod"}) world.WriteApp(environment, {});
  const std::string file = "environments/dev/environment.yaml";
  world.Write(file,
              std::regex_replace(world.Read(file), std::regex("context: dev"), "context: devv"));
  world.Commit("Add web");
  CheckLine(world.Sluice({"sync"}), 2, {"dev/web", "ContextUnknown", "no context 'devv'"});
  CHECK(world.Record("dev/web")["phase"] == "Held");
  CHECK(world.Record("prod/web")["outcome"] == "Succeeded");
}

TEST_CASE("a server that does not answer, and an expired certificate, are no verdict") {
  World world;
  Begin(world);
  json kubeconfig = json::parse(ReadFile(world.Kubeconfig()));
  for (json& cluster : kubeconfig["clusters"]) cluster["cluster"]["server"] = "https://127.0.0.1:1";
  WriteFile(world.Dir() + "/unreachable.kubeconfig", kubeconfig.dump());
  const std::string unreachable = world.ChangedDaemonYaml(
      "unreachable", "kubeconfig: .*", "kubeconfig: " + world.Dir() + "/unreachable.kubeconfig");
  const Words words = {"ConnectionFailed", "cluster 'dev'", "https://127.0.0.1:1",
                       "connection refused", "kubeconfig"};
  CheckLine(world.SluiceWith(unreachable, {"plan"}), 1, words);
  CheckLine(world.SluiceWith(unreachable, {"sync"}), 1, words);
  CHECK(world.Record("dev/web")["outcome"] == "Errored");
  CHECK(world.CommitCount("main") == 1);

  kubeconfig = json::parse(ReadFile(world.Kubeconfig()));
  WriteFile(world.Dir() + "/expired.pem", kExpiredCertificate);
  for (json& user : kubeconfig["users"]) {
    user["user"].erase("client-certificate-data");
    user["user"]["client-certificate"] = world.Dir() + "/expired.pem";
  }
  WriteFile(world.Dir() + "/expired.kubeconfig", kubeconfig.dump());
  const std::string expired = world.ChangedDaemonYaml(
      "expired", "kubeconfig: .*", "kubeconfig: " + world.Dir() + "/expired.kubeconfig");
  CheckLine(world.SluiceWith(expired, {"plan"}), 1,
            {"CertificateExpired", "expired at 2025-01-01T00:00:00Z"});
}

TEST_CASE(
    "a repository that is missing, empty, or without the branch is named with the next move") {
  World world;
  Begin(world);
  world.Git({"init", "--quiet", "--bare", world.Dir() + "/empty.git"});
  const std::string origin = world.Dir() + "/origin.git";
  const std::string missing =
      world.ChangedDaemonYaml("missing", "url: .*", "url: " + world.Dir() + "/missing.git");
  const std::string empty =
      world.ChangedDaemonYaml("empty", "url: .*", "url: " + world.Dir() + "/empty.git");
  const std::string branch =
      world.ChangedDaemonYaml("branch", "url: .*", "url: " + origin + "\n    branch: trunk");
  const std::string path =
      world.ChangedDaemonYaml("path", "url: .*", "url: " + origin + "\n    path: sub/dir");
  const std::string key =
      world.ChangedDaemonYaml("key", "kubeconfig: .*", "hmacKeyFile: /nonexistent/key");
  for (const std::string command : {"plan", "status", "sync"}) {
    INFO(command);
    CheckLine(world.SluiceWith(path, {command}), 2,
              {"no directory 'sub/dir'", "spec.repository.path"});
    CheckLine(world.SluiceWith(key, {command}), 2, {"spec.hmacKeyFile", "/nonexistent/key"});
    CheckLine(world.SluiceWith(missing, {command}), 1,
              {"no Git repository at '" + world.Dir() + "/missing.git'", "correct repository.url"});
    CheckLine(world.SluiceWith(empty, {command}), 1,
              {world.Dir() + "/empty.git", "no branch 'main'", "push"});
    CheckLine(world.SluiceWith(branch, {command}), 1,
              {origin, "no branch 'trunk'", "spec.repository.branch"});
  }
}

TEST_CASE("a pipeline of another name than the log's stops everything, and the name is said") {
  World world;
  Begin(world);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  const auto log = world.Tip("deployments");
  const std::string pipeline = world.Read("sluice.yaml");
  world.Write("sluice.yaml", std::regex_replace(pipeline, std::regex("shop"), "shop2"));
  world.Commit("Rename the pipeline");
  const Words words = {"log branch 'deployments' belongs to pipeline 'shop'", "'shop2'",
                       "spec.repository.logBranch"};
  for (const std::string command : {"sync", "init", "plan", "status"})
    CheckLine(world.Sluice({command}), 2, words);
  CHECK(world.Tip("deployments") == log);
  world.Write("sluice.yaml", pipeline);
  world.Commit("Call it shop again");
  CHECK(world.Sluice({"sync"}).exit_code == 0);
}

TEST_CASE("a broken daemon.yaml is invalid configuration: every problem with its place") {
  World world;
  const std::string broken = world.ChangedDaemonYaml("broken", "dataDir:", "datadir:");
  const Ran ran = world.SluiceWith(broken, {"plan"});
  CheckLine(ran, 2, {"broken.yaml:", "unknown field 'datadir'", "did you mean 'dataDir'?"});
  CheckLine(ran, 2, {"broken.yaml:", "spec.dataDir is required"});
  WriteFile(world.Dir() + "/torn.yaml", "a: [\n");
  CheckLine(world.SluiceWith(world.Dir() + "/torn.yaml", {"sync"}), 2, {"torn.yaml:2:1"});
}

}  // namespace sluice::e2e
