// The server's words against content, shortened to what a person needs: which field, which rule.
// It prints whole Go structs; those stay for who asks for more. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::targets::kubernetes {

// One complaint: "spec.replicas", "must be greater than or equal to 0".
struct Fault {
  std::string field;  // "" where the server names none
  std::string rule;   // with the value, where that is short
  std::string why;    // without
  bool operator==(const Fault&) const = default;
};

// The complaints of a Status body (details.causes), or of the message of a failed server-side
// apply, which has no causes. Each once.
std::vector<Fault> FaultsOf(const nlohmann::json& status_body);

// All on one line: "spec.template: field is immutable; and 2 more". The server's own message,
// shortened, where no complaint can be told apart.
std::string Summarize(const nlohmann::json& status_body);

// The server's words say that a field cannot be changed in place.
bool IsImmutableMessage(std::string_view message);

// For a complaint about a field that holds the one that changed ("spec: updates to statefulset spec
// for fields other than 'replicas', … are forbidden"): names what differs and may not, by comparing
// the live object with the wanted one. Other messages stay as they are.
std::string NameChangedFields(const std::string& message, const nlohmann::json& before,
                              const nlohmann::json& after);

}  // namespace sluice::targets::kubernetes
