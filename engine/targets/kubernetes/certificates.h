// What we look at in certificates before a connection is tried, for errors that name the cause.
// Pure.
#pragma once

#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace sluice::targets::kubernetes {

// At least one certificate, and each readable. kInvalidConfig otherwise.
Status CheckCertificates(const std::string& pem);

// The end of validity of the first certificate; nullopt when it cannot be read.
std::optional<SystemTime> ExpiryOf(const std::string& pem);

}  // namespace sluice::targets::kubernetes
