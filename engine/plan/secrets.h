// What of an object must never be seen: values of Secrets (every member of one but apiVersion,
// kind, metadata, a textual type and a boolean immutable), and the copy of a whole manifest in the
// last-applied annotation. Every value that leaves this module passes here first.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "engine/model/object_ref.h"

namespace sluice::plan {

// Copies with the values replaced: "***" where both are equal or only one has it, else
// "*** (before)" and "*** (after)", so that a change can be seen but not its content.
std::pair<nlohmann::json, nlohmann::json> Mask(const ObjectRef& ref, const nlohmann::json& before,
                                               const nlohmann::json& after);

// HMAC over the values the Secret is to have, or "key present" without a key; "" for other kinds.
std::string SecretDigest(const ObjectRef& ref, const nlohmann::json& after,
                         const std::string& hmac_key);

// A server's message with the Secret's values taken out, as they are and decoded.
std::string Scrub(const ObjectRef& ref, std::string message, const nlohmann::json& body);

}  // namespace sluice::plan
