#include "engine/model/object_ref.h"

#include <algorithm>

#include "engine/base/strings.h"

namespace sluice {

std::string ToString(const ObjectRef& ref) {
  const bool is_foreign =
      ref.group.find('.') != std::string::npos && !ref.group.ends_with(".k8s.io");
  return ref.kind + (is_foreign ? "." + ref.group : "") + " " +
         (ref.ns.empty() ? "" : ref.ns + "/") + ref.name;
}

std::string ToInventoryLine(const ObjectRef& ref) {
  return ref.group + "/" + ref.kind + "/" + ref.ns + "/" + ref.name;
}

std::optional<ObjectRef> ParseInventoryLine(std::string_view line) {
  const std::vector<std::string> parts = Split(line, '/');
  if (parts.size() != 4 || parts[1].empty() || parts[3].empty()) return std::nullopt;
  const bool is_clean =
      std::ranges::none_of(line, [](unsigned char c) { return c <= 0x20 || c == 0x7F; });
  if (!is_clean) return std::nullopt;
  return ObjectRef{parts[0], parts[1], parts[2], parts[3]};
}

}  // namespace sluice
