#include "tests/support/memory_tree.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "engine/base/hash.h"

namespace sluice::test {
namespace {

// Whether `path` is `directory` or below it; "" covers everything.
bool Covers(const std::string& directory, const std::string& path) {
  return directory.empty() || path == directory || path.starts_with(directory + "/");
}

}  // namespace

MemoryTree MemoryTree::FromDisk(const std::string& directory) {
  namespace fs = std::filesystem;
  MemoryTree tree;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::string path = entry.path().lexically_relative(directory).string();
    const bool is_executable =
        (entry.status().permissions() & fs::perms::owner_exec) != fs::perms::none;
    is_executable ? tree.PutExecutable(path, text) : tree.Put(path, text);
  }
  return tree;
}

MemoryTree& MemoryTree::Put(const std::string& path, const std::string& text) {
  files_[path] = text;
  return *this;
}

MemoryTree& MemoryTree::PutExecutable(const std::string& path, const std::string& text) {
  executable_[path] = true;
  return Put(path, text);
}

MemoryTree& MemoryTree::Remove(const std::string& path) {
  std::erase_if(files_, [&](const auto& file) { return Covers(path, file.first); });
  return *this;
}

MemoryTree& MemoryTree::Break(const std::string& path) {
  broken_[path] = true;
  return *this;
}

Result<std::vector<TreeEntry>> MemoryTree::List(const std::string& path) const {
  for (const auto& [broken, unused] : broken_) {
    if (Covers(path, broken))
      return Fail(ErrorCode::kInvalidConfig,
                  broken + " is a symbolic link; replace it by the file");
  }
  std::vector<TreeEntry> entries;
  for (const auto& [name, text] : files_) {
    if (!Covers(path, name)) continue;
    entries.push_back(
        {name, GitBlobId(text), static_cast<int64_t>(text.size()), executable_.contains(name)});
  }
  return entries;
}

Result<std::vector<std::string>> MemoryTree::Directories(const std::string& path) const {
  std::set<std::string> names;
  bool is_there = path.empty();
  const std::string prefix = path.empty() ? "" : path + "/";
  for (const auto& [name, text] : files_) {
    if (!name.starts_with(prefix)) continue;
    is_there = true;
    const size_t end = name.find('/', prefix.size());
    if (end != std::string::npos) names.insert(name.substr(prefix.size(), end - prefix.size()));
  }
  if (!is_there) return Fail(ErrorCode::kNotFound, "no directory " + path);
  return std::vector<std::string>(names.begin(), names.end());
}

Result<TreeEntry> MemoryTree::Find(const std::string& path) const {
  if (broken_.contains(path))
    return Fail(ErrorCode::kInvalidConfig, path + " is a symbolic link; replace it by the file");
  const auto found = files_.find(path);
  if (found == files_.end()) return Fail(ErrorCode::kNotFound, "there is no file " + path);
  return TreeEntry{path, GitBlobId(found->second), static_cast<int64_t>(found->second.size()),
                   executable_.contains(path)};
}

Result<std::string> MemoryTree::Read(const TreeEntry& entry) const {
  ++reads_;
  const auto found = files_.find(entry.path);
  if (found == files_.end()) return Fail(ErrorCode::kNotFound, "no file " + entry.path);
  return found->second;
}

}  // namespace sluice::test
