// Read access to a tree of files with Git's content ids: a commit of the mirror, or a plain
// directory.
#pragma once

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

// One reader at a time.
class SourceTree {
 public:
  virtual ~SourceTree() = default;
  // Regular files below `path` ("" for the root), sorted by path, recursively. Caps on count,
  // depth, path length and bytes apply; a symlink, submodule, LFS pointer or bad name below `path`
  // is kInvalidConfig and names the file.
  virtual Result<std::vector<TreeEntry>> List(const std::string& path) const = 0;
  // Names of the directories directly below `path`, sorted; kNotFound when `path` is not a
  // directory. Symbolic links and submodules are among them, so that none looks like a removed
  // directory: List() refuses them.
  virtual Result<std::vector<std::string>> Directories(const std::string& path) const = 0;
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
