// What of an object must never be seen (TargetKind::HiddenIn). Every value that leaves this module
// passes here first.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/model/target_kind.h"

namespace sluice::plan {

// Copies with the values replaced: "***" where both are equal or only one has it, else
// "*** (before)" and "*** (after)", so that a change can be seen but not its content.
std::pair<nlohmann::json, nlohmann::json> Mask(const TargetKind& kind, const ObjectRef& ref,
                                               const nlohmann::json& before,
                                               const nlohmann::json& after);

// HMAC over the values it is to keep secret, or "key present" without a key; "" for an object that
// keeps none.
std::string SecretDigest(const TargetKind& kind, const ObjectRef& ref, const nlohmann::json& after,
                         const std::string& hmac_key);

// A server's message with the secret values taken out, as they are and decoded.
std::string Scrub(const TargetKind& kind, const ObjectRef& ref, std::string message,
                  const nlohmann::json& body);

}  // namespace sluice::plan
