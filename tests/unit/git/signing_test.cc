#include "engine/git/signing.h"

#include <unistd.h>

#include <cstdlib>

#include "tests/support/catch.h"
#include "tests/unit/git/git_fixture.h"

namespace sluice::git {
namespace {

CommitSpec Spec() {
  CommitSpec spec;
  spec.edits.push_back({"a", TreeEdit::Content{"1"}});
  spec.message = "signed\n";
  spec.author = kTester;
  spec.time = SystemTime(std::chrono::seconds(1'700'000'000));
  return spec;
}

TEST_CASE("git verifies a commit signed with an SSH key") {
  const std::string directory = MakeTemporaryDirectory();
  const std::string key = directory + "/key";
  Run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", key});
  const TestMirror mirror = MakeMirror({"ssh", key});
  const std::string commit = mirror->WriteCommit(Spec()).value();
  WriteFile(directory + "/allowed", kTester.email + " " + Run({"cat", key + ".pub"}) + "\n");
  CHECK(GitExitCode(mirror.path, {"-c", "gpg.ssh.allowedSignersFile=" + directory + "/allowed",
                                  "verify-commit", commit}) == 0);
  CHECK(mirror->ReadFile(commit, "a").value() == "1");
  CHECK(Git(mirror.path, {"fsck", "--strict", "--no-dangling"}).empty());

  Run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory + "/other"});
  WriteFile(directory + "/others",
            kTester.email + " " + Run({"cat", directory + "/other.pub"}) + "\n");
  CHECK(GitExitCode(mirror.path, {"-c", "gpg.ssh.allowedSignersFile=" + directory + "/others",
                                  "verify-commit", commit}) != 0);
}

TEST_CASE("a key with a passphrase fails at once and says so") {
  const std::string directory = MakeTemporaryDirectory();
  Run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", directory + "/key"});
  const TestMirror mirror = MakeMirror({"ssh", directory + "/key"});
  const auto written = mirror->WriteCommit(Spec());
  REQUIRE_FALSE(written);
  CHECK(written.error().code() == ErrorCode::kInvalidConfig);
  CHECK(written.error().message().find("passphrase") != std::string::npos);
}

TEST_CASE("signing that cannot work is refused when the mirror is opened") {
  const std::string path = MakeTemporaryDirectory() + "/mirror";
  const auto open = [&](SigningOptions signing) {
    return Mirror::Open(path, Mirror::Access::kReadWrite, std::move(signing));
  };
  CHECK(open({"ssh", "/nonexistent/key"}).error().code() == ErrorCode::kInvalidConfig);
  CHECK(open({"ssh", ""}).error().code() == ErrorCode::kInvalidConfig);
  CHECK(open({"x509", "key"}).error().message().find("ssh or gpg") != std::string::npos);
}

TEST_CASE("git verifies a commit signed with a GPG key") {
  if (access("/usr/bin/gpg", X_OK) != 0) {
    WARN("SKIPPED: gpg is not installed");
    return;
  }
  const std::string home = MakeTemporaryDirectory();
  const std::map<std::string, std::string> environment = {{"GNUPGHOME", home}};
  Run({"gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key",
       "Tess Tester <tess@example.test>", "ed25519", "sign", "never"},
      "", environment);
  setenv("GNUPGHOME", home.c_str(), 1);
  const TestMirror mirror = MakeMirror({"gpg", "tess@example.test"});
  const auto commit = mirror->WriteCommit(Spec());
  const TestMirror wrong = MakeMirror({"gpg", "nobody@example.test"});
  const auto failed = wrong->WriteCommit(Spec());
  unsetenv("GNUPGHOME");
  const int verified =
      commit ? GitExitCode(mirror.path, {"verify-commit", *commit}, environment) : -1;
  Run({"gpgconf", "--kill", "all"}, "", environment);
  REQUIRE(commit);
  CHECK(verified == 0);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message().find("nobody@example.test") != std::string::npos);
}

}  // namespace
}  // namespace sluice::git
