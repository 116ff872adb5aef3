// Small text functions with no home elsewhere. All pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

std::vector<std::string> Split(std::string_view text, char separator);
std::string Join(std::span<const std::string> parts, std::string_view separator);
std::string_view Trim(std::string_view text);
std::string ToLower(std::string_view text);

// The candidate nearest to `word` by edit distance, when it is near enough to be meant.
std::optional<std::string> Suggest(std::string_view word, std::span<const std::string> candidates);
// "; did you mean 'replicas'?" or "".
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

std::string Base64Encode(std::string_view bytes);
// nullopt on any character outside the alphabet; white space is skipped.
std::optional<std::string> Base64Decode(std::string_view text);

bool IsValidUtf8(std::string_view text);
// RFC 1123 label: [a-z0-9]([-a-z0-9]*[a-z0-9])?, at most 63.
bool IsDnsLabel(std::string_view text);
// Control characters (and DEL) as \xNN, so hostile text cannot steer a terminal or forge a line.
std::string EscapeControl(std::string_view text);
// "https://user:pass@host/x" -> "https://***@host/x", anywhere in the text; Authorization values;
// and the value after password=, token:, secret=, apikey= and their like. A login without a
// password in an ssh address stays.
std::string RedactCredentials(std::string_view text);
// At most `limit` bytes from the end, cut at a character boundary.
std::string Tail(std::string_view text, size_t limit);

}  // namespace sluice
