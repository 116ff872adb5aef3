// Changes a document's text in place. A node whose value must change is changed as deep down as it
// can be; where its form does not allow that, it is written anew on one line. What comes out is
// parsed again, and thrown away unless it is exactly what was wanted.
#include <algorithm>
#include <map>

#include "engine/base/strings.h"
#include "engine/yaml/edit_text.h"
#include "engine/yaml/yaml.h"

namespace sluice::yaml {
namespace {

using nlohmann::json;
using NodeKind = SyntaxNode::Kind;

struct Splice {
  size_t begin, end;
  std::string text;
};

// How many of these indexes come before `i`.
size_t CountBefore(const std::vector<size_t>& indexes, size_t i) {
  return static_cast<size_t>(std::ranges::count_if(indexes, [&](size_t k) { return k < i; }));
}

bool HasName(const json& item) { return item.is_object() && item.contains("name"); }

class Editor {
 public:
  Editor(std::string_view text, const std::vector<std::string>& order)
      : text_(text),
        write_(Trim(text).starts_with('{') && json::accept(text), order),
        line_end_(text.find("\r\n") != std::string_view::npos ? "\r\n" : "\n") {}

  void Change(const SyntaxNode& node, const json& now, const json& wanted) {
    const State before = state_;
    if (!Descend(node, now, wanted)) {
      state_ = before;
      state_.has_kept_layout = false;
      Replace(node, wanted);
    }
    if (node.kind == NodeKind::kAlias || node.anchor.empty()) return;
    state_.anchors[node.anchor] = wanted;
    state_.has_changed_anchor |= now != wanted;
  }

  std::optional<Edited> Result() {
    auto& splices = state_.splices;
    std::ranges::stable_sort(splices, {}, &Splice::begin);
    Edited out{"", state_.has_kept_layout};
    size_t at = 0;
    for (const Splice& splice : splices) {
      // Removals of neighbours may share a line end; nothing else overlaps.
      if (splice.begin < at && !splice.text.empty()) return std::nullopt;
      const size_t begin = std::max(at, splice.begin);
      out.text.append(text_.substr(at, begin - at)).append(splice.text);
      at = std::max(at, splice.end);
    }
    out.text.append(text_.substr(at));
    return out;
  }

 private:
  struct State {
    std::vector<Splice> splices;
    std::map<std::string, json> anchors;  // what each stands for once all is done
    bool has_changed_anchor = false;
    bool has_kept_layout = true;
  };

  // False where the node must be written anew.
  bool Descend(const SyntaxNode& node, const json& now, const json& wanted) {
    switch (node.kind) {
      case NodeKind::kScalar:
        if (now != wanted) Replace(node, wanted);
        return true;
      case NodeKind::kAlias: {
        const auto anchor = state_.anchors.find(node.anchor);
        return anchor != state_.anchors.end() && anchor->second == wanted;
      }
      case NodeKind::kMap:
        return now.is_object() && wanted.is_object() && Map(node, now, wanted);
      case NodeKind::kList:
        return now.is_array() && wanted.is_array() && List(node, now, wanted);
    }
    return false;
  }

  void Put(size_t begin, size_t end, std::string text) {
    state_.splices.push_back({begin, end, std::move(text)});
  }

  void Replace(const SyntaxNode& node, const json& wanted) {
    const bool is_glued = node.begin == node.end && node.begin > 0 && text_[node.begin - 1] != ' ';
    // A list in block style may stand under its key without indentation, what is in brackets not.
    const bool is_block = (node.kind == NodeKind::kList || node.kind == NodeKind::kMap) &&
                          !node.is_flow && IsFirstInLine(node.begin);
    Put(node.begin, node.end, (is_block ? "  " : is_glued ? " " : "") + write_.Flow(wanted, &node));
  }

