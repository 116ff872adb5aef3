// Who changed a unit's directory, and when it last stood as it should.
#pragma once

#include <string>
#include <vector>

#include "engine/rollout/services.h"

namespace sluice::rollout {

// Who brought a revision into a unit's directory.
struct Authorship {
  std::string author;       // "Name <email>" of the newest commit that changed the unit's directory
  std::string approved_by;  // who merged it, when that was somebody else
  std::string revision;     // that commit
};

// Looks back from `revision` for the newest commit that changed `directory` (from the repository's
// root).
Result<Authorship> FindAuthorship(const Services& services, const std::string& revision,
                                  const std::string& directory);
// Commits after `good` up to `tip` that changed `directory`, newest first; only the newest of them
// when `good` is gone with a history that was rewritten.
Result<std::vector<std::string>> CommitsTouching(const Services& services, const std::string& tip,
                                                 const std::string& good,
                                                 const std::string& directory);

}  // namespace sluice::rollout
