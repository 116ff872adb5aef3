#include <cstdlib>
#include <filesystem>

#include "engine/base/strings.h"
#include "tests/support/catch.h"
#include "tests/unit/git/remote_fixture.h"
#include "tests/unit/git/server_fixture.h"

namespace sluice::git {
namespace {

namespace fs = std::filesystem;

size_t CountRequests(const HttpGitServer& server, const std::string& part) {
  size_t count = 0;
  for (const std::string& line : server.Requests()) count += line.find(part) != std::string::npos;
  return count;
}

Call Within(int seconds) {
  return {std::chrono::steady_clock::now() + std::chrono::seconds(seconds), {}};
}

// A certificate for 127.0.0.1 of a CA of its own; its files are DIR/{ca,cert,key}.pem.
std::string MakeCertificate(const std::vector<std::string>& validity) {
  const std::string dir = MakeTemporaryDirectory();
  Run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
       "-days", "2", "-subj", "/CN=test ca", "-keyout", dir + "/ca.key", "-out", dir + "/ca.pem"});
  Run({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
       "/CN=127.0.0.1", "-keyout", dir + "/key.pem", "-out", dir + "/request.pem"});
  WriteFile(dir + "/extensions", "subjectAltName=IP:127.0.0.1\n");
  WriteFile(dir + "/ca.conf", "[ca]\ndefault_ca=d\n[d]\ndatabase=" + dir + "/index\nserial=" + dir +
                                  "/serial\nnew_certs_dir=" + dir +
                                  "\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n");
  WriteFile(dir + "/index", "");
  WriteFile(dir + "/serial", "01\n");
  std::vector<std::string> sign = {"openssl",  "ca",
                                   "-batch",   "-notext",
                                   "-config",  dir + "/ca.conf",
                                   "-cert",    dir + "/ca.pem",
                                   "-keyfile", dir + "/ca.key",
                                   "-extfile", dir + "/extensions",
                                   "-in",      dir + "/request.pem",
                                   "-out",     dir + "/cert.pem"};
  sign.insert(sign.end(), validity.begin(), validity.end());
  Run(sign);
  return dir;
}

TEST_CASE("a repository over http with a token is listed, fetched and pushed to") {
  HttpGitServer server({"deployer:s3cret-token", "", ""});
  CheckTransport(server.directory(), server.Config("deployer", "s3cret-token"));
  for (const std::string& line : server.Requests())
    CHECK(line.find("authorization=yes") != std::string::npos);
}

TEST_CASE("a listing is one request once the server's protocol is known") {
  HttpGitServer server;
  Engine engine(server.Config());
  const std::string commit = engine.Commit("", "a", "1");
  REQUIRE(engine.Push({{kMain, commit, ""}}).outcome == PushOutcome::kLanded);
  const size_t before = server.Requests().size();
  for (int i = 0; i < 3; ++i) CHECK(engine.Listed(kMain) == commit);
  CHECK(server.Requests().size() == before + 4);
  CHECK(CountRequests(server, "POST /config.git/git-upload-pack protocol=version=2") == 3);
}

TEST_CASE("a server of the old protocol is listed by the git program") {
  HttpGitServer server;
  Engine engine(server.Config());
  const std::string commit = engine.Commit("", "a", "1");
  REQUIRE(engine.Push({{kMain, commit, ""}}).outcome == PushOutcome::kLanded);
  server.SetMode("v0");
  CHECK(engine.Listed(kMain) == commit);
  CHECK(engine.Listed(kMain) == commit);
  CHECK(CountRequests(server, "POST /config.git/git-upload-pack") == 0);
}

TEST_CASE("a token that changes on disk is used at the next call") {
  HttpGitServer server({"deployer:old", "", ""});
  Engine engine(server.Config("deployer", "old"));
  const std::string commit = engine.Commit("", "a", "1");
  REQUIRE(engine.Push({{kMain, commit, ""}}).outcome == PushOutcome::kLanded);
  server.SetPassword("deployer:new");
  CHECK(engine.remote->List({kMain}, TestCall()).error().code() == ErrorCode::kUnauthenticated);
  server.Config("deployer", "new");  // writes the file
  CHECK(engine.Listed(kMain) == commit);
  CHECK(engine.remote->Fetch({kMain}, TestCall()));
}

