// Real repositories for the tests of engine/git: temporary directories and the git program, cut off
// from the user's configuration.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/git/mirror.h"
#include "engine/io/files.h"

namespace sluice::git {

// Generous: only a hang reaches it.
inline Call TestCall() { return {std::chrono::steady_clock::now() + std::chrono::seconds(60), {}}; }

std::string MakeTemporaryDirectory();  // removed at the end of the program

// Runs a program with a clean environment and returns its output without the last newline; fails
// the test (FAIL) when it exits with another code than 0.
std::string Run(const std::vector<std::string>& argv, const std::string& input = "",
                const std::map<std::string, std::string>& environment = {});
// The same for `git -C <directory> ...`.
std::string Git(const std::string& directory, std::vector<std::string> arguments,
                const std::string& input = "");
int GitExitCode(const std::string& directory, std::vector<std::string> arguments,
                const std::map<std::string, std::string>& environment = {});

void WriteFile(const std::string& path, const std::string& bytes);

// A commit in a bare repository made of raw objects, so that it may be as hostile as wanted.
// Each entry: "<mode> <name>" -> object id.
struct RawEntry {
  std::string mode, name, oid;
};
std::string WriteRawBlob(const std::string& repository, const std::string& bytes);
std::string WriteRawTree(const std::string& repository, const std::vector<RawEntry>& entries);
std::string WriteRawCommit(const std::string& repository, const std::string& tree,
                           const std::vector<std::string>& parents = {},
                           const std::string& message = "test\n");

// An open mirror in a new directory.
struct TestMirror {
  std::string path;
  std::unique_ptr<Mirror> mirror;
  Mirror* operator->() const { return mirror.get(); }
};
TestMirror MakeMirror(SigningOptions signing = {});

// A commit of these files (content by path) on top of `parent`.
std::string CommitFiles(Mirror& mirror, const std::string& parent,
                        const std::map<std::string, std::string>& files,
                        const std::string& message = "test\n");

inline const Person kTester{"Tess Tester", "tess@example.test"};

}  // namespace sluice::git
