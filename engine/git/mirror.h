// The local half of Git, by libgit2: one bare repository that mirrors the config branch and the log
// branch. A cache: delete it and it is fetched again. No libgit2 type leaves mirror*.cc.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/model/source_tree.h"

namespace sluice::git {

struct Person {
  std::string name, email;
};

// All texts are valid UTF-8 without control characters (but newlines and tabs in the message).
struct Commit {
  std::string oid;
  std::vector<std::string> parents;
  Person author, committer;
  SystemTime author_time{}, committer_time{};
  std::string message;
  // Last paragraph "Key: value" lines in order; values unfolded.
  std::vector<std::pair<std::string, std::string>> trailers;
};

// One edit of a tree, by path from the root. A path's parents are made as needed; directories that
// become empty vanish.
struct TreeEdit {
  std::string path;
  struct Remove {};
  struct Content {
    std::string bytes;
  };
  struct Subtree {
    std::string oid;
  };  // of a tree object in the mirror
  struct Blob {
    std::string oid;
  };
  std::variant<Remove, Content, Subtree, Blob> what;
};

struct CommitSpec {
  std::vector<std::string> parents;  // none: an orphan
  std::string base_commit;           // whose tree is edited; "" : the empty tree
  std::vector<TreeEdit> edits;
  std::string message;
  Person author;
  Person committer;  // empty name: the author
  SystemTime time{};
};

// What is directly in a directory of a commit.
struct DirectoryEntry {
  enum class Kind { kFile, kDirectory, kOther };  // kOther: symbolic links, submodules
  std::string name;                               // as it stands in the tree: may be hostile
  std::string oid;
  Kind kind = Kind::kFile;
};

struct SigningOptions {
  std::string format;    // "", "ssh", "gpg"
  std::string key_file;  // ssh: private key file; gpg: key id or fingerprint
};

// Thread-safe: every call takes the mirror's own lock.
class Mirror {
 public:
  // Opens or creates the bare repository (mode 0700), isolates libgit2 from the user's
  // configuration, sweeps stale locks and half packs. One process at a time (the caller holds the
  // dataDir lock); commands that only read may open it beside a daemon when `read_only` is
  // kReadOnly (no sweep).
  enum class Access { kReadWrite, kReadOnly };
  static Result<std::unique_ptr<Mirror>> Open(const std::string& path, Access access,
                                              SigningOptions signing);
  virtual ~Mirror() = default;

  virtual const std::string& path() const = 0;
  // Full ref name to commit id; nullopt when there is no such ref.
  virtual Result<std::optional<std::string>> Resolve(const std::string& ref) = 0;
  virtual Result<Commit> ReadCommit(const std::string& oid) = 0;
  // Commits from `tip` back along first parents (or all parents, newest first), not including
  // `until` and its ancestors ("" for none). `visit` returns false to stop.
  enum class Walk { kFirstParent, kAll };
  virtual Status Log(const std::string& tip, const std::string& until, Walk walk,
                     const std::function<bool(const Commit&)>& visit) = 0;
  // True when `older` equals or is an ancestor of `newer`. kNotFound when an object is not here.
  virtual Result<bool> IsAncestor(const std::string& older, const std::string& newer) = 0;
  // The object id (tree or blob) at a path of a commit; nullopt when there is nothing at that path.
  // A missing or corrupt object on the way is an error, never nullopt. "" or "." is the root tree.
  virtual Result<std::optional<std::string>> ObjectAt(const std::string& commit,
                                                      const std::string& path) = 0;
  // The entries directly in the directory at `path` ("" for the root), by name; empty when there is
  // nothing at that path. Unlike Tree() it refuses nothing: for the log branch, where one odd file
  // must not hide the rest.
  virtual Result<std::vector<DirectoryEntry>> ReadDirectory(const std::string& commit,
                                                            const std::string& path) = 0;
  // A file's bytes; nullopt when there is none at that path. At most `max_bytes`.
  virtual Result<std::optional<std::string>> ReadFile(const std::string& commit,
                                                      const std::string& path,
                                                      int64_t max_bytes = 4 << 20) = 0;
  // The tree below `path` of a commit, read through our own capped walker (design 8). Keeps this
  // Mirror alive no longer than the caller does.
  virtual Result<std::unique_ptr<SourceTree>> Tree(const std::string& commit,
                                                   const std::string& path) = 0;
  // Writes a commit object (signed when configured) and returns its id; no ref moves. Paths are
  // validated.
  virtual Result<std::string> WriteCommit(const CommitSpec& spec) = 0;
  // Sets a local ref, so that Remote can push it and nothing is collected. "" deletes.
  virtual Status SetRef(const std::string& ref, const std::string& oid) = 0;
  // Packs what has piled up (each fetch leaves a pack, each commit loose objects) when it is worth
  // it; cheap otherwise. Unreachable objects of the last two weeks stay. Other calls may go on
  // meanwhile.
  virtual Status Maintain(const Call& call) {
    (void)call;
    return {};
  }
};

// "Subject\n\nbody\n\nSluice-Event: started\n..."; keys get the prefix "Sluice-"; control
// characters in values are escaped; the trailer block is what `git interpret-trailers` finds.
std::string FormatMessage(const std::string& subject, const std::string& body,
                          const std::vector<std::pair<std::string, std::string>>& trailers);

// A plain directory as a source tree, with the same rules and caps (for validate and render).
Result<std::unique_ptr<SourceTree>> OpenDirectory(const std::string& path);

}  // namespace sluice::git
