// Unit arguments of commands: ENV/APP, checked against what is declared or recorded.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/deploylog/deploy_log.h"
#include "engine/rollout/snapshot.h"

namespace sluice::cli {

Result<UnitId> ParseUnit(const std::string& argument);
// The named units, or all declared or recorded when none is named. An unknown one is
// kInvalidArgument with a suggestion.
Result<std::set<UnitId>> SelectUnits(const std::vector<std::string>& arguments,
                                     const rollout::Snapshot& snapshot,
                                     const deploylog::State& state);
// Who runs the command: git's identity (GIT_AUTHOR_NAME/EMAIL, git config user.name/email), or
// daemon.yaml's.
git::Person Operator(const git::Person& fallback);

}  // namespace sluice::cli
