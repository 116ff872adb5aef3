#include "engine/git/tree_rules.h"

#include <array>

#include "engine/base/strings.h"

namespace sluice::git {
namespace {

// The next code point of valid UTF-8.
char32_t NextCodePoint(std::string_view text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  char32_t point = lead & (0x3F >> more);
  for (int i = 0; i < more && at < text.size(); ++i) {
    point = (point << 6) | (static_cast<unsigned char>(text[at++]) & 0x3F);
  }
  return point;
}

// Invisible, or changes how the text around it is shown: names that look alike must be alike.
bool IsInvisible(char32_t point) {
  return (point >= 0x80 && point <= 0xA0) || point == 0xAD || point == 0x61C || point == 0x180E ||
         (point >= 0x200B && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
         (point >= 0x2060 && point <= 0x206F) || point == 0xFEFF || point >= 0xE0000;
}

// What some file systems take for ".git": case, trailing dots and blanks, a stream suffix, the
// short name.
bool IsDotGit(std::string_view name) {
  std::string folded = ToLower(name.substr(0, name.find(':')));
  while (!folded.empty() && (folded.back() == '.' || folded.back() == ' ')) folded.pop_back();
  return folded == ".git" || folded == "git~1";
}

}  // namespace

std::string NameProblem(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name == "." || name == "..") return "it leads elsewhere";
  if (!IsValidUtf8(name)) return "it is not UTF-8";
  for (size_t at = 0; at < name.size();) {
    const char32_t point = NextCodePoint(name, at);
    if (point < 0x20 || point == 0x7F) return "it has a control character";
    if (point == '/') return "it has a '/'";
    if (point == '\\') return "it has a '\\'";
    if (IsInvisible(point)) return "it has an invisible character";
  }
  if (IsDotGit(name)) return "it stands for a Git directory";
  if (name.size() > 255) return "it is longer than 255 bytes";
  return "";
}

Result<std::string> NormalizePath(std::string_view path) {
  if (path.starts_with('/')) {
    return Fail(ErrorCode::kInvalidArgument,
                "path " + Quoted(path) + " is absolute; give it from the root of the repository");
  }
  std::string normal;
  for (const std::string& part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (const std::string problem = NameProblem(part); !problem.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "path " + Quoted(path) + " has an unsafe part: " + problem);
    }
    normal = JoinPath(normal, part);
  }
  if (normal.size() > kMaxPathBytes) {
    return Fail(ErrorCode::kInvalidArgument, "path " + Quoted(path.substr(0, 60)) +
                                                 " is longer than " +
                                                 std::to_string(kMaxPathBytes) + " bytes");
  }
  return normal;
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty()) path += '/';
  return path.append(name);
}

std::string Quoted(std::string_view path) {
  std::string shown = EscapeControl(path);
  if (!IsValidUtf8(shown)) {
    std::string escaped;
    constexpr std::string_view kHex = "0123456789abcdef";
    for (const char c : shown) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x80) {
        escaped += c;
      } else {
        escaped.append("\\x").append({kHex[byte >> 4], kHex[byte & 15]});
      }
    }
    shown = escaped;
  }
  if (shown.size() > 300) shown = "..." + Tail(shown, 300);
  return "'" + shown + "'";
}

bool IsLfsPointer(std::string_view bytes) {
  return bytes.starts_with("version https://git-lfs.github.com/spec/") ||
         bytes.starts_with("version https://hawser.github.com/spec/");
}

tl::unexpected<Error> RefuseName(std::string_view path, const std::string& problem) {
  return Fail(ErrorCode::kInvalidConfig, std::string(kReasonUnsafePath),
              "the name " + Quoted(path) + " is refused: " + problem + "; rename or remove it");
}

tl::unexpected<Error> RefuseEntry(std::string_view path, std::string_view what) {
  return Fail(ErrorCode::kInvalidConfig, std::string(kReasonUnsupportedEntry),
              Quoted(path) + " is " + std::string(what) +
                  ", which is not supported here; commit a regular file, or remove it");
}

std::map<std::string, std::string> RefusedNames(std::string_view directory,
                                                const std::vector<std::string>& names) {
  std::map<std::string, std::string> refused, seen;
  const auto refuse = [&](const std::string& name, const std::string& problem) {
    refused.emplace(name, RefuseName(JoinPath(directory, name), problem).value().message());
  };
  for (const std::string& name : names) {
    if (const std::string problem = NameProblem(name); !problem.empty()) {
      refuse(name, problem);
      continue;
    }
    const auto [it, is_new] = seen.emplace(ToLower(name), name);
    if (is_new) continue;
    refuse(it->second, "it differs from " + Quoted(name) + " only in case");
    refuse(name, "it differs from " + Quoted(it->second) + " only in case");
  }
  return refused;
}

Status NameSet::Add(std::string_view directory, const std::string& name) {
  const auto [it, is_new] = seen_.emplace(ToLower(name), name);
  if (is_new) return {};
  if (it->second == name)
    return RefuseName(JoinPath(directory, name), "its directory has it twice");
  return RefuseName(JoinPath(directory, name),
                    "it differs from " + Quoted(it->second) + " only in case");
}

Status TreeBudget::Count(std::string_view path, int depth, int64_t bytes) {
  const auto refuse = [&](const std::string& limit) {
    return Fail(ErrorCode::kInvalidConfig, std::string(kReasonTreeTooLarge),
                "the tree is too large at " + Quoted(path) + ": " + limit +
                    "; split the repository, or point repository.path at a smaller directory");
  };
  if (path.size() > kMaxPathBytes) return refuse("a path may have 1024 bytes");
  if (depth > kMaxTreeDepth) return refuse("32 levels of directories are the limit");
  if (++entries_ > kMaxTreeEntries) return refuse("200000 entries are the limit");
  bytes_ += bytes;
  if (bytes_ > kMaxTreeBytes) return refuse("its files have more than 256 MiB");
  return {};
}

}  // namespace sluice::git
