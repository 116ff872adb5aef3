#include "engine/sandbox/field_set.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::sandbox {
namespace {

const Type* TypeBelow(const Type& type, std::string_view element) {
  if (element.substr(0, 2) == "f:") return MemberType(type, element.substr(2));
  return type.shape == Shape::kList ? type.element : nullptr;
}

}  // namespace

FieldSet FieldSet::FromJson(const Json& fields_v1) {
  FieldSet out;
  if (!fields_v1.is_object()) return out;
  for (const auto& [element, below] : fields_v1.items()) {
    if (element == ".") continue;
    if (!below.is_object() || below.empty()) {
      out.members_.insert(element);
      continue;
    }
    if (below.contains(".")) out.members_.insert(element);
    FieldSet child = FromJson(below);
    if (!child.empty()) out.children_[element] = std::move(child);
  }
  return out;
}

Json FieldSet::ToJson() const {
  Json out = Json::object();
  for (const std::string& member : members_) out[member] = Json::object();
  for (const auto& [element, child] : children_) {
    Json below = child.ToJson();
    if (members_.count(element) > 0) below["."] = Json::object();
    out[element] = std::move(below);
  }
  return out;
}

void FieldSet::Insert(const FieldPath& path, size_t at) {
  if (at + 1 == path.size()) {
    members_.insert(path[at]);
  } else if (at < path.size()) {
    children_[path[at]].Insert(path, at + 1);
  }
}

const FieldSet& FieldSet::Below(std::string_view element) const {
  static const FieldSet none;
  const auto it = children_.find(std::string(element));
  return it == children_.end() ? none : it->second;
}

void FieldSet::DropEmptyChildren() {
  for (auto it = children_.begin(); it != children_.end();) {
    it = it->second.empty() ? children_.erase(it) : std::next(it);
  }
}

FieldSet FieldSet::Union(const FieldSet& other) const {
  FieldSet out = *this;
  out.members_.insert(other.members_.begin(), other.members_.end());
  for (const auto& [element, child] : other.children_) {
    const auto it = out.children_.find(element);
    if (it == out.children_.end()) {
      out.children_[element] = child;
    } else {
      it->second = it->second.Union(child);
    }
  }
  return out;
}

FieldSet FieldSet::Intersection(const FieldSet& other) const {
  FieldSet out;
  for (const std::string& member : members_) {
    if (other.members_.count(member) > 0) out.members_.insert(member);
  }
  for (const auto& [element, child] : children_) {
    const auto it = other.children_.find(element);
    if (it != other.children_.end()) out.children_[element] = child.Intersection(it->second);
  }
  out.DropEmptyChildren();
  return out;
}

FieldSet FieldSet::Difference(const FieldSet& other) const {
  FieldSet out = *this;
  for (const std::string& member : other.members_) out.members_.erase(member);
  for (auto& [element, child] : out.children_) child = child.Difference(other.Below(element));
  out.DropEmptyChildren();
  return out;
}

FieldSet FieldSet::RecursiveDifference(const FieldSet& other) const {
  FieldSet out = *this;
  for (const std::string& member : other.members_) {
    out.members_.erase(member);
    out.children_.erase(member);
  }
  for (auto& [element, child] : out.children_) {
    child = child.RecursiveDifference(other.Below(element));
  }
  out.DropEmptyChildren();
  return out;
}

FieldSet FieldSet::WithNamedFields(const Type& type) const {
  FieldSet out;
  out.members_ = members_;
  for (const auto& [element, child] : children_) {
    if (type.shape == Shape::kStruct && element.substr(0, 2) == "f:" &&
        type.fields.count(element.substr(2)) > 0) {
      out.members_.insert(element);
    }
    const Type* below = TypeBelow(type, element);
    out.children_[element] = child.WithNamedFields(below == nullptr ? AnyType() : *below);
  }
  return out;
}

std::string DescribeElement(std::string_view element) {
  const std::string_view rest = element.substr(std::min<size_t>(2, element.size()));
  if (element.substr(0, 2) == "f:") return "." + std::string(rest);
  if (element.substr(0, 2) == "v:") return "[=" + std::string(rest) + "]";
  std::string inside;
  if (Result<Json> keys = ParseJson(rest); keys && keys->is_object()) {
    for (const auto& [key, value] : keys->items()) {
      inside += (inside.empty() ? "" : ",") + key + "=" + Dump(value);
    }
  }
  return "[" + inside + "]";
}

void FieldSet::Describe(const std::string& prefix, std::vector<std::string>& out) const {
  for (const std::string& member : members_) out.push_back(prefix + DescribeElement(member));
  for (const auto& [element, child] : children_)
    child.Describe(prefix + DescribeElement(element), out);
}

std::vector<std::string> FieldSet::Describe() const {
  std::vector<std::string> out;
  Describe("", out);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace sluice::sandbox
