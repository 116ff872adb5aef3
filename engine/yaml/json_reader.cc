// JSON with places, by hand: nlohmann's parser tells no positions, and YAML parsers refuse
// surrogate escapes that JSON allows.
#include <cctype>
#include <charconv>

#include "engine/yaml/events.h"
#include "engine/yaml/number.h"

namespace sluice::yaml {
namespace {

using nlohmann::json;

struct Stop {
  Refusal refusal;
  bool is_syntax;
};

class Reader {
 public:
  Reader(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  std::vector<Document> Stream() {
    std::vector<Document> documents;
    for (SkipSpace(); at_ < text_.size(); SkipSpace()) {
      if (text_[at_] != '{') Syntax("expected '{'");
      Spend();
      Document document;
      book_.Open(document);
      book_.Note("", Here());
      document.value = Object("", 1);
      documents.push_back(std::move(document));
    }
    return documents;
  }

 private:
  Place Here() const { return {line_, column_}; }
  [[noreturn]] void Syntax(const std::string& message) const {
    throw Stop{{Here(), "json-syntax", message}, true};
  }
  [[noreturn]] static void Refuse(Place place, std::string rule, std::string message) {
    throw Stop{{place, std::move(rule), std::move(message)}, false};
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void Step() {
    if (text_[at_] == '\n') {
      ++line_;
      column_ = 1;
    } else if ((static_cast<unsigned char>(text_[at_]) & 0xC0) != 0x80) {
      ++column_;
    }
    ++at_;
  }
  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      Step();
  }
  void Expect(char c) {
    if (Peek() != c) Syntax(std::string("expected '") + c + "'");
    Step();
  }

  void Spend() {
    if (++nodes_ > limits_.max_nodes) {
      Refuse(Here(), "yaml-limit",
             "more than " + std::to_string(limits_.max_nodes) + " values in one file");
    }
  }

  json Value(const std::string& pointer, int depth) {
    Spend();
    switch (Peek()) {
      case '{':
        return Object(pointer, depth + 1);
      case '[':
        return List(pointer, depth + 1);
      case '"':
        return String();
      case 't':
        return Word("true", true);
      case 'f':
        return Word("false", false);
      case 'n':
        return Word("null", nullptr);
      default:
        return Number();
    }
  }

  void CheckDepth(int depth) const {
    if (depth > limits_.max_depth) {
      Refuse(Here(), "yaml-limit",
             "nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
  }

  json Object(const std::string& pointer, int depth) {
    CheckDepth(depth);
    Step();
    json out = json::object();
    SkipSpace();
    if (Peek() == '}') {
      Step();
      return out;
    }
    while (true) {
      SkipSpace();
      const Place place = Here();
      if (Peek() != '"') Syntax("expected a key in double quotes");
      const std::string key = String();
      if (out.contains(key))
        Refuse(place, "duplicate-key", "key '" + key + "' is given twice in one map");
      const std::string child = PointerBelow(pointer, key);
      book_.Note(child, place);
      SkipSpace();
      Expect(':');
      SkipSpace();
      out[key] = Value(child, depth);
      SkipSpace();
      if (Peek() == '}') break;
      Expect(',');
    }
    Step();
    return out;
  }

  json List(const std::string& pointer, int depth) {
    CheckDepth(depth);
    Step();
    json out = json::array();
    SkipSpace();
    if (Peek() == ']') {
      Step();
      return out;
    }
    while (true) {
      SkipSpace();
      const std::string child = PointerBelow(pointer, std::to_string(out.size()));
      book_.Note(child, Here());
      out.push_back(Value(child, depth));
      SkipSpace();
      if (Peek() == ']') break;
      Expect(',');
    }
    Step();
    return out;
  }

  json Word(std::string_view word, json value) {
    if (text_.substr(at_, word.size()) != word) Syntax("expected " + std::string(word));
    for (size_t i = 0; i < word.size(); ++i) Step();
    return value;
  }

  // Integers that fit int64 stay exact, everything else is a double, as Kubernetes reads JSON.
  json Number() {
    const Place place = Here();
    const size_t start = at_;
    const auto digits = [&] {
      const size_t first = at_;
      while (std::isdigit(static_cast<unsigned char>(Peek())) != 0) Step();
      return at_ - first;
    };
    if (Peek() == '-') Step();
    const bool has_leading_zero = Peek() == '0';
    const size_t whole = digits();
    if (whole == 0 || (has_leading_zero && whole > 1)) Syntax("expected a value");
    bool is_integer = true;
    if (Peek() == '.') {
      is_integer = false;
      Step();
      if (digits() == 0) Syntax("expected a digit");
    }
    if (Peek() == 'e' || Peek() == 'E') {
      is_integer = false;
      Step();
      if (Peek() == '+' || Peek() == '-') Step();
      if (digits() == 0) Syntax("expected a digit");
    }
    const std::string_view token = text_.substr(start, at_ - start);
    int64_t exact = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), exact);
    if (is_integer && error == std::errc() && end == token.data() + token.size()) return exact;
    const auto value = ParseDouble(token);
    if (!value)
      Refuse(place, "yaml-value", "number " + std::string(token.substr(0, 40)) + " is too large");
    return NormaliseDouble(*value);
  }

  uint32_t Hex4() {
    uint32_t value = 0;
    const std::string_view token = text_.substr(at_, 4);
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value, 16);
    if (error != std::errc() || token.size() != 4 || end != token.data() + 4)
      Syntax("expected four hexadecimal digits after \\u");
    for (int i = 0; i < 4; ++i) Step();
    return value;
  }

