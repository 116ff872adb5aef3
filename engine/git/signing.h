// Signatures over commits by ssh-keygen or gpg, which hold or reach the key.
#pragma once

#include <string>

#include "engine/base/error.h"
#include "engine/git/mirror.h"

namespace sluice::git {

// The armoured signature of a commit's bytes, as git stores it under "gpgsig". Blocks up to 30 s.
Result<std::string> SignCommit(const SigningOptions& options, const std::string& payload);

// kInvalidConfig for an unknown format or a key file that cannot be read.
Status CheckSigning(const SigningOptions& options);

}  // namespace sluice::git
