#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <set>
#include <streambuf>

#include "engine/base/strings.h"
#include "engine/yaml/events.h"
#include "engine/yaml/scalar.h"

namespace sluice::yaml {
namespace {

using nlohmann::json;
using Kind = Event::Kind;

// Leaves yaml-cpp's parser; caught in BuildDocuments.
struct Stop {
  Refusal refusal;
};

// A text as a stream without a copy.
class View : public std::streambuf {
 public:
  explicit View(std::string_view text) {
    char* start = const_cast<char*>(text.data());  // streambuf's get area is never written through
    setg(start, start, start + text.size());
  }
};

// A complete value with what aliases to it need to know.
struct Value {
  json value;
  size_t nodes = 1, bytes = 0;  // bytes: of its text and keys
  int depth = 0;
  bool is_scalar = false, is_list = false;
  Result<std::string> key = std::string();  // what a scalar is as a key
};

struct Frame {
  Value built;
  std::string pointer;
  YAML::anchor_t anchor = 0;
  bool has_key = false, is_merge = false;
  std::string key;
  std::set<std::string> own_keys;  // merged ones may be given again, own ones not
};

class Builder final : public YAML::EventHandler {
 public:
  Builder(const std::vector<Event>& events, const Limits& limits, std::vector<Document>& documents)
      : events_(events), limits_(limits), documents_(documents) {}

  bool IsAtEnd() const { return next_ == events_.size(); }
  Place LastPlace() const { return next_ == 0 ? Place{1, 1} : events_[next_ - 1].place; }

  void OnDocumentStart(const YAML::Mark&) override {
    const Place place = Take(Kind::kDocumentStart).place;
    anchors_.clear();
    root_ = Value{};
    document_ = Document{};
    book_.Open(document_);
    book_.Note("", place);
  }

  void OnDocumentEnd() override {
    Take(Kind::kDocumentEnd);
    if (root_.value.is_null()) return;
    document_.value = std::move(root_.value);
    documents_.push_back(std::move(document_));
  }

  void OnNull(const YAML::Mark&, YAML::anchor_t anchor) override {
    const Event& event = Take(Kind::kScalar);
    if (!event.value.empty() && event.value != "~" && ToLower(event.value) != "null")
      Disagree(event.place);
    AddScalar("?", event.value, event.place, anchor);
  }

  void OnScalar(const YAML::Mark&, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const Event& event = Take(Kind::kScalar);
    if (event.value != value) Disagree(event.place);
    AddScalar(tag, value, event.place, anchor);
  }

