#include "engine/git/write_commit.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "engine/base/strings.h"
#include "engine/git/message.h"
#include "engine/git/signing.h"
#include "engine/git/tree_rules.h"

namespace sluice::git {
namespace {

constexpr std::string_view kEmptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

// A directory that is edited: the tree it had, and the names that change. Entries that no edit
// names are kept as they are, whatever they are.
class EditedTree {
 public:
  EditedTree(git_repository* repository, std::optional<git_oid> base)
      : repository_(repository), base_(base) {}

  Status Apply(const std::vector<std::string>& parts, size_t at, const TreeEdit& edit);
  // nullopt when it came out empty.
  Result<std::optional<git_oid>> Write();

 private:
  struct Change {
    std::unique_ptr<EditedTree> tree;  // or:
    std::optional<FoundEntry> entry;   // nullopt with no tree: removed
  };

  // What stands at a name now; nullopt for nothing.
  Result<std::optional<FoundEntry>> Current(const std::string& name) const;
  Result<EditedTree*> Descend(const std::string& name, const TreeEdit& edit);
  Status Set(const std::string& name, const TreeEdit& edit);
  Result<git_filemode_t> FileMode(const std::string& name) const;

  git_repository* repository_;
  std::optional<git_oid> base_;
  std::map<std::string, Change> changes_;
};

Result<std::optional<FoundEntry>> EditedTree::Current(const std::string& name) const {
  if (const auto it = changes_.find(name); it != changes_.end()) {
    if (it->second.tree) return std::optional(FoundEntry{{}, GIT_FILEMODE_TREE});
    return it->second.entry;
  }
  if (!base_) return std::optional<FoundEntry>();
  SLUICE_TRY(const FoundEntry found, FindEntry(repository_, *base_, name));
  if (found.mode == GIT_FILEMODE_UNREADABLE) return std::optional<FoundEntry>();
  return std::optional(found);
}

Result<EditedTree*> EditedTree::Descend(const std::string& name, const TreeEdit& edit) {
  SLUICE_TRY(const auto current, Current(name));
  Change& change = changes_[name];
  if (change.tree) return change.tree.get();
  std::optional<git_oid> base;
  if (current && current->mode == GIT_FILEMODE_TREE) {
    base = current->oid;
  } else if (current) {
    return Fail(ErrorCode::kInvalidArgument, "cannot write " + Quoted(edit.path) + ": " +
                                                 Quoted(name) +
                                                 " on the way to it is a file, not a directory");
  }
  change.entry.reset();
  change.tree = std::make_unique<EditedTree>(repository_, base);
  return change.tree.get();
}

Result<git_filemode_t> EditedTree::FileMode(const std::string& name) const {
  SLUICE_TRY(const auto current, Current(name));
  const bool is_executable = current && current->mode == GIT_FILEMODE_BLOB_EXECUTABLE;
  return is_executable ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB;
}

Status CheckObject(git_repository* repository, const git_oid& oid, git_object_t type,
                   const std::string& path) {
  OdbPtr odb;
  if (const int rc = git_repository_odb(Out(odb), repository); rc < 0)
    return Fail(GitError(rc, "opening the objects"));
  SLUICE_TRY(const BlobHeader header, ReadHeader(odb.get(), oid, path));
  if (header.type != type) {
    return Fail(ErrorCode::kInvalidArgument, "cannot put object " + ToHex(oid) + " at " +
                                                 Quoted(path) + ": it is not a " +
                                                 git_object_type2string(type));
  }
  return {};
}

Status EditedTree::Set(const std::string& name, const TreeEdit& edit) {
  Change change;
  if (const auto* content = std::get_if<TreeEdit::Content>(&edit.what)) {
    FoundEntry entry;
    SLUICE_TRY(entry.mode, FileMode(name));
    git_error_clear();
    if (const int rc = git_blob_create_from_buffer(&entry.oid, repository_, content->bytes.data(),
                                                   content->bytes.size());
        rc < 0) {
      return Fail(GitError(rc, "writing " + Quoted(edit.path)));
    }
    change.entry = entry;
  } else if (const auto* blob = std::get_if<TreeEdit::Blob>(&edit.what)) {
    FoundEntry entry;
    SLUICE_TRY(entry.mode, FileMode(name));
    SLUICE_TRY(entry.oid, ParseOid(blob->oid));
    SLUICE_CHECK(CheckObject(repository_, entry.oid, GIT_OBJECT_BLOB, edit.path));
    change.entry = entry;
  } else if (const auto* subtree = std::get_if<TreeEdit::Subtree>(&edit.what);
             subtree && subtree->oid != kEmptyTree) {
    SLUICE_TRY(const git_oid oid, ParseOid(subtree->oid));
    SLUICE_CHECK(CheckObject(repository_, oid, GIT_OBJECT_TREE, edit.path));
    change.entry = FoundEntry{oid, GIT_FILEMODE_TREE};
  }
  changes_.insert_or_assign(name, std::move(change));
  return {};
}

Status EditedTree::Apply(const std::vector<std::string>& parts, size_t at, const TreeEdit& edit) {
  const std::string& name = parts[at];
  if (at + 1 == parts.size()) return Set(name, edit);
  if (std::holds_alternative<TreeEdit::Remove>(edit.what)) {
    SLUICE_TRY(const auto current, Current(name));
    if (!current || current->mode != GIT_FILEMODE_TREE) return {};  // nothing there to remove
  }
  SLUICE_TRY(EditedTree * child, Descend(name, edit));
  return child->Apply(parts, at + 1, edit);
}

Result<std::optional<git_oid>> EditedTree::Write() {
  TreePtr base;
  if (base_) {
    SLUICE_TRY(base, LookupTree(repository_, *base_));
  }
  TreeBuilderPtr builder;
  if (const int rc = git_treebuilder_new(Out(builder), repository_, base.get()); rc < 0) {
    return Fail(GitError(rc, "editing a tree"));
  }
  for (auto& [name, change] : changes_) {
    std::optional<FoundEntry> entry = change.entry;
    if (change.tree) {
      SLUICE_TRY(const auto oid, change.tree->Write());
      if (oid) entry = FoundEntry{*oid, GIT_FILEMODE_TREE};
    }
    git_error_clear();
    int rc = 0;
    if (entry) {
      rc = git_treebuilder_insert(nullptr, builder.get(), name.c_str(), &entry->oid, entry->mode);
    } else if (git_treebuilder_get(builder.get(), name.c_str())) {
      rc = git_treebuilder_remove(builder.get(), name.c_str());
    }
    if (rc < 0) return Fail(GitError(rc, "changing " + Quoted(name) + " in a tree"));
  }
  if (git_treebuilder_entrycount(builder.get()) == 0) return std::optional<git_oid>();
  git_oid oid;
  git_error_clear();
  if (const int rc = git_treebuilder_write(&oid, builder.get()); rc < 0)
    return Fail(GitError(rc, "writing a tree"));
  return std::optional(oid);
}

Result<git_oid> BuildTree(git_repository* repository, const CommitSpec& spec) {
  std::optional<git_oid> base;
  if (!spec.base_commit.empty()) {
    SLUICE_TRY(const TreePtr tree, CommitTreeOf(repository, spec.base_commit));
    base = *git_tree_id(tree.get());
  }
  EditedTree root(repository, base);
  for (const TreeEdit& edit : spec.edits) {
    SLUICE_TRY(const std::string path, NormalizePath(edit.path));
    if (path.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "an edit names the root of the tree; name what is in it");
    }
    const std::vector<std::string> parts = Split(path, '/');
    if (parts.size() > static_cast<size_t>(kMaxTreeDepth)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "path " + Quoted(path) + " is deeper than 32 levels");
    }
    SLUICE_CHECK(root.Apply(parts, 0, edit));
  }
  SLUICE_TRY(const auto written, root.Write());
  if (written) return *written;
  TreeBuilderPtr empty;
  git_oid oid;
  int rc = git_treebuilder_new(Out(empty), repository, nullptr);
  if (rc == 0) rc = git_treebuilder_write(&oid, empty.get());
  if (rc < 0) return Fail(GitError(rc, "writing an empty tree"));
  return oid;
}

