#include "engine/sandbox/patch.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::sandbox {
namespace {

constexpr std::string_view kDeletePrefix = "$deleteFromPrimitiveList/";
constexpr std::string_view kOrderPrefix = "$setElementOrder/";

const Type& TypeOf(const Type& type, const std::string& name) {
  const Type* member = MemberType(type, name);
  return member == nullptr ? AnyType() : *member;
}

Json MergeObjects(const Type& type, const Json& object, const Json& patch);

// Puts the items the order names into that order; the others keep their places behind them.
void Reorder(Json& list, const std::string& key, const Json& order) {
  const auto rank = [&](const Json& item) -> size_t {
    for (size_t i = 0; i < order.size(); ++i) {
      const Json* id = key.empty() ? &item : Find(item, {key});
      const Json* wanted = key.empty() ? &order[i] : Find(order[i], {key});
      if (id != nullptr && wanted != nullptr && *id == *wanted) return i;
    }
    return order.size();
  };
  std::vector<Json> items = list.get<std::vector<Json>>();
  std::stable_sort(items.begin(), items.end(),
                   [&](const Json& a, const Json& b) { return rank(a) < rank(b); });
  list = Json(items);
}

Json MergeList(const Type& type, const Json& live, const Json& patch) {
  if (!live.is_array() || !patch.is_array()) return patch;
  if (type.merge_key.empty()) {
    if (!type.merge_items) return patch;
    Json out = live;
    for (const Json& item : patch) {
      if (std::find(out.begin(), out.end(), item) == out.end()) out.push_back(item);
    }
    return out;
  }
  Json out = live;
  for (const Json& item : patch) {
    const std::string directive = TextAt(item, {"$patch"});
    if (directive == "replace") {
      Json replaced = Json::array();
      for (const Json& other : patch) {
        if (TextAt(other, {"$patch"}).empty()) replaced.push_back(other);
      }
      return replaced;
    }
    const Json* id = Find(item, {type.merge_key});
    const auto it = std::find_if(out.begin(), out.end(), [&](const Json& other) {
      const Json* other_id = Find(other, {type.merge_key});
      return id != nullptr && other_id != nullptr && *id == *other_id;
    });
    if (directive == "delete") {
      if (it != out.end()) out.erase(it);
    } else if (it == out.end()) {
      out.push_back(MergeObjects(*type.element, Json::object(), item));
    } else {
      *it = MergeObjects(*type.element, *it, item);
    }
  }
  return out;
}

void DeletePrimitives(Json& out, const std::string& name, const Json& values) {
  Json* list = Find(out, {name});
  if (list == nullptr || !list->is_array()) return;
  for (const Json& value : values) {
    list->erase(std::remove(list->begin(), list->end(), value), list->end());
  }
}

Json MergeObjects(const Type& type, const Json& object, const Json& patch) {
  if (!patch.is_object()) return patch;
  const std::string directive = TextAt(patch, {"$patch"});
  if (directive == "delete") return Json(nullptr);
  Json out = object.is_object() && directive != "replace" ? object : Json::object();
  if (const Json* keep = Find(patch, {"$retainKeys"}); keep != nullptr && keep->is_array()) {
    for (auto it = out.begin(); it != out.end();) {
      const bool kept = std::find(keep->begin(), keep->end(), Json(it.key())) != keep->end();
      it = kept ? std::next(it) : out.erase(it);
    }
  }
  for (const auto& [name, value] : patch.items()) {
    if (name == "$patch" || name == "$retainKeys" || name.rfind(kOrderPrefix, 0) == 0) continue;
    if (name.rfind(kDeletePrefix, 0) == 0) {
      DeletePrimitives(out, name.substr(kDeletePrefix.size()), value);
      continue;
    }
    if (value.is_null()) {
      out.erase(name);
      continue;
    }
    const Type& below = TypeOf(type, name);
    const Json live = out.contains(name) ? out[name] : Json(nullptr);
    if (value.is_object()) {
      Json merged = MergeObjects(below, live, value);
      if (merged.is_null()) {
        out.erase(name);
      } else {
        out[name] = std::move(merged);
      }
    } else if (value.is_array()) {
      out[name] = MergeList(below, live.is_null() ? Json::array() : live, value);
    } else {
      out[name] = value;
    }
  }
  for (const auto& [name, order] : patch.items()) {
    if (name.rfind(kOrderPrefix, 0) != 0 || !order.is_array()) continue;
    const std::string list_name = name.substr(kOrderPrefix.size());
    if (Json* list = Find(out, {list_name}); list != nullptr && list->is_array()) {
      Reorder(*list, TypeOf(type, list_name).merge_key, order);
    }
  }
  return out;
}

}  // namespace

ApiResult<Json> MergePatch(const Json& object, const Json& patch) {
  if (!patch.is_object()) return BadRequest("a merge patch must be a JSON object");
  Json out = object;
  out.merge_patch(patch);
  return out;
}

ApiResult<Json> JsonPatch(const Json& object, const Json& operations) {
  if (!operations.is_array()) return BadRequest("a JSON patch must be an array of operations");
  if (operations.size() > 10000) {
    ApiError error;
    error.code = 413;
    error.reason = "RequestEntityTooLarge";
    error.message = "The allowed maximum operations in a JSON patch is 10000, got " +
                    std::to_string(operations.size());
    return tl::unexpected(std::move(error));
  }
  try {
    return object.patch(operations);
  } catch (const Json::exception& e) {
    ApiError error;
    error.code = 422;
    error.reason = "Invalid";
    error.message =
        std::string("the server rejected our request due to an error in our request: ") + e.what();
    return tl::unexpected(std::move(error));
  }
}

ApiResult<Json> StrategicMergePatch(const Type& type, const Json& object, const Json& patch) {
  if (!patch.is_object()) return BadRequest("a strategic merge patch must be a JSON object");
  return MergeObjects(type, object, patch);
}

}  // namespace sluice::sandbox
