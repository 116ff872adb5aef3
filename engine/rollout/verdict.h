// The one table of design 5: what a thing that happened means. Pure.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/error.h"

namespace sluice::rollout {

enum class Happening {
  kContentRefused,          // 400, 413, 422, immutable field, admission denial, quota
  kUnhealthyTerminal,       // a state that cannot recover
  kUnhealthyPastDeadline,   // live was readable when the deadline passed
  kUnreadablePastDeadline,  // live was not
  kTestSaidNo,              // a smoke test, after its retries
  kTestNoVerdict,
  kNoRights,       // 401, or 403 of rights
  kServerBusy,     // 429 and 5xx after retries, a webhook that cannot be called
  kUnreachable,    // timeouts, DNS, refused connections
  kFieldConflict,  // another manager owns a field
  kMissingKind,    // something it needs there is neither there nor in the unit
  kObjectToAdopt,
  kCapExceeded,
  kConfigInvalid,
  kInternal,  // our own fault: never a verdict about the content
};

enum class Verdict { kFailed, kErrored, kHeld };

Verdict Judge(Happening happening);
// What an error of a driver or of Git means. kRejected is the only one that condemns the content.
Happening FromError(ErrorCode code);
// The reason recorded where the error brings none of its own.
std::string_view DefaultReason(Happening happening);

}  // namespace sluice::rollout
