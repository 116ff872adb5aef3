#include <chrono>

#include "engine/git/tree_rules.h"
#include "tests/support/catch.h"
#include "tests/unit/git/git_fixture.h"

namespace sluice::git {
namespace {

// List("managed") of a commit whose directory "managed" is `tree`.
Result<std::vector<TreeEntry>> ListManaged(const TestMirror& mirror, const std::string& tree) {
  const std::string root = WriteRawTree(mirror.path, {{"40000", "managed", tree}});
  auto source = mirror->Tree(WriteRawCommit(mirror.path, root), "");
  REQUIRE(source);
  return (*source)->List("managed");
}

TEST_CASE("files are listed with ids, sizes and modes, sorted by path") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "a: 1\n");
  const std::string run = WriteRawBlob(mirror.path, "#!/bin/sh\n");
  const std::string sub = WriteRawTree(mirror.path, {{"100644", "z.yaml", blob}});
  const std::string tree = WriteRawTree(
      mirror.path, {{"40000", "a", sub}, {"100644", "a.yaml", blob}, {"100755", "run.sh", run}});
  const std::string root = WriteRawTree(mirror.path, {{"40000", "deploy", tree}});
  auto source = mirror->Tree(WriteRawCommit(mirror.path, root), "deploy");
  REQUIRE(source);
  const auto entries = (*source)->List("").value();
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].path == "a.yaml");
  CHECK((entries[1].path == "a/z.yaml" && entries[1].blob == blob && entries[1].size == 5 &&
         !entries[1].is_executable));
  CHECK((entries[2].path == "run.sh" && entries[2].is_executable));
  CHECK((*source)->Read(entries[1]).value() == "a: 1\n");
  CHECK((*source)->List("a").value().at(0).path == "a/z.yaml");
  CHECK((*source)->Children("").value().directories == std::vector<std::string>{"a"});
  CHECK((*source)->Children("b").error().code() == ErrorCode::kNotFound);
  CHECK((*source)->Children("a.yaml").error().code() == ErrorCode::kNotFound);
  CHECK((*source)->List("b").error().code() == ErrorCode::kNotFound);
  CHECK((*source)->List("../deploy").error().code() == ErrorCode::kInvalidArgument);
}

TEST_CASE("a file is found by its path, whatever is beside it") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "a: 1\n");
  const std::string lfs = WriteRawBlob(
      mirror.path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  const std::string tree = WriteRawTree(
      mirror.path,
      {{"100644", "a.yaml", blob}, {"100644", "lfs.yaml", lfs}, {"120000", "link", blob}});
  const std::string root = WriteRawTree(mirror.path, {{"40000", "env", tree}});
  auto source = mirror->Tree(WriteRawCommit(mirror.path, root), "");
  REQUIRE(source);
  const TreeEntry entry = (*source)->Find("env/a.yaml").value();
  CHECK((entry.path == "env/a.yaml" && entry.blob == blob && entry.size == 5));
  CHECK((*source)->Find("env/b.yaml").error().code() == ErrorCode::kNotFound);
  CHECK((*source)->Find("env").error().code() == ErrorCode::kNotFound);
  CHECK((*source)->Find("env/link").error().code() == ErrorCode::kInvalidConfig);
  CHECK((*source)->Find("env/lfs.yaml").error().code() == ErrorCode::kInvalidConfig);
  const ChildNames children = (*source)->Children("env").value();
  CHECK(children.directories.empty());
  CHECK(children.files == std::vector<std::string>{"a.yaml", "lfs.yaml"});
  CHECK(children.refused.at("link").find("a symbolic link") != std::string::npos);
}

TEST_CASE("bad names are refused and shown without their control characters") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "x");
  const std::string name =
      GENERATE(as<std::string>(), "..", ".", ".git", ".GiT", "git~1", ".git ",
               ".git::$INDEX_ALLOCATION", "a\\b", "new\nline", "\x1b[31mred", "caf\xe9",
               "/etc/evil.yaml", "../../evil.yaml", ".g\u200bit", "\u202egpj.exe", "a\x7f");
  const auto listed = ListManaged(mirror, WriteRawTree(mirror.path, {{"100644", name, blob}}));
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code() == ErrorCode::kInvalidConfig);
  CHECK(listed.error().reason() == "UnsafePath");
  CHECK(listed.error().message().find("managed/") != std::string::npos);
  for (const char c : listed.error().message())
    CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
}

