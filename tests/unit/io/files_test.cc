#include "engine/io/files.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/catch.h"

namespace sluice {
namespace {

using Catch::Matchers::Contains;
namespace fs = std::filesystem;

struct Directory {
  TemporaryDirectory directory = *TemporaryDirectory::Make();
  std::string At(const std::string& name) const { return directory.path() + "/" + name; }
};

unsigned ModeOf(const std::string& path) {
  struct stat status {};
  REQUIRE(lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

TEST_CASE_METHOD(Directory, "what is written durably is read back, and no temporary file stays") {
  const std::string bytes("a\0b\n", 4);
  REQUIRE(WriteFileDurably(At("f"), "old"));
  REQUIRE(WriteFileDurably(At("f"), bytes));
  CHECK(*ReadFile(At("f")) == bytes);
  CHECK(ModeOf(At("f")) == 0600);
  CHECK(*ListDirectory(directory.path()) == std::vector<std::string>{"f"});
}

TEST_CASE_METHOD(Directory, "a write that fails leaves the old content and no temporary file") {
  REQUIRE(WriteFileDurably(At("dir-is-in-the-way") + "/x", "y").error().code() ==
          ErrorCode::kNotFound);
  fs::create_directory(At("d"));
  fs::create_directory(At("d/full"));
  CHECK_FALSE(WriteFileDurably(At("d"), "y"));  // a directory cannot be replaced by a file
  CHECK(*ListDirectory(directory.path()) == std::vector<std::string>{"d"});
}

TEST_CASE_METHOD(Directory,
                 "a directory that others may write to holds a private one for our state") {
  for (const mode_t mode : {mode_t{0777}, mode_t{01777}, mode_t{0770}}) {
    const std::string shared = At("shared-" + std::to_string(mode));
    fs::create_directory(shared);
    REQUIRE(chmod(shared.c_str(), mode) == 0);
    const auto state = OpenStateDirectory(shared);
    REQUIRE(state);
    CHECK(state->starts_with(shared + "/"));
    CHECK(ModeOf(*state) == 0700);
    CHECK(ModeOf(shared) == mode);
    CHECK(OpenStateDirectory(shared).value() == *state);
    fs::remove(*state);
    fs::create_symlink(directory.path(), *state);
    CHECK(OpenStateDirectory(shared).error().code() == ErrorCode::kPermissionDenied);
  }
  CHECK(OpenStateDirectory(At("own")).value() == At("own"));
  CHECK(ModeOf(At("own")) == 0700);
}

TEST_CASE_METHOD(Directory, "reading says what is wrong: missing, too large, not a file") {
  CHECK(ReadFile(At("none")).error().code() == ErrorCode::kNotFound);
  CHECK_THAT(ReadFile(At("none")).error().message(),
             Contains(At("none")) && Contains("no such file"));
  REQUIRE(WriteFileDurably(At("f"), "12345"));
  CHECK(ReadFile(At("f"), 5));
  CHECK(ReadFile(At("f"), 4).error().code() == ErrorCode::kInvalidArgument);
  CHECK_THAT(ReadFile(At("f"), 4).error().message(), Contains("larger than 4 bytes"));
  CHECK(ReadFile(directory.path()).error().code() == ErrorCode::kInvalidArgument);
  REQUIRE(mkfifo(At("fifo").c_str(), 0600) == 0);
  CHECK(ReadFile(At("fifo")).error().code() ==
        ErrorCode::kInvalidArgument);  // and does not wait for a writer
}

TEST_CASE_METHOD(Directory,
                 "a private directory is made with its parents and is private whatever it was") {
  REQUIRE(MakePrivateDirectory(At("a/b/c")));
  CHECK(ModeOf(At("a/b/c")) == 0700);
  REQUIRE(chmod(At("a").c_str(), 0755) == 0);
  REQUIRE(MakePrivateDirectory(At("a")));
  CHECK(ModeOf(At("a")) == 0700);
  REQUIRE(chmod(At("a").c_str(), 0777) == 0);
  const auto open = MakePrivateDirectory(At("a"));
  REQUIRE_FALSE(open);
  CHECK_THAT(open.error().message(), Contains("can be written by others"));
  REQUIRE(WriteFileDurably(At("file"), ""));
  CHECK_FALSE(MakePrivateDirectory(At("file")));
}

TEST_CASE_METHOD(Directory,
                 "removing a tree takes read-only directories and leaves what links point to") {
  REQUIRE(WriteFileDurably(At("outside"), "stays"));
  fs::create_directories(At("tree/ro/sub"));
  REQUIRE(WriteFileDurably(At("tree/ro/sub/f"), "x"));
  fs::create_symlink(At("outside"), At("tree/ro/link"));
  fs::create_symlink(directory.path(), At("tree/ro/loop"));
  REQUIRE(chmod(At("tree/ro/sub").c_str(), 0500) == 0);
  REQUIRE(chmod(At("tree/ro").c_str(), 0500) == 0);
  REQUIRE(RemoveTree(At("tree")));
  CHECK_FALSE(fs::exists(At("tree")));
  CHECK(*ReadFile(At("outside")) == "stays");
  CHECK(RemoveTree(At("tree")));  // nothing there is success
  CHECK_FALSE(RemoveTree("/"));
  CHECK_FALSE(RemoveTree(""));
}

TEST_CASE("a temporary directory is private and goes with its owner") {
  std::string path;
  {
    auto made = TemporaryDirectory::Make();
    REQUIRE(made);
    path = made->path();
    CHECK(ModeOf(path) == 0700);
    REQUIRE(WriteFileDurably(path + "/f", "x"));
    const TemporaryDirectory moved = std::move(*made);
    CHECK(fs::exists(moved.path()));
  }
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE_METHOD(Directory, "a lock held by another process fails at once and names its holder") {
  int ready[2], done[2];
  REQUIRE(pipe(ready) == 0);
  REQUIRE(pipe(done) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = FileLock::Take(At("lock"));
    char byte = lock ? 'y' : 'n';
    (void)!write(ready[1], &byte, 1);
    close(done[1]);
    (void)!read(done[0], &byte, 1);
    _exit(0);
  }
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  REQUIRE(byte == 'y');
  const auto refused = FileLock::Take(At("lock"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::kHeldElsewhere);
  CHECK_THAT(refused.error().message(), Contains("locked by process " + std::to_string(child)));
  close(done[1]);
  waitpid(child, nullptr, 0);
  CHECK(FileLock::Take(At("lock")));  // the lock went with the process; a stale file is no obstacle
}

TEST_CASE_METHOD(Directory,
                 "a lock is exclusive within a process too, moves, and ends with its owner") {
  auto first = FileLock::Take(At("lock"));
  REQUIRE(first);
  CHECK_FALSE(FileLock::Take(At("lock")));
  {
    const FileLock moved = std::move(*first);
    CHECK_FALSE(FileLock::Take(At("lock")));
  }
  CHECK(FileLock::Take(At("lock")));
  CHECK(FileLock::Take(At("no/such/dir/lock")).error().code() == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace sluice