  bool Map(const SyntaxNode& node, const json& now, const json& wanted) {
    const auto is_known = [&](const SyntaxNode& key) {
      return key.kind == NodeKind::kScalar && now.contains(key.value);
    };
    // Merged keys stand elsewhere.
    if (!std::ranges::all_of(node.keys, is_known) || node.keys.size() != now.size())
      return now == wanted && !state_.has_changed_anchor;
    std::vector<std::string> added;
    for (const auto& [key, value] : wanted.items()) {
      if (!now.contains(key)) added.push_back(key);
    }
    std::vector<size_t> removed;
    size_t kept = 0;
    for (size_t i = 0; i < node.keys.size(); ++i) {
      const std::string& key = node.keys[i].value;
      if (wanted.contains(key)) {
        Change(node.items[i], now[key], wanted[key]);
        ++kept;
      } else if (!added.empty() && now[key].is_primitive() && wanted[added[0]].is_primitive()) {
        // One member in the place of another: its line stays a line.
        Put(node.keys[i].begin, node.keys[i].end, write_.Key(added[0]));
        Change(node.items[i], now[key], wanted[added[0]]);
        added.erase(added.begin());
        ++kept;
      } else {
        removed.push_back(i);
      }
    }
    if (kept == 0) return node.keys.empty() && added.empty();
    for (const size_t i : removed) {
      if (!Remove(node, i, i > CountBefore(removed, i))) return false;
    }
    std::vector<std::string> members;
    for (const std::string& key : added)
      members.push_back(write_.Member(key, wanted[key], nullptr));
    return Append(node, members);
  }

  // For each item of `now` the index of what becomes of it; nullopt when the order does not allow
  // to keep any.
  static std::optional<std::vector<size_t>> Match(const json& now, const json& wanted) {
    const bool is_named = std::ranges::all_of(now, HasName) && std::ranges::all_of(wanted, HasName);
    std::vector<size_t> matches;
    size_t next = 0;
    for (size_t i = 0; i < now.size(); ++i) {
      const auto same =
          is_named
              ? std::ranges::find(wanted, now[i]["name"],
                                  [](const json& item) { return item["name"]; })
              : wanted.begin() + static_cast<json::difference_type>(std::min(i, wanted.size()));
      const auto found = static_cast<size_t>(same - wanted.begin());
      matches.push_back(found);
      if (found == wanted.size()) continue;
      if (found != next) return std::nullopt;
      ++next;
    }
    if (next == 0) return std::nullopt;
    return matches;
  }

  bool List(const SyntaxNode& node, const json& now, const json& wanted) {
    if (node.items.size() != now.size()) return false;
    if (now == wanted && now.empty()) return true;
    const auto matches = Match(now, wanted);
    if (!matches) return false;
    size_t kept = 0;
    for (size_t i = 0; i < node.items.size(); ++i) {
      const size_t match = (*matches)[i];
      if (match < wanted.size()) {
        Change(node.items[i], now[i], wanted[match]);
        ++kept;
      } else if (!Remove(node, i, kept > 0)) {
        return false;
      }
    }
    const SyntaxNode& like = node.items.back();
    std::vector<std::string> members;
    for (size_t i = kept; i < wanted.size(); ++i)
      members.push_back(node.is_flow ? write_.Flow(wanted[i], &like)
                                     : write_.Item(wanted[i], like, ItemBreak(node)));
    return Append(node, members);
  }

  // Where a member of a block begins: its key, or the dash before it.
  size_t BeginOf(const SyntaxNode& node, size_t i) const {
    if (node.kind == NodeKind::kMap) return node.keys[i].begin;
    const size_t from = node.items[i].begin;
    const size_t dash = from == 0 ? from : text_.find_last_not_of(" \t\r\n", from - 1);
    return node.is_flow || dash == std::string_view::npos || text_[dash] != '-' ? from : dash;
  }

  size_t LineBegin(size_t at) const {
    return at == 0 ? 0 : text_.rfind('\n', at - 1) + 1;  // npos + 1 is 0
  }

  // Of the line of the byte before `at`: its line end, or the end of the text.
  size_t LineEnd(size_t at) const {
    const size_t end = std::min(text_.find('\n', at), text_.size());
    return end > at && text_[end - 1] == '\r' ? end - 1 : end;
  }

  bool IsFirstInLine(size_t at) const {
    const size_t from = LineBegin(at);
    return text_.substr(from, at - from).find_first_not_of(' ') == std::string_view::npos;
  }

