#include "engine/targets/kubernetes/fieldset.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/owned_paths.h"

namespace sluice::targets::kubernetes {
namespace {

__extension__ using Int128 = __int128;

// A quantity in units of 10^-9; nullopt when it is none or does not fit.
std::optional<Int128> NanosOf(const nlohmann::json& value) {
  if (!value.is_string() && !value.is_number_integer()) return std::nullopt;
  const std::string text =
      value.is_string() ? value.get<std::string>() : std::to_string(value.get<int64_t>());
  size_t i = 0;
  const bool is_negative = i < text.size() && text[i] == '-';
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  Int128 mantissa = 0;
  int exponent = 9, digits = 0;
  bool after_point = false;
  for (; i < text.size() &&
         (std::isdigit(static_cast<unsigned char>(text[i])) || (text[i] == '.' && !after_point));
       ++i) {
    if (text[i] == '.') {
      after_point = true;
      continue;
    }
    if (++digits > 18) return std::nullopt;
    mantissa = mantissa * 10 + (text[i] - '0');
    if (after_point) --exponent;
  }
  if (digits == 0) return std::nullopt;
  static constexpr std::string_view kDecimal[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
  static constexpr std::string_view kBinary[] = {"Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  const std::string suffix = text.substr(i);
  int shift = 0;
  if (const auto* it = std::ranges::find(kDecimal, suffix); it != std::end(kDecimal)) {
    exponent += (static_cast<int>(it - std::begin(kDecimal)) - 3) * 3;
  } else if (const auto* binary = std::ranges::find(kBinary, suffix); binary != std::end(kBinary)) {
    shift = (static_cast<int>(binary - std::begin(kBinary)) + 1) * 10;
  } else {
    return std::nullopt;
  }
  constexpr Int128 kLimit = static_cast<Int128>(1) << 100;
  for (; shift > 0 && mantissa < kLimit; --shift) mantissa *= 2;
  for (; exponent > 0 && mantissa < kLimit; --exponent) mantissa *= 10;
  for (; exponent < 0; ++exponent) {
    if (mantissa % 10 != 0) return std::nullopt;
    mantissa /= 10;
  }
  if (shift != 0 || exponent != 0) return std::nullopt;
  return is_negative ? -mantissa : mantissa;
}

// What is known on the way down: the last key, and whether the values below are quantities.
struct Where {
  std::string_view key;
  bool is_quantity = false;
};

bool HoldsNode(const nlohmann::json& fields, const nlohmann::json& desired,
               const nlohmann::json& live, Where where);

bool IsZero(const nlohmann::json& value) {
  return value == false || value == 0 || value == "" || (value.is_structured() && value.empty());
}

// Maps whose values the server rewrites into their canonical form, in its own types.
bool HoldsQuantities(const std::string& key) {
  return key == "limits" || key == "requests" || key == "hard";
}

// What is owned as a whole. The server puts defaults into two such objects that nearly every
// workload has (the downward API's selectors).
bool HoldsWhole(const nlohmann::json& desired, const nlohmann::json& live, Where where) {
  if (desired == live) return true;
  if (where.is_quantity) return IsSameQuantity(desired, live);
  nlohmann::json defaulted = desired;
  if (where.key == "fieldRef" && desired.is_object()) defaulted.emplace("apiVersion", "v1");
  if (where.key == "resourceFieldRef" && desired.is_object()) defaulted.emplace("divisor", "0");
  return defaulted == live;
}

bool HoldsMap(const nlohmann::json& fields, const nlohmann::json& desired,
              const nlohmann::json& live, Where where) {
  if (!live.is_object()) return false;
  size_t owned = 0;
  for (const auto& [key, sub] : fields.items()) {
    if (key == ".") continue;
    if (!key.starts_with("f:") || !desired.contains(key.substr(2))) return false;
    ++owned;
  }
  if (owned != desired.size()) return false;
  for (const auto& [key, value] : desired.items()) {
    const auto in_live = live.find(key);
    const nlohmann::json& sub = At(fields, "f:" + key);
    if (in_live == live.end()) {
      // The server leaves out zero values. Had somebody removed it, we would not own it any more.
      if (IsZero(value) && IsLeaf(sub)) continue;
      return false;
    }
    const Where below{key, where.is_quantity || HoldsQuantities(key)};
    if (!HoldsNode(sub, value, *in_live, below)) return false;
  }
  return true;
}

// The owned items of a list, each as the text after "k:" or "v:"; nullopt when the trie holds
// something else.
std::optional<std::vector<std::pair<nlohmann::json, const nlohmann::json*>>> OwnedItems(
    const nlohmann::json& fields, char type) {
  std::vector<std::pair<nlohmann::json, const nlohmann::json*>> items;
  for (const auto& [key, sub] : fields.items()) {
    if (key == ".") continue;
    if (key.size() < 2 || key[0] != type || key[1] != ':') return std::nullopt;
    nlohmann::json id = nlohmann::json::parse(key.substr(2), nullptr, false);
    if (id.is_discarded()) return std::nullopt;
    items.emplace_back(std::move(id), &sub);
  }
  return items;
}

bool HasKey(const nlohmann::json& item, const nlohmann::json& key) {
  for (const auto& [name, value] : key.items()) {
    const auto it = item.find(name);
    if (it == item.end() || *it != value) return false;
  }
  return true;
}

// As HasKey, but a field of the key that `item` leaves to a default (protocol: TCP) fits any value.
bool MayHaveKey(const nlohmann::json& item, const nlohmann::json& key) {
  for (const auto& [name, value] : key.items()) {
    const auto it = item.find(name);
    if (it != item.end() && *it != value) return false;
  }
  return true;
}

bool HoldsKeyedList(const nlohmann::json& fields, const nlohmann::json& desired,
                    const nlohmann::json& live) {
  const auto owned = OwnedItems(fields, 'k');
  if (!owned || owned->size() != desired.size()) return false;
  std::vector<bool> is_used(owned->size(), false);
  size_t last_place = 0;
  for (const nlohmann::json& item : desired) {
    if (!item.is_object()) return false;
    bool is_found = false;
    for (size_t k = 0; k < owned->size() && !is_found; ++k) {
      const auto& [key, sub] = (*owned)[k];
      if (is_used[k] || !key.is_object() || !MayHaveKey(item, key)) continue;
      // Applying keeps our order of the items, so another order is a change.
      for (size_t place = last_place; place < live.size(); ++place) {
        if (!live[place].is_object() || !HasKey(live[place], key)) continue;
        if (!HoldsNode(*sub, item, live[place], {})) return false;
        last_place = place + 1;
        is_used[k] = is_found = true;
        break;
      }
    }
    if (!is_found) return false;
  }
  return true;
}

bool HoldsSet(const nlohmann::json& fields, const nlohmann::json& desired,
              const nlohmann::json& live) {
  const auto owned = OwnedItems(fields, 'v');
  if (!owned || owned->size() != desired.size()) return false;
  size_t last_place = 0;
  for (const nlohmann::json& item : desired) {
    const auto is_item = [&](const auto& entry) { return entry.first == item; };
    if (std::ranges::none_of(*owned, is_item)) return false;
    const auto it =
        std::find(live.begin() + static_cast<std::ptrdiff_t>(last_place), live.end(), item);
    if (it == live.end()) return false;
    last_place = static_cast<size_t>(it - live.begin()) + 1;
  }
  return true;
}

bool HoldsNode(const nlohmann::json& fields, const nlohmann::json& desired,
               const nlohmann::json& live, Where where) {
  if (!fields.is_object()) return false;  // we do not own it
  if (desired.is_null()) return false;
  if (IsLeaf(fields)) return HoldsWhole(desired, live, where);
  if (desired.is_object()) return HoldsMap(fields, desired, live, where);
  if (!desired.is_array() || !live.is_array()) return false;
  return HoldsKeyedList(fields, desired, live) || HoldsSet(fields, desired, live);
}

}  // namespace

bool IsSameQuantity(const nlohmann::json& a, const nlohmann::json& b) {
  const auto x = NanosOf(a);
  return x && x == NanosOf(b);
}

bool HoldsAlready(const nlohmann::json& live, const nlohmann::json& desired) {
  const std::string api_version = ToText(At(desired, "apiVersion"));
  const nlohmann::json* own = nullptr;
  for (const nlohmann::json& entry : Items(At(live, "metadata", "managedFields"))) {
    const bool is_ours = ToText(At(entry, "manager")) == kFieldManager &&
                         ToText(At(entry, "operation")) == "Apply" &&
                         ToText(At(entry, "subresource")).empty();
    if (is_ours && ToText(At(entry, "apiVersion")) == api_version) own = &At(entry, "fieldsV1");
  }
  if (own == nullptr || !desired.is_object() || ToText(At(live, "apiVersion")) != api_version)
    return false;
  // These are never recorded as owned.
  nlohmann::json intent = desired;
  intent.erase("apiVersion");
  intent.erase("kind");
  if (intent.contains("metadata") && intent["metadata"].is_object()) {
    intent["metadata"].erase("name");
    intent["metadata"].erase("namespace");
    if (intent["metadata"].empty()) intent.erase("metadata");
  }
  return HoldsMap(*own, intent, live, {});
}

}  // namespace sluice::targets::kubernetes