TEST_CASE("ordinary names of people are accepted") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "x");
  const std::string tree = WriteRawTree(mirror.path, {{"100644", "a b@c+d (1).yaml", blob},
                                                      {"100644", "caf\u00e9.yaml", blob},
                                                      {"100644", ".gitignore", blob}});
  CHECK(ListManaged(mirror, tree).value().size() == 3);
}

TEST_CASE("duplicate names and names that differ only in case are refused") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "x");
  const auto twice = ListManaged(mirror, WriteRawTree(mirror.path, {{"100644", "app.yaml", blob},
                                                                    {"100644", "app.yaml", blob}}));
  REQUIRE_FALSE(twice);
  CHECK(twice.error().message().find("twice") != std::string::npos);
  const auto cases = ListManaged(mirror, WriteRawTree(mirror.path, {{"100644", "App.yaml", blob},
                                                                    {"100644", "app.yaml", blob}}));
  REQUIRE_FALSE(cases);
  CHECK(cases.error().message().find("only in case") != std::string::npos);
}

TEST_CASE("symbolic links, submodules and LFS pointers are refused by name") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "x");
  const std::string lfs = WriteRawBlob(
      mirror.path,
      "version https://git-lfs.github.com/spec/v1\noid "
      "sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n");
  struct Row {
    RawEntry entry;
    std::string text;
  };
  const Row row = GENERATE_COPY(values<Row>({{{"120000", "link.yaml", blob}, "a symbolic link"},
                                             {{"160000", "module", blob}, "a submodule"},
                                             {{"100644", "big.yaml", lfs}, "LFS pointer"}}));
  const auto listed = ListManaged(mirror, WriteRawTree(mirror.path, {row.entry}));
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code() == ErrorCode::kInvalidConfig);
  CHECK(listed.error().reason() == "UnsupportedEntry");
  CHECK(listed.error().message().find(row.text) != std::string::npos);
  CHECK(listed.error().message().find("managed/" + row.entry.name) != std::string::npos);
}

TEST_CASE("what is bad outside the requested path does not matter") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "x");
  const std::string good = WriteRawTree(mirror.path, {{"100644", "a.yaml", blob}});
  const std::string bad = WriteRawTree(mirror.path, {{"120000", "link", blob}});
  const std::string root = WriteRawTree(
      mirror.path, {{"120000", "CLAUDE.md", blob}, {"40000", "bad", bad}, {"40000", "good", good}});
  auto source = mirror->Tree(WriteRawCommit(mirror.path, root), "");
  REQUIRE(source);
  CHECK((*source)->List("good").value().size() == 1);
  CHECK((*source)->List("bad").error().code() == ErrorCode::kInvalidConfig);
  CHECK((*source)->List("").error().code() == ErrorCode::kInvalidConfig);
  CHECK((*source)->List("CLAUDE.md").error().code() == ErrorCode::kInvalidConfig);
  CHECK(mirror->Tree(WriteRawCommit(mirror.path, root), "CLAUDE.md/x").error().code() ==
        ErrorCode::kInvalidConfig);
}

TEST_CASE("bad names hide nothing that stands beside them") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "x");
  const std::string sub = WriteRawTree(mirror.path, {{"100644", "a.yaml", blob}});
  const std::string root = WriteRawTree(mirror.path, {{"40000", "DEV", sub},
                                                      {"100644", "a\x1b", blob},
                                                      {"40000", "dev", sub},
                                                      {"40000", "prod", sub},
                                                      {"100644", "x.md", blob}});
  auto source = mirror->Tree(WriteRawCommit(mirror.path, root), "");
  REQUIRE(source);
  const ChildNames children = (*source)->Children("").value();
  CHECK(children.directories == std::vector<std::string>{"DEV", "dev", "prod"});
  CHECK(children.files == std::vector<std::string>{"x.md"});
  REQUIRE(children.refused.size() == 3);
  CHECK(children.refused.at("dev").find("'dev' is refused: it differs from 'DEV' only in case") !=
        std::string::npos);
  CHECK(children.refused.at("DEV").find("it differs from 'dev' only in case") != std::string::npos);
  CHECK(children.refused.at("a\x1b").find("it has a control character") != std::string::npos);
  CHECK((*source)->List("dev").value().size() == 1);
}

