#include "engine/base/strings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <numeric>

namespace sluice {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// Length of the UTF-8 sequence at text[i], 0 when it is not valid.
size_t Utf8Length(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<uint8_t>(text[k]); };
  const uint8_t lead = byte(i);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                        : (lead & 0xF0) == 0xE0        ? 3
                        : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                       : 0;
  if (length == 0 || i + length > text.size()) return 0;
  for (size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xC0) != 0x80) return 0;
  }
  const uint8_t second = byte(i + 1);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) ||
      (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) {
    return 0;
  }
  return length;
}

constexpr std::array<std::string_view, 12> kSecretNames = {
    "password", "passwd",     "passphrase",        "token",           "apikey", "api_key",
    "api-key",  "secret_key", "secret_access_key", "secretaccesskey", "secret", "credential"};

// Where the value begins when text[at] begins a name of kSecretNames with a value after it, as in
// password=x, "token": "x", Api-Key: x; npos otherwise. `lower` is the text in lower case.
size_t SecretValueAt(std::string_view lower, size_t at) {
  for (const std::string_view name : kSecretNames) {
    if (!lower.substr(at).starts_with(name)) continue;
    size_t i = at + name.size();
    if (i < lower.size() && lower[i] == '\\') ++i;  // a quote of JSON within JSON
    if (i < lower.size() && (lower[i] == '"' || lower[i] == '\'')) ++i;
    i = std::min(lower.find_first_not_of(" \t", i), lower.size());
    if (i == lower.size() || (lower[i] != '=' && lower[i] != ':')) continue;
    // "prod/token: started" is said of a unit of that name. No name is longer than the look back,
    // which is bounded so that hostile text costs no more than its length.
    const std::string_view lead =
        lower.substr(at - std::min<size_t>(at, 128), std::min<size_t>(at, 128));
    const size_t before = lead.find_last_of("/ \t\r\n");
    if (lower[i] == ':' && before != std::string_view::npos && lead[before] == '/') continue;
    i = lower.find_first_not_of(" \t", i + 1);
    return i;
  }
  return std::string_view::npos;
}

std::string MaskSecretValues(std::string_view text) {
  const std::string lower = ToLower(text);
  std::string out;
  size_t copied = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t start = SecretValueAt(lower, i);
    if (start == std::string_view::npos) continue;
    if (text[start] == '\\' && start + 1 < text.size()) ++start;
    const char quote = text[start] == '"' || text[start] == '\'' ? text[start] : '\0';
    if (quote != '\0') ++start;
    const size_t end = std::min(quote != '\0' ? text.find_first_of(std::string{quote, '\n'}, start)
                                              : text.find_first_of(" \t\r\n,;&'\")}]", start),
                                text.size());
    if (end == start) continue;
    out.append(text.substr(copied, start - copied)).append("***");
    copied = end;
    i = end - 1;
  }
  return out.append(text.substr(copied));
}

}  // namespace

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  size_t start = 0;
  while (true) {
    const size_t end = text.find(separator, start);
    parts.emplace_back(text.substr(start, end == std::string_view::npos ? end : end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::string Join(std::span<const std::string> parts, std::string_view separator) {
  std::string out;
  for (const std::string& part : parts) {
    if (&part != parts.data()) out += separator;
    out += part;
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string ToLower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::optional<std::string> Suggest(std::string_view word, std::span<const std::string> candidates) {
  const std::string* best = nullptr;
  size_t best_distance = std::max<size_t>(1, word.size() / 3) + 1;
  const std::string lower = ToLower(word);
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(lower, ToLower(candidate));
    if (distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best ? std::optional<std::string>(*best) : std::nullopt;
}

std::string DidYouMean(std::string_view word, std::span<const std::string> candidates) {
  const auto near = Suggest(word, candidates);
  return near ? "; did you mean '" + *near + "'?" : "";
}

std::string Base64Encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < left ? static_cast<uint8_t>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k) out += k <= left ? kBase64[group >> (18 - 6 * k) & 63U] : '=';
  }
  return out;
}

std::optional<std::string> Base64Decode(std::string_view text) {
  std::string out;
  uint32_t group = 0;
  int bits = 0;
  bool padded = false;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c))) continue;
    if (c == '=') {
      padded = true;
      continue;
    }
    const size_t value = kBase64.find(c);
    if (value == std::string_view::npos || padded) return std::nullopt;
    group = group << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>(group >> bits & 0xFFU);
    }
  }
  return out;
}

bool IsValidUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

bool IsDnsLabel(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
  return std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

std::string EscapeControl(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) {
      out += c;
    } else {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\x%02x", byte);
      out += escaped.data();
    }
  }
  return out;
}

std::string RedactCredentials(std::string_view text) {
  std::string out(text);
  for (size_t at = out.find("://"); at != std::string::npos; at = out.find("://", at + 3)) {
    const size_t start = at + 3;
    const size_t end = std::min(out.find_first_of("/ \t\r\n'\"", start), out.size());
    const size_t user_end = out.rfind('@', end);
    if (user_end == std::string::npos || user_end < start || user_end >= end) continue;
    // Over ssh a name is a login such as git, and half of the address.
    const bool is_login = out.substr(0, at).ends_with("ssh") && out.find(':', start) > user_end;
    if (!is_login) out.replace(start, user_end - start, "***");
  }
  for (const std::string_view scheme : {"Bearer ", "bearer ", "Basic ", "basic "}) {
    for (size_t at = out.find(scheme); at != std::string::npos;
         at = out.find(scheme, at + scheme.size() + 3)) {
      const size_t start = at + scheme.size();
      out.replace(start, std::min(out.find_first_of(" \t\r\n'\"", start), out.size()) - start,
                  "***");
    }
  }
  return MaskSecretValues(out);
}

std::string Tail(std::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  size_t start = text.size() - limit;
  while (start < text.size() && (static_cast<uint8_t>(text[start]) & 0xC0) == 0x80) ++start;
  return std::string(text.substr(start));
}

}  // namespace sluice
