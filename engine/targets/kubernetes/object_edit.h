// Small edits and readings of Kubernetes objects that more than one operation needs. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/error.h"
#include "engine/model/object_ref.h"
#include "engine/targets/target_driver.h"

namespace sluice::targets::kubernetes {

inline constexpr std::string_view kFieldManager = "sluice";
inline constexpr const char* kMarkLabel = "sluice.dev/unit";
// kubectl's copy of the whole manifest.
inline constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
inline constexpr const char* kPruneAnnotation =
    "sluice.dev/prune";  // "disabled", or "enabled" where it is needed

inline constexpr const char* kReplaceAnnotation = "sluice.dev/replace";  // values: ConsentOf()

std::string LabelOf(const nlohmann::json& object, const std::string& key);
std::string AnnotationOf(const nlohmann::json& object, const std::string& key);

// "when-immutable", or "when-immutable,load-balancer"; anything else is no consent.
ReplaceConsent ConsentOf(const nlohmann::json& object);

// Removes what the server owns and an intent must not hold: status, uid, managedFields,
// creationTimestamp …
void StripServerOwned(nlohmann::json& object);

// For a Secret: stringData into data, as the server would (server-side apply would never remove
// keys of stringData again). kRejected when a value is not text.
Status EncodeStringData(nlohmann::json& secret);

// For comparing: without what differs between two readings of the same object (versions,
// managedFields, status, the last-applied annotation).
nlohmann::json Normalise(nlohmann::json object);

// `live` cut down to the fields `desired` speaks of, so that the two can be compared where the
// server did not merge them. Items of lists are paired by name or port, else by position.
nlohmann::json ProjectOnto(const nlohmann::json& live, const nlohmann::json& desired);

// What makes an item of a list the same item in another version of the list: a name, a port, else
// its place. nullptr when it is not there.
const nlohmann::json* Counterpart(const nlohmann::json& list, const nlohmann::json& item,
                                  size_t index);

// "finalizers a, b" or "no finalizer": what holds an object that is being deleted.
std::string FinalizersOf(const nlohmann::json& live);

// Entries of managedFields: our own applies; and what nobody is going to come back for, of kubectl
// when the object was made by hand, or of admission plugins that changed our own writes.
bool IsOwnEntry(const nlohmann::json& entry);
bool IsRemnant(const nlohmann::json& entry);

// Our own Apply entry of managedFields; null when there is none.
const nlohmann::json& OwnEntry(const nlohmann::json& live);
// Its fieldsV1.
const nlohmann::json& OwnFields(const nlohmann::json& live);

// managedFields without the entries kubectl left when the object was made or applied by hand;
// nullopt when there are none. As long as they share our fields, a field that leaves Git would stay
// in live (kubernetes.md 2.4).
std::optional<nlohmann::json> WithoutKubectlEntries(const nlohmann::json& live);

// Why it must not be deleted by a prune; "" for nothing.
std::string ProtectionOf(const nlohmann::json& live, const ObjectRef& ref);
// Its owner said that it stays.
bool OptsOutOfPrune(const nlohmann::json& object);

// Digest of what a Job runs: its spec without what may change on a Job that is there. "" for other
// kinds.
std::string WorkOf(const ObjectRef& ref, const nlohmann::json& body);

}  // namespace sluice::targets::kubernetes
