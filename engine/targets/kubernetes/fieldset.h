// Says without asking the server that a server-side apply would change nothing. Reads the fieldsV1
// trie of our own Apply entry (kubernetes.md 2.3). Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace sluice::targets::kubernetes {

// True only when it is certain: every field of `desired` has the same value in `live`, and our
// Apply entry owns exactly these fields, no more and no fewer. False means "ask the server".
bool HoldsAlready(const nlohmann::json& live, const nlohmann::json& desired);

// "1000m" and "1", "0.5Gi" and "512Mi". False when one of them is no quantity.
bool IsSameQuantity(const nlohmann::json& a, const nlohmann::json& b);

}  // namespace sluice::targets::kubernetes
