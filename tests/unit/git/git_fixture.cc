#include "tests/unit/git/git_fixture.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <list>

#include "engine/base/strings.h"
#include "engine/git/git_program.h"
#include "engine/io/subprocess.h"
#include "tests/support/catch.h"

namespace sluice::git {
namespace {

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

ProcessResult RunRaw(const std::vector<std::string>& argv, const std::string& input,
                     const std::map<std::string, std::string>& extra) {
  ProcessSpec spec;
  spec.argv = argv;
  spec.env = GitEnvironment();
  spec.env["GIT_AUTHOR_NAME"] = spec.env["GIT_COMMITTER_NAME"] = kTester.name;
  spec.env["GIT_AUTHOR_EMAIL"] = spec.env["GIT_COMMITTER_EMAIL"] = kTester.email;
  for (const auto& [name, value] : extra) spec.env[name] = value;
  spec.stdin_data = input;
  spec.max_output = size_t{64} << 20;
  auto result = RunProcess(spec, TestCall());
  if (!result) FAIL(Join(argv, " ") << ": " << result.error().message());
  return *result;
}

}  // namespace

std::string MakeTemporaryDirectory() {
  static std::list<TemporaryDirectory> directories;
  auto made = TemporaryDirectory::Make();
  REQUIRE(made);
  directories.push_back(std::move(*made));
  return directories.back().path();
}

std::string Run(const std::vector<std::string>& argv, const std::string& input,
                const std::map<std::string, std::string>& environment) {
  const ProcessResult result = RunRaw(argv, input, environment);
  if (result.exit_code != 0)
    FAIL(Join(argv, " ") << " exited with " << result.exit_code << ": " << result.stderr_text);
  std::string out = result.stdout_text;
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

std::string Git(const std::string& directory, std::vector<std::string> arguments,
                const std::string& input) {
  arguments.insert(arguments.begin(), {"git", "-C", directory});
  return Run(arguments, input);
}

int GitExitCode(const std::string& directory, std::vector<std::string> arguments,
                const std::map<std::string, std::string>& environment) {
  arguments.insert(arguments.begin(), {"git", "-C", directory});
  return RunRaw(arguments, "", environment).exit_code;
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string WriteRawBlob(const std::string& repository, const std::string& bytes) {
  return Git(repository, {"hash-object", "-w", "--stdin"}, bytes);
}

std::string WriteRawTree(const std::string& repository, const std::vector<RawEntry>& entries) {
  std::string content;
  for (const RawEntry& entry : entries)
    content += entry.mode + " " + entry.name + '\0' + FromHex(entry.oid);
  return Git(repository, {"hash-object", "--literally", "-t", "tree", "-w", "--stdin"}, content);
}

std::string WriteRawCommit(const std::string& repository, const std::string& tree,
                           const std::vector<std::string>& parents, const std::string& message) {
  std::string content = "tree " + tree + "\n";
  for (const std::string& parent : parents) content += "parent " + parent + "\n";
  content += "author Tess Tester <tess@example.test> 1700000000 +0000\n";
  content += "committer Tess Tester <tess@example.test> 1700000000 +0000\n\n" + message;
  return Git(repository, {"hash-object", "--literally", "-t", "commit", "-w", "--stdin"}, content);
}

TestMirror MakeMirror(SigningOptions signing) {
  TestMirror made;
  made.path = MakeTemporaryDirectory() + "/mirror";
  auto mirror = Mirror::Open(made.path, Mirror::Access::kReadWrite, std::move(signing));
  if (!mirror) FAIL(mirror.error().message());
  made.mirror = std::move(*mirror);
  return made;
}

std::string CommitFiles(Mirror& mirror, const std::string& parent,
                        const std::map<std::string, std::string>& files,
                        const std::string& message) {
  CommitSpec spec;
  if (!parent.empty()) spec.parents = {parent};
  spec.base_commit = parent;
  for (const auto& [path, bytes] : files) spec.edits.push_back({path, TreeEdit::Content{bytes}});
  spec.message = message;
  spec.author = kTester;
  spec.time = SystemTime(std::chrono::seconds(1'700'000'000));
  auto oid = mirror.WriteCommit(spec);
  if (!oid) FAIL(oid.error().message());
  return *oid;
}

}  // namespace sluice::git
