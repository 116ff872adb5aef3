// Ownership and errors of libgit2, for the .cc files of this module only.
#pragma once

#include <git2.h>

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/error.h"

namespace sluice::git {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using RepositoryPtr = std::unique_ptr<git_repository, Freed<git_repository_free>>;
using OdbPtr = std::unique_ptr<git_odb, Freed<git_odb_free>>;
using OdbObjectPtr = std::unique_ptr<git_odb_object, Freed<git_odb_object_free>>;
using CommitPtr = std::unique_ptr<git_commit, Freed<git_commit_free>>;
using TreePtr = std::unique_ptr<git_tree, Freed<git_tree_free>>;
using TreeBuilderPtr = std::unique_ptr<git_treebuilder, Freed<git_treebuilder_free>>;
using ReferencePtr = std::unique_ptr<git_reference, Freed<git_reference_free>>;
using RevwalkPtr = std::unique_ptr<git_revwalk, Freed<git_revwalk_free>>;
using SignaturePtr = std::unique_ptr<git_signature, Freed<git_signature_free>>;

// Hands a smart pointer to a function that returns its result through T**. Clears libgit2's last
// error text, which would otherwise leak into an unrelated message.
template <class Pointer>
class Out {
 public:
  explicit Out(Pointer& pointer) : pointer_(pointer) { git_error_clear(); }
  ~Out() { pointer_.reset(raw_); }
  operator typename Pointer::pointer *() { return &raw_; }

 private:
  Pointer& pointer_;
  typename Pointer::pointer raw_ = nullptr;
};

// "doing: libgit2's words". The code is kCorrupted for objects that are missing or wrong (in 1.5.1
// a lack of descriptors looks the same, so "not found" never means absent), kUnavailable for locks.
Error GitError(int rc, std::string_view doing);

// Starts libgit2 once: no configuration of the user or system, limits, fsync. Never shut down.
Status StartLibgit2();

// open_bare, which reads no configuration but the repository's own. The directory must be ours.
Result<RepositoryPtr> OpenBare(const std::string& path);

// kInvalidArgument unless 40 hex digits.
Result<git_oid> ParseOid(std::string_view text);
std::string ToHex(const git_oid& oid);

// kNotFound when the commit is not here.
Result<CommitPtr> LookupCommit(git_repository* repository, const git_oid& oid);
// kCorrupted when it is not here.
Result<TreePtr> LookupTree(git_repository* repository, const git_oid& oid);
Result<TreePtr> CommitTreeOf(git_repository* repository, const std::string& commit);

struct FoundEntry {
  git_oid oid{};
  git_filemode_t mode = GIT_FILEMODE_UNREADABLE;  // UNREADABLE: nothing at that path
};
// Walks down by exact names, without libgit2's own path search (which picks one of two duplicates).
// A symbolic link or submodule on the way is kInvalidConfig. "" is the root.
Result<FoundEntry> FindEntry(git_repository* repository, const git_oid& root,
                             const std::string& path);

// Size and type without reading the content.
struct BlobHeader {
  int64_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
};
Result<BlobHeader> ReadHeader(git_odb* odb, const git_oid& oid, const std::string& path);
Result<std::string> ReadBlob(git_odb* odb, const git_oid& oid, const std::string& path,
                             int64_t max_bytes);

}  // namespace sluice::git
