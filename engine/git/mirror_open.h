// The mirror's directory: made, swept, packed. For mirror.cc.
#pragma once

#include <string>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace sluice::git {

// Makes the bare repository when there is none. kCorrupted when what is there is not a mirror of
// ours.
Status PrepareMirror(const std::string& path);

// Refuses what open_bare does not look at: other object formats and repository extensions.
Status CheckFormat(const std::string& path);

// Removes what killed processes left: locks, which would make every later fetch fail, and half
// packs.
Status SweepMirror(const std::string& path);

// Runs `git gc` when there are many packs or loose objects.
Status MaintainMirror(const std::string& path, const Call& call);

}  // namespace sluice::git
