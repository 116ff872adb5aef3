#include "engine/sandbox/selectors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/strings.h"

namespace sluice::sandbox {
namespace {

// Splits at commas outside parentheses.
std::vector<std::string> SplitTerms(std::string_view text) {
  std::vector<std::string> out;
  std::string term;
  int depth = 0;
  for (const char c : text) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (c == ',' && depth == 0) {
      out.emplace_back(Trim(term));
      term.clear();
    } else {
      term += c;
    }
  }
  out.emplace_back(Trim(term));
  return out;
}

std::optional<Requirement> SetTerm(const std::string& term) {
  for (const auto& [word, op] : {std::pair(" notin ", "NotIn"), std::pair(" in ", "In")}) {
    const size_t at = term.find(word);
    if (at == std::string::npos) continue;
    std::string list(Trim(std::string_view(term).substr(at + std::string_view(word).size())));
    if (list.size() < 2 || list.front() != '(' || list.back() != ')') return std::nullopt;
    Requirement out{std::string(Trim(std::string_view(term).substr(0, at))), op, {}};
    for (const std::string& value : Split(list.substr(1, list.size() - 2), ',')) {
      out.values.emplace_back(Trim(value));
    }
    return out;
  }
  return std::nullopt;
}

bool Satisfies(const Requirement& requirement, const Json& labels) {
  const Json* value = Find(labels, {requirement.key});
  const std::string text = value != nullptr && value->is_string() ? value->get<std::string>() : "";
  const bool listed = std::find(requirement.values.begin(), requirement.values.end(), text) !=
                      requirement.values.end();
  if (requirement.op == "In") return value != nullptr && listed;
  if (requirement.op == "NotIn") return value == nullptr || !listed;
  if (requirement.op == "Exists") return value != nullptr;
  if (requirement.op == "DoesNotExist") return value == nullptr;
  return false;
}

}  // namespace

ApiResult<std::vector<Requirement>> ParseLabelSelector(std::string_view text) {
  std::vector<Requirement> out;
  if (Trim(text).empty()) return out;
  for (const std::string& term : SplitTerms(text)) {
    if (auto set = SetTerm(term)) {
      out.push_back(std::move(*set));
      continue;
    }
    const size_t equals = term.find('=');
    if (equals == std::string::npos) {
      const bool absent = !term.empty() && term[0] == '!';
      std::string key(Trim(std::string_view(term).substr(absent ? 1 : 0)));
      if (key.empty() || key.find_first_of(" ()<>") != std::string::npos) {
        return BadRequest("unable to parse requirement: found '" + term +
                          "', expected: identifier");
      }
      out.push_back({std::move(key), absent ? "DoesNotExist" : "Exists", {}});
      continue;
    }
    const bool differs = equals > 0 && term[equals - 1] == '!';
    size_t value_at = equals + 1;
    if (value_at < term.size() && term[value_at] == '=') ++value_at;
    std::string key(Trim(std::string_view(term).substr(0, differs ? equals - 1 : equals)));
    out.push_back({std::move(key),
                   differs ? "NotIn" : "In",
                   {std::string(Trim(std::string_view(term).substr(value_at)))}});
  }
  return out;
}

bool Matches(const std::vector<Requirement>& selector, const Json& labels) {
  return std::all_of(selector.begin(), selector.end(), [&](const Requirement& requirement) {
    return Satisfies(requirement, labels);
  });
}

bool MatchesMap(const Json& map, const Json& labels) {
  if (!map.is_object() || map.empty()) return false;
  for (const auto& [key, value] : map.items()) {
    const Json* label = Find(labels, {key});
    if (label == nullptr || *label != value) return false;
  }
  return true;
}

bool MatchesSelector(const Json& selector, const Json& labels) {
  const Json& exact = ObjectAt(selector, {"matchLabels"});
  if (!exact.empty() && !MatchesMap(exact, labels)) return false;
  for (const Json& expression : ArrayAt(selector, {"matchExpressions"})) {
    Requirement requirement{TextAt(expression, {"key"}), TextAt(expression, {"operator"}), {}};
    for (const Json& value : ArrayAt(expression, {"values"})) {
      if (value.is_string()) requirement.values.push_back(value.get<std::string>());
    }
    if (!Satisfies(requirement, labels)) return false;
  }
  return true;
}

std::string SelectorText(const Json& selector) {
  std::string out;
  for (const auto& [key, value] : ObjectAt(selector, {"matchLabels"}).items()) {
    if (value.is_string()) out += (out.empty() ? "" : ",") + key + "=" + value.get<std::string>();
  }
  return out;
}

ApiResult<std::vector<FieldRequirement>> ParseFieldSelector(std::string_view text) {
  std::vector<FieldRequirement> out;
  if (Trim(text).empty()) return out;
  for (const std::string& term : Split(text, ',')) {
    const size_t equals = term.find('=');
    if (equals == std::string::npos || equals == 0) {
      return BadRequest("invalid field selector: '" + term + "'; can't understand '" + term + "'");
    }
    const bool differs = term[equals - 1] == '!';
    size_t value_at = equals + 1;
    if (value_at < term.size() && term[value_at] == '=') ++value_at;
    out.push_back({Split(term.substr(0, differs ? equals - 1 : equals), '.'), term.substr(value_at),
                   !differs});
  }
  return out;
}

bool Matches(const std::vector<FieldRequirement>& selector, const Json& object) {
  for (const FieldRequirement& requirement : selector) {
    const Json* at = &object;
    for (const std::string& step : requirement.path) {
      at = at == nullptr ? nullptr : Find(*at, {step});
    }
    std::string value;
    if (at != nullptr) value = at->is_string() ? at->get<std::string>() : Dump(*at);
    if ((value == requirement.value) != requirement.equals) return false;
  }
  return true;
}

}  // namespace sluice::sandbox
