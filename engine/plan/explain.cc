#include "engine/plan/explain.h"

#include <algorithm>

#include "engine/base/strings.h"

namespace sluice::plan {
namespace {

constexpr size_t kListed = 4;

std::string Short(const nlohmann::json& value) {
  std::string text = value.is_string()
                         ? value.get<std::string>()
                         : value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  text = EscapeControl(text);
  return text.size() <= 120 ? text : "..." + Tail(text, 117);
}

bool IsImage(const FieldChange& field) {
  return field.path.ends_with("]/image");  // of an item of a list
}

bool AllUnder(const std::vector<FieldChange>& fields, std::string_view prefix) {
  return std::ranges::all_of(
      fields, [&](const FieldChange& field) { return field.path.starts_with(prefix); });
}

// The key of a path "/data/key" or "/data[a/b]"; "" when it is the whole map.
std::string KeyUnder(const std::string& path, std::string_view prefix) {
  std::string key = path.substr(prefix.size());
  if (key.starts_with('/')) return key.substr(1);
  if (key.starts_with('[') && key.ends_with(']')) return key.substr(1, key.size() - 2);
  return "";
}

std::string MapText(const std::vector<FieldChange>& fields, std::string_view prefix,
                    const std::string& what) {
  std::vector<std::string> keys;
  for (const FieldChange& field : fields) {
    if (std::string key = KeyUnder(field.path, prefix); !key.empty())
      keys.push_back(std::move(key));
  }
  const size_t count = keys.size();
  if (count > kListed) keys.resize(kListed);
  std::string text = what + " changed";
  if (!keys.empty()) text += ": " + EscapeControl(Join(keys, ", "));
  if (count > kListed) text += " and " + std::to_string(count - kListed) + " more";
  return text;
}

}  // namespace

std::string ExplainUpdate(const TargetKind& kind, const std::vector<FieldChange>& fields) {
  if (fields.empty()) return "only ownership of fields changes";
  std::string images;
  int image_count = 0;
  for (const FieldChange& field : fields) {
    if (!IsImage(field)) continue;
    if (++image_count == 1) images = "image " + Short(field.before) + " -> " + Short(field.after);
  }
  const int others = static_cast<int>(fields.size()) - image_count;
  if (image_count > 1)
    images += " and " + std::to_string(image_count - 1) +
              (image_count == 2 ? " more image" : " more images");
  if (image_count > 0 && others == 0) return images;
  if (image_count > 0)
    return images + ", " + std::to_string(others) + (others == 1 ? " more field" : " more fields");
  for (const FreeMap& map : kind.FreeMaps()) {
    if (AllUnder(fields, map.path)) return MapText(fields, map.path, std::string(map.name));
  }
  if (fields.size() > 1) return std::to_string(fields.size()) + " fields changed";
  const FieldChange& only = fields.front();
  const std::string name = EscapeControl(only.path.substr(only.path.rfind('/') + 1));
  const bool is_short = !only.before.is_structured() && !only.after.is_structured();
  if (!is_short) return name + " changed";
  if (only.before.is_null()) return name + " set to " + Short(only.after);
  if (only.after.is_null()) return name + " removed";
  return name + " " + Short(only.before) + " -> " + Short(only.after);
}

std::string ListPaths(const std::vector<FieldChange>& fields) {
  std::vector<std::string> paths;
  for (const FieldChange& field : fields) {
    if (paths.size() < kListed) paths.push_back(EscapeControl(field.path));
  }
  std::string text = Join(paths, ", ");
  if (fields.size() > kListed) text += " and " + std::to_string(fields.size() - kListed) + " more";
  return text;
}

}  // namespace sluice::plan
