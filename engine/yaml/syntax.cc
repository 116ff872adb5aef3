#include "engine/yaml/syntax.h"

#include <yaml.h>

namespace sluice::yaml {
namespace {

constexpr int kMaxDepth = 50;

std::string TextOf(const yaml_char_t* text) {
  return text == nullptr ? std::string() : reinterpret_cast<const char*>(text);
}

// libyaml counts characters; an edit needs bytes.
class ByteOffsets {
 public:
  explicit ByteOffsets(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U) starts_.push_back(i);
    }
    starts_.push_back(text.size());
  }
  size_t Of(const yaml_mark_t& mark) const {
    return starts_[std::min(mark.index, starts_.size() - 1)];
  }

 private:
  std::vector<size_t> starts_;
};

// Owns libyaml's parser and its present event.
class SyntaxReader {
 public:
  explicit SyntaxReader(std::string_view text) : text_(text), offsets_(text) {
    is_good_ = yaml_parser_initialize(&parser_) != 0;
    is_ready_ = is_good_;
    if (!is_good_) return;
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  SyntaxReader(const SyntaxReader&) = delete;
  ~SyntaxReader() {
    yaml_event_delete(&event_);
    if (is_ready_) yaml_parser_delete(&parser_);
  }

  std::optional<SyntaxNode> Document() {
    SyntaxNode root;
    const bool is_one = Next() && event_.type == YAML_STREAM_START_EVENT && Next() &&
                        event_.type == YAML_DOCUMENT_START_EVENT && Next() && Node(root, 0) &&
                        Next() && event_.type == YAML_DOCUMENT_END_EVENT && Next() &&
                        event_.type == YAML_STREAM_END_EVENT;
    if (!is_one) return std::nullopt;
    return root;
  }

 private:
  bool Next() {
    yaml_event_delete(&event_);
    event_ = {};
    is_good_ = is_good_ && yaml_parser_parse(&parser_, &event_) != 0;
    return is_good_;
  }

  // Past an anchor and a tag, which may stand on lines of their own.
  size_t PastProperties(size_t at, size_t end) const {
    while (at < end && (text_[at] == '&' || text_[at] == '!')) {
      at = std::min(text_.find_first_of(" \t\r\n", at), end);
      while (at < end) {
        const size_t next = text_.find_first_not_of(" \t\r\n", at);
        if (next == std::string_view::npos || next >= end) return end;
        at = next;
        if (text_[at] != '#') break;
        at = std::min(text_.find('\n', at), end);
      }
    }
    return at;
  }

  // The present event begins the node.
  bool Node(SyntaxNode& node, int depth) {
    if (depth > kMaxDepth) return false;
    const size_t begin = offsets_.Of(event_.start_mark);
    const size_t end = offsets_.Of(event_.end_mark);
    switch (event_.type) {
      case YAML_ALIAS_EVENT:
        node.kind = SyntaxNode::Kind::kAlias;
        node.anchor = TextOf(event_.data.alias.anchor);
        node.begin = begin;
        node.end = end;
        return true;
      case YAML_SCALAR_EVENT:
        Scalar(node, begin, end);
        return true;
      case YAML_MAPPING_START_EVENT:
        node.kind = SyntaxNode::Kind::kMap;
        node.is_flow = event_.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
        node.anchor = TextOf(event_.data.mapping_start.anchor);
        node.begin = PastProperties(begin, text_.size());
        return Members(node, YAML_MAPPING_END_EVENT, depth);
      case YAML_SEQUENCE_START_EVENT:
        node.kind = SyntaxNode::Kind::kList;
        node.is_flow = event_.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
        node.anchor = TextOf(event_.data.sequence_start.anchor);
        node.begin = PastProperties(begin, text_.size());
        return Members(node, YAML_SEQUENCE_END_EVENT, depth);
      default:
        return false;
    }
  }

  void Scalar(SyntaxNode& node, size_t begin, size_t end) const {
    const auto& scalar = event_.data.scalar;
    node.anchor = TextOf(scalar.anchor);
    node.value.assign(reinterpret_cast<const char*>(scalar.value), scalar.length);
    using Style = SyntaxNode::Style;
    node.style = scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE   ? Style::kSingleQuoted
                 : scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE ? Style::kDoubleQuoted
                 : scalar.style == YAML_PLAIN_SCALAR_STYLE         ? Style::kPlain
                                                                   : Style::kBlock;
    node.begin = PastProperties(begin, end);
    node.end = end;
    // A block scalar ends where the next token begins: the line ends before that are not its own.
    while (node.style == Style::kBlock && node.end > node.begin &&
           std::string_view(" \t\r\n").find(text_[node.end - 1]) != std::string_view::npos)
      --node.end;
  }

  bool Members(SyntaxNode& node, yaml_event_type_t last, int depth) {
    while (Next()) {
      if (event_.type == last) {
        node.end = node.is_flow || node.items.empty() ? offsets_.Of(event_.end_mark)
                                                      : node.items.back().end;
        return true;
      }
      if (last == YAML_MAPPING_END_EVENT && !(Node(node.keys.emplace_back(), depth + 1) && Next()))
        return false;
      if (!Node(node.items.emplace_back(), depth + 1)) return false;
    }
    return false;
  }

  std::string_view text_;
  const ByteOffsets offsets_;
  yaml_parser_t parser_{};
  yaml_event_t event_{};
  bool is_ready_ = false;
  bool is_good_ = false;
};

}  // namespace

std::optional<SyntaxNode> ReadSyntax(std::string_view text) {
  return SyntaxReader(text).Document();
}

}  // namespace sluice::yaml
