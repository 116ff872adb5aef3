#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "engine/plan/plan_builder.h"
#include "engine/plan/secrets.h"

namespace sluice::plan {
namespace {

std::string ScalarText(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// The value of a key as text; nullopt when it has none.
std::optional<std::string> KeyText(const nlohmann::json& item, std::string_view key) {
  const auto it = item.find(std::string(key));
  if (it == item.end() || it->is_structured() || it->is_null()) return std::nullopt;
  return std::string(key) + "=" + ScalarText(*it);
}

// Names of the items by one key, in order; empty when an item has none or two share one.
std::vector<std::string> NamesBy(const ListKey& key, const nlohmann::json& list) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const nlohmann::json& item : list) {
    if (!item.is_object()) return {};
    auto name = KeyText(item, key.first);
    if (!name) return {};
    if (const auto second = key.second.empty() ? std::nullopt : KeyText(item, key.second)) {
      *name += "," + *second;
    } else if (!key.fallback.empty()) {
      *name += "," + std::string(key.second) + "=" + std::string(key.fallback);
    }
    if (!seen.insert(*name).second) return {};
    names.push_back(*std::move(name));
  }
  return names;
}

std::string Step(const std::string& path, const std::string& key) {
  const bool is_plain = key.find_first_of("/[]") == std::string::npos;
  return is_plain ? path + "/" + key : path + "[" + key + "]";
}

class Differ {
 public:
  explicit Differ(const TargetKind& kind) : kind_(kind) {}

  std::vector<FieldChange> Run(const nlohmann::json& before, const nlohmann::json& after) {
    Compare("", before, after);
    return std::move(changes_);
  }

 private:
  void Compare(const std::string& path, const nlohmann::json& before, const nlohmann::json& after) {
    if (before == after) return;
    if (before.is_object() && after.is_object()) return CompareObjects(path, before, after);
    if (before.is_array() && after.is_array() && CompareLists(path, before, after)) return;
    changes_.push_back({path.empty() ? "/" : path, before, after});
  }

  void CompareObjects(const std::string& path, const nlohmann::json& before,
                      const nlohmann::json& after) {
    static const nlohmann::json absent;
    std::set<std::string> keys;
    for (const auto& [key, value] : before.items()) keys.insert(key);
    for (const auto& [key, value] : after.items()) keys.insert(key);
    for (const std::string& key : keys) {
      const auto was = before.find(key);
      const auto is = after.find(key);
      Compare(Step(path, key), was == before.end() ? absent : *was,
              is == after.end() ? absent : *is);
    }
  }

  // False for lists that are best shown whole: of scalars, or mixed.
  bool CompareLists(const std::string& path, const nlohmann::json& before,
                    const nlohmann::json& after) {
    const auto is_object = [](const nlohmann::json& item) { return item.is_object(); };
    if (before.empty() || after.empty()) return false;
    if (!std::ranges::all_of(before, is_object) || !std::ranges::all_of(after, is_object))
      return false;
    for (const ListKey& key : kind_.ListKeys()) {
      const std::vector<std::string> was = NamesBy(key, before);
      const std::vector<std::string> is = NamesBy(key, after);
      if (was.empty() || is.empty()) continue;
      CompareNamed(path, was, before, is, after);
      return true;
    }
    for (size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
      Compare(path + "[" + std::to_string(i) + "]",
              i < before.size() ? before[i] : nlohmann::json(),
              i < after.size() ? after[i] : nlohmann::json());
    }
    return true;
  }

  void CompareNamed(const std::string& path, const std::vector<std::string>& was,
                    const nlohmann::json& before, const std::vector<std::string>& is,
                    const nlohmann::json& after) {
    static const nlohmann::json absent;
    std::map<std::string, std::pair<const nlohmann::json*, const nlohmann::json*>> items;
    for (size_t i = 0; i < was.size(); ++i) items[was[i]] = {&before[i], &absent};
    for (size_t i = 0; i < is.size(); ++i) {
      auto& pair = items.try_emplace(is[i], &absent, &absent).first->second;
      pair.second = &after[i];
    }
    for (const auto& [name, pair] : items)
      Compare(path + "[" + name + "]", *pair.first, *pair.second);
    // Order may have a meaning.
    const auto common = [](const std::vector<std::string>& names,
                           const std::vector<std::string>& others) {
      nlohmann::json out = nlohmann::json::array();
      for (const std::string& name : names) {
        if (std::ranges::find(others, name) != others.end()) out.push_back(name);
      }
      return out;
    };
    nlohmann::json order_before = common(was, is);
    nlohmann::json order_after = common(is, was);
    if (order_before != order_after)
      changes_.push_back({path + "[order]", std::move(order_before), std::move(order_after)});
  }

  const TargetKind& kind_;
  std::vector<FieldChange> changes_;
};

}  // namespace

std::vector<FieldChange> DiffFields(const TargetKind& kind, const ObjectRef& ref,
                                    const nlohmann::json& before, const nlohmann::json& after) {
  const auto [was, is] = Mask(kind, ref, before, after);
  // A whole new object is told by its members, so that its kind and name are not repeated.
  if (was.is_null() && is.is_object())
    return Differ(kind).Run(nlohmann::json::object(), kind.WithoutIdentity(is));
  return Differ(kind).Run(was, is);
}

}  // namespace sluice::plan
