#include <nlohmann/json.hpp>

#include "tests/support/json_schema.h"
#include "tests/unit/config/config_repo.h"

namespace sluice::config {
namespace {

constexpr const char* kSmall = R"(apiVersion: sluice.dev/v1
kind: Daemon
metadata: {name: shop}
spec:
  repository: {url: /srv/git/shop.git}
  dataDir: data
)";

std::string Refusal(const std::string& text) {
  const auto daemon = ParseDaemonConfig(text, "d.yaml");
  REQUIRE_FALSE(daemon);
  CHECK(daemon.error().code() == ErrorCode::kInvalidConfig);
  return daemon.error().message();
}

std::string WithUrl(const std::string& url, const std::string& more = "") {
  return "apiVersion: sluice.dev/v1\nkind: Daemon\nmetadata: {name: shop}\nspec:\n  repository: "
         "{url: '" +
         url + "'" + more + "}\n  dataDir: data\n";
}

}  // namespace

TEST_CASE("a small daemon.yaml has the documented defaults") {
  const auto daemon = ParseDaemonConfig(kSmall, "/etc/sluice/daemon.yaml");
  REQUIRE(daemon);
  CHECK(daemon->name == "shop");
  CHECK(daemon->repository.url == "/srv/git/shop.git");
  CHECK(daemon->repository.branch == "main");
  CHECK(daemon->repository.log_branch == "deployments");
  CHECK(daemon->repository.path == ".");
  CHECK(daemon->repository.poll == 5s);
  CHECK_FALSE(daemon->repository.allow_insecure);
  CHECK(daemon->kubeconfig == "");
  CHECK(daemon->data_dir == "/etc/sluice/data");
  CHECK(daemon->identity.name == "sluice");
  CHECK(daemon->identity.email == "sluice@localhost");
  CHECK(daemon->signing.format == "");
  CHECK_FALSE(daemon->allow_commands);
  CHECK(daemon->workers == 8);
  CHECK(daemon->log_format == "logfmt");
  CHECK(daemon->log_level == "info");
  CHECK(daemon->exec_allow_list.empty());
  CHECK(
      test::CheckSchema(test::ReadSchema("daemon"), yaml::Parse(kSmall, "d").documents.at(0).value)
          .empty());
}

TEST_CASE("every field of daemon.yaml is read, and relative paths start at the file's folder") {
  const std::string text = R"(apiVersion: sluice.dev/v1
kind: Daemon
metadata: {name: shop}
spec:
  repository:
    url: ../repo.git
    branch: release/prod
    logBranch: log
    path: ./deploy//shop/
    poll: 30s
    usernameFile: user
    tokenFile: /run/token
    sshKeyFile: keys/id
    knownHostsFile: keys/hosts
    caFile: ca.pem
    allowInsecure: true
  kubeconfig: kube/config
  dataDir: /var/lib/sluice
  identity: {name: Deploy Bot, email: bot@example.com}
  signing: {format: ssh, keyFile: keys/sign}
  allowCommands: true
  workers: 2
  log: {format: json, level: debug}
  hmacKeyFile: hmac
  execAllowList: [aws, gke-gcloud-auth-plugin]
)";
  CHECK(
      test::CheckSchema(test::ReadSchema("daemon"), yaml::Parse(text, "d").documents.at(0).value) ==
      std::vector<std::string>{});
  const auto daemon = ParseDaemonConfig(text, "/etc/sluice/daemon.yaml");
  REQUIRE(daemon);
  CHECK(daemon->repository.url == "/etc/repo.git");
  CHECK(daemon->repository.branch == "release/prod");
  CHECK(daemon->repository.log_branch == "log");
  CHECK(daemon->repository.path == "deploy/shop");
  CHECK(daemon->repository.poll == 30s);
  CHECK(daemon->repository.username_file == "/etc/sluice/user");
  CHECK(daemon->repository.token_file == "/run/token");
  CHECK(daemon->repository.ssh_key_file == "/etc/sluice/keys/id");
  CHECK(daemon->repository.known_hosts_file == "/etc/sluice/keys/hosts");
  CHECK(daemon->repository.ca_file == "/etc/sluice/ca.pem");
  CHECK(daemon->repository.allow_insecure);
  CHECK(daemon->kubeconfig == "/etc/sluice/kube/config");
  CHECK(daemon->data_dir == "/var/lib/sluice");
  CHECK(daemon->identity.name == "Deploy Bot");
  CHECK(daemon->identity.email == "bot@example.com");
  CHECK(daemon->signing.format == "ssh");
  CHECK(daemon->signing.key_file == "/etc/sluice/keys/sign");
  CHECK(daemon->allow_commands);
  CHECK(daemon->workers == 2);
  CHECK(daemon->log_format == "json");
  CHECK(daemon->log_level == "debug");
  CHECK(daemon->hmac_key_file == "/etc/sluice/hmac");
  CHECK(daemon->exec_allow_list == std::vector<std::string>{"aws", "gke-gcloud-auth-plugin"});
}

