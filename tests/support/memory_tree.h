// A source tree in memory, with the same blob ids that Git would give.
#pragma once

#include <map>
#include <string>

#include "engine/model/source_tree.h"

namespace sluice::test {

class MemoryTree final : public SourceTree {
 public:
  MemoryTree() = default;
  explicit MemoryTree(std::map<std::string, std::string> files) : files_(std::move(files)) {}

  // The files below a directory of this machine; throws when it cannot be read.
  static MemoryTree FromDisk(const std::string& directory);

  // Adds or replaces a file.
  MemoryTree& Put(const std::string& path, const std::string& text);
  MemoryTree& PutExecutable(const std::string& path, const std::string& text);
  MemoryTree& Remove(const std::string& path);
  // From now on there is a symbolic link at `path`: any List that covers it fails with
  // kInvalidConfig.
  MemoryTree& Break(const std::string& path);
  const std::map<std::string, std::string>& files() const { return files_; }
  // Calls of Read so far.
  int reads() const { return reads_; }

  Result<std::vector<TreeEntry>> List(const std::string& path) const override;
  Result<ChildNames> Children(const std::string& path) const override;
  Result<TreeEntry> Find(const std::string& path) const override;
  Result<std::string> Read(const TreeEntry& entry) const override;

 private:
  std::map<std::string, std::string> files_;
  std::map<std::string, bool> executable_;
  std::map<std::string, bool> broken_;
  mutable int reads_ = 0;
};

}  // namespace sluice::test
