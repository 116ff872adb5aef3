// The set of field paths a manager owns: the FieldsV1 trie of managedFields
// (sigs.k8s.io/structured-merge-diff, fieldpath). A path element is kept in its serialised form:
// "f:name", "k:{…sorted keys…}", "v:value".
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sandbox/json.h"
#include "engine/sandbox/schema.h"

namespace sluice::sandbox {

using FieldPath = std::vector<std::string>;

class FieldSet {
 public:
  // Elements that are not understood are kept as they are.
  static FieldSet FromJson(const Json& fields_v1);
  Json ToJson() const;

  bool empty() const { return members_.empty() && children_.empty(); }
  bool operator==(const FieldSet& other) const = default;

  void Insert(const FieldPath& path) { Insert(path, 0); }
  bool Has(std::string_view element) const { return members_.count(std::string(element)) > 0; }
  // The set below an element, or an empty one.
  const FieldSet& Below(std::string_view element) const;

  FieldSet Union(const FieldSet& other) const;
  FieldSet Intersection(const FieldSet& other) const;
  FieldSet Difference(const FieldSet& other) const;
  // Also removes everything below the other's members.
  FieldSet RecursiveDifference(const FieldSet& other) const;
  // Adds every named field on the way to a member, as removal of items needs.
  FieldSet WithNamedFields(const Type& type) const;

  // Every member as ".spec.containers[name="web"].image".
  std::vector<std::string> Describe() const;

 private:
  void Insert(const FieldPath& path, size_t at);
  void Describe(const std::string& prefix, std::vector<std::string>& out) const;
  FieldSet& Child(const std::string& element) { return children_[element]; }
  void DropEmptyChildren();

  std::set<std::string> members_;
  std::map<std::string, FieldSet> children_;
};

// ".name" or "[key="value"]", as the API server prints a path.
std::string DescribeElement(std::string_view element);

}  // namespace sluice::sandbox
