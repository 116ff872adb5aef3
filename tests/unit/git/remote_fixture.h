// A mirror with a remote of its own, for the tests of engine/git/remote.h.
#pragma once

#include <memory>
#include <string>

#include "engine/base/effects.h"
#include "engine/base/metrics.h"
#include "engine/git/remote.h"
#include "tests/unit/git/git_fixture.h"

namespace sluice::git {

inline const std::string kMain = "refs/heads/main";
inline const std::string kLog = "refs/heads/deployments";

// An empty bare repository whose receive-pack takes pushes over http too.
std::string MakeBareRepository();

// One engine: a mirror of its own and a Remote to `config`.
struct Engine {
  explicit Engine(RepositoryConfig config);
  // A commit of one file on top of `parent`, in the mirror.
  std::string Commit(const std::string& parent, const std::string& path, const std::string& bytes) {
    return CommitFiles(*mirror.mirror, parent, {{path, bytes}});
  }
  PushResult Push(std::vector<RefUpdate> updates);  // fails the test on an Error
  std::string Listed(const std::string& ref);       // "" when absent

  TestMirror mirror;
  Metrics metrics;
  Effects effects;
  std::unique_ptr<Remote> remote;
};

RepositoryConfig AtUrl(const std::string& url);

// The behaviour that every transport must show, at an empty repository `directory` reachable as
// `config`.
void CheckTransport(const std::string& directory, const RepositoryConfig& config);

}  // namespace sluice::git