  size_t NextLine(size_t at) const {
    const size_t end = text_.find('\n', at);
    return end == std::string_view::npos ? text_.size() : end + 1;
  }

  std::string Indentation(size_t at) const { return std::string(at - LineBegin(at), ' '); }

  // What goes on in the next line of a new item, under its first key.
  std::string ItemBreak(const SyntaxNode& node) const {
    const size_t dash = BeginOf(node, node.items.size() - 1);
    return line_end_ + Indentation(dash) + std::string(Dash(node).size(), ' ');
  }

  // "- " as the last item has it.
  std::string Dash(const SyntaxNode& node) const {
    const size_t dash = BeginOf(node, node.items.size() - 1);
    const std::string_view between = text_.substr(dash + 1, node.items.back().begin - dash - 1);
    const bool is_one_line = between.find_first_not_of(' ') == std::string_view::npos;
    return "-" + (is_one_line && !between.empty() ? std::string(between) : " ");
  }

  // Something of the collection is kept; `is_after_kept`: before the member that goes.
  bool Remove(const SyntaxNode& node, size_t i, bool is_after_kept) {
    if (node.is_flow) {
      const size_t from = is_after_kept ? node.items[i - 1].end : BeginOf(node, i);
      const size_t to = is_after_kept ? node.items[i].end : BeginOf(node, i + 1);
      if (text_.substr(from, to - from).find('#') != std::string_view::npos) return false;
      Put(from, to, "");
      return true;
    }
    const size_t own = BeginOf(node, i);
    size_t from = LineBegin(own);
    if (!IsFirstInLine(own)) return false;
    const size_t to = NextLine(node.items[i].end);
    if (to == text_.size() && !text_.ends_with('\n') && from > 0)
      from = LineEnd(LineBegin(from - 1));
    Put(from, to, "");
    return true;
  }

  bool Append(const SyntaxNode& node, const std::vector<std::string>& members) {
    if (members.empty()) return true;
    if (node.items.empty()) return false;
    node.is_flow ? AppendFlow(node, members) : AppendBlock(node, members);
    return true;
  }

  void AppendFlow(const SyntaxNode& node, const std::vector<std::string>& members) {
    const size_t at = node.items.back().end;
    const size_t own = BeginOf(node, node.items.size() - 1);
    const size_t end = LineEnd(at);
    const bool has_own_line = end < node.end && IsFirstInLine(own);
    if (!has_own_line) {
      for (const std::string& member : members) Put(at, at, ", " + member);
      return;
    }
    const size_t after = text_.find_first_not_of(" \t", at);
    const bool has_comma = after != std::string_view::npos && text_[after] == ',';
    if (!has_comma) Put(at, at, ",");
    for (size_t i = 0; i < members.size(); ++i) {
      const bool is_last = i + 1 == members.size();
      Put(end, end, line_end_ + Indentation(own) + members[i] + (is_last && !has_comma ? "" : ","));
    }
  }

  void AppendBlock(const SyntaxNode& node, const std::vector<std::string>& members) {
    const size_t own = BeginOf(node, node.items.size() - 1);
    const size_t at = NextLine(node.items.back().end);
    const bool is_open = at == text_.size() && !text_.ends_with('\n');
    const std::string dash = node.kind == NodeKind::kList ? Dash(node) : "";
    for (const std::string& member : members) {
      const std::string line = Indentation(own) + dash + member;
      Put(at, at, is_open ? line_end_ + line : line + line_end_);
    }
  }

  std::string_view text_;
  const EditText write_;
  const std::string line_end_;
  State state_;
};

}  // namespace

std::optional<Edited> Edit(std::string_view text, const json& wanted,
                           const std::vector<std::string>& order) {
  const Parsed now = Parse(text, "");
  const auto syntax = ReadSyntax(text);
  if (!syntax || now.documents.size() != 1) return std::nullopt;
  Editor editor(text, order);
  editor.Change(*syntax, now.documents[0].value, wanted);
  auto edited = editor.Result();
  if (!edited) return std::nullopt;
  const Parsed again = Parse(edited->text, "");
  if (again.documents.size() != 1 || again.documents[0].value != wanted) return std::nullopt;
  return edited;
}

}  // namespace sluice::yaml
