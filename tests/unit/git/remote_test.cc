#include "engine/git/remote.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/base/strings.h"
#include "engine/git/remote_url.h"
#include "tests/support/catch.h"
#include "tests/unit/git/remote_fixture.h"

namespace sluice::git {
namespace {

namespace fs = std::filesystem;

void InstallHook(const std::string& repository, const std::string& name,
                 const std::string& script) {
  WriteFile(repository + "/hooks/" + name, "#!/bin/sh\n" + script);
  fs::permissions(repository + "/hooks/" + name, fs::perms::owner_all);
}

TEST_CASE("a repository at a path of this machine is listed, fetched and pushed to") {
  const std::string directory = MakeBareRepository();
  CheckTransport(directory, AtUrl(directory));
}

TEST_CASE("a push does not wait for a fetch, and a fetch without progress is ended") {
  const std::string directory = MakeBareRepository();
  const std::string programs = MakeTemporaryDirectory();
  const std::string begun = programs + "/begun";
  REQUIRE(mkfifo(begun.c_str(), 0600) == 0);
  const std::string path = std::getenv("PATH");
  WriteFile(programs + "/git", "#!/bin/sh\ncase \" $* \" in *\" fetch \"*) echo > '" + begun +
                                   "'; exec sleep 600;; esac\nPATH='" + path +
                                   "' exec git \"$@\"\n");
  fs::permissions(programs + "/git", fs::perms::owner_all);
  RepositoryConfig config = AtUrl(directory);
  config.timeout = 1s;
  Engine engine(config);
  const std::string commit = engine.Commit("", "a.yaml", "1");
  setenv("PATH", (programs + ":" + path).c_str(), 1);
  Status fetched;
  std::thread fetch([&] { fetched = engine.remote->Fetch({"refs/heads/main"}, TestCall()); });
  std::ifstream(begun).get();  // it hangs now
  const auto pushed = engine.remote->Push({{"refs/heads/beside", commit, ""}}, TestCall());
  fetch.join();
  setenv("PATH", path.c_str(), 1);
  REQUIRE(pushed);
  CHECK(pushed->outcome == PushOutcome::kLanded);
  REQUIRE_FALSE(fetched);
  CHECK(fetched.error().code() == ErrorCode::kDeadlineExceeded);
  CHECK(fetched.error().message().find("no progress for 1s") != std::string::npos);
}

TEST_CASE("a ref of the mirror has the name of the remote one") {
  CHECK(MirrorRef("refs/heads/main") == "refs/remotes/origin/heads/main");
  CHECK(MirrorRef("refs/sluice/lease/x") == "refs/remotes/origin/sluice/lease/x");
}

TEST_CASE("addresses that could run a program, leak a password or read anything are refused") {
  const std::string url = GENERATE(
      as<std::string>(), "", "ext::sh -c id", "fd::7", "file:///tmp/x", "git://host/x",
      "ftp://host/x", "--upload-pack=id", "-oProxyCommand=id", "ssh://-oProxyCommand=id/x",
      "ssh://git@-oProxyCommand=id/x", "https://user:SECRET@host/x", "https://SECRET@host/x",
      "ssh://git:SECRET@host/x", "relative/path", "./x", "http://host/x", "https://host/x?a=b",
      "https://", "https:///x", "host:", "user:SECRET@host:x", "https://host:port/x",
      "https://ho st/x", "https://host/x\nfoo", "http://127.0.0.1.evil.test/x", "-h:x");
  CAPTURE(url);
  const auto parsed = ParseRemoteUrl(url, PlainHttp::kLoopbackOnly);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code() == ErrorCode::kInvalidConfig);
  CHECK(parsed.error().message().find("repository.url") != std::string::npos);
  CHECK(parsed.error().message().find("SECRET") == std::string::npos);
}

TEST_CASE("the addresses of the documentation are accepted") {
  using Kind = RemoteUrl::Kind;
  struct Row {
    std::string url;
    Kind kind;
    std::string protocol;
  };
  const Row row = GENERATE(values<Row>({{"https://github.com/o/r.git", Kind::kHttp, "https"},
                                        {"https://host:8443/o/r", Kind::kHttp, "https"},
                                        {"http://127.0.0.1:3000/r", Kind::kHttp, "http"},
                                        {"http://[::1]:3000/r", Kind::kHttp, "http"},
                                        {"http://localhost/r", Kind::kHttp, "http"},
                                        {"ssh://git@host:2222/o/r.git", Kind::kSsh, "ssh"},
                                        {"git@github.com:o/r.git", Kind::kSsh, "ssh"},
                                        {"host:r", Kind::kSsh, "ssh"},
                                        {"/srv/git/config repo.git", Kind::kPath, "file"}}));
  const auto parsed = ParseRemoteUrl(row.url, PlainHttp::kLoopbackOnly);
  REQUIRE(parsed);
  CHECK(parsed->kind == row.kind);
  CHECK(parsed->protocol == row.protocol);
  CHECK(parsed->text == row.url);
  CHECK(ParseRemoteUrl("http://host/x", PlainHttp::kAllowed));
}

TEST_CASE("an address is shown with its login, never with a password") {
  CHECK(RedactCredentials("to ssh://git@host:22/x and ssh://git:SECRET@host/x") ==
        "to ssh://git@host:22/x and ssh://***@host/x");
  CHECK(RedactCredentials("https://SECRET@host/x https://u:SECRET@host:8443") ==
        "https://***@host/x https://***@host:8443");
}

TEST_CASE("the value of what is called a password, token, secret or key is not shown") {
  CHECK(RedactCredentials("password=SECRET user=web") == "password=*** user=web");
  CHECK(RedactCredentials("DB_PASSWORD: SECRET\nnext") == "DB_PASSWORD: ***\nnext");
  CHECK(RedactCredentials("{\"token\": \"SEC RET\", \"a\": 1}") ==
        "{\"token\": \"***\", \"a\": 1}");
  CHECK(RedactCredentials("GET /x?apikey=SECRET&y=1") == "GET /x?apikey=***&y=1");
  CHECK(RedactCredentials("AWS_SECRET_ACCESS_KEY=SECRET") == "AWS_SECRET_ACCESS_KEY=***");
  CHECK(RedactCredentials("token=Bearer SECRET") == "token=*** ***");
  const std::string plain =
      "Secret web: data is bad; tokenFile: /run/token is missing; "
      "prod/auth-token: started; password:";
  CHECK(RedactCredentials(plain) == plain);
  CHECK(RedactCredentials("secret=***") == "secret=***");
  CHECK(RedactCredentials("\"body\": \"{\\\"password\\\": \\\"SECRET\\\", \\\"a\\\": 1}\"")
            .find("SECRET") == std::string::npos);
}

TEST_CASE("refs are full names") {
  CHECK(IsFullRefName("refs/heads/main"));
  CHECK(IsFullRefName("refs/sluice/lease/deployments"));
  const std::string bad =
      GENERATE(as<std::string>(), "main", "refs/", "refs/heads/", "refs/heads/../x",
               "refs/heads/a b", "refs/heads/*", "refs/heads/x.lock", "refs//x", "refs/heads/a:b",
               "refs/heads/.x", "-refs/x", "refs/heads/\x1b");
  CHECK_FALSE(IsFullRefName(bad));
  Engine engine(AtUrl(MakeBareRepository()));
  CHECK(engine.remote->List({bad}, TestCall()).error().code() == ErrorCode::kInvalidArgument);
  CHECK(engine.remote->Fetch({bad}, TestCall()).error().code() == ErrorCode::kInvalidArgument);
  CHECK(engine.remote->Push({{bad, std::string(40, '1'), ""}}, TestCall()).error().code() ==
        ErrorCode::kInvalidArgument);
  CHECK(engine.remote->Push({{kMain, "HEAD", ""}}, TestCall()).error().code() ==
        ErrorCode::kInvalidArgument);
  CHECK(engine.metrics.Snapshot().git_calls == 0);
}

TEST_CASE("a path without a repository is named") {
  const std::string directory = MakeTemporaryDirectory();
  Engine engine(AtUrl(directory));
  const auto listed = engine.remote->List({kMain}, TestCall());
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code() == ErrorCode::kNotFound);
  CHECK(listed.error().reason() == "RepositoryNotFound");
  CHECK(listed.error().message().find(directory) != std::string::npos);
}

