#include "engine/sandbox/typed_value.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace sluice::sandbox {
namespace {

std::string FieldElement(const std::string& name) { return "f:" + name; }

bool IsEmpty(const Json* value) { return value == nullptr || value->is_null() || value->empty(); }

// The items of a keyed list or set by element. Repeated elements are only possible in stored values
// that never passed apply; the first wins and `repeated` names them.
struct Items {
  std::vector<std::string> order;
  std::map<std::string, const Json*> by_element;
  std::set<std::string> repeated;

  Items(const Type& list, const Json* value) {
    if (value == nullptr || !value->is_array()) return;
    for (const Json& item : *value) {
      std::string element = ItemElement(list, item);
      if (!by_element.emplace(element, &item).second) {
        repeated.insert(element);
      } else {
        order.push_back(std::move(element));
      }
    }
  }
  const Json* Get(const std::string& element) const {
    const auto it = by_element.find(element);
    return it == by_element.end() ? nullptr : it->second;
  }
};

const Type& MemberOrAny(const Type& type, const std::string& name) {
  const Type* member = MemberType(type, name);
  return member == nullptr ? AnyType() : *member;
}

class Checker {
 public:
  std::vector<std::string> errors;

  void Visit(const Type& type, const Json& value) {
    if (value.is_null()) return;
    switch (type.shape) {
      case Shape::kStruct:
      case Shape::kMap:
        if (!value.is_object()) return Wrong("map", value);
        return VisitMap(type, value);
      case Shape::kList:
        if (!value.is_array()) return Wrong("list", value);
        return VisitList(type, value);
      case Shape::kString:
      case Shape::kTime:
      case Shape::kBytes:
        if (!value.is_string()) Wrong("string", value);
        return;
      case Shape::kInteger:
      case Shape::kNumber:
        if (!value.is_number()) Wrong("numeric (int or float)", value);
        return;
      case Shape::kBoolean:
        if (!value.is_boolean()) Wrong("boolean", value);
        return;
      case Shape::kIntOrString:
      case Shape::kQuantity:
        if (value.is_structured() || value.is_boolean()) Wrong("string or number", value);
        return;
      case Shape::kAny:
        return;
    }
  }

 private:
  void Wrong(const std::string& expected, const Json& value) {
    const std::string got = value.is_object()    ? "map"
                            : value.is_array()   ? "list"
                            : value.is_string()  ? "string"
                            : value.is_boolean() ? "boolean"
                                                 : "numeric";
    errors.push_back(path_ + ": expected " + expected + ", got " + got);
  }

  void VisitMap(const Type& type, const Json& value) {
    for (const auto& [name, member] : value.items()) {
      const size_t length = path_.size();
      path_ += "." + name;
      const Type* below = MemberType(type, name);
      if (below == nullptr) {
        errors.push_back(path_ + ": field not declared in schema");
      } else {
        Visit(*below, member);
      }
      path_.resize(length);
    }
  }

  void VisitList(const Type& type, const Json& value) {
    std::set<std::string> seen;
    for (size_t i = 0; i < value.size(); ++i) {
      const size_t length = path_.size();
      if (type.atomic) {
        path_ += "[" + std::to_string(i) + "]";
      } else {
        const std::string element = ItemElement(type, value[i]);
        if (element.empty()) {
          errors.push_back(path_ + ": element " + std::to_string(i) +
                           ": associative list with keys has an element that omits key field " +
                           MissingKey(type, value[i]) + " (and doesn't have default value)");
          continue;
        }
        if (!seen.insert(element).second) {
          errors.push_back(path_ + ": duplicate entries for key " + DescribeElement(element));
        }
        path_ += DescribeElement(element);
      }
      Visit(*type.element, value[i]);
      path_.resize(length);
    }
  }

  static std::string MissingKey(const Type& list, const Json& item) {
    for (const std::string& key : list.keys) {
      if (Find(item, {key}) == nullptr) return Dump(Json(key));
    }
    return "\"\"";
  }

  std::string path_;
};

void CollectFields(const Type& type, const Json& value, FieldPath& path, FieldSet& out) {
  if (IsGranularMap(type, value) && value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      path.push_back(FieldElement(name));
      CollectFields(MemberOrAny(type, name), member, path, out);
      const bool declared = type.shape == Shape::kStruct && type.fields.count(name) > 0;
      if (member.is_null() || (member.is_object() && member.empty()) || !declared) out.Insert(path);
      path.pop_back();
    }
    return;
  }
  if (IsGranularList(type, value)) {
    if (!value.is_array()) return;
    for (const Json& item : value) {
      const std::string element = ItemElement(type, item);
      if (element.empty()) continue;
      path.push_back(element);
      CollectFields(*type.element, item, path, out);
      out.Insert(path);
      path.pop_back();
    }
    return;
  }
  if (!path.empty()) out.Insert(path);
}

class Comparer {
 public:
  Comparison result;

  void Visit(const Type& type, const Json* before, const Json* after) {
    const Json& sample = after != nullptr && !after->is_null() ? *after
                         : before != nullptr                   ? *before
                                                               : kNull;
    if (IsGranularMap(type, sample) && !BothEmpty(before, after)) {
      VisitMap(type, before, after);
    } else if (IsGranularList(type, sample) && !BothEmpty(before, after)) {
      VisitList(type, before, after);
    } else {
      Leaf(before, after);
      return;
    }
    if (path_.empty()) return;
    if (before == nullptr) result.added.Insert(path_);
    if (after == nullptr) result.removed.Insert(path_);
  }

 private:
  static inline const Json kNull = nullptr;

  static bool BothEmpty(const Json* a, const Json* b) { return IsEmpty(a) && IsEmpty(b); }

