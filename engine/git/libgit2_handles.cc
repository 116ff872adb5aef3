#include "engine/git/libgit2_handles.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "engine/base/strings.h"
#include "engine/git/tree_rules.h"

namespace sluice::git {
namespace {

// A mirror of many packs needs many descriptors; a lack of them looks like missing objects.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, 4096);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int StartOnce() {
  int rc = git_libgit2_init();
  if (rc < 0) return rc;
  const auto set = [&rc](auto... arguments) {
    if (rc >= 0) rc = git_libgit2_opts(arguments...);
  };
  for (const git_config_level_t level : {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                                         GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
    set(GIT_OPT_SET_SEARCH_PATH, static_cast<int>(level), "");
  }
  set(GIT_OPT_SET_MWINDOW_SIZE, size_t{32} << 20);
  set(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, size_t{512} << 20);
  set(GIT_OPT_SET_MWINDOW_FILE_LIMIT, size_t{256});
  set(GIT_OPT_SET_PACK_MAX_OBJECTS, size_t{2'000'000});
  set(GIT_OPT_SET_CACHE_MAX_SIZE, ssize_t{64} << 20);
  set(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
  RaiseDescriptorLimit();
  return rc;
}

}  // namespace

Error GitError(int rc, std::string_view doing) {
  const git_error* last = git_error_last();
  std::string message(doing);
  message += ": ";
  if (last && last->klass != GIT_ERROR_NONE && last->message) {
    message += RedactCredentials(EscapeControl(last->message));
  } else {
    message += "libgit2 error " + std::to_string(rc);
  }
  switch (rc) {
    case GIT_ENOTFOUND:
    case GIT_EMISMATCH:
      return {ErrorCode::kCorrupted, message};
    case GIT_ELOCKED:
      return {ErrorCode::kUnavailable, message};
    case GIT_EEXISTS:
    case GIT_EMODIFIED:
    case GIT_ENONFASTFORWARD:
      return {ErrorCode::kConflict, message};
    case GIT_EINVALIDSPEC:
    case GIT_EAMBIGUOUS:
      return {ErrorCode::kInvalidArgument, message};
    default:
      break;
  }
  const bool is_full = last && last->klass == GIT_ERROR_OS &&
                       message.find("No space left on device") != std::string::npos;
  if (is_full) return {ErrorCode::kUnavailable, "DiskFull", message + "; make room in dataDir"};
  const bool is_object = last && (last->klass == GIT_ERROR_ODB || last->klass == GIT_ERROR_OBJECT ||
                                  last->klass == GIT_ERROR_TREE || last->klass == GIT_ERROR_ZLIB);
  return {is_object ? ErrorCode::kCorrupted : ErrorCode::kInternal, message};
}

Status StartLibgit2() {
  static std::once_flag once;
  static int rc = 0;
  std::call_once(once, [] { rc = StartOnce(); });
  if (rc < 0) return Fail(GitError(rc, "starting libgit2"));
  return {};
}

Result<RepositoryPtr> OpenBare(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return Fail(ErrorCode::kNotFound,
                "there is no mirror at '" + path + "'; start the daemon or run sync once");
  }
  if (status.st_uid != geteuid()) {
    return Fail(ErrorCode::kPermissionDenied, "the mirror '" + path + "' belongs to user id " +
                                                  std::to_string(status.st_uid) +
                                                  ", not to ours (" + std::to_string(geteuid()) +
                                                  "); run as that user, or remove it");
  }
  RepositoryPtr repository;
  if (const int rc = git_repository_open_bare(Out(repository), path.c_str()); rc < 0) {
    if (rc == GIT_ENOTFOUND)
      return Fail(ErrorCode::kNotFound, "'" + path + "' is not a Git repository");
    return Fail(GitError(rc, "opening the mirror '" + path + "'"));
  }
  return repository;
}

Result<git_oid> ParseOid(std::string_view text) {
  git_oid oid;
  if (text.size() != GIT_OID_HEXSZ || git_oid_fromstrn(&oid, text.data(), text.size()) != 0) {
    return Fail(ErrorCode::kInvalidArgument,
                Quoted(text) + " is not an object id of 40 hex digits");
  }
  return oid;
}

std::string ToHex(const git_oid& oid) {
  std::string text(GIT_OID_HEXSZ, '0');
  git_oid_fmt(text.data(), &oid);
  return text;
}

namespace {

// Commits and trees are read whole, so their size is looked at first.
constexpr int64_t kMaxCommitBytes = int64_t{1} << 20;
constexpr int64_t kMaxTreeObjectBytes = int64_t{64} << 20;

Status CheckSize(git_repository* repository, const git_oid& oid, int64_t limit,
                 const std::string& what) {
  OdbPtr odb;
  if (const int rc = git_repository_odb(Out(odb), repository); rc < 0)
    return Fail(GitError(rc, "opening the objects"));
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  git_error_clear();
  if (git_odb_read_header(&size, &type, odb.get(), &oid) < 0) return {};  // the lookup says why
  if (static_cast<int64_t>(size) <= limit) return {};
  return Fail(ErrorCode::kCorrupted, what + " " + ToHex(oid) + " has " + std::to_string(size) +
                                         " bytes; at most " + std::to_string(limit) + " are read");
}

}  // namespace

Result<CommitPtr> LookupCommit(git_repository* repository, const git_oid& oid) {
  SLUICE_CHECK(CheckSize(repository, oid, kMaxCommitBytes, "commit"));
  CommitPtr commit;
  if (const int rc = git_commit_lookup(Out(commit), repository, &oid); rc < 0) {
    Error error = GitError(rc, "reading commit " + ToHex(oid));
    if (rc == GIT_ENOTFOUND) {
      return Fail(ErrorCode::kNotFound,
                  "commit " + ToHex(oid) + " is not in the mirror; it must be fetched first");
    }
    return Fail(std::move(error));
  }
  return commit;
}

Result<TreePtr> LookupTree(git_repository* repository, const git_oid& oid) {
  SLUICE_CHECK(CheckSize(repository, oid, kMaxTreeObjectBytes, "tree"));
  TreePtr tree;
  if (const int rc = git_tree_lookup(Out(tree), repository, &oid); rc < 0) {
    return Fail(GitError(rc, "reading tree " + ToHex(oid)));
  }
  return tree;
}

Result<TreePtr> CommitTreeOf(git_repository* repository, const std::string& commit) {
  SLUICE_TRY(const git_oid oid, ParseOid(commit));
  SLUICE_TRY(const CommitPtr found, LookupCommit(repository, oid));
  return LookupTree(repository, *git_commit_tree_id(found.get()));
}

Result<FoundEntry> FindEntry(git_repository* repository, const git_oid& root,
                             const std::string& path) {
  FoundEntry here{root, GIT_FILEMODE_TREE};
  if (path.empty()) return here;
  std::string done;
  for (const std::string& part : Split(path, '/')) {
    if (here.mode == GIT_FILEMODE_LINK) return RefuseEntry(done, "a symbolic link");
    if (here.mode == GIT_FILEMODE_COMMIT) return RefuseEntry(done, "a submodule");
    if (here.mode != GIT_FILEMODE_TREE) return FoundEntry{};
    done = JoinPath(done, part);
    SLUICE_TRY(const TreePtr tree, LookupTree(repository, here.oid));
    FoundEntry next;
    for (size_t i = 0, count = git_tree_entrycount(tree.get()); i < count; ++i) {
      const git_tree_entry* entry = git_tree_entry_byindex(tree.get(), i);
      if (part != git_tree_entry_name(entry)) continue;
      if (next.mode != GIT_FILEMODE_UNREADABLE)
        return RefuseName(done, "its directory has it twice");
      next = {*git_tree_entry_id(entry), git_tree_entry_filemode(entry)};
    }
    if (next.mode == GIT_FILEMODE_UNREADABLE) return FoundEntry{};
    here = next;
  }
  return here;
}

Result<BlobHeader> ReadHeader(git_odb* odb, const git_oid& oid, const std::string& path) {
  size_t size = 0;
  BlobHeader header;
  git_error_clear();
  if (const int rc = git_odb_read_header(&size, &header.type, odb, &oid); rc < 0) {
    return Fail(GitError(rc, "reading " + Quoted(path) + " (object " + ToHex(oid) + ")"));
  }
  header.size = static_cast<int64_t>(size);
  return header;
}

Result<std::string> ReadBlob(git_odb* odb, const git_oid& oid, const std::string& path,
                             int64_t max_bytes) {
  SLUICE_TRY(const BlobHeader header, ReadHeader(odb, oid, path));
  if (header.type != GIT_OBJECT_BLOB) {
    return Fail(ErrorCode::kCorrupted,
                Quoted(path) + " (object " + ToHex(oid) + ") is not a file's content");
  }
  if (header.size > max_bytes) {
    return Fail(ErrorCode::kInvalidConfig, std::string(kReasonTreeTooLarge),
                Quoted(path) + " has " + std::to_string(header.size) + " bytes; at most " +
                    std::to_string(max_bytes) + " are read; split it");
  }
  OdbObjectPtr object;
  if (const int rc = git_odb_read(Out(object), odb, &oid); rc < 0) {
    return Fail(GitError(rc, "reading " + Quoted(path) + " (object " + ToHex(oid) + ")"));
  }
  return std::string(static_cast<const char*>(git_odb_object_data(object.get())),
                     git_odb_object_size(object.get()));
}

}  // namespace sluice::git
