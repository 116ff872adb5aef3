#include "engine/sandbox/json.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/clock.h"
#include "engine/base/time_format.h"

namespace sluice::sandbox {
namespace {

constexpr int kMaxDepth = 200;

// Tells whether brackets nest deeper than allowed, before a parser builds anything.
bool TooDeep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// Remembers the keys of each open object to find repeated ones.
class DuplicateFinder {
 public:
  explicit DuplicateFinder(std::vector<std::string>* found) : found_(found) {}

  bool operator()(int /*depth*/, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
        open_.emplace_back();
        break;
      case Json::parse_event_t::object_end:
        open_.pop_back();
        break;
      case Json::parse_event_t::key: {
        Level& level = open_.back();
        level.key = parsed.get_ref<const std::string&>();
        if (!level.seen.insert(level.key).second) Report();
        break;
      }
      default:
        break;
    }
    return true;
  }

 private:
  struct Level {
    std::set<std::string> seen;
    std::string key;
  };
  void Report() {
    std::string path;
    for (const Level& level : open_) path += (path.empty() ? "" : ".") + level.key;
    found_->push_back(path);
  }
  std::vector<std::string>* found_;
  std::vector<Level> open_;
};

const Json& EmptyObject() {
  static const Json value = Json::object();
  return value;
}
const Json& EmptyArray() {
  static const Json value = Json::array();
  return value;
}

}  // namespace

Result<Json> ParseJson(std::string_view text, std::vector<std::string>* duplicates) {
  if (TooDeep(text)) {
    return Fail(ErrorCode::kRejected, "JSON nests deeper than 200 levels; flatten it");
  }
  try {
    if (duplicates != nullptr) {
      DuplicateFinder finder(duplicates);
      return Json::parse(text, std::ref(finder));
    }
    return Json::parse(text);
  } catch (const Json::exception& e) {
    return Fail(ErrorCode::kRejected, e.what());
  }
}

const Json* Find(const Json& value, JsonPath path) {
  const Json* at = &value;
  for (const std::string_view step : path) {
    if (!at->is_object()) return nullptr;
    const auto it = at->find(step);
    if (it == at->end()) return nullptr;
    at = &*it;
  }
  return at;
}

Json* Find(Json& value, JsonPath path) {
  return const_cast<Json*>(Find(static_cast<const Json&>(value), path));
}

std::string TextAt(const Json& value, JsonPath path) {
  const Json* at = Find(value, path);
  return at != nullptr && at->is_string() ? at->get<std::string>() : std::string();
}

int64_t IntAt(const Json& value, JsonPath path, int64_t fallback) {
  const Json* at = Find(value, path);
  return at != nullptr && at->is_number_integer() ? at->get<int64_t>() : fallback;
}

bool BoolAt(const Json& value, JsonPath path, bool fallback) {
  const Json* at = Find(value, path);
  return at != nullptr && at->is_boolean() ? at->get<bool>() : fallback;
}

const Json& ObjectAt(const Json& value, JsonPath path) {
  const Json* at = Find(value, path);
  return at != nullptr && at->is_object() ? *at : EmptyObject();
}

const Json& ArrayAt(const Json& value, JsonPath path) {
  const Json* at = Find(value, path);
  return at != nullptr && at->is_array() ? *at : EmptyArray();
}

Json& Ensure(Json& value, JsonPath path) {
  Json* at = &value;
  if (!at->is_object()) *at = Json::object();
  for (const std::string_view step : path) {
    Json& next = (*at)[std::string(step)];
    if (!next.is_object()) next = Json::object();
    at = &next;
  }
  return *at;
}

void Erase(Json& value, JsonPath path) {
  Json* at = &value;
  const size_t last = path.size() - 1;
  size_t i = 0;
  for (const std::string_view step : path) {
    if (!at->is_object()) return;
    const auto it = at->find(step);
    if (it == at->end()) return;
    if (i++ == last) {
      at->erase(it);
      return;
    }
    at = &*it;
  }
}

std::string NameOf(const Json& object) { return TextAt(object, {"metadata", "name"}); }
std::string NamespaceOf(const Json& object) { return TextAt(object, {"metadata", "namespace"}); }
std::string UidOf(const Json& object) { return TextAt(object, {"metadata", "uid"}); }

const Json* ControllerOf(const Json& object) {
  for (const Json& owner : ArrayAt(object, {"metadata", "ownerReferences"})) {
    if (BoolAt(owner, {"controller"})) return &owner;
  }
  return nullptr;
}

bool IsTerminating(const Json& object) {
  return Find(object, {"metadata", "deletionTimestamp"}) != nullptr;
}

const Json* FindByKey(const Json& list, std::string_view key, std::string_view value) {
  if (!list.is_array()) return nullptr;
  for (const Json& item : list) {
    if (TextAt(item, {key}) == value) return &item;
  }
  return nullptr;
}

Json* FindByKey(Json& list, std::string_view key, std::string_view value) {
  return const_cast<Json*>(FindByKey(static_cast<const Json&>(list), key, value));
}

std::string Dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string NowText() {
  return FormatTime(std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()));
}

}  // namespace sluice::sandbox
