#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/io/files.h"
#include "engine/io/subprocess.h"
#include "engine/verify/checks.h"

namespace sluice::verify {
namespace {

constexpr int kExitNoVerdict = 75;  // EX_TEMPFAIL
constexpr size_t kTailBytes = 1024;
constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Status WriteCopy(const SourceTree& tree, const TreeEntry& entry, const std::string& path) {
  SLUICE_TRY(const std::string bytes, tree.Read(entry));
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  if (error || !file || chmod(path.c_str(), entry.is_executable ? 0500 : 0400) != 0) {
    return Fail(ErrorCode::kInternal,
                "copying '" + entry.path + "' to '" + path + "' for the command");
  }
  return {};
}

Status CloseDirectories(const std::string& root) {
  std::error_code error;
  chmod(root.c_str(), 0500);
  for (auto it = std::filesystem::recursive_directory_iterator(root, error);
       !error && it != decltype(it)(); it.increment(error)) {
    if (it->is_directory(error)) chmod(it->path().c_str(), 0500);
  }
  if (error)
    return Fail(ErrorCode::kInternal, "making the copy of the unit read-only: " + error.message());
  return {};
}

// Every file of the unit's directory, not only those that declare it: a script may read its
// neighbours.
Status CopyUnit(const Context& context, const std::string& root) {
  if (!context.tree) return Fail(ErrorCode::kInternal, "the unit's files are not at hand");
  SLUICE_TRY(const auto files, context.tree->List(context.directory));
  const std::string prefix = context.directory.empty() ? "" : context.directory + "/";
  if (mkdir(root.c_str(), 0700) != 0)
    return Fail(ErrorCode::kInternal, "no directory for the copy of the unit");
  for (const TreeEntry& entry : files) {
    if (!entry.path.starts_with(prefix)) continue;
    SLUICE_CHECK(WriteCopy(*context.tree, entry, root + "/" + entry.path.substr(prefix.size())));
  }
  return CloseDirectories(root);
}

// Redacted before it is cut, so that no half of a credential slips through; line ends stay.
std::string RedactedTail(const ProcessResult& result) {
  std::string text = result.stdout_text;
  if (!text.empty() && text.back() != '\n' && !result.stderr_text.empty()) text += '\n';
  text += result.stderr_text;
  std::vector<std::string> lines;
  for (const std::string& line : Split(RedactCredentials(text), '\n'))
    lines.push_back(EscapeControl(line));
  return Tail(Trim(Join(lines, "\n")), kTailBytes);
}

ProcessSpec Spec(const CommandSmokeTest& test, const Context& context, const std::string& directory,
                 const std::string& home) {
  ProcessSpec spec;
  spec.argv = test.run;
  spec.cwd = directory;
  spec.max_output = 64 * 1024;
  spec.env = {{"PATH", kPath},
              {"HOME", home},
              {"SLUICE_ENVIRONMENT", context.unit.environment},
              {"SLUICE_APPLICATION", context.unit.application},
              {"SLUICE_REVISION", context.revision},
              {"SLUICE_VERSION", context.version},
              {"SLUICE_TARGET", context.target}};
  return spec;
}

CallOutcome Judge(const std::string& what, const ProcessResult& result, const Call& call,
                  SteadyTime start) {
  CallOutcome outcome;
  if (result.timed_out) {
    const auto waited = std::chrono::duration_cast<Duration>(call.deadline - start);
    outcome = SaidNo(what + ": did not end within " + FormatDuration(waited));
  } else if (result.signal != 0) {
    outcome = SaidNo(what + ": ended by signal " + std::to_string(result.signal));
  } else if (result.exit_code == 0) {
    outcome = Passed(what + ": exit code 0");
  } else if (result.exit_code == kExitNoVerdict) {
    outcome = NoVerdict(what + ": exit code 75, no verdict");
  } else {
    outcome = SaidNo(what + ": exit code " + std::to_string(result.exit_code) + ", expected 0");
  }
  if (!result.timed_out && result.signal == 0) outcome.exit_code = result.exit_code;
  outcome.tail = RedactedTail(result);
  return outcome;
}

}  // namespace

CallOutcome CheckCommand(const CommandSmokeTest& test, const Context& context, const Call& call) {
  if (test.run.empty()) return CannotRun("the command is empty");
  const std::string what = "command '" + RedactCredentials(test.run.front()) + "'";
  if (!context.allow_commands) {
    return CannotRun(
        what + ": commands are not allowed by this daemon; set allowCommands: true in daemon.yaml");
  }
  auto temporary = TemporaryDirectory::Make();
  if (!temporary) return NoVerdict(what + ": " + temporary.error().message());
  const std::string unit = temporary->path() + "/unit", home = temporary->path() + "/home";
  if (mkdir(home.c_str(), 0700) != 0) return NoVerdict(what + ": no home directory for it");
  if (const auto copied = CopyUnit(context, unit); !copied)
    return NoVerdict(what + ": " + copied.error().message());
  const SteadyTime start = std::chrono::steady_clock::now();
  const auto result = RunProcess(Spec(test, context, unit, home), call);
  if (result) return Judge(what, *result, call, start);
  const Error& error = result.error();
  if (error.code() == ErrorCode::kPermissionDenied)
    return CannotRun(what + ": " + error.message() + "; is it executable in Git?");
  if (error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kInvalidArgument)
    return CannotRun(what + ": " + error.message());
  return NoVerdict(what + ": " + error.message());
}

}  // namespace sluice::verify