TEST_CASE("refused credentials are named, nothing is sent, and no secret shows") {
  HttpGitServer server({"deployer:right", "", ""});
  const bool has_token = GENERATE(true, false);
  Engine engine(has_token ? server.Config("deployer", "wrong-token") : server.Config());
  const auto listed = engine.remote->List({kMain}, TestCall());
  const auto fetched = engine.remote->Fetch({kMain}, TestCall());
  const auto pushed = engine.remote->Push({{kMain, engine.Commit("", "a", "1"), ""}}, TestCall());
  REQUIRE_FALSE(listed);
  REQUIRE_FALSE(fetched);
  REQUIRE_FALSE(pushed);
  for (const Error& error : {listed.error(), fetched.error(), pushed.error()}) {
    CHECK(error.code() == ErrorCode::kUnauthenticated);
    CHECK(error.reason() == "GitAuthenticationFailed");
    CHECK(error.message().find(server.url()) != std::string::npos);
    CHECK(error.message().find(has_token ? "check the token in" : "set repository.tokenFile") !=
          std::string::npos);
    CHECK(error.message().find("wrong-token") == std::string::npos);
    CHECK(error.message().find(Base64Encode("deployer:wrong-token")) == std::string::npos);
  }
  CHECK(engine.effects.Counts().empty());
}

TEST_CASE("credentials are never among a child's arguments") {
  HttpGitServer server({"deployer:s3cret-token", "", ""});
  const std::string bin = MakeTemporaryDirectory();
  WriteFile(bin + "/git", "#!/bin/sh\nprintf '%s\\n' \"$*\" >> " + bin +
                              "/arguments\nexec /usr/bin/git \"$@\"\n");
  fs::permissions(bin + "/git", fs::perms::owner_all);
  const std::string path = std::getenv("PATH");
  setenv("PATH", (bin + ":" + path).c_str(), 1);
  Engine engine(server.Config("deployer", "s3cret-token"));
  const std::string commit = engine.Commit("", "a", "1");
  const PushResult pushed = engine.Push({{kMain, commit, ""}});
  const Status fetched = engine.remote->Fetch({kMain}, TestCall());
  setenv("PATH", path.c_str(), 1);
  CHECK(pushed.outcome == PushOutcome::kLanded);
  CHECK(fetched);
  const std::string arguments = ReadFile(bin + "/arguments").value();
  CHECK(arguments.find("push") != std::string::npos);
  CHECK(arguments.find("s3cret-token") == std::string::npos);
  CHECK(arguments.find(Base64Encode("deployer:s3cret-token")) == std::string::npos);
}

TEST_CASE("a repository that is not there is named") {
  HttpGitServer server;
  RepositoryConfig config = server.Config();
  config.url = server.address() + "/none.git";
  Engine engine(config);
  for (const auto& error : {engine.remote->List({kMain}, TestCall()).error(),
                            engine.remote->Fetch({kMain}, TestCall()).error()}) {
    CHECK(error.code() == ErrorCode::kNotFound);
    CHECK(error.reason() == "RepositoryNotFound");
    CHECK(error.message().find("/none.git") != std::string::npos);
  }
}

TEST_CASE("statuses of the server become errors that say whether to try again") {
  HttpGitServer server;
  struct Row {
    std::string mode;
    ErrorCode code;
  };
  const Row row = GENERATE(values<Row>({{"status 503", ErrorCode::kUnavailable},
                                        {"status 429", ErrorCode::kRateLimited},
                                        {"status 403", ErrorCode::kPermissionDenied}}));
  Engine engine(server.Config());
  server.SetMode(row.mode);
  CHECK(engine.remote->List({kMain}, TestCall()).error().code() == row.code);
  CHECK(engine.remote->Fetch({kMain}, TestCall()).error().code() == row.code);
  const auto pushed = engine.remote->Push({{kMain, engine.Commit("", "a", "1"), ""}}, TestCall());
  REQUIRE_FALSE(pushed);
  CHECK(pushed.error().code() == row.code);
}

TEST_CASE("a page of a login portal is an error, and listings are cheap again afterwards") {
  HttpGitServer server;
  Engine engine(server.Config());
  server.SetMode("html");
  CHECK_FALSE(engine.remote->List({kMain}, TestCall()));
  server.SetMode("ok");
  CHECK(engine.Listed(kMain).empty());
  CHECK(CountRequests(server, "POST /config.git/git-upload-pack") == 1);
}

TEST_CASE("an answer that is cut short is not taken for an empty list") {
  HttpGitServer server;
  Engine engine(server.Config());
  const std::string commit = engine.Commit("", "a", "1");
  REQUIRE(engine.Push({{kMain, commit, ""}}).outcome == PushOutcome::kLanded);
  REQUIRE(engine.Listed(kMain) == commit);
  server.SetMode("truncate");
  CHECK_FALSE(engine.remote->List({kMain}, TestCall()));
}

