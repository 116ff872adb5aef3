// Where a cluster is and who we are there: kubeconfig, certificates, plugins, credentials that
// change.
#include <sys/stat.h>

#include <fstream>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/io/files.h"
#include "engine/targets/kubernetes/credentials.h"
#include "engine/targets/kubernetes/driver.h"
#include "engine/targets/kubernetes/exec_plugin.h"
#include "engine/targets/kubernetes/kubeconfig.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/http_test_server.h"
#include "tests/support/kinds.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

const test::Certificate& Ca() {
  static const test::Certificate certificate =
      test::MakeCertificate({.name = "ca", .valid_to_days = 3000, .is_ca = true});
  return certificate;
}

std::string Kubeconfig(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: other\n"
         "clusters: [{name: c, cluster: {" +
         cluster + "}}]\nusers: [{name: u, user: {" + user +
         "}}]\n"
         "contexts: [{name: prod-eu, context: {cluster: c, user: u}}, {name: prod-us, context: "
         "{cluster: gone, user: u}}]\n";
}

std::string ErrorOf(const std::string& cluster, const std::string& user,
                    const std::string& context = "prod-eu") {
  const auto access = ParseKubeconfig(Kubeconfig(cluster, user), "/etc/sluice/kubeconfig", context);
  REQUIRE_FALSE(access);
  CHECK(access.error().code() == ErrorCode::kInvalidConfig);
  return access.error().message();
}

Call Soon() { return {std::chrono::steady_clock::now() + 30s, {}}; }

std::string WriteScript(const std::string& path, const std::string& body) {
  std::ofstream(path) << "#!/bin/sh\n" << body;
  chmod(path.c_str(), 0700);
  return path;
}

TEST_CASE("a context of a kubeconfig is read with its certificates") {
  const std::string server =
      "server: \"https://api.example:6443/k8s/\", certificate-authority-data: " +
      Base64Encode(Ca().cert_pem) +
      ", tls-server-name: kubernetes, proxy-url: \"http://proxy:3128\"";
  const std::string user = "client-certificate-data: " + Base64Encode(Ca().cert_pem) +
                           ", client-key-data: " + Base64Encode(Ca().key_pem) +
                           ", as: alice, as-groups: [a, b], as-user-extra: {scope: [x]}";
  const auto access =
      ParseKubeconfig(Kubeconfig(server, user), "/etc/sluice/kubeconfig", "prod-eu");
  INFO((access ? "" : access.error().message()));
  REQUIRE(access);
  CHECK(access->server == "https://api.example:6443/k8s");
  CHECK(access->ca_pem == Ca().cert_pem);
  CHECK(access->tls_server_name == "kubernetes");
  CHECK(access->proxy == "http://proxy:3128");
  CHECK(access->client_key_pem == Ca().key_pem);
  CHECK(access->impersonation.groups == std::vector<std::string>{"a", "b"});

  testing::FakeClock clock;
  Credentials credentials(*access, {}, clock);
  const auto auth = credentials.Get(Soon());
  REQUIRE(auth);
  CHECK(auth->tls->client_cert_pem == Ca().cert_pem);
  CHECK(auth->tls->server_name == "kubernetes");
  CHECK(auth->headers ==
        std::vector<std::pair<std::string, std::string>>{{"Impersonate-User", "alice"},
                                                         {"Impersonate-Group", "a"},
                                                         {"Impersonate-Group", "b"},
                                                         {"Impersonate-Extra-scope", "x"}});
}

TEST_CASE("paths in a kubeconfig are relative to its own folder") {
  const auto folder = TemporaryDirectory::Make();
  REQUIRE(folder);
  REQUIRE(WriteFileDurably(folder->path() + "/ca.pem", Ca().cert_pem));
  REQUIRE(WriteFileDurably(folder->path() + "/token", " t1\n"));
  REQUIRE(WriteFileDurably(
      folder->path() + "/kubeconfig",
      Kubeconfig("server: \"https://h\", certificate-authority: ca.pem", "tokenFile: token")));
  const auto access = LoadKubeconfig(folder->path() + "/kubeconfig", "prod-eu");
  INFO((access ? "" : access.error().message()));
  REQUIRE(access);
  CHECK(access->ca_pem == Ca().cert_pem);
  CHECK(access->token_file == folder->path() + "/token");
}