TEST_CASE("a file named without a folder keeps its paths relative to where one stands") {
  const auto daemon = ParseDaemonConfig(kSmall, "daemon.yaml");
  REQUIRE(daemon);
  CHECK(daemon->data_dir == "data");
}

TEST_CASE("a gpg key id is no path") {
  const auto daemon = ParseDaemonConfig(
      std::string(kSmall) + "  signing: {format: gpg, keyFile: 0xAB12CD}\n", "/etc/d.yaml");
  REQUIRE_FALSE(daemon);  // 0xAB12CD is a number in YAML
  const auto quoted = ParseDaemonConfig(
      std::string(kSmall) + "  signing: {format: gpg, keyFile: \"0xAB12CD\"}\n", "/etc/d.yaml");
  REQUIRE(quoted);
  CHECK(quoted->signing.key_file == "0xAB12CD");
}

TEST_CASE("repository URLs that are allowed") {
  for (const std::string url :
       {"https://git.example/shop.git", "ssh://git@git.example:2222/shop.git",
        "git@git.example:shop/config.git", "/srv/git/shop.git", "http://127.0.0.1:3000/shop.git",
        "http://localhost/shop.git", "http://[::1]:3000/shop.git"}) {
    INFO(url);
    CHECK(ParseDaemonConfig(WithUrl(url), "d.yaml"));
  }
  CHECK(ParseDaemonConfig(WithUrl("http://git.internal/shop.git", ", allowInsecure: true"),
                          "d.yaml"));
}

TEST_CASE("repository URLs that are refused, without showing their credentials") {
  struct Row {
    std::string url, why;
  };
  const std::vector<Row> rows = {
      {"http://git.example/shop.git", "http to another machine"},
      {"http://127.0.0.1.example/shop.git", "http to another machine"},
      {"https://user:hunter2@git.example/shop.git",
       "must not carry credentials; use usernameFile and tokenFile"},
      {"https://hunter2@git.example/shop.git", "must not carry credentials"},
      {"file:///srv/git", "must be https, ssh, or a path of this machine, not file"},
      {"git://git.example/x", "not git"},
      {"ext::sh -c true", "must be https://"},
      {"-oProxyCommand=x", "must be https://"},
      {"ssh://-oProxyCommand=x/y", "has no host"},
      {"shop.git", "must be https://"}};
  for (const Row& row : rows) {
    const std::string message = Refusal(WithUrl(row.url));
    INFO(message);
    CHECK(message.find(row.why) != std::string::npos);
    CHECK(message.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("problems of daemon.yaml are told with their place") {
  struct Row {
    std::string more, problem;
    bool is_seen_by_schema = true;
  };
  const std::vector<Row> rows = {
      {"  worker: 3\n", "d.yaml:7:3: unknown field 'worker' in spec; did you mean 'workers'?"},
      {"  workers: 0\n", "d.yaml:7:3: spec.workers must be from 1 to 256, not 0"},
      {"  log: {format: xml}\n",
       "d.yaml:7:9: spec.log.format must be one of logfmt, json, not 'xml'"},
      {"  log: {level: verbose}\n",
       "d.yaml:7:9: spec.log.level must be one of debug, info, warn, error, not 'verbose'"},
      {"  identity: {name: x}\n", "d.yaml:7:3: spec.identity.email is required"},
      {"  signing: {format: x509, keyFile: k}\n",
       "d.yaml:7:13: spec.signing.format must be one of ssh, gpg, not 'x509'"},
      {"  allowCommands: sometimes\n",
       "d.yaml:7:3: spec.allowCommands must be true or false, not text"},
      {"  webhook: {port: 1}\n", "d.yaml:7:3: spec.webhook is not supported by this version"},
      {"  execAllowList: aws\n", "d.yaml:7:3: spec.execAllowList must be a list, not text"},
  };
  const nlohmann::json schema = test::ReadSchema("daemon");
  for (const Row& row : rows) {
    INFO(row.more);
    CHECK(Refusal(kSmall + row.more) == row.problem);
    CHECK_FALSE(test::CheckSchema(schema, yaml::Parse(kSmall + row.more, "d").documents.at(0).value)
                    .empty() == row.is_seen_by_schema);
  }
  CHECK(Refusal("apiVersion: sluice.dev/v1\nkind: Daemon\nmetadata: {name: d}\nspec: {}\n") ==
        "d.yaml:4:1: spec.repository is required\nd.yaml:4:1: spec.dataDir is required");
  CHECK(Refusal(WithUrl("/x", ", branch: deployments"))
            .find("needs two branches: branch and logBranch are both deployments") !=
        std::string::npos);
  CHECK(Refusal(WithUrl("/x", ", branch: 'a..b'")).find("must be a branch name, not 'a..b'") !=
        std::string::npos);
  CHECK(Refusal(WithUrl("/x", ", path: ../other")).find("must stay inside the repository") !=
        std::string::npos);
  CHECK(Refusal(WithUrl("/x", ", path: /abs")).find("must be relative to the repository's root") !=
        std::string::npos);
  CHECK(Refusal("a: [\n").find("d.yaml:") == 0);
}

}  // namespace sluice::config
