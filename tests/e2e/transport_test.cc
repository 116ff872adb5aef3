// The config repo behind a real server: smart HTTP with a token, and SSH with a key. What the git
// module does alone is in tests/unit/git/remote_{http,ssh}_test.cc.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <sstream>

#include "engine/base/strings.h"
#include "tests/support/catch.h"
#include "tests/support/e2e/world.h"

namespace sluice::e2e {
namespace {

namespace fs = std::filesystem;

using Kinds = std::vector<std::string>;
using Words = std::vector<std::string>;

std::string Text(const Ran& ran) {
  return "exit code " + std::to_string(ran.exit_code) + "\n" + ran.out + ran.err;
}

void Begin(World& world) {
  world.WritePipeline({{.name = "dev"}});
  world.WriteApp("dev", {});
  world.Commit("Add web");
}

Transport EachTransport() { return GENERATE(Transport::kHttp, Transport::kSsh); }

// From now on every git that sluice starts writes its arguments down; returns the file.
std::string WriteDownArguments(World& world) {
  const std::string bin = world.Dir() + "/bin";
  const std::string log = world.Dir() + "/arguments";
  for (const std::string program : {"git", "ssh"}) {
    const std::string path = bin + "/" + program;
    WriteFile(path, "#!/bin/sh\nprintf '%s\\n' \"" + program + " $*\" >> " + log +
                        "\nexec /usr/bin/" + program + " \"$@\"\n");
    fs::permissions(path, fs::perms::owner_all);
  }
  world.env["PATH"] = bin + ":" + CleanEnvironment(world.Dir())["PATH"];
  return log;
}

// What must show nowhere: the token in each of its forms, or the lines of the private key.
Words SecretsOf(const World& world, Transport transport) {
  Words secrets;
  if (transport == Transport::kHttp) {
    secrets.push_back(std::string(Trim(ReadFile(world.TokenFile()))));
    secrets.push_back(Base64Encode("deployer:" + secrets[0]));
  } else {
    for (const auto& line : Split(ReadFile(world.Dir() + "/ssh/client_key"), '\n')) {
      if (line.size() > 40) secrets.push_back(line);
    }
  }
  return secrets;
}

void CheckAbsent(const Words& secrets, const std::string& text, const std::string& where) {
  for (const std::string& secret : secrets) {
    INFO("a secret in " << where);
    REQUIRE_FALSE(secret.empty());
    CHECK((text.find(secret) == std::string::npos));
  }
}

void CheckNoSecretInFiles(const Words& secrets, const std::string& directory) {
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file())
      CheckAbsent(secrets, ReadFile(entry.path().string()), entry.path().string());
  }
}

// Exactly one line of talk begins with "sluice: ", and it has all the words.
void CheckOneLine(const Ran& ran, const Words& words) {
  INFO(Text(ran));
  CHECK(ran.exit_code == 1);
  std::string told;
  int count = 0;
  for (const std::string& line : Split(ran.err, '\n')) {
    if (!line.starts_with("sluice: ")) continue;
    told = line;
    ++count;
  }
  CHECK(count == 1);
  for (const std::string& word : words) {
    INFO("the line must have: " << word);
    CHECK(told.find(word) != std::string::npos);
  }
}

void RefusePushesToMain(const World& world) {
  const std::string hook = world.Dir() + "/origin.git/hooks/update";
  WriteFile(hook,
            "#!/bin/sh\n[ \"$1\" != refs/heads/main ] || { echo 'main is protected' >&2; exit 1; "
            "}\n");
  fs::permissions(hook, fs::perms::owner_all);
  world.Git({"config", "core.hooksPath", world.Dir() + "/origin.git/hooks"});
}

size_t Count(const Words& lines, const std::string& part) {
  return std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.find(part) != std::string::npos;
  });
}

bool IsListing(const std::string& request) {
  return request.find("git-upload-pack") != std::string::npos;
}

}  // namespace

TEST_CASE("over http and over ssh a commit goes live and a bad release is reverted by a push") {
  const Transport transport = EachTransport();
  World world({.transport = transport});
  const std::string arguments = WriteDownArguments(world);
  const Words secrets = SecretsOf(world, transport);
  Begin(world);
  const Ran first = world.Sluice({"--log-level", "debug", "sync"});
  INFO(Text(first));
  REQUIRE(first.exit_code == 0);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
  CHECK(world.EventKinds("dev/web") == Kinds{"started", "succeeded"});

  const Ran release = world.Sluice({"--log-level", "debug", "release", "dev/web", "--image",
                                    "registry.example/shop/web=http500-1", "--version", "bad"});
  INFO(Text(release));
  REQUIRE(release.exit_code == 0);
  world.Pull();
  CHECK(world.Read("environments/dev/web/release.yaml").find("http500-1") != std::string::npos);
  const Ran bad = world.Sluice({"--log-level", "debug", "sync"});
  INFO(Text(bad));
  CHECK(bad.exit_code == 3);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
  CHECK(world.EventKinds("dev/web") ==
        Kinds{"started", "succeeded", "started", "failed", "rolledback", "reverted", "succeeded"});
  world.Pull();
  CHECK(world.Read("environments/dev/web/release.yaml").find("good-1") != std::string::npos);
  CHECK(world.Git({"log", "-1", "--format=%s", "main"}).find("Revert \"") == 0);

  for (const Ran* ran : {&first, &release, &bad})
    CheckAbsent(secrets, ran->out + ran->err, "the output");
  const std::string called = ReadFile(arguments);
  CHECK(called.find("push") != std::string::npos);
  CheckAbsent(secrets, called, "a program's arguments");
  CheckNoSecretInFiles(secrets, world.DataDir());
  CheckAbsent(secrets, world.Git({"log", "-p", "--all"}), "the repository");
}

