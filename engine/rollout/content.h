// The same failure in other words: content that renders to the same objects with the same release,
// checked in the same way, whatever the files look like.
#pragma once

#include <string>
#include <vector>

#include "engine/model/record.h"
#include "engine/model/resource.h"
#include "engine/rollout/services.h"

namespace sluice::rollout {

// Digest of what a rollout applies and how it judges: the objects in any order, the release, the
// targets, what app.yaml says, and the files that its smoke tests may run. Comments, the order of
// keys and documents, and names of manifest files are not in it. What an object keeps secret goes
// in by HMAC; without a key the blob of their file stands for them, as it does in the fingerprint.
Result<std::string> ContentDigest(const Services& services, const DeclaredUnit& unit,
                                  const std::vector<Resource>& resources, const SourceTree& tree);

// Why content that failed is not tried again, and what to do.
std::string WhyNotAgain(const Record& record, const FailedContent& failed);

}  // namespace sluice::rollout