TEST_CASE("a directory that became a symbolic link is an error, not a removal") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "../staging");
  const std::string root = WriteRawTree(mirror.path, {{"120000", "prod", blob}});
  const std::string commit = WriteRawCommit(mirror.path, root);
  auto source = mirror->Tree(commit, "");
  REQUIRE(source);
  CHECK((*source)->Children("").value().refused.contains("prod"));
  CHECK((*source)->List("prod").error().code() == ErrorCode::kInvalidConfig);
  CHECK((*source)->Children("prod").error().code() == ErrorCode::kInvalidConfig);
  CHECK((*source)->Find("prod/web/app.yaml").error().code() == ErrorCode::kInvalidConfig);
  CHECK(mirror->ObjectAt(commit, "prod").error().code() == ErrorCode::kInvalidConfig);
  CHECK(mirror->ObjectAt(commit, "prod/web").error().code() == ErrorCode::kInvalidConfig);
  CHECK(mirror->ReadFile(commit, "prod/web").error().code() == ErrorCode::kInvalidConfig);
}

TEST_CASE("a tree of ten thousand million leaves is refused quickly") {
  const TestMirror mirror = MakeMirror();
  std::string tree;
  const std::string blob = WriteRawBlob(mirror.path, "x");
  for (int level = 0; level < 11; ++level) {
    std::vector<RawEntry> entries;
    for (char c = 'a'; c < 'a' + 10; ++c)
      entries.push_back(
          {level == 0 ? "100644" : "40000", std::string(1, c), level == 0 ? blob : tree});
    tree = WriteRawTree(mirror.path, entries);
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto listed = ListManaged(mirror, tree);
  REQUIRE_FALSE(listed);
  CHECK(listed.error().reason() == "TreeTooLarge");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

TEST_CASE("depth and path length are capped") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "x");
  const auto nest = [&](int levels, const std::string& name) {
    std::string tree = WriteRawTree(mirror.path, {{"100644", "leaf", blob}});
    for (int i = 0; i < levels; ++i) tree = WriteRawTree(mirror.path, {{"40000", name, tree}});
    return tree;
  };
  CHECK(ListManaged(mirror, nest(30, "d")).value().size() == 1);
  CHECK(ListManaged(mirror, nest(33, "d")).error().message().find("32 levels") !=
        std::string::npos);
  CHECK(ListManaged(mirror, nest(6, std::string(200, 'n'))).error().message().find("1024 bytes") !=
        std::string::npos);
}

TEST_CASE("a huge blob is listed by its header and refused before it is read") {
  const TestMirror mirror = MakeMirror();
  constexpr int64_t kSize = 2 * kMaxFileBytes;
  const std::string blob = WriteRawBlob(mirror.path, std::string(size_t{kSize}, '\0'));
  const std::string root = WriteRawTree(mirror.path, {{"100644", "zeros", blob}});
  auto source = mirror->Tree(WriteRawCommit(mirror.path, root), "");
  REQUIRE(source);
  const auto entries = (*source)->List("").value();
  CHECK(entries.at(0).size == kSize);
  const auto read = (*source)->Read(entries[0]);
  REQUIRE_FALSE(read);
  CHECK(read.error().code() == ErrorCode::kInvalidConfig);
  CHECK(read.error().message().find("'zeros' has " + std::to_string(kSize) + " bytes") !=
        std::string::npos);

  // So many names for it are more than all of a tree may have.
  std::vector<RawEntry> many;
  for (int i = 0; i <= kMaxTreeBytes / kSize; ++i)
    many.push_back({"100644", "z" + std::to_string(1000 + i), blob});
  const auto listed = ListManaged(mirror, WriteRawTree(mirror.path, many));
  REQUIRE_FALSE(listed);
  CHECK(listed.error().message().find("256 MiB") != std::string::npos);
}

TEST_CASE("a commit of many megabytes is not read") {
  const TestMirror mirror = MakeMirror();
  const std::string tree = WriteRawTree(mirror.path, {});
  const std::string commit =
      WriteRawCommit(mirror.path, tree, {}, std::string(size_t{3} << 20, 'x'));
  CHECK(mirror->ReadCommit(commit).error().code() == ErrorCode::kCorrupted);
  CHECK(mirror->Tree(commit, "").error().code() == ErrorCode::kCorrupted);
}

TEST_CASE("a file's entry that points at a tree is an error") {
  const TestMirror mirror = MakeMirror();
  const std::string inner = WriteRawTree(mirror.path, {});
  const auto listed = ListManaged(mirror, WriteRawTree(mirror.path, {{"100644", "a.yaml", inner}}));
  REQUIRE_FALSE(listed);
  CHECK(listed.error().code() == ErrorCode::kCorrupted);
}

}  // namespace
}  // namespace sluice::git
