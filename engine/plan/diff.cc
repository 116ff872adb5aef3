#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "engine/plan/plan_builder.h"
#include "engine/plan/secrets.h"

namespace sluice::plan {
namespace {

// The keys by which Kubernetes merges its lists, most telling first: a mount has a name too, but
// the same volume may be mounted twice.
constexpr std::array<std::array<const char*, 2>, 8> kMergeKeys = {{
    {"containerPort", "protocol"},
    {"port", "protocol"},
    {"mountPath", nullptr},
    {"devicePath", nullptr},
    {"topologyKey", "whenUnsatisfiable"},
    {"name", nullptr},
    {"type", nullptr},
    {"ip", nullptr},
}};

std::string ScalarText(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// Names of the items by one merge key, in order; empty when an item has none or two share one.
std::vector<std::string> NamesBy(const std::array<const char*, 2>& keys,
                                 const nlohmann::json& list) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const nlohmann::json& item : list) {
    if (!item.is_object()) return {};
    const auto first = item.find(keys[0]);
    if (first == item.end() || first->is_structured() || first->is_null()) return {};
    std::string name = std::string(keys[0]) + "=" + ScalarText(*first);
    if (keys[1]) {
      // Kubernetes' own default for the second half of both port keys.
      const auto second = item.find(keys[1]);
      const bool is_protocol = std::string_view(keys[1]) == "protocol";
      if (second != item.end() && !second->is_structured()) {
        name += std::string(",") + keys[1] + "=" + ScalarText(*second);
      } else if (is_protocol) {
        name += ",protocol=TCP";
      }
    }
    if (!seen.insert(name).second) return {};
    names.push_back(std::move(name));
  }
  return names;
}

std::string Step(const std::string& path, const std::string& key) {
  const bool is_plain = key.find_first_of("/[]") == std::string::npos;
  return is_plain ? path + "/" + key : path + "[" + key + "]";
}

class Differ {
 public:
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
    for (const auto& keys : kMergeKeys) {
      const std::vector<std::string> was = NamesBy(keys, before);
      const std::vector<std::string> is = NamesBy(keys, after);
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
    // The order of environment variables and init containers has a meaning.
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

  std::vector<FieldChange> changes_;
};

}  // namespace

std::vector<FieldChange> DiffFields(const ObjectRef& ref, const nlohmann::json& before,
                                    const nlohmann::json& after) {
  const auto [was, is] = Mask(ref, before, after);
  // A whole new object is told by its members, so that its kind and name are not repeated.
  if (was.is_null() && is.is_object()) {
    nlohmann::json body = is;
    body.erase("apiVersion");
    body.erase("kind");
    if (body.contains("metadata") && body["metadata"].is_object()) {
      body["metadata"].erase("name");
      body["metadata"].erase("namespace");
      if (body["metadata"].empty()) body.erase("metadata");
    }
    return Differ().Run(nlohmann::json::object(), body);
  }
  return Differ().Run(was, is);
}

}  // namespace sluice::plan
