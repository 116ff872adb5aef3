// What a tree must look like before a byte of it is used: the same rules for commits and plain
// directories. Every byte of a repository is hostile (docs/reference/config.md). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"
#include "engine/model/source_tree.h"

namespace sluice::git {

// They count what lies under the path that is asked for, directories included.
inline constexpr size_t kMaxTreeEntries = 200'000;
inline constexpr int kMaxTreeDepth = 32;
inline constexpr size_t kMaxPathBytes = 1024;
inline constexpr int64_t kMaxTreeBytes = int64_t{256} << 20;
inline constexpr int64_t kMaxFileBytes = int64_t{4} << 20;  // of one file that is read

// Reasons of kInvalidConfig from here (docs/reference/reasons.md).
inline constexpr std::string_view kReasonUnsafePath = "UnsafePath";
inline constexpr std::string_view kReasonUnsupportedEntry = "UnsupportedEntry";
inline constexpr std::string_view kReasonTreeTooLarge = "TreeTooLarge";

// The part of the message that says what is wrong with a file or directory name; "" when it is
// fine.
std::string NameProblem(std::string_view name);

// "./a//b/" -> "a/b", "." -> "". kInvalidArgument for "..", absolute paths and unsafe names.
Result<std::string> NormalizePath(std::string_view path);

std::string JoinPath(std::string_view directory, std::string_view name);
// The path as it may be shown: in quotes, control characters escaped.
std::string Quoted(std::string_view path);

// True for the small text file that Git LFS leaves in place of the content.
bool IsLfsPointer(std::string_view bytes);
// A pointer is never outside these sizes, so that other files need not be read.
inline bool MayBeLfsPointer(int64_t size) { return size >= 48 && size < 1024; }

tl::unexpected<Error> RefuseName(std::string_view path, const std::string& problem);
// `what`: "a symbolic link", "a submodule", ...
tl::unexpected<Error> RefuseEntry(std::string_view path, std::string_view what);

// Of the names in one directory, those that no path may have or that differ only in case, and why.
std::map<std::string, std::string> RefusedNames(std::string_view directory,
                                                const std::vector<std::string>& names);

// Names within one directory: duplicates, and names that differ only in case.
class NameSet {
 public:
  Status Add(std::string_view directory, const std::string& name);

 private:
  std::map<std::string, std::string> seen_;  // folded -> as written
};

// Counts against the caps while a tree is walked.
class TreeBudget {
 public:
  // Once per entry, before descending; `depth` counts directories below the requested path.
  Status Count(std::string_view path, int depth, int64_t bytes);

 private:
  size_t entries_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace sluice::git