TEST_CASE("what goes wrong on the way to an http server is one line that says what to do") {
  World world({.transport = Transport::kHttp});
  Begin(world);
  const std::string right = std::string(Trim(ReadFile(world.TokenFile())));
  const auto sync = [&](const std::string& name, const std::string& pattern,
                        const std::string& text) {
    const Ran ran = world.SluiceWith(world.ChangedDaemonYaml(name, pattern, text), {"sync"});
    CheckAbsent({right, Base64Encode("deployer:" + right)}, ran.out + ran.err, "the output");
    return ran;
  };
  SECTION("a wrong token") {
    const std::string wrong = world.Dir() + "/wrong-token";
    WriteFile(wrong, "wr0ng-token\n");
    const Ran ran = sync("wrong", "tokenFile: .*", "tokenFile: " + wrong);
    CheckOneLine(ran, {"'" + world.RemoteUrl() + "'", "refuses the credentials",
                       "check the token in '" + wrong + "'", "/git-user"});
    CheckAbsent({"wr0ng-token", Base64Encode("deployer:wr0ng-token")}, ran.out + ran.err,
                "the output");
  }
  SECTION("no token") {
    CheckOneLine(
        sync("none", "    (usernameFile|tokenFile): .*\n", ""),
        {"'" + world.RemoteUrl() + "'", "refuses the credentials", "set repository.tokenFile"});
  }
  SECTION("another repository's address") {
    CheckOneLine(sync("other", "/origin.git\n", "/none.git\n"),
                 {"/none.git'", "no such repository", "correct repository.url"});
  }
  SECTION("a server that is gone") {
    world.StopGitServer();
    CheckOneLine(sync("gone", "poll: 1s", "poll: 2s"),
                 {"'" + world.RemoteUrl() + "'", "is the server up?"});
  }
  SECTION("a server that fails") {
    world.SetGitServerMode("status 503");
    CheckOneLine(sync("failing", "poll: 1s", "poll: 2s"), {"'" + world.RemoteUrl() + "'", "503"});
  }
  SECTION("a right to read alone") {
    world.SetGitServerMode("forbid-push");
    CheckOneLine(sync("reader", "poll: 1s", "poll: 2s"),
                 {"pushing to '" + world.RemoteUrl() + "'", "lack the right",
                  "check the token in '" + world.TokenFile() + "'"});
    CHECK(world.Deployment("dev", "web").is_null());
  }
}

TEST_CASE("what goes wrong on the way to an ssh server is one line that says what to do") {
  World world({.transport = Transport::kSsh});
  Begin(world);
  const Words secrets = SecretsOf(world, Transport::kSsh);
  const auto sync = [&](const std::string& name, const std::string& pattern,
                        const std::string& text) {
    const Ran ran = world.SluiceWith(world.ChangedDaemonYaml(name, pattern, text), {"sync"});
    CheckAbsent(secrets, ran.out + ran.err, "the output");
    return ran;
  };
  SECTION("a host key that nobody knows") {
    const std::string known = world.Dir() + "/known_none";
    WriteFile(known, "");
    CheckOneLine(sync("unknown", "knownHostsFile: .*", "knownHostsFile: " + known),
                 {"'" + world.RemoteUrl() + "'", "host key is unknown", "add it to '" + known});
  }
  SECTION("a key that the server does not know") {
    const std::string key = world.Dir() + "/stranger";
    const Ran made = Run({{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key},
                          CleanEnvironment(world.Dir()),
                          "",
                          "",
                          seconds(30)});
    REQUIRE(made.exit_code == 0);
    CheckOneLine(
        sync("stranger", "sshKeyFile: .*", "sshKeyFile: " + key),
        {"'" + world.RemoteUrl() + "'", "refuses our SSH key", "must know the key '" + key + "'"});
  }
  SECTION("a server that is gone") {
    world.StopGitServer();
    CheckOneLine(sync("gone", "poll: 1s", "poll: 2s"),
                 {"'" + world.RemoteUrl() + "'", "is the server up?"});
  }
}