TEST_CASE("a redirect to another host is not followed and gets no credentials") {
  HttpGitServer server({"deployer:token", "", ""}), other;
  Engine engine(server.Config("deployer", "token"));
  server.SetMode("redirect " + other.address());
  const auto listed = engine.remote->List({kMain}, TestCall());
  const auto fetched = engine.remote->Fetch({kMain}, TestCall());
  const auto pushed = engine.remote->Push({{kMain, engine.Commit("", "a", "1"), ""}}, TestCall());
  REQUIRE_FALSE(listed);
  REQUIRE_FALSE(fetched);
  REQUIRE_FALSE(pushed);
  for (const Error& error : {listed.error(), fetched.error(), pushed.error()}) {
    CHECK(error.code() == ErrorCode::kInvalidConfig);
    CHECK(error.message().find("redirects") != std::string::npos);
  }
  CHECK(other.Requests().empty());
}

TEST_CASE("a server that takes a request and stays silent is given up at the deadline") {
  HttpGitServer server;
  Engine engine(server.Config());
  server.SetMode("stall");
  CHECK(engine.remote->List({kMain}, Within(1)).error().code() == ErrorCode::kDeadlineExceeded);
  CHECK(engine.remote->Fetch({kMain}, Within(1)).error().code() == ErrorCode::kDeadlineExceeded);
  const auto pushed = engine.remote->Push({{kMain, engine.Commit("", "a", "1"), ""}}, Within(1));
  REQUIRE(pushed);
  CHECK(pushed->outcome == PushOutcome::kUnknown);
}

TEST_CASE("a connection that breaks after the push was sent leaves the outcome unknown") {
  HttpGitServer server;
  Engine engine(server.Config());
  const std::string commit = engine.Commit("", "a", "1");
  SECTION("the server took it") {
    server.SetMode("die-after-push");
    CHECK(engine.Push({{kMain, commit, ""}}).outcome == PushOutcome::kUnknown);
    CHECK(engine.Listed(kMain) == commit);
  }
  SECTION("the server did not") {
    server.SetMode("drop-push");
    CHECK(engine.Push({{kMain, commit, ""}}).outcome == PushOutcome::kUnknown);
    CHECK(engine.Listed(kMain).empty());
  }
  CHECK(engine.effects.Counts()["push"] == 1);
}

TEST_CASE("a right to read without a right to push is told before anything is sent") {
  HttpGitServer server;
  Engine engine(server.Config());
  server.SetMode("forbid-push");
  CHECK(engine.Listed(kMain).empty());
  const auto pushed = engine.remote->Push({{kMain, engine.Commit("", "a", "1"), ""}}, TestCall());
  REQUIRE_FALSE(pushed);
  CHECK(pushed.error().code() == ErrorCode::kPermissionDenied);
  CHECK(engine.effects.Counts().empty());
}

TEST_CASE("a server that is not up is unavailable") {
  Engine engine(AtUrl("http://127.0.0.1:1/config.git"));
  const auto listed = engine.remote->List({kMain}, TestCall());
  const auto fetched = engine.remote->Fetch({kMain}, TestCall());
  const auto pushed = engine.remote->Push({{kMain, engine.Commit("", "a", "1"), ""}}, TestCall());
  REQUIRE_FALSE(listed);
  REQUIRE_FALSE(fetched);
  REQUIRE_FALSE(pushed);
  for (const Error& error : {listed.error(), fetched.error(), pushed.error()}) {
    CHECK(error.code() == ErrorCode::kUnavailable);
    CHECK(error.reason() == "ConnectionFailed");
  }
}

TEST_CASE("over https the server's authority comes from caFile") {
  const std::string tls = MakeCertificate({"-days", "1"});
  HttpGitServer server({"", tls + "/cert.pem", tls + "/key.pem"});
  RepositoryConfig config = server.Config();
  {
    Engine engine(config);
    for (const auto& error : {engine.remote->List({kMain}, TestCall()).error(),
                              engine.remote->Fetch({kMain}, TestCall()).error()}) {
      CHECK(error.code() == ErrorCode::kUnavailable);
      CHECK(error.reason() == "TlsFailed");
      CHECK(error.message().find("caFile") != std::string::npos);
    }
  }
  config.ca_file = tls + "/ca.pem";
  CheckTransport(server.directory(), config);
}

TEST_CASE("an expired certificate is named as such") {
  const std::string tls =
      MakeCertificate({"-startdate", "20200101000000Z", "-enddate", "20200102000000Z"});
  HttpGitServer server({"", tls + "/cert.pem", tls + "/key.pem"});
  RepositoryConfig config = server.Config();
  config.ca_file = tls + "/ca.pem";
  Engine engine(config);
  const auto listed = engine.remote->List({kMain}, TestCall());
  REQUIRE_FALSE(listed);
  CHECK(listed.error().reason() == "TlsFailed");
  CHECK(listed.error().message().find("expired") != std::string::npos);
}

}  // namespace
}  // namespace sluice::git
