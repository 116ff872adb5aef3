#include <algorithm>
#include <array>
#include <cstdio>

#include "engine/yaml/number.h"
#include "engine/yaml/scalar.h"
#include "engine/yaml/yaml.h"

namespace sluice::yaml {
namespace {

using nlohmann::json;

}  // namespace

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  const auto hex = [&](unsigned code, const char* form) {
    std::array<char, 12> buffer{};
    std::snprintf(buffer.data(), buffer.size(), form, code);
    out += buffer.data();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = [&](size_t k) {
      return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U;
    };
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte == '\r') {
      out += "\\r";
    } else if (byte < 0x20 || byte == 0x7F) {
      hex(byte, "\\x%02X");
    } else if (byte == 0xC2 && next(1) < 0xA0) {  // C1 controls, among them the line break U+0085
      hex(next(1), "\\x%02X");
      ++i;
    } else if (byte >= 0xE0 && byte < 0xF0) {
      const unsigned code = (byte & 0x0FU) << 12 | (next(1) & 0x3FU) << 6 | (next(2) & 0x3FU);
      if (code == 0x2028 || code == 0x2029 || code == 0xFEFF || code >= 0xFFFE) {
        hex(code, "\\u%04X");
      } else {
        out += text.substr(i, 3);
      }
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out + "\"";
}

namespace {

// A literal block is for people; anything that could be read differently there is quoted instead.
bool FitsLiteral(std::string_view text) {
  const size_t end = text.find_last_not_of('\n');
  if (end == std::string_view::npos || text.find('\n') == std::string_view::npos ||
      text.size() - end > 2)
    return false;
  bool is_line_start = true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte >= 0x7F) return false;
    if (is_line_start && c == ' ') return false;
    is_line_start = c == '\n';
  }
  return true;
}

class Writer {
 public:
  explicit Writer(const std::vector<std::string>& order) : order_(order) {}

  // Appends the value after "key:", "-" or at the start of a line; ends with a line feed.
  void Value(const json& value, int indent, bool is_inline) {
    if (value.is_object() && !value.empty()) {
      Object(value, indent, is_inline);
    } else if (value.is_array() && !value.empty()) {
      List(value, indent, is_inline);
    } else {
      out += is_inline ? " " : "";
      Scalar(value, indent);
    }
  }
  std::string out;

 private:
  void Scalar(const json& value, int indent) {
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      if (FitsLiteral(text)) return Literal(text, indent);
      out += NeedsQuotes(text) ? Quoted(text) : text;
    } else if (value.is_number_float()) {
      out += FormatDouble(value.get<double>());
    } else {
      out += value.dump();
    }
    out += '\n';
  }

  void Literal(std::string_view text, int indent) {
    const bool ends_line = text.ends_with('\n');
    out += ends_line ? "|\n" : "|-\n";
    if (ends_line) text.remove_suffix(1);
    for (size_t start = 0; start <= text.size();) {
      const size_t end = std::min(text.find('\n', start), text.size());
      if (end > start) out += std::string(static_cast<size_t>(std::max(indent, 2)), ' ');
      out += text.substr(start, end - start);
      out += '\n';
      start = end + 1;
    }
  }

  std::vector<std::string> Keys(const json& object) const {
    std::vector<std::string> keys;
    for (const std::string& key : order_) {
      if (object.contains(key) && std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
    }
    for (const auto& [key, value] : object.items()) {
      if (std::ranges::find(order_, key) == order_.end()) keys.push_back(key);
    }
    return keys;
  }

  void Object(const json& object, int indent, bool is_inline) {
    bool is_first = true;
    if (is_inline) out += '\n';
    for (const std::string& key : Keys(object)) {
      if (!is_first || is_inline) Pad(indent);
      is_first = false;
      // A simple key may be 1024 characters long at most.
      if (key.size() > 100) {
        out += "? " + Quoted(key) + '\n';
        Pad(indent);
        out += ":";
      } else {
        out += (NeedsQuotes(key) ? Quoted(key) : key) + ":";
      }
      Value(object[key], indent + 2, true);
    }
  }

  void List(const json& list, int indent, bool is_inline) {
    bool is_first = true;
    if (is_inline) out += '\n';
    for (const json& item : list) {
      if (!is_first || is_inline) Pad(indent);
      is_first = false;
      out += "- ";
      Value(item, indent + 2, false);
    }
  }

  void Pad(int indent) { out += std::string(static_cast<size_t>(indent), ' '); }

  const std::vector<std::string>& order_;
};

}  // namespace

std::string Write(const json& value, const std::vector<std::string>& order) {
  Writer writer(order);
  writer.Value(value, 0, false);
  return std::move(writer.out);
}

}  // namespace sluice::yaml
