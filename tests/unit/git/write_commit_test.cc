#include "tests/support/catch.h"
#include "tests/unit/git/git_fixture.h"

namespace sluice::git {
namespace {

CommitSpec Spec(const std::string& base, std::vector<TreeEdit> edits) {
  CommitSpec spec;
  if (!base.empty()) spec.parents = {base};
  spec.base_commit = base;
  spec.edits = std::move(edits);
  spec.message = "edit\n";
  spec.author = kTester;
  return spec;
}

std::string Files(const TestMirror& mirror, const std::string& commit) {
  return Git(mirror.path, {"ls-tree", "-r", "--name-only", commit});
}

TEST_CASE("edits add, change and remove files, and empty directories vanish") {
  const TestMirror mirror = MakeMirror();
  const std::string base =
      CommitFiles(*mirror.mirror, "", {{"a/b/c.yaml", "1"}, {"a/d.yaml", "2"}, {"e/f/g", "3"}});
  const std::string next = mirror
                               ->WriteCommit(Spec(base, {{"a/b/c.yaml", TreeEdit::Remove{}},
                                                         {"a/d.yaml", TreeEdit::Content{"changed"}},
                                                         {"e/f/g", TreeEdit::Remove{}},
                                                         {"h/i/j", TreeEdit::Content{"new"}},
                                                         {"not/there", TreeEdit::Remove{}}}))
                               .value();
  CHECK(Files(mirror, next) == "a/d.yaml\nh/i/j");
  CHECK(Git(mirror.path, {"show", next + ":a/d.yaml"}) == "changed");
  CHECK(Git(mirror.path, {"fsck", "--strict", "--no-dangling"}).empty());
}

TEST_CASE("edits happen in order, so a directory can be removed and filled again") {
  const TestMirror mirror = MakeMirror();
  const std::string base =
      CommitFiles(*mirror.mirror, "", {{"p/x.good/old", "1"}, {"p/x.json", "{}"}});
  const std::string next = mirror
                               ->WriteCommit(Spec(base, {{"p/x.good", TreeEdit::Remove{}},
                                                         {"p/x.good/new", TreeEdit::Content{"2"}}}))
                               .value();
  CHECK(Files(mirror, next) == "p/x.good/new\np/x.json");
}

TEST_CASE("a whole subtree and a known blob are put in place by id") {
  const TestMirror mirror = MakeMirror();
  const std::string good =
      CommitFiles(*mirror.mirror, "", {{"env/app/a.yaml", "good"}, {"env/app/sub/b", "b"}});
  const std::string bad =
      CommitFiles(*mirror.mirror, good,
                  {{"env/app/a.yaml", "bad"}, {"env/app/new", "n"}, {"env/other/x", "x"}});
  const std::string tree = mirror->ObjectAt(good, "env/app").value().value();
  const std::string blob = mirror->ObjectAt(bad, "env/app/new").value().value();
  const std::string reverted = mirror
                                   ->WriteCommit(Spec(bad, {{"env/app", TreeEdit::Subtree{tree}},
                                                            {"copy/of/new", TreeEdit::Blob{blob}}}))
                                   .value();
  CHECK(mirror->ObjectAt(reverted, "env/app").value() == tree);
  CHECK(Files(mirror, reverted) == "copy/of/new\nenv/app/a.yaml\nenv/app/sub/b\nenv/other/x");
  // Within a subtree that was just put in place:
  const std::string both =
      mirror
          ->WriteCommit(Spec(bad, {{"env/app", TreeEdit::Subtree{tree}},
                                   {"env/app/a.yaml", TreeEdit::Content{"edited"}}}))
          .value();
  CHECK(mirror->ReadFile(both, "env/app/a.yaml").value() == "edited");
  CHECK(mirror->ReadFile(both, "env/app/sub/b").value() == "b");
}

TEST_CASE("ids of the wrong kind are refused") {
  const TestMirror mirror = MakeMirror();
  const std::string base = CommitFiles(*mirror.mirror, "", {{"d/f", "1"}});
  const std::string blob = mirror->ObjectAt(base, "d/f").value().value();
  const std::string tree = mirror->ObjectAt(base, "d").value().value();
  CHECK(mirror->WriteCommit(Spec(base, {{"x", TreeEdit::Subtree{blob}}})).error().code() ==
        ErrorCode::kInvalidArgument);
  CHECK(mirror->WriteCommit(Spec(base, {{"x", TreeEdit::Blob{tree}}})).error().code() ==
        ErrorCode::kInvalidArgument);
  CHECK(mirror->WriteCommit(Spec(base, {{"x", TreeEdit::Blob{std::string(40, 'c')}}}))
            .error()
            .code() == ErrorCode::kCorrupted);
}

TEST_CASE("unsafe paths are not written") {
  const TestMirror mirror = MakeMirror();
  const std::string base = CommitFiles(*mirror.mirror, "", {{"d/f", "1"}});
  const std::string path =
      GENERATE(as<std::string>(), "..", "a/../b", "/etc/passwd", ".git/config", "a/.GIT/x", "git~1",
               "a\\b", "a\nb", "a\x1b[0m", "\xff\xfe", ".g\u200cit/x", ".git /x", "");
  CHECK(mirror->WriteCommit(Spec(base, {{path, TreeEdit::Content{"x"}}})).error().code() ==
        ErrorCode::kInvalidArgument);
}

TEST_CASE("a file on the way to a path is not replaced by a directory") {
  const TestMirror mirror = MakeMirror();
  const std::string base = CommitFiles(*mirror.mirror, "", {{"d/f", "1"}});
  const auto written = mirror->WriteCommit(Spec(base, {{"d/f/g", TreeEdit::Content{"x"}}}));
  REQUIRE_FALSE(written);
  CHECK(written.error().message().find("is a file") != std::string::npos);
}

TEST_CASE("an executable file stays executable, and odd neighbours stay as they are") {
  const TestMirror mirror = MakeMirror();
  const std::string blob = WriteRawBlob(mirror.path, "#!/bin/sh\n");
  const std::string tree = WriteRawTree(
      mirror.path,
      {{"100644", "back\\slash", blob}, {"120000", "link", blob}, {"100755", "run.sh", blob}});
  const std::string base = WriteRawCommit(mirror.path, tree);
  const std::string next =
      mirror->WriteCommit(Spec(base, {{"run.sh", TreeEdit::Content{"#!/bin/sh\nexit 1\n"}}}))
          .value();
  const std::string listing = Git(mirror.path, {"ls-tree", next});
  CHECK(listing.find("100755 blob " + std::string()) != std::string::npos);
  CHECK(listing.find("120000") != std::string::npos);
  CHECK(listing.find("back\\\\slash") != std::string::npos);
}

TEST_CASE("a commit without parents and files is an empty orphan") {
  const TestMirror mirror = MakeMirror();
  const std::string oid = mirror->WriteCommit(Spec("", {})).value();
  CHECK(Git(mirror.path, {"rev-parse", oid + "^{tree}"}) ==
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
  CHECK(mirror->ReadCommit(oid).value().parents.empty());
}

TEST_CASE("names with angle brackets are cleaned, empty ones refused") {
  const TestMirror mirror = MakeMirror();
  CommitSpec spec = Spec("", {});
  spec.author = {"Ann <root>\n", "ann@example.test"};
  CHECK(mirror->ReadCommit(mirror->WriteCommit(spec).value())
            .value()
            .author.name.starts_with("Ann root"));
  spec.author = {"", ""};
  CHECK(mirror->WriteCommit(spec).error().code() == ErrorCode::kInvalidArgument);
}

TEST_CASE("a parent that is not in the mirror is refused") {
  const TestMirror mirror = MakeMirror();
  CommitSpec spec = Spec("", {});
  spec.parents = {std::string(40, 'd')};
  CHECK(mirror->WriteCommit(spec).error().code() == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace sluice::git
