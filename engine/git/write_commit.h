// Commits without a work tree, for mirror.cc.
#pragma once

#include <string>

#include "engine/git/libgit2_handles.h"
#include "engine/git/mirror.h"

namespace sluice::git {

// Writes trees, blobs and the commit, signed when configured; returns the commit's id. No ref
// moves.
Result<std::string> WriteCommitObject(git_repository* repository, const CommitSpec& spec,
                                      const SigningOptions& signing);

}  // namespace sluice::git
