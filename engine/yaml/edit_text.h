// The text of a value that an edit puts into a document, in the manner of what stands there;
// private to the module.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/yaml/syntax.h"

namespace sluice::yaml {

class EditText {
 public:
  // Of a document that is JSON everything that comes is JSON, too.
  EditText(bool is_json, const std::vector<std::string>& order)
      : is_json_(is_json), order_(order) {}

  // On one line; `like` is a neighbour whose quotes are taken over, or null.
  std::string Flow(const nlohmann::json& value, const SyntaxNode* like) const;
  // "key: value".
  std::string Member(const std::string& key, const nlohmann::json& value,
                     const SyntaxNode* like) const;
  // An item of a list in block style after "- ": as many lines as the neighbour has.
  std::string Item(const nlohmann::json& value, const SyntaxNode& like,
                   const std::string& line_break) const;
  std::string Key(const std::string& key) const;

 private:
  std::string Scalar(const nlohmann::json& value, SyntaxNode::Style style) const;
  std::vector<std::string> Keys(const nlohmann::json& object) const;

  bool is_json_;
  const std::vector<std::string>& order_;
};

}  // namespace sluice::yaml