TEST_CASE("credential files that cannot be used are errors of the configuration") {
  Metrics metrics;
  Effects effects;
  const auto make = [&](RepositoryConfig config) {
    auto made = MakeRemote({std::move(config), "/tmp"}, metrics, effects);
    REQUIRE_FALSE(made);
    CHECK(made.error().code() == ErrorCode::kInvalidConfig);
    return made.error().message();
  };
  RepositoryConfig config = AtUrl("https://host/x");
  config.token_file = "/nonexistent/token";
  CHECK(make(config).find("repository.tokenFile") != std::string::npos);
  config.token_file = "";
  config.username_file = "/nonexistent/user";
  CHECK(make(config).find("repository.usernameFile") != std::string::npos);
  config.username_file = "";
  config.ca_file = "/nonexistent/ca";
  CHECK(make(config).find("repository.caFile") != std::string::npos);
  config = AtUrl("git@host:x");
  config.ssh_key_file = "/nonexistent/key";
  CHECK(make(config).find("repository.sshKeyFile") != std::string::npos);
  config.ssh_key_file = "";
  config.known_hosts_file = "/tmp/it's";
  CHECK(make(config).find("repository.knownHostsFile") != std::string::npos);
}

TEST_CASE("a push of an object that the mirror lacks sends nothing") {
  Engine engine(AtUrl(MakeBareRepository()));
  const auto pushed = engine.remote->Push({{kMain, std::string(40, 'a'), ""}}, TestCall());
  REQUIRE_FALSE(pushed);
  CHECK(engine.effects.Counts().empty());
}

