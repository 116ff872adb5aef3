#include "engine/yaml/edit_text.h"

#include <algorithm>

#include "engine/yaml/scalar.h"

namespace sluice::yaml {
namespace {

using nlohmann::json;
using Style = SyntaxNode::Style;

bool FitsSingleQuotes(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7F;
  });
}

std::string InSingleQuotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

// The neighbour's value of that key.
const SyntaxNode* ValueOf(const SyntaxNode* map, const std::string& key) {
  if (map == nullptr || map->kind != SyntaxNode::Kind::kMap) return nullptr;
  for (size_t i = 0; i < map->keys.size(); ++i) {
    if (map->keys[i].value == key) return &map->items[i];
  }
  return nullptr;
}

}  // namespace

std::string EditText::Scalar(const json& value, Style style) const {
  if (!value.is_string() || is_json_) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  if (style == Style::kDoubleQuoted) return Quoted(text);
  if (style == Style::kSingleQuoted && FitsSingleQuotes(text)) return InSingleQuotes(text);
  return NeedsQuotes(text) ? Quoted(text) : text;
}

std::string EditText::Key(const std::string& key) const { return Scalar(key, Style::kPlain); }

std::vector<std::string> EditText::Keys(const json& object) const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  std::ranges::stable_sort(keys, {}, [&](const std::string& key) {
    return std::ranges::find(order_, key) - order_.begin();
  });
  return keys;
}

std::string EditText::Member(const std::string& key, const json& value,
                             const SyntaxNode* like) const {
  return Key(key) + ": " + Flow(value, like);
}

std::string EditText::Flow(const json& value, const SyntaxNode* like) const {
  if (value.is_primitive()) return Scalar(value, like != nullptr ? like->style : Style::kPlain);
  std::string out;
  if (value.is_array()) {
    for (const json& item : value) out += (out.empty() ? "" : ", ") + Flow(item, nullptr);
    return "[" + out + "]";
  }
  for (const std::string& key : Keys(value))
    out += (out.empty() ? "" : ", ") + Member(key, value[key], ValueOf(like, key));
  return "{" + out + "}";
}

std::string EditText::Item(const json& value, const SyntaxNode& like,
                           const std::string& line_break) const {
  const bool has_lines =
      value.is_object() && !value.empty() && like.kind == SyntaxNode::Kind::kMap && !like.is_flow;
  if (!has_lines) return Flow(value, &like);
  std::string out;
  for (const std::string& key : Keys(value))
    out += (out.empty() ? "" : line_break) + Member(key, value[key], ValueOf(&like, key));
  return out;
}

}  // namespace sluice::yaml
