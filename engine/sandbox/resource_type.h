// One served kind: how it is addressed and which schema its objects follow.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sandbox/json.h"
#include "engine/sandbox/schema.h"

namespace sluice::sandbox {

// Immutable once published; requests keep it alive by shared_ptr while CRDs come and go.
struct ResourceType {
  std::string group;
  std::string version;
  std::string kind;
  std::string plural;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  std::vector<std::string> verbs;
  bool namespaced = true;
  bool has_status = false;
  bool has_scale = false;
  const Type* schema = nullptr;
  // Custom kinds only.
  std::string crd;  // name of the definition; empty for built-in kinds
  std::shared_ptr<const Schema> schema_owner;
  std::string spec_replicas_path;  // ".spec.replicas"
  std::string status_replicas_path;
  std::string selector_path;

  std::string ApiVersion() const { return group.empty() ? version : group + "/" + version; }
  // Where objects are stored: one place for all versions.
  std::string StorageKey() const { return group.empty() ? plural : plural + "." + group; }
  bool IsCustom() const { return !crd.empty(); }
};
using TypePtr = std::shared_ptr<const ResourceType>;

// The kinds one cluster serves. Not thread-safe: the cluster's lock guards it.
class TypeRegistry {
 public:
  TypeRegistry();  // the built-in kinds

  TypePtr FindPlural(std::string_view group, std::string_view version,
                     std::string_view plural) const;
  TypePtr FindKind(std::string_view group, std::string_view kind) const;
  TypePtr FindStorage(std::string_view storage_key) const;
  // In the order discovery lists them.
  const std::vector<TypePtr>& All() const { return types_; }

  // Serves the versions of an established definition, in place of what it served before.
  void ServeDefinition(const Json& crd);
  void WithdrawDefinition(const std::string& crd_name);
  // Groups announced by an APIService whose backend does not exist.
  void SetStaleGroup(const std::string& group, const std::string& version, bool stale);
  const std::map<std::string, std::string>& StaleGroups() const { return stale_groups_; }

 private:
  std::vector<TypePtr> types_;
  std::map<std::string, std::string> stale_groups_;  // group -> version
};

}  // namespace sluice::sandbox