TEST_CASE("a push into a checked-out branch is refused") {
  const std::string work = MakeTemporaryDirectory();
  Git(work, {"init", "-q", "-b", "main"});
  Git(work, {"commit", "-q", "--allow-empty", "-m", "first"});
  const std::string first = Git(work, {"rev-parse", "HEAD"});
  Engine engine(AtUrl(work));
  REQUIRE(engine.remote->Fetch({kMain}, TestCall()));
  const PushResult result = engine.Push({{kMain, engine.Commit(first, "a", "1"), first}});
  CHECK(result.outcome == PushOutcome::kRefused);
  CHECK(result.message.find("checked out") != std::string::npos);
}

TEST_CASE("a server that says nothing more after the push was sent leaves the outcome unknown") {
  const std::string directory = MakeBareRepository();
  Engine engine(AtUrl(directory));
  const std::string started = directory + "/started";
  InstallHook(directory, "pre-receive", "touch " + started + "\nexec sleep 600\n");
  const std::string commit = engine.Commit("", "a", "1");
  SECTION("until the deadline") {
    const Call call{std::chrono::steady_clock::now() + std::chrono::seconds(2), {}};
    const auto result = engine.remote->Push({{kMain, commit, ""}}, call);
    REQUIRE(result);
    CHECK(result->outcome == PushOutcome::kUnknown);
  }
  SECTION("until it is stopped") {
    std::stop_source stop;
    std::jthread stopper([&] {
      while (!fs::exists(started)) std::this_thread::yield();
      stop.request_stop();
    });
    const auto result =
        engine.remote->Push({{kMain, commit, ""}}, {TestCall().deadline, stop.get_token()});
    REQUIRE(result);
    CHECK(result->outcome == PushOutcome::kUnknown);
  }
  CHECK(engine.effects.Counts()["push"] == 1);
}

TEST_CASE("a server that dies after it took the push leaves the outcome unknown") {
  const std::string directory = MakeBareRepository();
  Engine engine(AtUrl(directory));
  const std::string commit = engine.Commit("", "a", "1");
  InstallHook(directory, "post-receive", "exit 0\n");
  InstallHook(directory, "update", "exit 0\n");
  // The parent of the hook is receive-pack itself.
  InstallHook(directory, "reference-transaction",
              "[ \"$1\" = committed ] && kill -9 $PPID\nexit 0\n");
  const PushResult result = engine.Push({{kMain, commit, ""}});
  CHECK(result.outcome == PushOutcome::kUnknown);
  CHECK(Git(directory, {"rev-parse", kMain}) == commit);  // it did land
  CHECK(engine.Listed(kMain) == commit);
}

TEST_CASE("a call that is over before it begins does nothing") {
  Engine engine(AtUrl(MakeBareRepository()));
  const Call late{std::chrono::steady_clock::now() - std::chrono::seconds(1), {}};
  CHECK(engine.remote->List({kMain}, late).error().code() == ErrorCode::kDeadlineExceeded);
  CHECK(engine.remote->Fetch({kMain}, late).error().code() == ErrorCode::kDeadlineExceeded);
  CHECK(engine.remote->Push({{kMain, engine.Commit("", "a", "1"), ""}}, late).error().code() ==
        ErrorCode::kDeadlineExceeded);
  std::stop_source stop;
  stop.request_stop();
  CHECK(engine.remote->List({kMain}, {TestCall().deadline, stop.get_token()}).error().code() ==
        ErrorCode::kCancelled);
  CHECK(engine.metrics.Snapshot().git_calls == 0);
}

