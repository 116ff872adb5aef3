#include "engine/git/mirror.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "engine/git/commit_tree.h"
#include "engine/git/libgit2_handles.h"
#include "engine/git/message.h"
#include "engine/git/mirror_open.h"
#include "engine/git/signing.h"
#include "engine/git/tree_rules.h"
#include "engine/git/write_commit.h"

namespace sluice::git {
namespace {

Person ToPerson(const git_signature* signature) {
  if (!signature) return {};
  return {CleanText(signature->name), CleanText(signature->email)};
}

SystemTime ToTime(const git_signature* signature) {
  return SystemTime(std::chrono::seconds(signature ? signature->when.time : 0));
}

std::string CleanMessage(const char* raw) {
  std::string clean;
  std::string_view rest = raw ? raw : "";
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    clean += CleanText(line);
    if (end == std::string_view::npos) break;
    clean += '\n';
    rest.remove_prefix(end + 1);
  }
  return clean;
}

Commit ToCommit(const git_commit* commit) {
  Commit out;
  out.oid = ToHex(*git_commit_id(commit));
  for (unsigned i = 0; i < git_commit_parentcount(commit); ++i)
    out.parents.push_back(ToHex(*git_commit_parent_id(commit, i)));
  out.author = ToPerson(git_commit_author(commit));
  out.committer = ToPerson(git_commit_committer(commit));
  out.author_time = ToTime(git_commit_author(commit));
  out.committer_time = ToTime(git_commit_committer(commit));
  out.message = CleanMessage(git_commit_message(commit));
  out.trailers = ParseTrailers(out.message);
  return out;
}

Status CheckRefName(const std::string& ref) {
  int is_valid = 0;
  if (!ref.starts_with("refs/") || git_reference_name_is_valid(&is_valid, ref.c_str()) < 0 ||
      !is_valid) {
    return Fail(ErrorCode::kInvalidArgument,
                Quoted(ref) + " is not a full ref name such as refs/heads/main");
  }
  return {};
}

class MirrorImpl final : public Mirror {
 public:
  MirrorImpl(std::string path, Access access, SigningOptions signing, RepositoryPtr reader,
             RepositoryPtr writer)
      : path_(std::move(path)),
        access_(access),
        signing_(std::move(signing)),
        listings_(std::make_shared<ListingCache>()),
        reader_(std::move(reader)),
        writer_(std::move(writer)) {}

  const std::string& path() const override { return path_; }
  Result<std::optional<std::string>> Resolve(const std::string& ref) override;
  Result<Commit> ReadCommit(const std::string& oid) override;
  Status Log(const std::string& tip, const std::string& until, Walk walk,
             const std::function<bool(const Commit&)>& visit) override;
  Result<bool> IsAncestor(const std::string& older, const std::string& newer) override;
  Result<std::optional<std::string>> ObjectAt(const std::string& commit,
                                              const std::string& path) override;
  Result<std::vector<DirectoryEntry>> ReadDirectory(const std::string& commit,
                                                    const std::string& path) override;
  Result<std::optional<std::string>> ReadFile(const std::string& commit, const std::string& path,
                                              int64_t max_bytes) override;
  Result<std::unique_ptr<SourceTree>> Tree(const std::string& commit,
                                           const std::string& path) override;
  Result<std::string> WriteCommit(const CommitSpec& spec) override;
  Status SetRef(const std::string& ref, const std::string& oid) override;
  Status Maintain(const Call& call) override;

 private:
  Status CheckWritable() const;
  // Under read_mutex_.
  Result<FoundEntry> Find(const std::string& commit, const std::string& path);