TEST_CASE("what is wrong with a kubeconfig is said with the way to mend it") {
  CHECK_THAT(LoadKubeconfig("/nonexistent/kubeconfig", "x").error().message(),
             Catch::Contains("/nonexistent/kubeconfig") && Catch::Contains("spec.kubeconfig"));
  CHECK_THAT(ErrorOf("server: \"https://h\"", "token: t", "prod-e"),
             Catch::Contains("has no context 'prod-e' (it has prod-eu, prod-us)") &&
                 Catch::Contains("did you mean 'prod-eu'"));
  CHECK_THAT(ErrorOf("server: \"https://h\"", "token: t", "prod-us"),
             Catch::Contains("no cluster 'gone'"));
  CHECK_THAT(ErrorOf("server: \"h:6443\"", "token: t"), Catch::Contains("write https://HOST:PORT"));
  CHECK_THAT(ErrorOf("server: \"http://h\"", "token: t"), Catch::Contains("over plain http"));
  CHECK_THAT(ErrorOf("server: \"https://h\", certificate-authority-data: \"%%\"", ""),
             Catch::Contains("not base64"));
  CHECK_THAT(ErrorOf("server: \"https://h\", certificate-authority-data: aGVsbG8=", ""),
             Catch::Contains("no certificate in it"));
  CHECK_THAT(
      ErrorOf("server: \"https://h\", certificate-authority-data: " +
                  Base64Encode("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
              ""),
      Catch::Contains("damaged"));
  CHECK_THAT(ErrorOf("server: \"https://h\", certificate-authority: /nonexistent/ca", ""),
             Catch::Contains("/nonexistent/ca"));
  CHECK_THAT(
      ErrorOf(
          "server: \"https://h\", insecure-skip-tls-verify: true, certificate-authority-data: " +
              Base64Encode(Ca().cert_pem),
          ""),
      Catch::Contains("remove one of them"));
  CHECK_THAT(ErrorOf("server: \"https://h\"", "username: a, password: b"),
             Catch::Contains("not supported"));
  CHECK_THAT(
      ErrorOf("server: \"https://h\"", "client-certificate-data: " + Base64Encode(Ca().cert_pem)),
      Catch::Contains("without client-key"));
  CHECK_THAT(ErrorOf("server: \"https://h\"",
                     "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, "
                     "interactiveMode: Always}"),
             Catch::Contains("nobody to answer"));
  CHECK_THAT(ErrorOf("server: \"https://h\"",
                     "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}"),
             Catch::Contains("v1beta1"));
  CHECK_THAT(ErrorOf("server: \"https://h\", proxy-url: \"ftp://x\"", ""),
             Catch::Contains("proxy-url"));
}

TEST_CASE("errors about a kubeconfig hold no secret") {
  for (const std::string& error :
       {ErrorOf("server: \"http://h\"", "token: s3cret"),
        ErrorOf("server: \"ftp://u:s3cret@h\"", "token: s3cret"),
        ErrorOf("server: \"https://h\"", "username: a, password: s3cret")}) {
    CHECK_THAT(error, !Catch::Contains("s3cret"));
  }
}

TEST_CASE("in a cluster the pod's service account is used") {
  const auto folder = TemporaryDirectory::Make();
  REQUIRE(folder);
  CHECK_THAT(LoadInCluster({}, folder->path()).error().message(),
             Catch::Contains("does not run in a cluster"));
  const std::map<std::string, std::string> environment = {{"KUBERNETES_SERVICE_HOST", "fd00::1"},
                                                          {"KUBERNETES_SERVICE_PORT", "443"}};
  CHECK_THAT(LoadInCluster(environment, folder->path()).error().message(),
             Catch::Contains("ca.crt"));
  REQUIRE(WriteFileDurably(folder->path() + "/ca.crt", Ca().cert_pem));
  const auto access = LoadInCluster(environment, folder->path());
  REQUIRE(access);
  CHECK(access->server == "https://[fd00::1]:443");
  CHECK(access->token_file == folder->path() + "/token");
}

TEST_CASE("without a kubeconfig no other context than the own cluster is taken for it") {
  testing::FakeClock clock;
  Effects effects;
  Metrics metrics;
  KubernetesConnections connections({}, clock, effects, metrics);
  const auto driver = connections.MakeDriver(testing::ClusterTarget("eu", "prod-eu"));
  REQUIRE_FALSE(driver);
  CHECK_THAT(driver.error().message(),
             Catch::Contains("'prod-eu'") && Catch::Contains("spec.kubeconfig"));
}

TEST_CASE("a token file is read again, and a failed reading keeps the old token") {
  const auto folder = TemporaryDirectory::Make();
  REQUIRE(folder);
  ClusterAccess access;
  access.server = "https://h";
  access.token_file = folder->path() + "/token";
  testing::FakeClock clock;
  Credentials credentials(access, {}, clock);
  const auto token = [&] {
    const auto auth = credentials.Get(Soon());
    return auth ? auth->headers.at(0).second : auth.error().message();
  };
  CHECK_THAT(token(), Catch::Contains("token"));  // none yet: an error that names the file
  REQUIRE(WriteFileDurably(access.token_file, "one\n"));
  CHECK(token() == "Bearer one");
  REQUIRE(WriteFileDurably(access.token_file, "two\n"));
  CHECK(token() == "Bearer one");
  clock.Advance(60s);
  CHECK(token() == "Bearer two");
  REQUIRE(RemoveTree(access.token_file));
  clock.Advance(60s);
  CHECK(token() == "Bearer two");
  REQUIRE(WriteFileDurably(access.token_file, "three\n"));
  CHECK(credentials.Renew(*credentials.Get(Soon())));  // a 401 does not wait for the minute
  CHECK(token() == "Bearer three");
}

TEST_CASE("a credential file that is missing is missing credentials, not something not found") {
  ClusterAccess access;
  access.server = "https://h";
  const auto fails = [&] {
    testing::FakeClock clock;
    Credentials credentials(access, {}, clock);
    const auto auth = credentials.Get(Soon());
    REQUIRE_FALSE(auth);
    CHECK(auth.error().code() == ErrorCode::kUnauthenticated);
    CHECK(auth.error().reason() == "CredentialFileUnreadable");
    return auth.error().message();
  };
  access.token_file = "/nope/token";
  CHECK_THAT(fails(), Catch::Contains("token file: reading '/nope/token'"));
  access.token_file.clear();
  access.client_cert_file = "/nope/cert";
  CHECK_THAT(fails(), Catch::Contains("client certificate: reading '/nope/cert'"));
  access.client_cert_file.clear();
  access.client_key_file = "/nope/key";
  CHECK_THAT(fails(), Catch::Contains("client key: reading '/nope/key'"));
}

TEST_CASE("an expired client certificate is named before the server is asked") {
  ClusterAccess access;
  access.server = "https://h";
  access.user = "u";
  access.client_cert_pem =
      test::MakeCertificate({.valid_from_days = -900, .valid_to_days = -800}).cert_pem;
  testing::FakeClock clock;
  Credentials credentials(access, {}, clock);
  const auto auth = credentials.Get(Soon());
  REQUIRE_FALSE(auth);
  CHECK(auth.error().code() == ErrorCode::kUnauthenticated);
  CHECK_THAT(auth.error().message(), Catch::Contains("user 'u' expired at"));
}

struct Plugin {
  Plugin() : folder(std::move(*TemporaryDirectory::Make())) {
    access.server = "https://h";
    access.cluster = "c";
    access.exec = ExecPlugin{.api_version = "client.authentication.k8s.io/v1",
                             .args = {"--for", "c"},
                             .env = {{"EXTRA", "x"}},
                             .install_hint = "install it from example.org"};
    access.exec->command = folder.path() + "/plugin";
  }
  void Says(const std::string& status, const std::string& more = "") {
    WriteScript(access.exec->command,
                "echo run >> " + folder.path() + "/runs\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" > " +
                    folder.path() + "/info\necho \"$EXTRA $INHERITED $1\" > " + folder.path() +
                    "/env\n" + more +
                    "\necho "
                    "'{\"apiVersion\":\"client.authentication.k8s.io/"
                    "v1\",\"kind\":\"ExecCredential\",\"status\":" +
                    status + "}'\n");
  }
  size_t Runs() const {
    const auto text = ReadFile(folder.path() + "/runs");
    return text ? Split(*text, '\n').size() - 1 : 0;
  }
  TemporaryDirectory folder;
  ClusterAccess access;
  testing::FakeClock clock;
  Credentials::Options options{.environment = {{"INHERITED", "y"}, {"PATH", "/usr/bin:/bin"}}};
};

TEST_CASE("an exec plugin's token is kept until it expires or is refused") {
  Plugin plugin;
  plugin.Says("{\"token\":\"one\",\"expirationTimestamp\":\"" +
              FormatTime(plugin.clock.SystemNow() + 10min) + "\"}");
  Credentials credentials(plugin.access, plugin.options, plugin.clock);
  const auto first = credentials.Get(Soon());
  INFO((first ? "" : first.error().message()));
  REQUIRE(first);
  CHECK(first->headers.at(0).second == "Bearer one");
  REQUIRE(credentials.Get(Soon()));
  CHECK(plugin.Runs() == 1);
  CHECK(*ReadFile(plugin.folder.path() + "/env") == "x y --for\n");
  CHECK_THAT(*ReadFile(plugin.folder.path() + "/info"),
             Catch::Contains("\"interactive\":false") && !Catch::Contains("server"));

  plugin.Says("{\"token\":\"two\"}");
  plugin.clock.Advance(10min);
  CHECK(credentials.Get(Soon())->headers.at(0).second == "Bearer two");
  CHECK(plugin.Runs() == 2);
  plugin.clock.Advance(1000h);
  REQUIRE(credentials.Get(Soon()));
  CHECK(plugin.Runs() == 2);
  const Auth used = *credentials.Get(Soon());
  CHECK(credentials.Renew(used));
  CHECK(credentials.Renew(used));  // many requests fail with the same token; one run renews it
  REQUIRE(credentials.Get(Soon()));
  CHECK(plugin.Runs() == 3);
  CHECK(credentials.Renew(used));
  REQUIRE(credentials.Get(Soon()));
  CHECK(plugin.Runs() == 3);
}

TEST_CASE("a plugin that gives no credential says why") {
  Plugin plugin;
  const auto error = [&] {
    Credentials credentials(plugin.access, plugin.options, plugin.clock);
    const auto auth = credentials.Get(Soon());
    REQUIRE_FALSE(auth);
    return auth.error();
  };
  CHECK_THAT(error().message(), Catch::Contains("install it from example.org"));
  plugin.Says("{}");
  CHECK_THAT(error().message(), Catch::Contains("neither a token nor a client certificate"));
  plugin.Says("{\"clientCertificateData\":\"x\"}");
  CHECK_THAT(error().message(), Catch::Contains("not both"));
  plugin.Says("{\"token\":\"t\"}", "echo 'session is over' >&2; exit 3");
  CHECK_THAT(error().message(), Catch::Contains("exit code 3: session is over"));
  CHECK(error().code() == ErrorCode::kUnauthenticated);
  plugin.Says("{\"token\":\"t\"}");
  plugin.access.exec->api_version = "client.authentication.k8s.io/v1beta1";
  CHECK_THAT(error().message(), Catch::Contains("make the two agree"));
  plugin.options.exec_allow_list = {"aws"};
  CHECK(error().code() == ErrorCode::kInvalidConfig);
  CHECK_THAT(error().message(), Catch::Contains("not allowed here (allowed: aws)"));
  plugin.access.exec->api_version = "client.authentication.k8s.io/v1";
  plugin.options.exec_allow_list = {"plugin"};
  CHECK(Credentials(plugin.access, plugin.options, plugin.clock).Get(Soon()));
}

TEST_CASE("a plugin that asks for it is told which cluster it is for") {
  Plugin plugin;
  plugin.access.ca_pem = Ca().cert_pem;
  plugin.access.exec->provides_cluster_info = true;
  plugin.access.exec->cluster_config = {{"region", "eu"}};
  const auto info = nlohmann::json::parse(ExecInfo(*plugin.access.exec, plugin.access));
  CHECK(info["spec"]["cluster"]["server"] == "https://h");
  CHECK(info["spec"]["cluster"]["certificate-authority-data"] == Base64Encode(Ca().cert_pem));
  CHECK(info["spec"]["cluster"]["config"]["region"] == "eu");
}

std::string PathIn(const Result<TemporaryDirectory>& folder) {
  REQUIRE(folder);
  return folder->path() + "/kubeconfig";
}

// Connections by a kubeconfig that a case writes.
struct OfFile {
  Result<TemporaryDirectory> folder = TemporaryDirectory::Make();
  std::string path = PathIn(folder);
  testing::FakeClock clock;
  Effects effects;
  Metrics metrics;
  KubernetesConnections connections{{.kubeconfig = path}, clock, effects, metrics};

  void Write(const std::string& text) { REQUIRE(WriteFileDurably(path, text)); }
};

TEST_CASE("contexts are one cluster by their server, unless an exec command chooses it") {
  OfFile file;
  const auto cluster_with = [&](const std::string& user) {
    file.Write(Kubeconfig("server: \"https://h\"", user));
    return file.connections.ClusterOf(testing::ClusterTarget("eu", "prod-eu"));
  };
  const auto exec = [](const std::string& cluster) {
    return "exec: {apiVersion: client.authentication.k8s.io/v1, command: tsh, interactiveMode: "
           "Never, args: [kube, --kube-cluster=" +
           cluster + "]}";
  };
  CHECK(cluster_with("token: t") == cluster_with("token: other"));
  CHECK(cluster_with(exec("eu")) == cluster_with(exec("eu")));
  CHECK(cluster_with(exec("eu")) != cluster_with(exec("us")));
  CHECK(file.connections.ClusterOf(testing::ClusterTarget("eu", "gone")) == "context gone");
}

TEST_CASE("a changed kubeconfig is read again for the next driver") {
  OfFile file;
  CHECK(file.connections.MakeDriver(testing::ClusterTarget("eu", "prod-eu")).error().code() ==
        ErrorCode::kInvalidConfig);
  file.Write(Kubeconfig("server: \"https://h\"", "token: t"));
  CHECK(file.connections.MakeDriver(testing::ClusterTarget("eu", "prod-eu")));
  file.Write(Kubeconfig("server: \"h\"", "token: t"));
  CHECK_FALSE(file.connections.MakeDriver(testing::ClusterTarget("eu", "prod-eu")));
}

}  // namespace
}  // namespace sluice::targets::kubernetes
