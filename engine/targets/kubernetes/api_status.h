// What an answer of the API server that is not a success means (kubernetes.md 2.2): whether the
// content is bad, the rights are missing, or nothing can be said yet. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"
#include "engine/targets/target_driver.h"

namespace sluice::targets::kubernetes {

// Error::reason() of refusals; docs/reference/reasons.md.
inline constexpr std::string_view kReasonUnauthenticated = "Unauthenticated";
inline constexpr std::string_view kReasonForbidden = "Forbidden";
inline constexpr std::string_view kReasonContentRejected = "ContentRejected";
inline constexpr std::string_view kReasonImmutableField = "ImmutableField";
inline constexpr std::string_view kReasonAdmissionDenied = "AdmissionDenied";
inline constexpr std::string_view kReasonQuotaExceeded = "QuotaExceeded";
inline constexpr std::string_view kReasonDryRunUnsupported = "DryRunUnsupported";
inline constexpr std::string_view kReasonFieldConflict = "FieldConflict";
inline constexpr std::string_view kReasonObjectReplaced = "ObjectReplaced";  // uid precondition
inline constexpr std::string_view kReasonAlreadyExists = "AlreadyExists";
inline constexpr std::string_view kReasonWriteRaced = "WriteRaced";
inline constexpr std::string_view kReasonNamespaceMissing = "NamespaceMissing";
inline constexpr std::string_view kReasonNamespaceTerminating = "NamespaceTerminating";
inline constexpr std::string_view kReasonTypeNotServed = "TypeNotServed";
inline constexpr std::string_view kReasonDiscoveryFailed = "DiscoveryFailed";
inline constexpr std::string_view kReasonObjectMissing = "ObjectMissing";
inline constexpr std::string_view kReasonWebhookUnavailable = "WebhookUnavailable";
inline constexpr std::string_view kReasonThrottled = "Throttled";
inline constexpr std::string_view kReasonExpired = "Expired";
inline constexpr std::string_view kReasonServerError = "ServerError";
inline constexpr std::string_view kReasonStaleRead = "StaleRead";

// The error of an answer with status 300 or more. `body` is the parsed body, null when it was no
// JSON. Messages are one line; of refused content it names field, rule and remedy, and detail() has
// the server's own words.
Error DecodeFailure(int http_status, const nlohmann::json& body);

// For a Secret: refusals of content without the server's words, which quote the values: fields, and
// of what cannot be changed the rule. Others are kept.
Error WithoutValues(const Error& error, const nlohmann::json& status_body);

// The server cannot take our last apply's version of the object for what is sent now: a field of it
// is newer than that version. Nothing is wrong with the content.
bool IsOfOlderShare(const nlohmann::json& status_body);

// Fields of a 409 that another manager owns; empty for other conflicts.
std::vector<FieldConflict> ConflictsOf(const nlohmann::json& status_body);

}  // namespace sluice::targets::kubernetes