  void OnAlias(const YAML::Mark&, YAML::anchor_t anchor) override {
    const Event& event = Take(Kind::kAlias);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Stop{{event.place, "yaml-anchor",
                  "*" + event.value + " stands inside its own anchor &" + event.value}};
    }
    const Value& target = found->second;
    Spend(target.nodes, event.place);
    SpendText(target.bytes, event.place);
    if (static_cast<int>(stack_.size()) + target.depth > limits_.max_depth) {
      throw Stop{{event.place, "yaml-limit",
                  "nested deeper than " + std::to_string(limits_.max_depth) + " levels"}};
    }
    Add(target, event.place, Origin::kAlias);
  }

  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Kind::kListStart, json::array(), anchor);
  }
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(Kind::kMapStart, json::object(), anchor);
  }
  void OnSequenceEnd() override { Close(Kind::kListEnd); }
  void OnMapEnd() override { Close(Kind::kMapEnd); }

 private:
  enum class Origin { kWritten, kAlias };

  [[noreturn]] static void Disagree(Place place) {
    throw Stop{{place, "yaml-ambiguous",
                "two YAML parsers read this differently; write it more plainly (quotes, no tabs)"}};
  }

  const Event& Take(Kind kind) {
    if (next_ == events_.size()) Disagree(LastPlace());
    const Event& event = events_[next_++];
    if (event.kind != kind) Disagree(event.place);
    return event;
  }

  void Spend(size_t nodes, Place place) {
    spent_ += nodes;
    if (spent_ > limits_.max_nodes) {
      throw Stop{
          {place, "yaml-limit",
           "more than " + std::to_string(limits_.max_nodes) + " values once aliases are expanded"}};
    }
  }

  void SpendText(size_t bytes, Place place) {
    spent_text_ += bytes;
    if (spent_text_ > limits_.max_alias_bytes) {
      throw Stop{{place, "yaml-limit",
                  "aliases stand for more than " + std::to_string(limits_.max_alias_bytes) +
                      " bytes of text; write fewer, or shorter values under the anchors"}};
    }
  }

  bool WantsKey() const {
    return !stack_.empty() && stack_.back().built.value.is_object() && !stack_.back().has_key;
  }

  // Where the value that comes next will stand.
  std::string NextPointer() const {
    if (stack_.empty()) return "";
    const Frame& top = stack_.back();
    if (top.built.value.is_array())
      return PointerBelow(top.pointer, std::to_string(top.built.value.size()));
    return PointerBelow(top.pointer, top.key);
  }

  void Open(Kind kind, json empty, YAML::anchor_t anchor) {
    const Event& event = Take(kind);
    Spend(1, event.place);
    if (WantsKey())
      throw Stop{
          {event.place, "yaml-key", "a key must be a scalar, not a map or a list; quote it"}};
    Frame frame;
    frame.pointer = NextPointer();
    NoteItem(frame.pointer, event.place);
    frame.built.value = std::move(empty);
    frame.built.is_list = frame.built.value.is_array();
    frame.anchor = anchor;
    stack_.push_back(std::move(frame));
  }

  void Close(Kind kind) {
    const Place place = Take(kind).place;
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    ++frame.built.depth;
    Anchor(frame.anchor, frame.built, place);
    Add(std::move(frame.built), place, Origin::kWritten);
  }

  // An anchored value is kept a second time, so it is paid for a second time.
  void Anchor(YAML::anchor_t anchor, const Value& value, Place place) {
    if (anchor == 0) return;
    Spend(value.nodes, place);
    SpendText(value.bytes, place);
    anchors_.insert_or_assign(anchor, value);
  }

  void AddScalar(const std::string& tag, const std::string& text, Place place,
                 YAML::anchor_t anchor) {
    Spend(1, place);
    auto scalar = ResolveScalar(tag, text);
    if (!scalar) throw Stop{{place, "yaml-tag", scalar.error().message()}};
    Value value;
    value.is_scalar = true;
    value.bytes = text.size();
    value.key = ToKey(*scalar);
    if (WantsKey()) {
      // A key may be what has no JSON value (.inf is the key ".inf"); an alias of it is then null.
      value.value = ToJson(*scalar).value_or(json());
      const bool is_merge = (tag == "?" || tag == "tag:yaml.org,2002:merge") && text == "<<";
      Anchor(anchor, value, place);
      TakeKey(value, place, is_merge);
      return;
    }
    auto converted = ToJson(*scalar);
    if (!converted) throw Stop{{place, "yaml-value", converted.error().message()}};
    value.value = std::move(*converted);
    Anchor(anchor, value, place);
    NoteItem(NextPointer(), place);
    Add(std::move(value), place, Origin::kWritten);
  }

  void TakeKey(const Value& value, Place place, bool is_merge) {
    Frame& top = stack_.back();
    if (!value.is_scalar)
      throw Stop{{place, "yaml-key", "a key must be a scalar, not a map or a list; quote it"}};
    if (!value.key) throw Stop{{place, "yaml-key", value.key.error().message()}};
    top.has_key = true;
    top.is_merge = is_merge;
    top.key = *value.key;
    top.built.bytes += top.key.size();
    if (is_merge) return;
    if (!top.own_keys.insert(top.key).second) {
      throw Stop{{place, "duplicate-key", "key '" + top.key + "' is given twice in one map"}};
    }
    book_.Note(PointerBelow(top.pointer, top.key), place);
  }

  // List items and the document are noted where the value stands, map entries where the key does.
  void NoteItem(const std::string& pointer, Place place) {
    if (stack_.empty() || stack_.back().built.value.is_array()) book_.Note(pointer, place);
  }

  void Add(Value value, Place place, Origin origin) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& top = stack_.back();
    if (WantsKey()) {
      TakeKey(value, place, false);
      return;
    }
    top.built.nodes += value.nodes;
    top.built.bytes += value.bytes;
    top.built.depth = std::max(top.built.depth, value.depth);
    if (top.built.value.is_array()) {
      if (origin == Origin::kAlias) book_.Note(NextPointer(), place);
      top.built.value.push_back(std::move(value.value));
      return;
    }
    top.has_key = false;
    if (top.is_merge) {
      Merge(top.built.value, value, place, origin);
    } else {
      top.built.value[top.key] = std::move(value.value);
    }
  }

  // Merge keys as kubectl applies them: in the order of the document, so a merge after an own key
  // wins over it (unlike the specification); in a list the earlier map wins.
  static void Merge(json& into, const Value& from, Place place, Origin origin) {
    const auto refuse = [&] {
      throw Stop{{place, "yaml-merge", "'<<' takes a map, an alias of a map, or a list of these"}};
    };
    if (from.value.is_object()) {
      into.update(from.value);
    } else if (from.value.is_array() && origin == Origin::kWritten) {
      for (auto item = from.value.rbegin(); item != from.value.rend(); ++item) {
        if (!item->is_object()) refuse();
        into.update(*item);
      }
    } else {
      refuse();
    }
  }

  const std::vector<Event>& events_;
  const Limits& limits_;
  std::vector<Document>& documents_;
  size_t next_ = 0, spent_ = 0, spent_text_ = 0;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Value> anchors_;
  Value root_;
  Document document_;
  PlaceBook book_;
};

}  // namespace

std::optional<Refusal> BuildDocuments(std::string_view text, const std::vector<Event>& events,
                                      const Limits& limits, std::vector<Document>& documents) {
  Builder builder(events, limits, documents);
  try {
    View view(text);
    std::istream stream(&view);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& stop) {
    return stop.refusal;
  } catch (const YAML::Exception& e) {
    return Refusal{{e.mark.line + 1, e.mark.column + 1}, "yaml-syntax", e.msg};
  } catch (const std::exception& e) {
    return Refusal{builder.LastPlace(), "yaml-syntax", e.what()};
  }
  if (!builder.IsAtEnd()) {
    return Refusal{builder.LastPlace(), "yaml-ambiguous",
                   "two YAML parsers do not find the same number of documents here"};
  }
  return std::nullopt;
}

namespace {
constexpr size_t kMaxPointer = 4096;
constexpr std::string_view kUnplaced = "\xFF";  // no byte of UTF-8, so no pointer begins with it
}  // namespace

std::string PointerBelow(const std::string& parent, std::string_view key) {
  if (parent == kUnplaced || parent.size() + key.size() > kMaxPointer)
    return std::string(kUnplaced);
  std::string out = parent + "/";
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

void PlaceBook::Note(const std::string& pointer, Place place) {
  if (pointer == kUnplaced || total_ + pointer.size() > kMaxTotal) return;
  total_ += pointer.size();
  places_->insert_or_assign(pointer, place);
}

}  // namespace sluice::yaml
