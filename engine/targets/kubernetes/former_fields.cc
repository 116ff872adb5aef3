#include "engine/targets/kubernetes/former_fields.h"

#include <algorithm>

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/object_edit.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

// What was declared before at one place: known as a value, or as what our trie owned.
struct Former {
  const json* value = nullptr;
  const json* fields = nullptr;

  Former Step(const std::string& step) const {
    if (fields != nullptr) {
      const auto it = fields->find(step);
      return {nullptr, it == fields->end() ? nullptr : &*it};
    }
    return {value == nullptr ? nullptr : StepInto(*value, step), nullptr};
  }
  bool IsThere() const { return value != nullptr || fields != nullptr; }
};

class Finder {
 public:
  Finder(const json& entry, std::vector<CoOwned>& out)
      : manager_(OneLine(ToText(At(entry, "manager")))), is_remnant_(IsRemnant(entry)), out_(out) {}

  void Walk(const json& fields, const Former& former, const json* desired) {
    for (const auto& [step, below] : fields.items()) {
      if (step == ".") continue;
      const Former was = former.Step(step);
      if (!was.IsThere()) continue;
      const json* is = desired == nullptr ? nullptr : StepInto(*desired, step);
      path_.push_back(step);
      if (is == nullptr && step.starts_with("k:")) {
        TakeAll(below, IsInjected(step, below));  // an item goes as a whole
      } else if (!IsLeaf(below)) {
        Walk(below, was, is);
      } else if (is == nullptr) {
        Add(path_);
      }
      path_.pop_back();
    }
  }

 private:
  // Of this item its owner has nothing but a certificate put into it, beside what names the item.
  static bool IsInjected(const std::string& step, const json& fields) {
    const std::vector<FieldPath> paths = PathsOf(fields);
    const bool has_certificate = std::ranges::any_of(
        paths, [](const FieldPath& path) { return path.back() == "f:caBundle"; });
    return has_certificate && std::ranges::all_of(paths, [&](const FieldPath& path) {
             const std::string name = path.back().substr(2);
             return name == "caBundle" || name == "clientConfig" ||
                    (path.size() == 1 && step.find('"' + name + '"') != std::string::npos);
           });
  }
  void TakeAll(const json& fields, bool is_injected) {
    Add(path_, is_injected);
    for (const FieldPath& below : PathsOf(fields)) {
      FieldPath path = path_;
      path.insert(path.end(), below.begin(), below.end());
      Add(path, is_injected);
    }
  }
  void Add(const FieldPath& path, bool is_injected = false) {
    const auto is_same = [&](const CoOwned& found) {
      return found.path == path && found.manager == manager_;
    };
    if (std::ranges::none_of(out_, is_same))
      out_.push_back({path, manager_, is_remnant_ || is_injected});
  }

  const std::string manager_;
  const bool is_remnant_;
  std::vector<CoOwned>& out_;
  FieldPath path_;
};

bool IsOfStatus(const json& entry) { return ToText(At(entry, "subresource")) == "status"; }

std::vector<json> Kept(const json& entries) {
  std::vector<json> kept;
  for (const json& entry : entries) {
    if (!At(entry, "fieldsV1").empty()) kept.push_back(entry);
  }
  return kept;
}

json& OwnEntry(json& entries, const std::string& api_version) {
  for (json& entry : entries) {
    if (IsOwnEntry(entry)) return entry;
  }
  entries.push_back({{"manager", kFieldManager},
                     {"operation", "Apply"},
                     {"apiVersion", api_version},
                     {"fieldsType", "FieldsV1"},
                     {"fieldsV1", json::object()}});
  return entries.back();
}

// Where the items of `desired` stand in `list`, in its order; nullopt when one is missing.
std::optional<std::vector<size_t>> PlacesOf(const json& desired, const json& list) {
  std::vector<size_t> places;
  for (size_t i = 0; i < desired.size(); ++i) {
    const json* item = Counterpart(list, desired[i], i);
    if (item == nullptr) return std::nullopt;
    places.push_back(static_cast<size_t>(item - &list.front()));
  }
  return places;
}

