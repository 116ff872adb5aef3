#include "engine/git/mirror_open.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/git/git_program.h"
#include "engine/git/libgit2_handles.h"
#include "engine/io/files.h"

namespace sluice::git {
namespace {

namespace fs = std::filesystem;

constexpr size_t kManyPacks = 50;
// Git's own estimate: loose objects spread evenly over 256 directories, one of which is counted.
constexpr size_t kManyLooseInOneDirectory = 6700 / 256;

bool IsLeftover(const fs::path& file) {
  const std::string name = file.filename();
  if (name.ends_with(".lock")) return true;
  for (const std::string_view prefix :
       {"pack_git2_", "tmp_pack_", "tmp_idx_", "tmp_rev_", "tmp_obj_", ".tmp-", "tmp_objdir-",
        "tmp_object_git2_", "streamed_git2_"}) {
    if (name.starts_with(prefix)) return true;
  }
  return name == "gc.pid";
}

size_t CountFiles(const std::string& directory, std::string_view suffix) {
  const auto names = ListDirectory(directory);
  if (!names) return 0;
  return static_cast<size_t>(std::ranges::count_if(
      *names, [&](const std::string& name) { return name.ends_with(suffix); }));
}

// True when nothing is there but what an interrupted creation leaves.
Result<bool> IsUnfinished(const std::string& path) {
  SLUICE_TRY(const auto names, ListDirectory(path));
  return std::ranges::all_of(names, [](const std::string& name) {
    constexpr std::string_view kKnown[] = {"HEAD",        "HEAD.lock", "config", "config.lock",
                                           "description", "hooks",     "info",   "objects",
                                           "refs",        "branches"};
    return std::ranges::find(kKnown, name) != std::end(kKnown);
  });
}

}  // namespace

Status PrepareMirror(const std::string& path) {
  SLUICE_CHECK(MakePrivateDirectory(path));
  std::error_code ignored;
  if (fs::exists(path + "/HEAD", ignored) && fs::exists(path + "/config", ignored) &&
      fs::exists(path + "/objects", ignored)) {
    return {};
  }
  SLUICE_TRY(const bool is_unfinished, IsUnfinished(path));
  if (!is_unfinished) {
    return Fail(ErrorCode::kCorrupted,
                "'" + path + "' is neither a mirror nor empty; remove it, it is only a cache");
  }
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags = GIT_REPOSITORY_INIT_BARE;
  options.mode = 0700;
  options.initial_head = "main";
  RepositoryPtr repository;
  if (const int rc = git_repository_init_ext(Out(repository), path.c_str(), &options); rc < 0) {
    return Fail(GitError(rc, "creating the mirror '" + path + "'"));
  }
  if (chmod(path.c_str(), 0700) != 0)
    return Fail(ErrorCode::kPermissionDenied, "cannot make '" + path + "' private");
  return {};
}

Status CheckFormat(const std::string& path) {
  SLUICE_TRY(const std::string config, ReadFile(path + "/config"));
  for (const std::string& line : Split(config, '\n')) {
    const std::string word = ToLower(Trim(line));
    if (word.starts_with("[extensions") || word.starts_with("[include")) {
      return Fail(
          ErrorCode::kCorrupted,
          "the mirror '" + path + "' has a section '" + word +
              "' in its config, which we never write; remove the directory, it is only a cache");
    }
  }
  return {};
}

Status SweepMirror(const std::string& path) {
  std::vector<fs::path> leftovers;
  std::error_code error;
  auto it = fs::recursive_directory_iterator(path, fs::directory_options::none, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (!IsLeftover(it->path())) continue;
    leftovers.push_back(it->path());
    it.disable_recursion_pending();
  }
  if (error)
    return Fail(ErrorCode::kInternal, "sweeping the mirror '" + path + "': " + error.message());
  for (const fs::path& leftover : leftovers) {
    SLUICE_CHECK(RemoveTree(leftover));
    log::Warn("mirror_swept", {{"file", leftover.string()}});
  }
  return {};
}

Status MaintainMirror(const std::string& path, const Call& call) {
  const bool is_due = CountFiles(path + "/objects/pack", ".pack") >= kManyPacks ||
                      CountFiles(path + "/objects/17", "") >= kManyLooseInOneDirectory;
  if (!is_due) return {};
  auto environment = GitEnvironment();
  AddConfig(environment, {{"gc.pruneExpire", "2.weeks.ago"},
                          {"gc.writeCommitGraph", "false"},
                          {"gc.packRefs", "false"},
                          {"gc.autoDetach", "false"},
                          {"pack.threads", "1"},
                          {"core.fsync", "all"}});
  SLUICE_TRY(const ProcessResult result,
             RunGit(path, {"gc", "--quiet"}, std::move(environment), call));
  if (result.timed_out)
    return Fail(ErrorCode::kDeadlineExceeded, "packing the mirror '" + path + "' took too long");
  if (result.exit_code != 0) {
    return Fail(ErrorCode::kInternal,
                "packing the mirror '" + path + "': " + CleanOutput(result.stderr_text));
  }
  return {};
}

}  // namespace sluice::git
