#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "engine/git/tree_rules.h"
#include "tests/support/catch.h"
#include "tests/unit/git/git_fixture.h"

namespace sluice::git {
namespace {

namespace fs = std::filesystem;

TEST_CASE("a plain directory lists what a commit of it would") {
  const std::string directory = MakeTemporaryDirectory();
  Git(directory, {"init", "-q", "-b", "main"});
  WriteFile(directory + "/env/app/a.yaml", "a: 1\n");
  WriteFile(directory + "/env/app/run.sh", "#!/bin/sh\n");
  WriteFile(directory + "/env/app.yaml", "x");
  fs::permissions(directory + "/env/app/run.sh", fs::perms::owner_all);
  fs::create_directories(directory + "/env/empty/deeper");
  Git(directory, {"add", "-A"});
  Git(directory, {"commit", "-qm", "x"});
  const std::string commit = Git(directory, {"rev-parse", "HEAD"});
  auto mirror = Mirror::Open(directory + "/.git", Mirror::Access::kReadOnly, {});
  REQUIRE(mirror);
  auto from_git = (*mirror)->Tree(commit, "");
  auto from_disk = OpenDirectory(directory);
  REQUIRE(from_git);
  REQUIRE(from_disk);
  const auto expected = (*from_git)->List("").value();
  const auto found = (*from_disk)->List("").value();
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    CHECK(found[i].path == expected[i].path);
    CHECK(found[i].blob == expected[i].blob);
    CHECK(found[i].size == expected[i].size);
    CHECK(found[i].is_executable == expected[i].is_executable);
    CHECK((*from_disk)->Read(found[i]).value() == (*from_git)->Read(expected[i]).value());
  }
  CHECK((*from_disk)->Children("env").value().directories ==
        (*from_git)->Children("env").value().directories);
  CHECK((*from_disk)->Find("env/app/a.yaml").value().blob ==
        (*from_git)->Find("env/app/a.yaml").value().blob);
  CHECK((*from_disk)->Find("env/app").error().code() == ErrorCode::kNotFound);
  CHECK((*from_disk)->Find("env/none/x").error().code() == ErrorCode::kNotFound);
  CHECK((*from_disk)->Children("nope").error().code() == ErrorCode::kNotFound);
  CHECK((*from_disk)->Children("env/app.yaml").error().code() == ErrorCode::kNotFound);
}

TEST_CASE("a plain directory has the same rules") {
  const std::string directory = MakeTemporaryDirectory();
  WriteFile(directory + "/ok/a.yaml", "a");
  SECTION("a symbolic link") { fs::create_symlink("/etc/passwd", directory + "/bad"); }
  SECTION("a fifo") { REQUIRE(mkfifo((directory + "/bad").c_str(), 0600) == 0); }
  SECTION("an LFS pointer") {
    WriteFile(directory + "/bad",
              "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  }
  SECTION("a repository inside") { WriteFile(directory + "/bad/.git/config", "x"); }
  SECTION("a control character") { WriteFile(directory + "/bad\x1b", "x"); }
  SECTION("names that differ in case") {
    WriteFile(directory + "/bad", "x");
    WriteFile(directory + "/BAD", "x");
  }
  auto source = OpenDirectory(directory);
  REQUIRE(source);
  const auto listed = (*source)->List("");
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code() == ErrorCode::kInvalidConfig);
  CHECK(listed.error().message().find("bad") != std::string::npos);
  CHECK((*source)->List("ok").value().size() == 1);
  CHECK((*source)->Children("").value().directories.back() == "ok");
}

TEST_CASE("a symbolic link is not followed on the way to a file") {
  const std::string directory = MakeTemporaryDirectory();
  WriteFile(directory + "/real/a.yaml", "secret");
  fs::create_symlink("real", directory + "/link");
  auto source = OpenDirectory(directory);
  REQUIRE(source);
  CHECK((*source)->Children("").value().directories == std::vector<std::string>{"real"});
  CHECK((*source)->Children("").value().refused.at("link").find("a symbolic link") !=
        std::string::npos);
  CHECK((*source)->Find("link/a.yaml").error().code() == ErrorCode::kInvalidConfig);
  CHECK((*source)->Find("link").error().code() == ErrorCode::kInvalidConfig);
  CHECK((*source)->List("link").error().code() == ErrorCode::kInvalidConfig);
  CHECK((*source)->Read({"link/a.yaml", "", 6, false}).error().code() == ErrorCode::kInvalidConfig);
  CHECK((*source)->Read({"../x", "", 6, false}).error().code() == ErrorCode::kInvalidArgument);
}

TEST_CASE("a large file of a plain directory is not read") {
  const std::string directory = MakeTemporaryDirectory();
  WriteFile(directory + "/big", std::string(size_t{kMaxFileBytes} + 1, 'x'));
  auto source = OpenDirectory(directory);
  REQUIRE(source);
  const auto entries = (*source)->List("").value();
  CHECK((*source)->Read(entries.at(0)).error().code() == ErrorCode::kInvalidConfig);
}

TEST_CASE("a directory that is not there is not found") {
  CHECK(OpenDirectory(MakeTemporaryDirectory() + "/none").error().code() == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace sluice::git
