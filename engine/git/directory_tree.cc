// A plain directory as a source tree, read through descriptors so that a path that is swapped for a
// symbolic link meanwhile is not followed.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/git/mirror.h"
#include "engine/git/tree_rules.h"
#include "engine/io/descriptor.h"

namespace sluice::git {
namespace {

tl::unexpected<Error> SystemFailure(const std::string& path) {
  const int number = errno;
  const ErrorCode code = number == EACCES || number == EPERM     ? ErrorCode::kPermissionDenied
                         : number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound
                                                                 : ErrorCode::kInternal;
  return Fail(code, "reading " + Quoted(path) + ": " + ToLower(std::strerror(number)));
}

Result<std::vector<std::string>> NamesIn(int fd, const std::string& path) {
  const int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = own < 0 ? nullptr : fdopendir(own);
  if (!directory) {
    if (own >= 0) close(own);
    return SystemFailure(path);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
    if (names.size() > kMaxTreeEntries) break;
    errno = 0;
  }
  const int error = errno;
  closedir(directory);
  errno = error;
  if (error != 0) return SystemFailure(path);
  std::ranges::sort(names);
  return names;
}

constexpr int kOpenDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

class DirectoryTree final : public SourceTree {
 public:
  DirectoryTree(std::string root, Descriptor fd) : root_(std::move(root)), fd_(std::move(fd)) {}

  Result<std::vector<TreeEntry>> List(const std::string& path) const override;
  Result<ChildNames> Children(const std::string& path) const override;
  Result<TreeEntry> Find(const std::string& path) const override;
  Result<std::string> Read(const TreeEntry& entry) const override;

 private:
  struct Item {
    std::string name;
    bool is_directory = false;
    bool is_executable = false;
    int64_t size = 0;
  };

  std::string Shown(const std::string& path) const { return path.empty() ? root_ : path; }
  // nullopt when nothing is at `path`. A symbolic link at its end or on the way is refused.
  Result<std::optional<Descriptor>> Open(const std::string& path, int flags) const;
  Result<Descriptor> OpenDirectoryAt(const std::string& path) const;
  Result<std::vector<std::string>> CheckedNames(int fd, const std::string& path) const;
  Result<std::vector<Item>> ReadListing(int fd, const std::string& path) const;
  Result<std::string> ReadBytes(int file, const std::string& path, int64_t max_bytes) const;
  Result<std::string> ReadFileAt(int directory, const std::string& name, const std::string& path,
                                 int64_t max_bytes) const;
  Status Collect(int fd, const std::string& path, int depth, TreeBudget& budget,
                 std::vector<TreeEntry>& into) const;
  Result<bool> HoldsFile(int fd, const std::string& path, int depth) const;