TEST_CASE("a poll over http that finds nothing is one request") {
  World world({.transport = Transport::kHttp});
  Begin(world);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  // Polls come on the signal alone.
  const std::string yaml = world.ChangedDaemonYaml("patient", "poll: 1s", "poll: 1h");
  WriteFile(world.DaemonYaml(),
            std::regex_replace(ReadFile(yaml), std::regex("/data-patient"), "/data"));
  const auto daemon = world.StartDaemon();
  const auto listings = [&] {
    const Words requests = world.GitRequests();
    return static_cast<size_t>(std::count_if(requests.begin(), requests.end(), IsListing));
  };
  const auto poll = [&] {
    const size_t before = listings();
    daemon->Signal(SIGUSR1);
    return Eventually([&] { return listings() > before; }, seconds(30));
  };
  REQUIRE(Eventually(
      [&] { return daemon->Err().find("revision") != std::string::npos && listings() > 0; },
      seconds(60)));
  for (int i = 0; i < 3; ++i) REQUIRE(poll());  // what starting has to look at is over
  const size_t before = world.GitRequests().size();
  const size_t listed = listings();
  constexpr size_t kPolls = 6;
  for (size_t i = 0; i < kPolls; ++i) REQUIRE(poll());
  const Words requests = world.GitRequests();
  INFO(Join(requests, "\n"));
  CHECK(listings() == listed + kPolls);
  for (size_t i = before; i < requests.size(); ++i) {
    // The lease is renewed meanwhile, by a push.
    const bool is_known =
        requests[i] == "POST /origin.git/git-upload-pack protocol=version=2 authorization=yes" ||
        requests[i].find("git-receive-pack") != std::string::npos;
    CHECK(is_known);
  }
  daemon->Signal(SIGTERM);
  CHECK(daemon->Wait() == 0);
  CheckAbsent(SecretsOf(world, Transport::kHttp), daemon->Out() + daemon->Err(), "the log");
}

TEST_CASE("a daemon finds new commits over http and over ssh, and outlives a server that fails") {
  const Transport transport = EachTransport();
  World world({.transport = transport});
  Begin(world);
  const auto daemon = world.StartDaemon();
  REQUIRE(Eventually([&] { return world.EventKinds("dev/web") == Kinds{"started", "succeeded"}; }));
  if (transport == Transport::kHttp) {
    world.SetGitServerMode("status 503");
    CHECK(Eventually([&] { return daemon->Err().find("poll_failed") != std::string::npos; }));
    world.SetGitServerMode("ok");
    CHECK(Eventually([&] { return daemon->Err().find("poll_recovered") != std::string::npos; }));
    // The same fault is told once.
    CHECK(Count(Split(daemon->Err(), '\n'), "poll_failed") == 1);
  }
  world.WriteRelease("dev", "web", "good-2", "2");
  world.Commit("Release 2");
  CHECK(Eventually([&] { return world.EventKinds("dev/web").size() == 4; }));
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-2");
  daemon->Signal(SIGTERM);
  CHECK(daemon->Wait() == 0);
  CheckAbsent(SecretsOf(world, transport), daemon->Out() + daemon->Err(), "the log");
}

TEST_CASE("a server that refuses the revert gets it as a branch, and the unit is frozen") {
  const Transport transport = EachTransport();
  World world({.transport = transport});
  Begin(world);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  world.WriteRelease("dev", "web", "http500-1", "bad");
  const std::string bad = world.Commit("Bad");
  RefusePushesToMain(world);
  const Ran ran = world.Sluice({"sync"});
  INFO(Text(ran));
  CHECK(ran.exit_code == 3);
  CHECK(world.Image("dev", "web") == "registry.example/shop/web:good-1");
  CHECK(world.Tip("main") == bad);
  const auto record = world.Record("dev/web");
  const std::string branch = "sluice/revert/dev-web-" + record["rollout"].get<std::string>();
  CHECK(record["reason"] == "RevertRefused");
  CHECK(record["frozen"]["by"] == "sluice");
  const std::string message = record["message"].get<std::string>();
  for (const std::string& words : Words{"branch main refuses", "main is protected",
                                        "merge branch " + branch, "sluice unfreeze dev/web"}) {
    INFO(message);
    CHECK(message.find(words) != std::string::npos);
  }
  REQUIRE(world.Tip(branch));
  CHECK(world.Git({"rev-parse", branch + "^"}).substr(0, 40) == bad);
  CHECK(world.Git({"show", branch + ":environments/dev/web/release.yaml"}).find("good-1") !=
        std::string::npos);

  // The person does what the message says.
  world.Git({"update-ref", "refs/heads/main", *world.Tip(branch)});
  const Ran unfreeze = world.Sluice({"unfreeze", "dev/web", "--reason", "merged"});
  INFO(Text(unfreeze));
  REQUIRE(unfreeze.exit_code == 0);
  const Ran after = world.Sluice({"sync"});
  INFO(Text(after));
  CHECK(after.exit_code == 0);
  CHECK(world.Record("dev/web")["outcome"] == "Succeeded");
  CHECK_FALSE(world.Record("dev/web").contains("frozen"));
}

TEST_CASE("a server that refuses a release names itself, its words and another way") {
  const Transport transport = EachTransport();
  World world({.transport = transport});
  Begin(world);
  REQUIRE(world.Sluice({"sync"}).exit_code == 0);
  RefusePushesToMain(world);
  CheckOneLine(world.Sluice({"release", "dev/web", "--image", "registry.example/shop/web=good-2"}),
               {"branch main refuses", "main is protected", "pull request"});
}

}  // namespace sluice::e2e