  const std::string path_;
  const Access access_;
  const SigningOptions signing_;
  const std::shared_ptr<ListingCache> listings_;  // outlived by the trees made from it
  // A libgit2 handle serves one thread at a time. Writing has its own, since a signature takes a
  // while.
  std::mutex read_mutex_, write_mutex_;
  RepositoryPtr reader_, writer_;
};

Result<std::optional<std::string>> MirrorImpl::Resolve(const std::string& ref) {
  SLUICE_CHECK(CheckRefName(ref));
  const std::lock_guard lock(read_mutex_);
  git_oid oid;
  git_error_clear();
  const int rc = git_reference_name_to_id(&oid, reader_.get(), ref.c_str());
  if (rc == GIT_ENOTFOUND) return std::optional<std::string>();
  if (rc < 0) return Fail(GitError(rc, "reading " + ref));
  return std::optional(ToHex(oid));
}

Result<Commit> MirrorImpl::ReadCommit(const std::string& oid) {
  SLUICE_TRY(const git_oid id, ParseOid(oid));
  const std::lock_guard lock(read_mutex_);
  SLUICE_TRY(const CommitPtr commit, LookupCommit(reader_.get(), id));
  return ToCommit(commit.get());
}

// On a handle of its own, so that `visit` may use the mirror.
Status MirrorImpl::Log(const std::string& tip, const std::string& until, Walk walk,
                       const std::function<bool(const Commit&)>& visit) {
  SLUICE_TRY(const git_oid from, ParseOid(tip));
  SLUICE_TRY(const RepositoryPtr repository, OpenBare(path_));
  { SLUICE_TRY(const CommitPtr found, LookupCommit(repository.get(), from)); }
  RevwalkPtr revwalk;
  int rc = git_revwalk_new(Out(revwalk), repository.get());
  if (rc == 0) rc = git_revwalk_push(revwalk.get(), &from);
  if (rc == 0 && walk == Walk::kFirstParent) rc = git_revwalk_simplify_first_parent(revwalk.get());
  if (rc == 0 && walk == Walk::kAll)
    rc = git_revwalk_sorting(revwalk.get(), GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
  if (rc == 0 && !until.empty()) {
    SLUICE_TRY(const git_oid stop, ParseOid(until));
    { SLUICE_TRY(const CommitPtr found, LookupCommit(repository.get(), stop)); }
    rc = git_revwalk_hide(revwalk.get(), &stop);
  }
  if (rc < 0) return Fail(GitError(rc, "walking the history of " + tip));
  git_oid next;
  while ((rc = git_revwalk_next(&next, revwalk.get())) == 0) {
    SLUICE_TRY(const CommitPtr commit, LookupCommit(repository.get(), next));
    if (!visit(ToCommit(commit.get()))) return {};
  }
  if (rc != GIT_ITEROVER) return Fail(GitError(rc, "walking the history of " + tip));
  return {};
}

Result<bool> MirrorImpl::IsAncestor(const std::string& older, const std::string& newer) {
  SLUICE_TRY(const git_oid old_id, ParseOid(older));
  SLUICE_TRY(const git_oid new_id, ParseOid(newer));
  const std::lock_guard lock(read_mutex_);
  SLUICE_TRY(const CommitPtr old_commit, LookupCommit(reader_.get(), old_id));
  SLUICE_TRY(const CommitPtr new_commit, LookupCommit(reader_.get(), new_id));
  if (git_oid_equal(&old_id, &new_id)) return true;
  git_error_clear();
  const int rc = git_graph_descendant_of(reader_.get(), &new_id, &old_id);
  if (rc < 0) return Fail(GitError(rc, "comparing " + older + " with " + newer));
  return rc == 1;
}

Result<FoundEntry> MirrorImpl::Find(const std::string& commit, const std::string& path) {
  SLUICE_TRY(const std::string normal, NormalizePath(path));
  SLUICE_TRY(const TreePtr root, CommitTreeOf(reader_.get(), commit));
  return FindEntry(reader_.get(), *git_tree_id(root.get()), normal);
}

Result<std::optional<std::string>> MirrorImpl::ObjectAt(const std::string& commit,
                                                        const std::string& path) {
  const std::lock_guard lock(read_mutex_);
  SLUICE_TRY(const FoundEntry found, Find(commit, path));
  if (found.mode == GIT_FILEMODE_UNREADABLE) return std::optional<std::string>();
  if (found.mode == GIT_FILEMODE_LINK) return RefuseEntry(path, "a symbolic link");
  if (found.mode == GIT_FILEMODE_COMMIT) return RefuseEntry(path, "a submodule");
  return std::optional(ToHex(found.oid));
}

Result<std::vector<DirectoryEntry>> MirrorImpl::ReadDirectory(const std::string& commit,
                                                              const std::string& path) {
  const std::lock_guard lock(read_mutex_);
  SLUICE_TRY(const FoundEntry found, Find(commit, path));
  std::vector<DirectoryEntry> entries;
  if (found.mode != GIT_FILEMODE_TREE) return entries;
  SLUICE_TRY(const TreePtr tree, LookupTree(reader_.get(), found.oid));
  for (size_t i = 0, count = git_tree_entrycount(tree.get()); i < count; ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(tree.get(), i);
    const git_filemode_t mode = git_tree_entry_filemode(entry);
    using Kind = DirectoryEntry::Kind;
    Kind kind = Kind::kOther;
    if (mode == GIT_FILEMODE_TREE) kind = Kind::kDirectory;
    if (mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE) kind = Kind::kFile;
    entries.push_back({git_tree_entry_name(entry), ToHex(*git_tree_entry_id(entry)), kind});
  }
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

Result<std::optional<std::string>> MirrorImpl::ReadFile(const std::string& commit,
                                                        const std::string& path,
                                                        int64_t max_bytes) {
  const std::lock_guard lock(read_mutex_);
  SLUICE_TRY(const FoundEntry found, Find(commit, path));
  if (found.mode == GIT_FILEMODE_LINK) return RefuseEntry(path, "a symbolic link");
  if (found.mode == GIT_FILEMODE_COMMIT) return RefuseEntry(path, "a submodule");
  if (found.mode == GIT_FILEMODE_UNREADABLE || found.mode == GIT_FILEMODE_TREE)
    return std::optional<std::string>();
  OdbPtr odb;
  if (const int rc = git_repository_odb(Out(odb), reader_.get()); rc < 0)
    return Fail(GitError(rc, "opening the objects"));
  SLUICE_TRY(std::string bytes, ReadBlob(odb.get(), found.oid, path, max_bytes));
  return std::optional(std::move(bytes));
}

Result<std::unique_ptr<SourceTree>> MirrorImpl::Tree(const std::string& commit,
                                                     const std::string& path) {
  SLUICE_TRY(const std::string normal, NormalizePath(path));
  SLUICE_TRY(RepositoryPtr repository, OpenBare(path_));
  SLUICE_TRY(const TreePtr root, CommitTreeOf(repository.get(), commit));
  SLUICE_TRY(const FoundEntry found, FindEntry(repository.get(), *git_tree_id(root.get()), normal));
  if (found.mode == GIT_FILEMODE_LINK) return RefuseEntry(normal, "a symbolic link");
  if (found.mode == GIT_FILEMODE_COMMIT) return RefuseEntry(normal, "a submodule");
  if (found.mode != GIT_FILEMODE_TREE) {
    return Fail(ErrorCode::kNotFound,
                "there is no directory " + Quoted(normal) + " at commit " + commit.substr(0, 12));
  }
  return MakeCommitTree(std::move(repository), found.oid, listings_);
}

Status MirrorImpl::CheckWritable() const {
  if (access_ == Access::kReadWrite) return {};
  return Fail(ErrorCode::kInternal, "the mirror '" + path_ + "' was opened for reading only");
}

Result<std::string> MirrorImpl::WriteCommit(const CommitSpec& spec) {
  SLUICE_CHECK(CheckWritable());
  const std::lock_guard lock(write_mutex_);
  return WriteCommitObject(writer_.get(), spec, signing_);
}

Status MirrorImpl::SetRef(const std::string& ref, const std::string& oid) {
  SLUICE_CHECK(CheckWritable());
  SLUICE_CHECK(CheckRefName(ref));
  const std::lock_guard lock(write_mutex_);
  if (oid.empty()) {
    git_error_clear();
    const int rc = git_reference_remove(writer_.get(), ref.c_str());
    if (rc < 0 && rc != GIT_ENOTFOUND) return Fail(GitError(rc, "removing " + ref));
    return {};
  }
  SLUICE_TRY(const git_oid id, ParseOid(oid));
  SLUICE_TRY(const CommitPtr commit, LookupCommit(writer_.get(), id));
  ReferencePtr reference;
  if (const int rc =
          git_reference_create(Out(reference), writer_.get(), ref.c_str(), &id, 1, nullptr);
      rc < 0) {
    return Fail(GitError(rc, "setting " + ref));
  }
  return {};
}

Status MirrorImpl::Maintain(const Call& call) {
  SLUICE_CHECK(CheckWritable());
  return MaintainMirror(path_, call);
}

}  // namespace

Result<std::unique_ptr<Mirror>> Mirror::Open(const std::string& path, Access access,
                                             SigningOptions signing) {
  SLUICE_CHECK(StartLibgit2());
  SLUICE_CHECK(CheckSigning(signing));
  if (access == Access::kReadWrite) {
    SLUICE_CHECK(PrepareMirror(path));
    SLUICE_CHECK(SweepMirror(path));
  }
  SLUICE_TRY(RepositoryPtr reader, OpenBare(path));
  SLUICE_TRY(RepositoryPtr writer, OpenBare(path));
  SLUICE_CHECK(CheckFormat(path));
  return std::unique_ptr<Mirror>(std::make_unique<MirrorImpl>(
      path, access, std::move(signing), std::move(reader), std::move(writer)));
}

}  // namespace sluice::git
