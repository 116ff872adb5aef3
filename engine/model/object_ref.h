// The identity of an object in a target. The API version is deliberately not part of it: an edit
// from v1beta1 to v1 is not a delete and a create.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

struct ObjectRef {
  std::string group;  // "" for the core group
  std::string kind;
  std::string ns;  // "" for cluster-scoped objects
  std::string name;
  auto operator<=>(const ObjectRef&) const = default;
};

// For people: "KIND NAMESPACE/NAME" or "KIND NAME"; the group is added where it is a domain that a
// kind of target does not call its own.
std::string ToString(const ObjectRef& ref);

// One line of the inventory file: "group/kind/namespace/name", empty parts kept. The inverse
// refuses anything else.
std::string ToInventoryLine(const ObjectRef& ref);
std::optional<ObjectRef> ParseInventoryLine(std::string_view line);

}  // namespace sluice
