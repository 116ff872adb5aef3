#include "engine/git/mirror.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "tests/support/catch.h"
#include "tests/unit/git/git_fixture.h"

namespace sluice::git {
namespace {

namespace fs = std::filesystem;

TEST_CASE("a new mirror is a private bare repository") {
  const TestMirror mirror = MakeMirror();
  CHECK(Git(mirror.path, {"rev-parse", "--is-bare-repository"}) == "true");
  struct stat status {};
  REQUIRE(stat(mirror.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  CHECK(mirror->path() == mirror.path);
}

TEST_CASE("a mirror can be opened again and for reading only") {
  const TestMirror mirror = MakeMirror();
  const std::string commit = CommitFiles(*mirror.mirror, "", {{"a", "1"}});
  REQUIRE(mirror->SetRef("refs/heads/x", commit));
  auto again = Mirror::Open(mirror.path, Mirror::Access::kReadOnly, {});
  REQUIRE(again);
  CHECK((*again)->Resolve("refs/heads/x").value() == commit);
  CHECK((*again)->SetRef("refs/heads/y", commit).error().message().find("reading only") !=
        std::string::npos);
  CHECK_FALSE((*again)->WriteCommit({}));
}

TEST_CASE("a mirror that is not there cannot be opened for reading") {
  auto opened = Mirror::Open("/nonexistent/mirror", Mirror::Access::kReadOnly, {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == ErrorCode::kNotFound);
}

TEST_CASE("a directory with other files in it is not made a mirror") {
  const std::string directory = MakeTemporaryDirectory();
  WriteFile(directory + "/letters.txt", "dear");
  auto opened = Mirror::Open(directory, Mirror::Access::kReadWrite, {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == ErrorCode::kCorrupted);
  CHECK(fs::exists(directory + "/letters.txt"));
}

TEST_CASE("a mirror whose creation was interrupted is finished") {
  const std::string directory = MakeTemporaryDirectory() + "/mirror";
  fs::create_directories(directory + "/objects");
  REQUIRE(Mirror::Open(directory, Mirror::Access::kReadWrite, {}));
}

TEST_CASE("a mirror of another user is refused") {
  if (geteuid() != 0) return;  // only root can give a directory away
  const TestMirror mirror = MakeMirror();
  REQUIRE(chown(mirror.path.c_str(), 65534, 65534) == 0);
  auto opened = Mirror::Open(mirror.path, Mirror::Access::kReadOnly, {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == ErrorCode::kPermissionDenied);
}

TEST_CASE("a mirror with repository extensions in its config is refused") {
  const TestMirror mirror = MakeMirror();
  Git(mirror.path, {"config", "extensions.objectFormat", "sha256"});
  auto opened = Mirror::Open(mirror.path, Mirror::Access::kReadOnly, {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == ErrorCode::kCorrupted);
}

TEST_CASE("opening sweeps the locks and half packs of killed processes") {
  std::string path;
  {
    const TestMirror mirror = MakeMirror();
    path = mirror.path;
    REQUIRE(mirror->SetRef("refs/heads/x", CommitFiles(*mirror.mirror, "", {{"a", "1"}})));
  }
  const std::vector<std::string> leftovers = {
      "/refs/heads/x.lock", "/packed-refs.lock", "/objects/pack/pack_git2_abc",
      "/objects/pack/tmp_pack_abc", "/objects/tmp_objdir-incoming-x/pack/a"};
  for (const std::string& leftover : leftovers) WriteFile(path + leftover, "half");
  auto mirror = Mirror::Open(path, Mirror::Access::kReadWrite, {});
  REQUIRE(mirror);
  for (const std::string& leftover : leftovers) CHECK_FALSE(fs::exists(path + leftover));
  const auto commit = (*mirror)->Resolve("refs/heads/x").value();
  REQUIRE(commit);
  CHECK((*mirror)->SetRef("refs/heads/x", *commit));
}

TEST_CASE("a ref that does not exist is nothing, a bad name is an error") {
  const TestMirror mirror = MakeMirror();
  CHECK(mirror->Resolve("refs/heads/none").value() == std::nullopt);
  CHECK(mirror->Resolve("refs/heads/../x").error().code() == ErrorCode::kInvalidArgument);
  CHECK(mirror->Resolve("main").error().code() == ErrorCode::kInvalidArgument);
  CHECK(mirror->SetRef("refs/heads/x", std::string(40, '1')).error().code() ==
        ErrorCode::kNotFound);
}

TEST_CASE("a ref is set, moved and deleted") {
  const TestMirror mirror = MakeMirror();
  const std::string one = CommitFiles(*mirror.mirror, "", {{"a", "1"}});
  const std::string two = CommitFiles(*mirror.mirror, "", {{"a", "2"}});
  REQUIRE(mirror->SetRef("refs/sluice/lease/log", one));
  REQUIRE(mirror->SetRef("refs/sluice/lease/log", two));
  CHECK(Git(mirror.path, {"rev-parse", "refs/sluice/lease/log"}) == two);
  REQUIRE(mirror->SetRef("refs/sluice/lease/log", ""));
  REQUIRE(mirror->SetRef("refs/sluice/lease/log", ""));
  CHECK(mirror->Resolve("refs/sluice/lease/log").value() == std::nullopt);
}

TEST_CASE("a commit is read with its people, times and trailers") {
  const TestMirror mirror = MakeMirror();
  CommitSpec spec;
  spec.message = FormatMessage("start", "", {{"Event", "started"}});
  spec.author = {"Ann Ä", "ann@example.test"};
  spec.committer = {"Bot", "bot@example.test"};
  spec.time = SystemTime(std::chrono::seconds(1'800'000'000));
  const std::string oid = mirror->WriteCommit(spec).value();
  const Commit commit = mirror->ReadCommit(oid).value();
  CHECK(commit.oid == oid);
  CHECK(commit.parents.empty());
  CHECK(commit.author.name == "Ann Ä");
  CHECK(commit.committer.email == "bot@example.test");
  CHECK(commit.committer_time == spec.time);
  CHECK(commit.message == "start\n\nSluice-Event: started\n");
  CHECK(commit.trailers ==
        std::vector<std::pair<std::string, std::string>>{{"Sluice-Event", "started"}});
}

TEST_CASE("hostile texts of a commit come out as clean UTF-8") {
  const TestMirror mirror = MakeMirror();
  const std::string tree = WriteRawTree(mirror.path, {});
  const std::string content = "tree " + tree +
                              "\nauthor Mal\x1b[31mlory\xff <m\x07@x> 1 +0000\ncommitter C <c@x> 1 "
                              "+0000\n\nhi \x1b]0;owned\x07\r\nnext\n";
  const std::string oid =
      Git(mirror.path, {"hash-object", "--literally", "-t", "commit", "-w", "--stdin"}, content);
  const Commit commit = mirror->ReadCommit(oid).value();
  CHECK(commit.author.name == "Mal\\x1b[31mlory?");
  CHECK(commit.author.email == "m\\x07@x");
  CHECK(commit.message == "hi \\x1b]0;owned\\x07\nnext\n");
}

TEST_CASE("an object that is not here is an error, never absence") {
  const TestMirror mirror = MakeMirror();
  const std::string unknown(40, 'a');
  CHECK(mirror->ReadCommit(unknown).error().code() == ErrorCode::kNotFound);
  CHECK(mirror->ReadCommit("abc").error().code() == ErrorCode::kInvalidArgument);
  CHECK(mirror->IsAncestor(unknown, unknown).error().code() == ErrorCode::kNotFound);
  CHECK(mirror->ObjectAt(unknown, "x").error().code() == ErrorCode::kNotFound);

  const std::string tree =
      WriteRawTree(mirror.path, {{"40000", "env", unknown}, {"100644", "file", unknown}});
  const std::string commit = WriteRawCommit(mirror.path, tree);
  CHECK(mirror->ObjectAt(commit, "env/app").error().code() == ErrorCode::kCorrupted);
  CHECK(mirror->ReadFile(commit, "file").error().code() == ErrorCode::kCorrupted);
  CHECK(mirror->ObjectAt(commit, "other").value() == std::nullopt);
  CHECK(mirror->ReadFile(commit, "other/deep").value() == std::nullopt);
  auto source = mirror->Tree(commit, "");
  REQUIRE(source);
  CHECK((*source)->List("env").error().code() == ErrorCode::kCorrupted);
  CHECK((*source)->List("").error().code() == ErrorCode::kCorrupted);
}

TEST_CASE("objects and files are found by path") {
  const TestMirror mirror = MakeMirror();
  const std::string commit =
      CommitFiles(*mirror.mirror, "", {{"env/app/a.yaml", "a: 1\n"}, {"top", "t"}});
  CHECK(mirror->ObjectAt(commit, "env/app").value() ==
        Git(mirror.path, {"rev-parse", commit + ":env/app"}));
  CHECK(mirror->ObjectAt(commit, ".").value() ==
        Git(mirror.path, {"rev-parse", commit + "^{tree}"}));
  CHECK(mirror->ObjectAt(commit, "./env//app/").value() ==
        Git(mirror.path, {"rev-parse", commit + ":env/app"}));
  CHECK(mirror->ObjectAt(commit, "top/x").value() == std::nullopt);
  CHECK(mirror->ObjectAt(commit, "../x").error().code() == ErrorCode::kInvalidArgument);
  CHECK(mirror->ReadFile(commit, "env/app/a.yaml").value() == "a: 1\n");
  CHECK(mirror->ReadFile(commit, "env/app").value() == std::nullopt);
  CHECK(mirror->ReadFile(commit, "env/app/a.yaml", 3).error().code() == ErrorCode::kInvalidConfig);
}

TEST_CASE("a plain listing refuses nothing and says what each entry is") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "x");
  const std::string inner = WriteRawTree(mirror.path, {{"100644", "f", blob}});
  const std::string tree = WriteRawTree(mirror.path, {{"100644", "..", blob},
                                                      {"40000", "dir", inner},
                                                      {"120000", "link", blob},
                                                      {"160000", "sub", blob}});
  const std::string commit = WriteRawCommit(mirror.path, tree);
  const auto entries = mirror->ReadDirectory(commit, "").value();
  using Kind = DirectoryEntry::Kind;
  REQUIRE(entries.size() == 4);
  CHECK((entries[0].name == ".." && entries[0].kind == Kind::kFile && entries[0].oid == blob));
  CHECK((entries[1].name == "dir" && entries[1].kind == Kind::kDirectory));
  CHECK((entries[2].name == "link" && entries[2].kind == Kind::kOther));
  CHECK((entries[3].name == "sub" && entries[3].kind == Kind::kOther));
  CHECK(mirror->ReadDirectory(commit, "nothing/here").value().empty());
  CHECK(mirror->ReadDirectory(commit, "dir/f").value().empty());
}

TEST_CASE("the log goes back along first parents and stops before what is already known") {
  const TestMirror mirror = MakeMirror();
  const std::string one = CommitFiles(*mirror.mirror, "", {{"a", "1"}});
  const std::string two = CommitFiles(*mirror.mirror, one, {{"a", "2"}});
  const std::string side = CommitFiles(*mirror.mirror, one, {{"b", "2"}});
  CommitSpec merge;
  merge.parents = {two, side};
  merge.base_commit = two;
  merge.message = "merge\n";
  merge.author = kTester;
  merge.time = SystemTime(std::chrono::seconds(1'700'000'100));
  const std::string top = mirror->WriteCommit(merge).value();

  const auto walk = [&](const std::string& until, Mirror::Walk how) {
    std::vector<std::string> seen;
    const auto visit = [&](const Commit& commit) {
      seen.push_back(commit.oid);
      return mirror->ReadCommit(commit.oid).has_value();  // the mirror may be used meanwhile
    };
    REQUIRE(mirror->Log(top, until, how, visit));
    return seen;
  };
  CHECK(walk("", Mirror::Walk::kFirstParent) == std::vector<std::string>{top, two, one});
  CHECK(walk(one, Mirror::Walk::kFirstParent) == std::vector<std::string>{top, two});
  CHECK(walk(top, Mirror::Walk::kFirstParent).empty());
  const auto all = walk(one, Mirror::Walk::kAll);
  CHECK(all.size() == 3);
  CHECK(all.front() == top);
  CHECK(walk("", Mirror::Walk::kAll).size() == 4);

  int visits = 0;
  REQUIRE(mirror->Log(top, "", Mirror::Walk::kAll, [&](const Commit&) { return ++visits < 2; }));
  CHECK(visits == 2);
  CHECK_FALSE(mirror->Log(std::string(40, 'b'), "", Mirror::Walk::kAll,
                          [](const Commit&) { return true; }));
}

TEST_CASE("a commit is an ancestor of itself and of what follows it") {
  const TestMirror mirror = MakeMirror();
  const std::string one = CommitFiles(*mirror.mirror, "", {{"a", "1"}});
  const std::string two = CommitFiles(*mirror.mirror, one, {{"a", "2"}});
  CHECK(mirror->IsAncestor(one, one).value());
  CHECK(mirror->IsAncestor(one, two).value());
  CHECK_FALSE(mirror->IsAncestor(two, one).value());
}

TEST_CASE(
    "what another process adds to the mirror is seen, and packing keeps what no ref holds yet") {
  const TestMirror mirror = MakeMirror();
  const std::string kept = CommitFiles(*mirror.mirror, "", {{"a", "1"}});
  REQUIRE(mirror->SetRef("refs/heads/x", kept));
  const std::string loose = CommitFiles(*mirror.mirror, kept, {{"a", "2"}});
  for (int i = 0; i < 51; ++i) {  // each leaves a pack, as a fetch does
    const std::string commit = CommitFiles(*mirror.mirror, kept, {{"n", std::to_string(i)}});
    Git(mirror.path, {"update-ref", "refs/heads/n", commit});
    Git(mirror.path, {"pack-objects", "-q", "--revs", mirror.path + "/objects/pack/pack"},
        commit + "\n");
  }
  auto source = mirror->Tree(kept, "");
  REQUIRE(source);
  REQUIRE(mirror->Maintain(TestCall()));
  int packs = 0;
  for (const auto& file : fs::directory_iterator(mirror.path + "/objects/pack"))
    packs += file.path().extension() == ".pack";
  CHECK(packs <= 2);
  CHECK(mirror->ReadFile(kept, "a").value() == "1");
  CHECK(mirror->ReadFile(loose, "a").value() == "2");
  CHECK((*source)->List("").value().size() == 1);
}

TEST_CASE("the user's git configuration does not reach the mirror") {
  const std::string home = MakeTemporaryDirectory();
  WriteFile(home + "/.gitconfig",
            "[init]\n\ttemplateDir = /nonexistent/evil\n[core]\n\tlogAllRefUpdates = always\n");
  setenv("HOME", home.c_str(), 1);
  const TestMirror mirror = MakeMirror();
  REQUIRE(mirror->SetRef("refs/heads/x", CommitFiles(*mirror.mirror, "", {{"a", "1"}})));
  setenv("HOME", "/nonexistent", 1);
  CHECK_FALSE(fs::exists(mirror.path + "/logs"));
}

TEST_CASE("many threads use one mirror") {
  const TestMirror mirror = MakeMirror();
  const std::string base = CommitFiles(*mirror.mirror, "", {{"env/a.yaml", "a"}});
  std::vector<int> failures(4, 0);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 25; ++i) {
          CommitSpec spec;
          spec.parents = {base};
          spec.base_commit = base;
          spec.edits.push_back({"f" + std::to_string(t), TreeEdit::Content{std::to_string(i)}});
          spec.author = kTester;
          spec.message = "m\n";
          const auto commit = mirror->WriteCommit(spec);
          const auto read = commit ? mirror->ReadFile(*commit, spec.edits[0].path)
                                   : Result<std::optional<std::string>>(std::nullopt);
          const auto source = mirror->Tree(base, "env");
          failures[t] += !read || *read != std::to_string(i) || !source ||
                         (*source)->List("").value().size() != 1;
        }
      });
    }
  }
  CHECK(failures == std::vector<int>(4, 0));
}

}  // namespace
}  // namespace sluice::git
