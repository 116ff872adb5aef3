// Paths in the fieldsV1 tries of managedFields (kubernetes.md 2.3): how they lead through objects,
// and how ownership is added and taken away. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sluice::targets::kubernetes {

// {"f:spec", "f:ports", "k:{\"port\":80,\"protocol\":\"TCP\"}", "f:targetPort"}
using FieldPath = std::vector<std::string>;

// ".spec.ports[port=80,protocol="TCP"].targetPort", as the server writes it in conflicts.
std::string PathText(const FieldPath& path);

// The member or item of `value` that one step leads to; nullptr when there is none, or it is null.
const nlohmann::json* StepInto(const nlohmann::json& value, const std::string& step);
const nlohmann::json* FindAt(const nlohmann::json& value, const FieldPath& path);

// Only where something is there already.
void SetAt(nlohmann::json& value, const FieldPath& path, const nlohmann::json& to);

// Removes what is there, and containers that become empty by that unless `kept` has them, too.
void EraseAt(nlohmann::json& object, const FieldPath& path, const nlohmann::json& kept);

// Nothing below it is owned apart: the whole value is.
bool IsLeaf(const nlohmann::json& fields);

void AddPath(nlohmann::json& fields, const FieldPath& path);
void RemovePath(nlohmann::json& fields, const FieldPath& path);  // with all below it

// All paths that are owned in `fields`, items of lists included.
std::vector<FieldPath> PathsOf(const nlohmann::json& fields);

// The parts of a JSON pointer, unescaped.
std::vector<std::string> TokensOf(const std::string& pointer);
// A token as a position in a list; nullopt for any other.
std::optional<size_t> PositionOf(const std::string& token);

// Where `fields` has what a JSON pointer into `object` names; nullopt when it owns nothing there.
std::optional<FieldPath> PathOf(const nlohmann::json& fields, const nlohmann::json& object,
                                const std::string& pointer);

// The merge key of a list fits the item. What an item leaves out may be a default: the protocol of
// a port is TCP.
bool FitsKey(const nlohmann::json& item, const nlohmann::json& key);

}  // namespace sluice::targets::kubernetes
