#include "engine/targets/kubernetes/owned_paths.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

// What stands behind "k:" or "v:"; discarded when it is no JSON.
json IdOf(const std::string& step) { return json::parse(step.substr(2), nullptr, false); }

std::string TextOf(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// The place of the item that the step names; the list's size when there is none.
size_t IndexOf(const json& list, const std::string& step) {
  const json id = IdOf(step);
  if (id.is_discarded()) return list.size();
  const bool is_key = step.starts_with("k:");
  const auto it = std::ranges::find_if(
      list, [&](const json& item) { return is_key ? FitsKey(item, id) : item == id; });
  return static_cast<size_t>(it - list.begin());
}

bool IsItemStep(const std::string& step) {
  return step.starts_with("k:") || step.starts_with("v:");
}

void EraseFrom(json& value, const FieldPath& path, size_t at, const json* kept) {
  const std::string& step = path[at];
  json* below = const_cast<json*>(StepInto(value, step));
  if (below == nullptr) return;
  const json* kept_below = kept == nullptr ? nullptr : StepInto(*kept, step);
  const bool is_end = at + 1 == path.size();
  if (!is_end) EraseFrom(*below, path, at + 1, kept_below);
  const bool is_emptied = !is_end && below->is_structured() && below->empty();
  if (!is_end && (!is_emptied || kept_below != nullptr)) return;
  if (value.is_object()) {
    value.erase(step.substr(2));
  } else {
    value.erase(value.begin() + static_cast<std::ptrdiff_t>(IndexOf(value, step)));
  }
}

void RemoveFrom(json& fields, const FieldPath& path, size_t at) {
  const auto it = fields.find(path[at]);
  if (it == fields.end()) return;
  if (at + 1 < path.size()) {
    // A leaf owns its whole value: nothing below can be taken out of it.
    if (IsLeaf(*it)) return;
    RemoveFrom(*it, path, at + 1);
    if (!it->empty()) return;
  }
  fields.erase(it);
}

void Walk(const json& fields, FieldPath& path, std::vector<FieldPath>& out) {
  for (const auto& [step, below] : fields.items()) {
    if (step == ".") continue;
    path.push_back(step);
    if (IsLeaf(below) || below.contains(".")) out.push_back(path);
    Walk(below, path, out);
    path.pop_back();
  }
}

std::optional<std::string> ItemStep(const json& fields, const json& item) {
  for (const auto& [step, below] : fields.items()) {
    if (!IsItemStep(step)) continue;
    const json id = IdOf(step);
    if (id.is_discarded()) continue;
    if (step.starts_with("k:") ? FitsKey(item, id) : item == id) return step;
  }
  return std::nullopt;
}

}  // namespace

bool FitsKey(const json& item, const json& key) {
  if (!item.is_object() || !key.is_object()) return false;
  return std::ranges::all_of(key.items(), [&](const auto& entry) {
    const auto it = item.find(entry.key());
    if (it != item.end()) return *it == entry.value();
    return entry.key() == "protocol" && entry.value() == "TCP";
  });
}

std::string PathText(const FieldPath& path) {
  std::string text;
  for (const std::string& step : path) {
    if (!IsItemStep(step)) {
      text += "." + step.substr(std::min<size_t>(2, step.size()));
      continue;
    }
    const json id = IdOf(step);
    if (!step.starts_with("k:") || !id.is_object()) {
      text += "[=" + step.substr(2) + "]";
      continue;
    }
    std::vector<std::string> keys;
    for (const auto& [name, value] : id.items()) keys.push_back(name + "=" + TextOf(value));
    text += "[" + Join(keys, ",") + "]";
  }
  return text;
}

std::vector<std::string> TokensOf(const std::string& pointer) {
  std::vector<std::string> tokens;
  for (json::json_pointer rest(pointer); !rest.empty(); rest.pop_back())
    tokens.push_back(rest.back());
  std::ranges::reverse(tokens);
  return tokens;
}

std::optional<size_t> PositionOf(const std::string& token) {
  const bool is_number = !token.empty() && token.size() < 7 &&
                         std::ranges::all_of(token, [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? std::optional<size_t>(std::stoul(token)) : std::nullopt;
}

const json* StepInto(const json& value, const std::string& step) {
  if (step.starts_with("f:")) {
    if (!value.is_object()) return nullptr;
    const auto it = value.find(step.substr(2));
    return it == value.end() || it->is_null() ? nullptr : &*it;
  }
  if (!IsItemStep(step) || !value.is_array()) return nullptr;
  const size_t at = IndexOf(value, step);
  return at < value.size() ? &value[at] : nullptr;
}

const json* FindAt(const json& value, const FieldPath& path) {
  const json* at = &value;
  for (const std::string& step : path) {
    at = StepInto(*at, step);
    if (at == nullptr) return nullptr;
  }
  return at;
}

void SetAt(json& value, const FieldPath& path, const json& to) {
  if (json* at = const_cast<json*>(FindAt(value, path))) *at = to;
}

void EraseAt(json& object, const FieldPath& path, const json& kept) {
  if (!path.empty()) EraseFrom(object, path, 0, &kept);
}

bool IsLeaf(const json& fields) {
  return fields.is_object() && (fields.empty() || (fields.size() == 1 && fields.contains(".")));
}

void AddPath(json& fields, const FieldPath& path) {
  json* at = &fields;
  for (size_t i = 0; i < path.size(); ++i) {
    const bool is_new = !at->contains(path[i]);
    json& below = (*at)[path[i]];
    if (is_new) below = json::object();
    const bool is_end = i + 1 == path.size();
    // An empty node is an owned one, and stays so when something comes below it.
    if (!is_new && (is_end ? !below.empty() : below.empty())) below["."] = json::object();
    at = &below;
  }
}

void RemovePath(json& fields, const FieldPath& path) {
  if (!path.empty()) RemoveFrom(fields, path, 0);
}

std::vector<FieldPath> PathsOf(const json& fields) {
  std::vector<FieldPath> out;
  FieldPath path;
  if (fields.is_object()) Walk(fields, path, out);
  return out;
}

std::optional<FieldPath> PathOf(const json& fields, const json& object,
                                const std::string& pointer) {
  const json* owned = &fields;
  const json* value = &object;
  FieldPath path;
  for (const std::string& token : TokensOf(pointer)) {
    std::optional<std::string> step;
    if (value->is_array()) {
      const std::optional<size_t> at = PositionOf(token);
      if (!at || *at >= value->size()) return std::nullopt;
      step = ItemStep(*owned, (*value)[*at]);
      value = &(*value)[*at];
    } else {
      step = "f:" + token;
      value = &At(*value, token);
    }
    if (!step || !owned->is_object() || !owned->contains(*step)) return std::nullopt;
    owned = &(*owned)[*step];
    path.push_back(*step);
  }
  return path;
}

}  // namespace sluice::targets::kubernetes
