#include <filesystem>

#include "tests/support/catch.h"
#include "tests/unit/git/remote_fixture.h"
#include "tests/unit/git/server_fixture.h"

namespace sluice::git {
namespace {

namespace fs = std::filesystem;

void CheckFailure(const RepositoryConfig& config, ErrorCode code, const std::string& reason,
                  const std::string& text) {
  Engine engine(config);
  const auto listed = engine.remote->List({kMain}, TestCall());
  const auto fetched = engine.remote->Fetch({kMain}, TestCall());
  const auto pushed = engine.remote->Push({{kMain, engine.Commit("", "a", "1"), ""}}, TestCall());
  REQUIRE_FALSE(listed);
  REQUIRE_FALSE(fetched);
  REQUIRE_FALSE(pushed);
  for (const Error& error : {listed.error(), fetched.error(), pushed.error()}) {
    CHECK(error.code() == code);
    CHECK(error.reason() == reason);
    CHECK(error.message().find(text) != std::string::npos);
  }
  CHECK(engine.effects.Counts().empty());
}

TEST_CASE("a repository over ssh") {
  SshGitServer server;
  if (!server.is_running()) {
    SkipForLack("sshd cannot run here; is openssh-server installed?");
    return;
  }
  const RepositoryConfig config = server.Config();
  SECTION("is listed, fetched and pushed to") { CheckTransport(server.directory(), config); }
  SECTION("is reached by the short form of its address when its host key is known") {
    // Only port 22 can be written in this form; the error is the proof that it is taken for ssh.
    RepositoryConfig short_form = config;
    short_form.url = "nobody@127.0.0.1:" + server.directory();
    Engine engine(short_form);
    CHECK_FALSE(engine.remote->List({kMain}, TestCall()));
  }
  SECTION("with an unknown host key is refused") {
    RepositoryConfig unknown = config;
    unknown.known_hosts_file = server.home() + "/none_known";
    WriteFile(unknown.known_hosts_file,
              "other.test ssh-ed25519 "
              "AAAAC3NzaC1lZDI1NTE5AAAAIBuRnOAnZ4Cz3z9gQwA1qWjHPDGMMi2FVqoDC0B0wzYk\n");
    CheckFailure(unknown, ErrorCode::kPermissionDenied, "HostKeyUnknown", unknown.known_hosts_file);
  }
  SECTION("with another host key than the known one is refused") {
    RepositoryConfig changed = config;
    Run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f",
         server.home() + "/other_key"});
    changed.known_hosts_file = server.home() + "/changed hosts";
    WriteFile(changed.known_hosts_file, "[127.0.0.1]:" + server.port() + " " +
                                            Run({"cat", server.home() + "/other_key.pub"}) + "\n");
    CheckFailure(changed, ErrorCode::kPermissionDenied, "HostKeyUnknown", "not the one in");
  }
  SECTION("with a key that the server does not know is refused") {
    RepositoryConfig stranger = config;
    stranger.ssh_key_file = server.home() + "/stranger 100%";
    Run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger.ssh_key_file});
    CheckFailure(stranger, ErrorCode::kUnauthenticated, "GitAuthenticationFailed",
                 "/stranger 100%");
  }
  SECTION("with a key that others can read is not tried") {
    RepositoryConfig open = config;
    open.ssh_key_file = server.home() + "/open_key";
    fs::copy_file(config.ssh_key_file, open.ssh_key_file);
    fs::permissions(open.ssh_key_file, fs::perms::owner_read | fs::perms::others_read);
    CheckFailure(open, ErrorCode::kInvalidConfig, "", "0600");
  }
  SECTION("that is not there is named") {
    RepositoryConfig none = config;
    none.url += "-none";
    CheckFailure(none, ErrorCode::kNotFound, "RepositoryNotFound", "-none");
  }
}

TEST_CASE("an ssh server that is not up is unavailable") {
  RepositoryConfig config = AtUrl("ssh://git@127.0.0.1:1/config.git");
  CheckFailure(config, ErrorCode::kUnavailable, "ConnectionFailed", "127.0.0.1");
}

}  // namespace
}  // namespace sluice::git
