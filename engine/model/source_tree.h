// Read access to a tree of files with Git's content ids: a commit of the mirror, or a plain
// directory.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/error.h"

namespace sluice {

struct TreeEntry {
  std::string path;  // from the tree's root, '/'-separated, checked: no "..", no control characters
  std::string blob;  // Git blob id, 40 hex digits
  int64_t size = 0;  // bytes
  bool is_executable = false;
};

// Names of what stands directly below a directory, sorted.
struct ChildNames {
  std::vector<std::string> directories, files;
  // What List() refuses for its name or kind, and why: symbolic links and submodules, which are in
  // no other list; names that no path may have; names that differ only in case, each of them (the
  // last also stand in their list above).
  std::map<std::string, std::string> refused;
};

// One reader at a time.
class SourceTree {
 public:
  virtual ~SourceTree() = default;
  // Regular files below `path` ("" for the root), sorted by path, recursively. Caps on count,
  // depth, path length and bytes apply; a symlink, submodule, LFS pointer or bad name below `path`
  // is kInvalidConfig and names the file.
  virtual Result<std::vector<TreeEntry>> List(const std::string& path) const = 0;
  // Looks at names and kinds only, so that one bad entry hides none of those beside it; kNotFound
  // when `path` is not a directory.
  virtual Result<ChildNames> Children(const std::string& path) const = 0;
  // The regular file at `path`; kNotFound when there is none. Looks at nothing else where it can.
  virtual Result<TreeEntry> Find(const std::string& path) const {
    const size_t slash = path.rfind('/');
    auto siblings = List(slash == std::string::npos ? "" : path.substr(0, slash));
    if (!siblings) return Fail(std::move(siblings).error());
    for (TreeEntry& entry : *siblings) {
      if (entry.path == path) return std::move(entry);
    }
    return Fail(ErrorCode::kNotFound, "there is no file " + path);
  }
  // At most 4 MiB (kInvalidConfig above).
  virtual Result<std::string> Read(const TreeEntry& entry) const = 0;
};

}  // namespace sluice