  void Leaf(const Json* before, const Json* after) {
    if (path_.empty()) return;
    if (before == nullptr) {
      result.added.Insert(path_);
    } else if (after == nullptr) {
      result.removed.Insert(path_);
    } else if (*before != *after) {
      result.modified.Insert(path_);
    }
  }

  void Descend(const std::string& element, const Type& type, const Json* before,
               const Json* after) {
    path_.push_back(element);
    Visit(type, before, after);
    path_.pop_back();
  }

  void VisitMap(const Type& type, const Json* before, const Json* after) {
    if (before != nullptr && before->is_object()) {
      for (const auto& [name, member] : before->items()) {
        const Json* other = after == nullptr ? nullptr : Find(*after, {name});
        Descend(FieldElement(name), MemberOrAny(type, name), &member, other);
      }
    }
    if (after == nullptr || !after->is_object()) return;
    for (const auto& [name, member] : after->items()) {
      if (before != nullptr && Find(*before, {name}) != nullptr) continue;
      Descend(FieldElement(name), MemberOrAny(type, name), nullptr, &member);
    }
  }

  void VisitList(const Type& type, const Json* before, const Json* after) {
    const Items old_items(type, before);
    const Items new_items(type, after);
    for (const auto& [element, item] : old_items.by_element) {
      Descend(element, *type.element, item, new_items.Get(element));
    }
    for (const auto& [element, item] : new_items.by_element) {
      if (old_items.Get(element) == nullptr) Descend(element, *type.element, nullptr, item);
    }
    for (const Items* items : {&old_items, &new_items}) {
      for (const std::string& element : items->repeated) {
        path_.push_back(element);
        result.modified.Insert(path_);
        path_.pop_back();
      }
    }
  }

  FieldPath path_;
};

Json MergeLists(const Type& type, const Json& live, const Json& config) {
  const Items left(type, &live);
  const Items right(type, &config);
  Json out = Json::array();
  size_t l = 0;
  const auto take_left_until = [&](const std::string* stop) {
    for (; l < left.order.size(); ++l) {
      const std::string& element = left.order[l];
      if (stop != nullptr && element == *stop) return;
      if (right.Get(element) == nullptr) out.push_back(*left.Get(element));
    }
  };
  for (const std::string& element : right.order) {
    // Live-only items stay in front of what config adds.
    for (; l < left.order.size() && right.Get(left.order[l]) == nullptr; ++l) {
      out.push_back(*left.Get(left.order[l]));
    }
    const Json* other = left.Get(element);
    if (other == nullptr) {
      out.push_back(*right.Get(element));
      continue;
    }
    bool ahead = false;
    for (size_t i = l; i < left.order.size() && !ahead; ++i) ahead = left.order[i] == element;
    if (ahead) {
      take_left_until(&element);
      ++l;
    }
    out.push_back(MergeInto(*type.element, *other, *right.Get(element)));
  }
  take_left_until(nullptr);
  return out;
}

}  // namespace

std::string ItemElement(const Type& list, const Json& item) {
  if (list.is_set) return "v:" + Dump(item);
  Json keys = Json::object();
  for (const std::string& key : list.keys) {
    const Json* value = Find(item, {key});
    if (value != nullptr && !value->is_null()) {
      keys[key] = *value;
      continue;
    }
    const Type* member = list.element == nullptr ? nullptr : MemberType(*list.element, key);
    if (member != nullptr && !member->default_text.empty()) {
      keys[key] = member->default_text;
    } else if (member != nullptr && member->rules != nullptr &&
               member->rules->contains("default")) {
      keys[key] = member->rules->at("default");
    } else {
      return "";
    }
  }
  return "k:" + Dump(keys);
}

std::vector<std::string> CheckAgainstSchema(const Type& type, const Json& value) {
  Checker checker;
  checker.Visit(type, value);
  return std::move(checker.errors);
}

FieldSet FieldsOf(const Type& type, const Json& value) {
  FieldSet out;
  FieldPath path;
  CollectFields(type, value, path, out);
  return out;
}

Comparison Compare(const Type& type, const Json& before, const Json& after) {
  Comparer comparer;
  comparer.Visit(type, &before, &after);
  return std::move(comparer.result);
}

Json MergeInto(const Type& type, const Json& live, const Json& config) {
  if (IsGranularMap(type, config) && live.is_object() && config.is_object()) {
    Json out = live;
    for (const auto& [name, member] : config.items()) {
      const auto it = out.find(name);
      if (it == out.end()) {
        out[name] = member;
      } else {
        *it = MergeInto(MemberOrAny(type, name), *it, member);
      }
    }
    return out;
  }
  if (IsGranularList(type, config) && live.is_array() && config.is_array()) {
    return MergeLists(type, live, config);
  }
  return config;
}

Json RemoveFields(const Type& type, const Json& value, const FieldSet& fields) {
  if (fields.empty()) return value;
  if (IsGranularMap(type, value) && value.is_object()) {
    Json out = Json::object();
    for (const auto& [name, member] : value.items()) {
      const std::string element = FieldElement(name);
      if (fields.Has(element)) continue;
      out[name] = RemoveFields(MemberOrAny(type, name), member, fields.Below(element));
    }
    return out.empty() && !value.empty() ? Json(nullptr) : out;
  }
  if (IsGranularList(type, value) && value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value) {
      const std::string element = ItemElement(type, item);
      if (fields.Has(element)) continue;
      out.push_back(RemoveFields(*type.element, item, fields.Below(element)));
    }
    return out.empty() && !value.empty() ? Json(nullptr) : out;
  }
  return value;
}

}  // namespace sluice::sandbox