bool IsSame(const json& before, const json& after, const json& desired) {
  if (before == after) return true;
  if (before.is_object() && after.is_object() && desired.is_object()) {
    return std::ranges::all_of(desired.items(), [&](const auto& member) {
      return IsSame(At(before, member.key()), At(after, member.key()), member.value());
    });
  }
  const bool is_list = before.is_array() && after.is_array() && desired.is_array() &&
                       !before.empty() && !after.empty() && !desired.empty();
  if (!is_list || !desired.front().is_object()) return false;
  const auto was = PlacesOf(desired, before);
  const auto is = PlacesOf(desired, after);
  if (!was || !is) return false;
  for (size_t i = 0; i < desired.size(); ++i) {
    const bool is_moved = i > 0 && ((*was)[i - 1] < (*was)[i]) != ((*is)[i - 1] < (*is)[i]);
    if (is_moved || !IsSame(before[(*was)[i]], after[(*is)[i]], desired[i])) return false;
  }
  return true;
}

}  // namespace

std::vector<CoOwned> FindCoOwned(const json& managed_fields, const json& own,
                                 const std::vector<json>& former, const json& desired) {
  std::vector<CoOwned> found;
  for (const json& entry : Items(managed_fields)) {
    if (IsOwnEntry(entry) || IsOfStatus(entry)) continue;
    Finder finder(entry, found);
    const json& fields = At(entry, "fieldsV1");
    if (own.is_object()) finder.Walk(fields, {nullptr, &own}, &desired);
    for (const json& body : former) finder.Walk(fields, {&body, nullptr}, &desired);
  }
  return found;
}

bool IsPartOfAnother(const CoOwned& field, const std::vector<CoOwned>& fields) {
  return std::ranges::any_of(fields, [&](const CoOwned& other) {
    return other.manager == field.manager && other.path.size() < field.path.size() &&
           std::equal(other.path.begin(), other.path.end(), field.path.begin());
  });
}

json TakeOver(const json& managed_fields, const std::vector<CoOwned>& fields,
              const std::string& api_version) {
  json entries = Items(managed_fields);
  for (json& entry : entries) {
    if (IsOwnEntry(entry) || IsOfStatus(entry)) continue;
    const std::string manager = OneLine(ToText(At(entry, "manager")));
    for (const CoOwned& field : fields) {
      if (field.manager == manager) RemovePath(entry["fieldsV1"], field.path);
    }
  }
  json& own = OwnEntry(entries, api_version)["fieldsV1"];
  for (const CoOwned& field : fields) AddPath(own, field.path);
  return Kept(entries);
}

json GiveUp(const json& managed_fields, const std::vector<FieldPath>& paths) {
  json entries = Items(managed_fields);
  for (json& entry : entries) {
    if (!IsOwnEntry(entry)) continue;
    for (const FieldPath& path : paths) RemovePath(entry["fieldsV1"], path);
  }
  return Kept(entries);
}

json InVersion(const json& managed_fields, const std::string& api_version) {
  json entries = Items(managed_fields);
  for (json& entry : entries) {
    if (IsOwnEntry(entry)) entry["apiVersion"] = api_version;
  }
  return entries;
}

bool IsSameInOurs(const json& before, const json& after, const json& desired, const json& own) {
  if (!IsSame(before, after, desired)) return false;
  return std::ranges::all_of(PathsOf(own), [&](const FieldPath& path) {
    if (FindAt(desired, path) != nullptr) return true;  // compared already
    const json* was = FindAt(before, path);
    const json* is = FindAt(after, path);
    return was == nullptr ? is == nullptr : is != nullptr && *was == *is;
  });
}

}  // namespace sluice::targets::kubernetes
