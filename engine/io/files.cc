#include "engine/io/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "engine/base/hash.h"
#include "engine/base/strings.h"

namespace sluice {
namespace {

tl::unexpected<Error> SystemFailure(const std::string& doing, const std::string& path) {
  const int number = errno;
  ErrorCode code = ErrorCode::kInternal;
  if (number == ENOENT || number == ENOTDIR) code = ErrorCode::kNotFound;
  if (number == EACCES || number == EPERM || number == EROFS) code = ErrorCode::kPermissionDenied;
  const std::string message = doing + " '" + path + "': " + ToLower(std::strerror(number));
  if (number == ENOSPC || number == EDQUOT)
    return Fail(ErrorCode::kUnavailable, "DiskFull", message + "; make room there");
  return Fail(code, message);
}

std::string ParentOf(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemFailure("writing", path);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Status SyncDirectory(const std::string& path) {
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0)
    return SystemFailure("syncing directory", path);
  return {};
}

Status WriteNewFile(const std::string& path, std::string_view bytes, unsigned mode) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (file.get() < 0) return SystemFailure("creating", path);
  SLUICE_CHECK(WriteAll(file.get(), bytes, path));
  if (fchmod(file.get(), mode) != 0 || fsync(file.get()) != 0)
    return SystemFailure("syncing", path);
  return {};
}

Result<std::vector<std::string>> NamesIn(int directory_fd, const std::string& path) {
  DIR* directory = fdopendir(directory_fd);  // takes the descriptor
  if (!directory) {
    close(directory_fd);
    return SystemFailure("listing", path);
  }
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;
  }
  const int error = errno;
  closedir(directory);
  errno = error;
  if (error != 0) return SystemFailure("listing", path);
  std::ranges::sort(names);
  return names;
}

// Through descriptors, so that a path swapped for a symbolic link meanwhile is not followed.
Status RemoveEntry(int parent, const std::string& name, const std::string& path) {
  if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  const int reason = errno;
  int fd = openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat status {};
  if (fd < 0 && errno == EACCES &&
      fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode) &&
      fchmodat(parent, name.c_str(), 0700, 0) == 0) {
    fd = openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  }
  if (fd < 0) {
    errno = reason;
    return SystemFailure("removing", path);
  }
  fchmod(fd, 0700);
  const Descriptor directory(dup(fd));
  SLUICE_TRY(const auto names, NamesIn(fd, path));
  for (const std::string& child : names)
    SLUICE_CHECK(RemoveEntry(directory.get(), child, path + "/" + child));
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    return SystemFailure("removing", path);
  return {};
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const Descriptor file(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO must not block us
  struct stat status {};
  if (file.get() < 0 || fstat(file.get(), &status) != 0) return SystemFailure("reading", path);
  if (!S_ISREG(status.st_mode))
    return Fail(ErrorCode::kInvalidArgument, "reading '" + path + "': not a regular file");
  std::string bytes;
  std::string chunk(64 * 1024, '\0');
  while (true) {
    const ssize_t count = read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemFailure("reading", path);
    if (count == 0) return bytes;
    bytes.append(chunk, 0, static_cast<size_t>(count));
    if (bytes.size() > max_bytes) {
      return Fail(ErrorCode::kInvalidArgument,
                  "reading '" + path + "': larger than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

Status WriteFileDurably(const std::string& path, std::string_view bytes, unsigned mode) {
  const std::string temporary = path + ".tmp-" + RandomHex(6);
  if (auto written = WriteNewFile(temporary, bytes, mode); !written) {
    unlink(temporary.c_str());
    return written;
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    auto failure = SystemFailure("replacing", path);
    unlink(temporary.c_str());
    return failure;
  }
  return SyncDirectory(ParentOf(path));
}

Status MakePrivateDirectory(const std::string& path) {
  if (path.empty()) return Fail(ErrorCode::kInvalidArgument, "a directory with an empty name");
  if (mkdir(path.c_str(), 0700) == 0) return SyncDirectory(ParentOf(path));
  if (errno == ENOENT) {
    SLUICE_CHECK(MakePrivateDirectory(ParentOf(path)));
    return MakePrivateDirectory(path);
  }
  if (errno != EEXIST) return SystemFailure("creating directory", path);
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat status {};
  if (directory.get() < 0 || fstat(directory.get(), &status) != 0)
    return SystemFailure("opening directory", path);
  if (status.st_uid != geteuid()) {
    return Fail(ErrorCode::kPermissionDenied,
                "directory '" + path + "' belongs to user " + std::to_string(status.st_uid) +
                    "; it must belong to us (" + std::to_string(geteuid()) + ")");
  }
  if (status.st_mode & (S_IWGRP | S_IWOTH)) {
    return Fail(ErrorCode::kPermissionDenied,
                "directory '" + path + "' can be written by others; chmod it to 0700");
  }
  if ((status.st_mode & 07777) != 0700 && fchmod(directory.get(), 0700) != 0)
    return SystemFailure("making private", path);
  return {};
}

Result<std::string> OpenStateDirectory(const std::string& path) {
  struct stat status {};
  const bool is_shared = lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
                         (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (!is_shared) {
    SLUICE_CHECK(MakePrivateDirectory(path));
    return path;
  }
  const std::string inside = path + "/sluice-" + std::to_string(geteuid());
  // A link, or somebody else's directory, that was there first is refused.
  if (lstat(inside.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
    return Fail(ErrorCode::kPermissionDenied,
                "'" + inside + "' is not a directory, and '" + path +
                    "' can be written by others; remove it, or name a directory of our own");
  }
  SLUICE_CHECK(MakePrivateDirectory(inside));
  return inside;
}

Result<std::vector<std::string>> ListDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemFailure("listing", path);
  return NamesIn(fd, path);
}

Status RemoveTree(const std::string& path) {
  if (path.empty() || path == "/" || path == "." || path == "..") {
    return Fail(ErrorCode::kInvalidArgument, "'" + path + "' will not be removed");
  }
  return RemoveEntry(AT_FDCWD, path, path);
}

Result<TemporaryDirectory> TemporaryDirectory::Make(const std::string& parent) {
  const char* from_environment = std::getenv("TMPDIR");
  const std::string base = !parent.empty()                         ? parent
                           : from_environment && *from_environment ? from_environment
                                                                   : "/tmp";
  std::string path = base + "/sluice-XXXXXX";
  if (!mkdtemp(path.data())) return SystemFailure("creating a temporary directory in", base);
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&& other) noexcept
    : path_(std::exchange(other.path_, "")) {}

TemporaryDirectory& TemporaryDirectory::operator=(TemporaryDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TemporaryDirectory::~TemporaryDirectory() {
  if (!path_.empty()) (void)RemoveTree(path_);
}

Result<FileLock> FileLock::Take(const std::string& path) {
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.get() < 0) return SystemFailure("opening lock", path);
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemFailure("locking", path);
    std::string holder(20, '\0');
    const ssize_t count = pread(file.get(), holder.data(), holder.size(), 0);
    holder.resize(count > 0 ? static_cast<size_t>(count) : 0);
    holder = Trim(holder);
    return Fail(ErrorCode::kHeldElsewhere,
                "'" + path + "' is locked by " +
                    (holder.empty() ? "another process" : "process " + EscapeControl(holder)));
  }
  // For the message above only: the lock itself is the kernel's and goes with the process.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(file.get(), 0) != 0) return SystemFailure("writing lock", path);
  SLUICE_CHECK(WriteAll(file.get(), pid, path));
  return FileLock(std::move(file));
}

}  // namespace sluice
