#include "engine/sandbox/apply_body.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "engine/base/strings.h"

namespace sluice::sandbox {
namespace {

tl::unexpected<ApiError> Undecodable(const std::string& why) {
  return BadRequest("error decoding YAML: error converting YAML to JSON: " + why);
}

// Decodes the character at `at` and steps over it; the text is valid UTF-8.
uint32_t NextCharacter(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const int extra = lead < 0x80 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  uint32_t code = extra == 0 ? lead : lead & (0x3F >> extra);
  for (int i = 1; i <= extra; ++i) code = code << 6 | (byte(at + static_cast<size_t>(i)) & 0x3F);
  at += static_cast<size_t>(extra) + 1;
  return code;
}

bool IsPrintable(uint32_t code) {
  return code == 0x09 || code == 0x0A || code == 0x0D || (code >= 0x20 && code <= 0x7E) ||
         code == 0x85 || (code >= 0xA0 && code <= 0xD7FF) ||
         (code >= 0xE000 && code <= 0xFFFD && code != 0xFEFF) || code >= 0x10000;
}

std::optional<std::string> RefusedCharacter(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const bool first = at == 0;
    const uint32_t code = NextCharacter(text, at);
    if (!IsPrintable(code) && !(first && code == 0xFEFF))
      return "yaml: control characters are not allowed";
  }
  return std::nullopt;
}

// What YAML 1.1 refuses inside double-quoted scalars, and keys it cannot scan.
std::optional<std::string> RefusedEscape(std::string_view text) {
  int line = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ++line;
    if (text[i] != '"') continue;
    const size_t start = ++i;
    for (; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] != '\\') continue;
      if (++i >= text.size()) break;
      const std::string where = "yaml: line " + std::to_string(line) + ": ";
      if (text[i] == '/') return where + "found unknown escape character";
      if (text[i] == 'u' && i + 2 < text.size() && (text[i + 1] == 'd' || text[i + 1] == 'D') &&
          std::string_view("89abAB"
                           "cdefCDEF")
                  .find(text[i + 2]) != std::string_view::npos) {
        return where + "found invalid Unicode character escape code";
      }
    }
    size_t after = i + 1;
    while (after < text.size() && (text[after] == ' ' || text[after] == '\n')) ++after;
    if (after < text.size() && text[after] == ':' && i - start > 1024) {
      return "yaml: line " + std::to_string(line) + ": could not find expected ':'";
    }
  }
  return std::nullopt;
}

// Raw U+0085 counts as a line break and folds to a space.
std::string FoldNextLine(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\xC2' && i + 1 < text.size() && text[i + 1] == '\x85') {
      out += ' ';
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

ApiResult<Json> ReadApplyBody(std::string_view body, std::vector<std::string>& duplicates) {
  if (!IsValidUtf8(body)) return Undecodable("yaml: invalid leading UTF-8 octet");
  if (const auto refused = RefusedCharacter(body)) return Undecodable(*refused);
  const std::string_view start = Trim(body);
  if (start.empty() || start[0] != '{') return ReadYaml(body, duplicates);
  if (const auto refused = RefusedEscape(body)) return Undecodable(*refused);
  Result<Json> parsed = ParseJson(FoldNextLine(body), &duplicates);
  // A flow mapping may be YAML without being JSON.
  if (!parsed) return ReadYaml(body, duplicates);
  return *std::move(parsed);
}

}  // namespace sluice::sandbox