Result<SignaturePtr> MakeSignature(const Person& person, SystemTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  // The characters that end a field in a commit are left out, as git does.
  const auto field = [](const std::string& text) {
    std::string clean;
    for (const char c : CleanText(text)) {
      if (c != '<' && c != '>' && c != '\t') clean += c;
    }
    return std::string(Trim(clean));
  };
  SignaturePtr signature;
  if (const int rc = git_signature_new(Out(signature), field(person.name).c_str(),
                                       field(person.email).c_str(), seconds, 0);
      rc < 0) {
    return Fail(ErrorCode::kInvalidArgument,
                "'" + CleanText(person.name) + " <" + CleanText(person.email) +
                    ">' is no identity for a commit; give a name and an email address");
  }
  return signature;
}

}  // namespace

Result<std::string> WriteCommitObject(git_repository* repository, const CommitSpec& spec,
                                      const SigningOptions& signing) {
  SLUICE_TRY(const git_oid tree_oid, BuildTree(repository, spec));
  SLUICE_TRY(const TreePtr tree, LookupTree(repository, tree_oid));
  std::vector<CommitPtr> parents;
  for (const std::string& parent : spec.parents) {
    SLUICE_TRY(const git_oid oid, ParseOid(parent));
    SLUICE_TRY(CommitPtr commit, LookupCommit(repository, oid));
    parents.push_back(std::move(commit));
  }
  std::vector<const git_commit*> raw_parents;
  for (const CommitPtr& parent : parents) raw_parents.push_back(parent.get());
  SLUICE_TRY(const SignaturePtr author, MakeSignature(spec.author, spec.time));
  SLUICE_TRY(const SignaturePtr committer,
             MakeSignature(spec.committer.name.empty() ? spec.author : spec.committer, spec.time));
  if (!IsValidUtf8(spec.message) || spec.message.find('\0') != std::string::npos) {
    return Fail(ErrorCode::kInvalidArgument, "a commit message is not valid text");
  }

  git_buf buffer = GIT_BUF_INIT;
  git_error_clear();
  int rc = git_commit_create_buffer(&buffer, repository, author.get(), committer.get(), nullptr,
                                    spec.message.c_str(), tree.get(), raw_parents.size(),
                                    raw_parents.data());
  if (rc < 0) return Fail(GitError(rc, "building a commit"));
  const std::string content(buffer.ptr, buffer.size);
  git_buf_dispose(&buffer);

  git_oid oid;
  if (signing.format.empty()) {
    OdbPtr odb;
    rc = git_repository_odb(Out(odb), repository);
    if (rc == 0)
      rc = git_odb_write(&oid, odb.get(), content.data(), content.size(), GIT_OBJECT_COMMIT);
  } else {
    SLUICE_TRY(const std::string signature, SignCommit(signing, content));
    git_error_clear();
    rc = git_commit_create_with_signature(&oid, repository, content.c_str(), signature.c_str(),
                                          nullptr);
  }
  if (rc < 0) return Fail(GitError(rc, "writing a commit"));
  return ToHex(oid);
}

}  // namespace sluice::git
