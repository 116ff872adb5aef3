#include "engine/targets/kubernetes/json_writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr int kMaxDepth = 200;
// The YAML parser gives up on a key that is longer than 1,024 bytes of source text.
constexpr size_t kMaxKeyBytes = 1000;

// Code points a YAML 1.1 reader refuses or folds when they stand raw in a quoted scalar.
bool NeedsEscape(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
         c == 0xFFFE || c == 0xFFFF;
}

void AppendEscape(uint32_t c, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[c >> static_cast<unsigned>(shift) & 15U];
}

// `text` is valid UTF-8.
void AppendString(std::string_view text, std::string& out) {
  out += '"';
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t c = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (size_t k = 1; k < length; ++k)
      c = c << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (NeedsEscape(c)) {
      AppendEscape(c, out);
    } else {
      out += text.substr(i, length);
    }
    i += length;
  }
  out += '"';
}

void AppendDouble(double value, std::string& out) {
  const double size = std::fabs(value);
  const bool use_exponent = size != 0 && (size < 1e-6 || size >= 1e21);
  std::array<char, 400> buffer{};
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                    use_exponent ? std::chars_format::scientific : std::chars_format::fixed);
  out.append(buffer.data(), static_cast<size_t>(end - buffer.data()));
}

class Writer {
 public:
  Status Append(const nlohmann::json& value, int depth) {
    if (depth > kMaxDepth) return Refuse("nested deeper than 200 levels; flatten it");
    switch (value.type()) {
      case nlohmann::json::value_t::null:
      case nlohmann::json::value_t::discarded:
        out_ += "null";
        return {};
      case nlohmann::json::value_t::boolean:
        out_ += value.get<bool>() ? "true" : "false";
        return {};
      case nlohmann::json::value_t::number_integer:
        out_ += std::to_string(value.get<int64_t>());
        return {};
      case nlohmann::json::value_t::number_unsigned:
        out_ += std::to_string(value.get<uint64_t>());
        return {};
      case nlohmann::json::value_t::number_float:
        if (!std::isfinite(value.get<double>()))
          return Refuse("a number that is not finite; JSON has none");
        AppendDouble(value.get<double>(), out_);
        return {};
      case nlohmann::json::value_t::string:
        if (!IsValidUtf8(value.get_ref<const std::string&>())) {
          return Refuse(
              "text that is not UTF-8; save the file as UTF-8, or put bytes into binaryData");
        }
        AppendString(value.get_ref<const std::string&>(), out_);
        return {};
      case nlohmann::json::value_t::array:
        return AppendArray(value, depth);
      case nlohmann::json::value_t::object:
        return AppendObject(value, depth);
      case nlohmann::json::value_t::binary:
        return Refuse("binary data; put it into binaryData as base64");
    }
    return {};
  }
  std::string Take() { return std::move(out_); }

 private:
  Status Refuse(std::string_view what) const {
    return Fail(ErrorCode::kRejected, "ContentRejected",
                (path_.empty() ? "the object" : EscapeControl(path_)) + ": " + std::string(what));
  }

  Status AppendArray(const nlohmann::json& value, int depth) {
    out_ += '[';
    const size_t length = path_.size();
    for (size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out_ += ',';
      path_ += "/" + std::to_string(i);
      SLUICE_CHECK(Append(value[i], depth + 1));
      path_.resize(length);
    }
    out_ += ']';
    return {};
  }

  Status AppendObject(const nlohmann::json& value, int depth) {
    out_ += '{';
    const size_t length = path_.size();
    bool is_first = true;
    for (const auto& [key, member] : value.items()) {
      if (!is_first) out_ += ',';
      is_first = false;
      if (!IsValidUtf8(key)) return Refuse("a key that is not UTF-8; save the file as UTF-8");
      const size_t start = out_.size();
      AppendString(key, out_);
      if (out_.size() - start > kMaxKeyBytes) {
        return Refuse(
            "the key '" + key.substr(0, 40) +
            "…' is longer than 1000 bytes, which the API server's parser cannot read; shorten it");
      }
      out_ += ':';
      path_ += "/" + key;
      SLUICE_CHECK(Append(member, depth + 1));
      path_.resize(length);
    }
    out_ += '}';
    return {};
  }

  std::string out_;
  std::string path_;
};

}  // namespace

Result<std::string> WriteJson(const nlohmann::json& value) {
  Writer writer;
  SLUICE_CHECK(writer.Append(value, 0));
  return writer.Take();
}

}  // namespace sluice::targets::kubernetes
