#include "tests/support/memory_tree.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "engine/base/hash.h"
#include "engine/base/strings.h"

namespace sluice::test {
namespace {

// Whether `path` is `directory` or below it; "" covers everything.
bool Covers(const std::string& directory, const std::string& path) {
  return directory.empty() || path == directory || path.starts_with(directory + "/");
}

std::string LinkMessage(const std::string& path) {
  return path + " is a symbolic link; replace it by the file";
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
    if (Covers(path, broken)) return Fail(ErrorCode::kInvalidConfig, LinkMessage(broken));
  }
  std::vector<TreeEntry> entries;
  std::map<std::string, std::string> seen;  // folded -> as written
  for (const auto& [name, text] : files_) {
    if (!Covers(path, name)) continue;
    for (size_t end = path.size(); end != std::string::npos;) {
      end = name.find('/', end + 1);
      const std::string part = name.substr(0, end);
      if (seen.emplace(ToLower(part), part).first->second != part)
        return Fail(ErrorCode::kInvalidConfig, part + " differs from another name only in case");
    }
    entries.push_back(
        {name, GitBlobId(text), static_cast<int64_t>(text.size()), executable_.contains(name)});
  }
  return entries;
}

Result<ChildNames> MemoryTree::Children(const std::string& path) const {
  std::set<std::string> directories, names;
  ChildNames children;
  const std::string prefix = path.empty() ? "" : path + "/";
  for (const auto& [name, text] : files_) {
    if (!name.starts_with(prefix)) continue;
    const size_t end = name.find('/', prefix.size());
    const std::string child = name.substr(prefix.size(), end - prefix.size());
    names.insert(child);
    if (end != std::string::npos) {
      directories.insert(child);
    } else if (!broken_.contains(name)) {
      children.files.push_back(child);
    }
  }
  if (names.empty() && !path.empty()) return Fail(ErrorCode::kNotFound, "no directory " + path);
  std::erase_if(directories,
                [&](const std::string& name) { return broken_.contains(prefix + name); });
  children.directories.assign(directories.begin(), directories.end());
  for (const auto& [broken, unused] : broken_) {
    if (broken.starts_with(prefix) && broken.find('/', prefix.size()) == std::string::npos)
      children.refused[broken.substr(prefix.size())] = LinkMessage(broken);
  }
  for (const std::string& one : names) {
    for (const std::string& other : names) {
      if (one == other || ToLower(one) != ToLower(other)) continue;
      children.refused[one] = "'" + prefix + one + "' differs from '" + other + "' only in case";
    }
  }
  return children;
}

Result<TreeEntry> MemoryTree::Find(const std::string& path) const {
  if (broken_.contains(path)) return Fail(ErrorCode::kInvalidConfig, LinkMessage(path));
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
