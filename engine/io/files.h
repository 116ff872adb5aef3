// Files of this machine, by calls that say what went wrong and what is on disk afterwards.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"
#include "engine/io/descriptor.h"

namespace sluice {

// kNotFound, kPermissionDenied, or kInvalidArgument for what is not a regular file or is larger
// than the cap.
Result<std::string> ReadFile(const std::string& path, size_t max_bytes = size_t{1} << 20);

// All or nothing, and still there after a power cut: temporary file, fsync, rename, fsync of the
// directory.
Status WriteFileDurably(const std::string& path, std::string_view bytes, unsigned mode = 0600);

// The directory and its missing parents, mode 0700. An existing one must be ours and closed to
// others' writing; it is made 0700.
Status MakePrivateDirectory(const std::string& path);

// Where a process keeps its state for `path`: the directory itself, made private; or, where others
// may write to it and it is not ours to close (a tmpfs, a container's scratch volume: mode 1777 or
// 0777), a private directory in it, the same one at every start.
Result<std::string> OpenStateDirectory(const std::string& path);

// Names in a directory, sorted, without "." and "..".
Result<std::vector<std::string>> ListDirectory(const std::string& path);

// Removes a file, or a directory with all below it, read-only directories included; symbolic links
// are not followed. Nothing there is success.
Status RemoveTree(const std::string& path);

// A private directory that is removed with the object. Move-only.
class TemporaryDirectory {
 public:
  // Below `parent`; "": TMPDIR, or /tmp.
  static Result<TemporaryDirectory> Make(const std::string& parent = "");
  TemporaryDirectory(TemporaryDirectory&& other) noexcept;
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept;
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// A lock between processes, held until destroyed or the process ends. Move-only.
class FileLock {
 public:
  // Creates the file when missing. Fails at once with kHeldElsewhere, naming the holder's process
  // id.
  static Result<FileLock> Take(const std::string& path);

 private:
  explicit FileLock(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

}  // namespace sluice