  static void AppendUtf8(std::string& out, uint32_t code) {
    const auto byte = [&](uint32_t value) { out += static_cast<char>(value); };
    if (code < 0x80) {
      byte(code);
    } else if (code < 0x800) {
      byte(0xC0 | code >> 6);
      byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      byte(0xE0 | code >> 12);
      byte(0x80 | (code >> 6 & 0x3F));
      byte(0x80 | (code & 0x3F));
    } else {
      byte(0xF0 | code >> 18);
      byte(0x80 | (code >> 12 & 0x3F));
      byte(0x80 | (code >> 6 & 0x3F));
      byte(0x80 | (code & 0x3F));
    }
  }

  void UnicodeEscape(std::string& out) {
    const Place place = Here();
    uint32_t code = Hex4();
    if (code >= 0xD800 && code < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      Step();
      Step();
      const uint32_t low = Hex4();
      if (low >= 0xDC00 && low < 0xE000) {
        AppendUtf8(out, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
        return;
      }
    }
    if (code >= 0xD800 && code < 0xE000)
      Refuse(place, "yaml-value", "half of a surrogate pair is no character");
    AppendUtf8(out, code);
  }

  std::string String() {
    Step();
    std::string out;
    while (Peek() != '"') {
      const char c = Peek();
      if (at_ >= text_.size()) Syntax("expected '\"' at the end of a string");
      if (static_cast<unsigned char>(c) < 0x20)
        Syntax("a control character in a string must be escaped");
      Step();
      if (c != '\\') {
        out += c;
        continue;
      }
      const char escape = Peek();
      static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
      const size_t known = escape == '\0' ? std::string_view::npos : kFrom.find(escape);
      if (known != std::string_view::npos) {
        out += kTo[known];
        Step();
      } else if (escape == 'u') {
        Step();
        UnicodeEscape(out);
      } else {
        Syntax("unknown escape in a string");
      }
    }
    Step();
    return out;
  }

  std::string_view text_;
  const Limits& limits_;
  PlaceBook book_;
  size_t at_ = 0, nodes_ = 0;
  int line_ = 1, column_ = 1;
};

}  // namespace

std::optional<JsonStream> ReadJson(std::string_view text, const Limits& limits, Refusal& not_json) {
  JsonStream out;
  try {
    out.documents = Reader(text, limits).Stream();
  } catch (const Stop& stop) {
    if (stop.is_syntax) {
      not_json = stop.refusal;
      return std::nullopt;
    }
    out.refusal = stop.refusal;
  }
  return out;
}

}  // namespace sluice::yaml
