#include "engine/rollout/verdict.h"

namespace sluice::rollout {

Verdict Judge(Happening happening) {
  switch (happening) {
    case Happening::kContentRefused:
    case Happening::kUnhealthyTerminal:
    case Happening::kUnhealthyPastDeadline:
    case Happening::kTestSaidNo:
      return Verdict::kFailed;
    case Happening::kUnreadablePastDeadline:
    case Happening::kTestNoVerdict:
    case Happening::kNoRights:
    case Happening::kServerBusy:
    case Happening::kUnreachable:
    case Happening::kInternal:
      return Verdict::kErrored;
    case Happening::kFieldConflict:
    case Happening::kMissingKind:
    case Happening::kObjectToAdopt:
    case Happening::kCapExceeded:
    case Happening::kConfigInvalid:
      return Verdict::kHeld;
  }
  return Verdict::kErrored;
}

Happening FromError(ErrorCode code) {
  switch (code) {
    case ErrorCode::kRejected:
      return Happening::kContentRefused;
    case ErrorCode::kConflict:
      return Happening::kFieldConflict;
    case ErrorCode::kNotFound:
      return Happening::kMissingKind;
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
      return Happening::kNoRights;
    case ErrorCode::kRateLimited:
      return Happening::kServerBusy;
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kCancelled:
      return Happening::kUnreachable;
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kInvalidArgument:
      return Happening::kConfigInvalid;
    case ErrorCode::kCorrupted:
    case ErrorCode::kHeldElsewhere:
    case ErrorCode::kInternal:
      return Happening::kInternal;
  }
  return Happening::kInternal;
}

std::string_view DefaultReason(Happening happening) {
  switch (happening) {
    case Happening::kContentRefused:
      return "ContentRejected";
    case Happening::kUnhealthyTerminal:
      return "Unhealthy";
    case Happening::kUnhealthyPastDeadline:
      return "HealthDeadlineExceeded";
    case Happening::kUnreadablePastDeadline:
      return "LiveUnreadable";
    case Happening::kTestSaidNo:
      return "SmokeTestFailed";
    case Happening::kTestNoVerdict:
      return "SmokeTestNoVerdict";
    case Happening::kNoRights:
      return "PermissionDenied";
    case Happening::kServerBusy:
      return "ServerBusy";
    case Happening::kUnreachable:
      return "TargetUnreachable";
    case Happening::kFieldConflict:
      return "FieldConflict";
    case Happening::kMissingKind:
      return "UnknownKind";
    case Happening::kObjectToAdopt:
      return "AdoptionRequired";
    case Happening::kCapExceeded:
      return "PruneCapExceeded";
    case Happening::kConfigInvalid:
      return "ConfigInvalid";
    case Happening::kInternal:
      return "InternalError";
  }
  return "InternalError";
}

}  // namespace sluice::rollout