  std::string root_;
  Descriptor fd_;
};

Result<std::optional<Descriptor>> DirectoryTree::Open(const std::string& path, int flags) const {
  Descriptor here(openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (here.get() < 0) return SystemFailure(root_);
  if (path.empty()) return std::optional(std::move(here));
  const auto parts = Split(path, '/');
  std::string done;
  for (size_t i = 0; i < parts.size(); ++i) {
    done = JoinPath(done, parts[i]);
    const int wanted = i + 1 < parts.size() ? O_DIRECTORY : flags;
    Descriptor next(openat(here.get(), parts[i].c_str(),
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | wanted));
    if (next.get() < 0) {
      const int error = errno;
      struct stat status {};
      if (fstatat(here.get(), parts[i].c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISLNK(status.st_mode)) {
        return RefuseEntry(done, "a symbolic link");
      }
      if (error == ENOENT || error == ENOTDIR) return std::optional<Descriptor>();
      errno = error;
      return SystemFailure(done);
    }
    here = std::move(next);
  }
  return std::optional(std::move(here));
}

Result<Descriptor> DirectoryTree::OpenDirectoryAt(const std::string& path) const {
  SLUICE_TRY(auto found, Open(path, O_DIRECTORY));
  if (!found)
    return Fail(ErrorCode::kNotFound,
                "there is no directory " + Quoted(path) + " in " + Quoted(root_));
  return std::move(*found);
}

Result<std::vector<std::string>> DirectoryTree::CheckedNames(int fd,
                                                             const std::string& path) const {
  SLUICE_TRY(const auto all, NamesIn(fd, Shown(path)));
  std::vector<std::string> names;
  NameSet seen;
  for (const std::string& name : all) {
    if (path.empty() && name == ".git")
      continue;  // of a working copy; Git does not track it either
    if (name == ".git") return RefuseEntry(path, "a Git repository of its own");
    if (const std::string problem = NameProblem(name); !problem.empty())
      return RefuseName(JoinPath(path, name), problem);
    SLUICE_CHECK(seen.Add(path, name));
    names.push_back(name);
  }
  return names;
}

Result<std::vector<DirectoryTree::Item>> DirectoryTree::ReadListing(int fd,
                                                                    const std::string& path) const {
  SLUICE_TRY(const auto names, CheckedNames(fd, path));
  std::vector<Item> items;
  for (const std::string& name : names) {
    const std::string item_path = JoinPath(path, name);
    struct stat status {};
    if (fstatat(fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return SystemFailure(item_path);
    if (S_ISLNK(status.st_mode)) return RefuseEntry(item_path, "a symbolic link");
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))
      return RefuseEntry(item_path, "not a regular file");
    const bool is_directory = S_ISDIR(status.st_mode);
    items.push_back(
        {name, is_directory, (status.st_mode & S_IXUSR) != 0, is_directory ? 0 : status.st_size});
  }
  return items;
}

Result<std::string> DirectoryTree::ReadBytes(int file, const std::string& path,
                                             int64_t max_bytes) const {
  struct stat status {};
  if (fstat(file, &status) != 0) return SystemFailure(path);
  if (!S_ISREG(status.st_mode)) return RefuseEntry(path, "not a regular file");
  std::string bytes;
  std::string chunk(64 * 1024, '\0');
  while (true) {
    const ssize_t count = read(file, chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemFailure(path);
    if (count == 0) return bytes;
    bytes.append(chunk, 0, static_cast<size_t>(count));
    if (static_cast<int64_t>(bytes.size()) > max_bytes) {
      return Fail(
          ErrorCode::kInvalidConfig, std::string(kReasonTreeTooLarge),
          Quoted(path) + " has more than " + std::to_string(max_bytes) + " bytes; split it");
    }
  }
}

Result<std::string> DirectoryTree::ReadFileAt(int directory, const std::string& name,
                                              const std::string& path, int64_t max_bytes) const {
  const Descriptor file(
      openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ELOOP) return RefuseEntry(path, "a symbolic link");
    return SystemFailure(path);
  }
  return ReadBytes(file.get(), path, max_bytes);
}

Status DirectoryTree::Collect(int fd, const std::string& path, int depth, TreeBudget& budget,
                              std::vector<TreeEntry>& into) const {
  SLUICE_TRY(const auto items, ReadListing(fd, path));
  for (const Item& item : items) {
    const std::string item_path = JoinPath(path, item.name);
    SLUICE_CHECK(budget.Count(item_path, depth, item.size));
    if (item.is_directory) {
      const Descriptor child(openat(fd, item.name.c_str(), kOpenDirectory));
      if (child.get() < 0) return SystemFailure(item_path);
      SLUICE_CHECK(Collect(child.get(), item_path, depth + 1, budget, into));
      continue;
    }
    SLUICE_TRY(const std::string bytes, ReadFileAt(fd, item.name, item_path, kMaxTreeBytes));
    if (IsLfsPointer(bytes)) return RefuseEntry(item_path, "a Git LFS pointer");
    into.push_back(
        {item_path, GitBlobId(bytes), static_cast<int64_t>(bytes.size()), item.is_executable});
  }
  return {};
}

Result<std::vector<TreeEntry>> DirectoryTree::List(const std::string& path) const {
  SLUICE_TRY(const std::string normal, NormalizePath(path));
  SLUICE_TRY(const Descriptor directory, OpenDirectoryAt(normal));
  std::vector<TreeEntry> entries;
  TreeBudget budget;
  SLUICE_CHECK(Collect(directory.get(), normal, 1, budget, entries));
  std::ranges::sort(entries, {}, &TreeEntry::path);
  return entries;
}

// What cannot be read counts as something: only what is surely empty is left out.
Result<bool> DirectoryTree::HoldsFile(int fd, const std::string& path, int depth) const {
  SLUICE_TRY(const auto names, NamesIn(fd, path));
  if (depth > kMaxTreeDepth) return true;
  for (const std::string& name : names) {
    struct stat status {};
    if (fstatat(fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode))
      return true;
    const Descriptor child(openat(fd, name.c_str(), kOpenDirectory));
    if (child.get() < 0) return true;
    SLUICE_TRY(const bool holds, HoldsFile(child.get(), JoinPath(path, name), depth + 1));
    if (holds) return true;
  }
  return false;
}

Result<ChildNames> DirectoryTree::Children(const std::string& path) const {
  SLUICE_TRY(const std::string normal, NormalizePath(path));
  SLUICE_TRY(const Descriptor directory, OpenDirectoryAt(normal));
  SLUICE_TRY(auto names, NamesIn(directory.get(), Shown(normal)));
  if (normal.empty()) std::erase(names, ".git");  // of a working copy; Git does not track it either
  ChildNames children;
  children.refused = RefusedNames(normal, names);
  for (const std::string& name : names) {
    const std::string item_path = JoinPath(normal, name);
    if (!NameProblem(name).empty()) continue;
    struct stat status {};
    if (fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return SystemFailure(item_path);
    }
    if (S_ISREG(status.st_mode)) {
      children.files.push_back(name);
    } else if (!S_ISDIR(status.st_mode)) {
      const std::string_view what =
          S_ISLNK(status.st_mode) ? "a symbolic link" : "not a regular file";
      children.refused[name] = RefuseEntry(item_path, what).value().message();
    } else {
      const Descriptor child(openat(directory.get(), name.c_str(), kOpenDirectory));
      if (child.get() < 0) return SystemFailure(item_path);
      // Git has no empty directories, so they are none here either.
      SLUICE_TRY(const bool holds, HoldsFile(child.get(), item_path, 1));
      if (holds) children.directories.push_back(name);
    }
  }
  return children;
}

Result<TreeEntry> DirectoryTree::Find(const std::string& path) const {
  SLUICE_TRY(const std::string normal, NormalizePath(path));
  SLUICE_TRY(const auto found, Open(normal, 0));
  struct stat status {};
  if (found && fstat(found->get(), &status) != 0) return SystemFailure(normal);
  if (!found || S_ISDIR(status.st_mode)) {
    return Fail(ErrorCode::kNotFound,
                "there is no file " + Quoted(normal) + " in " + Quoted(root_));
  }
  SLUICE_TRY(const std::string bytes, ReadBytes(found->get(), normal, kMaxTreeBytes));
  if (IsLfsPointer(bytes)) return RefuseEntry(normal, "a Git LFS pointer");
  return TreeEntry{normal, GitBlobId(bytes), static_cast<int64_t>(bytes.size()),
                   (status.st_mode & S_IXUSR) != 0};
}

Result<std::string> DirectoryTree::Read(const TreeEntry& entry) const {
  SLUICE_TRY(const std::string normal, NormalizePath(entry.path));
  const auto slash = normal.find_last_of('/');
  const std::string parent = slash == std::string::npos ? "" : normal.substr(0, slash);
  SLUICE_TRY(const Descriptor directory, OpenDirectoryAt(parent));
  return ReadFileAt(directory.get(), normal.substr(slash == std::string::npos ? 0 : slash + 1),
                    normal, kMaxFileBytes);
}

}  // namespace

Result<std::unique_ptr<SourceTree>> OpenDirectory(const std::string& path) {
  Descriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return Fail(ErrorCode::kNotFound, "there is no directory " + Quoted(path));
    return SystemFailure(path);
  }
  return std::unique_ptr<SourceTree>(std::make_unique<DirectoryTree>(path, std::move(fd)));
}

}  // namespace sluice::git
