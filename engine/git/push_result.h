// What became of a push, from what `git push --porcelain` wrote. Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "engine/git/remote.h"

namespace sluice::git {

struct PushOutput {
  std::string_view stdout_text, stderr_text;
  bool was_cut_off = false;  // killed at the deadline or on stop
};

// nullopt: nothing was sent (stderr_text says why, see remote_errors.h). Only what is known to
// happen before sending counts as that; any doubt is kUnknown.
std::optional<PushResult> ClassifyPush(const std::vector<RefUpdate>& updates,
                                       const PushOutput& output);

}  // namespace sluice::git