TEST_CASE("a push that loses between the server's check and its update is raced") {
  const std::string directory = MakeBareRepository();
  Engine engine(AtUrl(directory));
  const std::string first = engine.Commit("", "a", "1");
  REQUIRE(engine.Push({{kMain, first, ""}}).outcome == PushOutcome::kLanded);
  const std::string other =
      Git(directory, {"commit-tree", "-p", first, "-m", "other", first + "^{tree}"});
  // Somebody else's push lands while ours is being checked.
  InstallHook(directory, "pre-receive",
              "unset GIT_QUARANTINE_PATH\ngit update-ref " + kMain + " " + other + "\n");
  const PushResult result = engine.Push({{kMain, engine.Commit(first, "b", "2"), first}});
  CHECK(result.outcome == PushOutcome::kRaced);
  CHECK(Git(directory, {"rev-parse", kMain}) == other);
}

TEST_CASE("two writers of one branch lose nothing") {
  const std::string directory = MakeBareRepository();
  Engine setup(AtUrl(directory));
  REQUIRE(setup.Push({{kMain, setup.Commit("", "start", "0"), ""}}).outcome ==
          PushOutcome::kLanded);
  Engine one(AtUrl(directory)), two(AtUrl(directory));
  constexpr int kEach = 8;
  std::vector<std::string> problems(2);
  const auto write = [&](Engine& engine, int writer) {
    for (int i = 0; i < kEach; ++i) {
      for (bool is_done = false; !is_done;) {
        if (!engine.remote->Fetch({kMain}, TestCall())) continue;
        const std::string tip = engine.mirror->Resolve(MirrorRef(kMain)).value().value();
        CommitSpec spec;
        spec.parents = {tip};
        spec.base_commit = tip;
        spec.edits.push_back(
            {"w" + std::to_string(writer) + "/" + std::to_string(i), TreeEdit::Content{"x"}});
        spec.author = kTester;
        spec.message = "m\n";
        const auto result = engine.remote->Push(
            {{kMain, engine.mirror->WriteCommit(spec).value(), tip}}, TestCall());
        if (!result || result->outcome == PushOutcome::kRefused) {
          problems[writer] = result ? result->message : result.error().message();
          return;
        }
        is_done = result->outcome == PushOutcome::kLanded;
      }
    }
  };
  {
    std::jthread first([&] { write(one, 0); });
    std::jthread second([&] { write(two, 1); });
  }
  CHECK(problems == std::vector<std::string>(2));
  CHECK(Git(directory, {"rev-list", "--count", kMain}) == std::to_string(2 * kEach + 1));
  CHECK(fs::is_empty(directory + "/refs/tags"));
}

TEST_CASE("the user's configuration has no say in network calls") {
  const std::string home = MakeTemporaryDirectory();
  WriteFile(home + "/.gitconfig",
            "[url \"/nonexistent/\"]\n\tinsteadOf = /\n[core]\n\thooksPath = " + home + "/hooks\n");
  setenv("HOME", home.c_str(), 1);
  setenv("GIT_DIR", "/nonexistent", 1);
  const std::string directory = MakeBareRepository();
  Engine engine(AtUrl(directory));
  const PushResult result = engine.Push({{kMain, engine.Commit("", "a", "1"), ""}});
  setenv("HOME", "/nonexistent", 1);
  unsetenv("GIT_DIR");
  CHECK(result.outcome == PushOutcome::kLanded);
}

TEST_CASE("hostile trees and a huge blob arrive and are refused by the walker") {
  const std::string directory = MakeBareRepository();
  const std::string blob = WriteRawBlob(directory, std::string(size_t{40} << 20, '\0'));
  const std::string bad = WriteRawTree(directory, {{"100644", "..", blob}});
  const std::string good =
      WriteRawTree(directory, {{"100644", "a.yaml", WriteRawBlob(directory, "a: 1\n")}});
  const std::string root =
      WriteRawTree(directory, {{"40000", "bad", bad}, {"40000", "good", good}});
  const std::string commit = WriteRawCommit(directory, root);
  Git(directory, {"update-ref", kMain, commit});
  Engine engine(AtUrl(directory));
  REQUIRE(engine.remote->Fetch({kMain}, TestCall()));
  auto tree = engine.mirror->Tree(commit, "");
  REQUIRE(tree);
  CHECK((*tree)->List("bad").error().reason() == "UnsafePath");
  CHECK((*tree)->List("good").value().size() == 1);
  CHECK(engine.mirror->ReadFile(commit, "good/a.yaml").value() == "a: 1\n");
}

}  // namespace
}  // namespace sluice::git
