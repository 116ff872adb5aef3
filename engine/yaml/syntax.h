// Where the parts of one YAML document stand in its text, comments and layout left as they are;
// private to the module. For editing: what a part means is the parser's business (parse.cc).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::yaml {

struct SyntaxNode {
  enum class Kind { kScalar, kAlias, kMap, kList } kind = Kind::kScalar;
  // Bytes of the text, without an anchor or tag before it. A collection in block style ends where
  // its last member ends; an empty scalar has begin == end.
  size_t begin = 0, end = 0;
  enum class Style { kPlain, kSingleQuoted, kDoubleQuoted, kBlock } style = Style::kPlain;
  bool is_flow = false;           // a collection in brackets
  std::string anchor;             // that it has, or that an alias names
  std::string value;              // of a scalar
  std::vector<SyntaxNode> keys;   // of a map
  std::vector<SyntaxNode> items;  // values of a map, items of a list
};

// nullopt where the text is no YAML, or not exactly one document.
std::optional<SyntaxNode> ReadSyntax(std::string_view text);

}  // namespace sluice::yaml
