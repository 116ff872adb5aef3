// Commit messages: a text for people, its last paragraph for machines. Pure.
#include "engine/git/message.h"

#include <algorithm>
#include <cctype>

#include "engine/base/strings.h"
#include "engine/git/mirror.h"

namespace sluice::git {
namespace {

constexpr std::string_view kPrefix = "Sluice-";

bool IsTrailerKey(std::string_view key) {
  return !key.empty() &&
         std::ranges::all_of(key, [](unsigned char c) { return std::isalnum(c) || c == '-'; });
}

bool IsBlank(std::string_view line) { return Trim(line).empty(); }

// One line; text that is not UTF-8 keeps its readable bytes.
std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) line += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  return CleanText(std::string(Trim(line)));
}

// A body must not end the message early ("---" does for git interpret-trailers) nor pass for our
// trailers.
std::string CleanBody(std::string_view body) {
  std::string clean;
  for (const std::string& raw : Split(body, '\n')) {
    const std::string line = CleanText(raw);
    const bool is_mistakable =
        line.starts_with("---") || ToLower(line).starts_with(ToLower(kPrefix));
    clean += (is_mistakable ? " " : "") + line + "\n";
  }
  while (clean.starts_with('\n')) clean.erase(0, 1);
  while (clean.ends_with('\n')) clean.pop_back();
  return clean;
}

std::string CleanKey(std::string_view key) {
  std::string clean;
  for (const unsigned char c : key)
    clean += std::isalnum(c) || c == '-' ? static_cast<char>(c) : '-';
  return clean;
}

}  // namespace

std::string CleanText(std::string_view text) {
  std::string kept;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c != '\t' && (byte < 0x20 || byte == 0x7F)) {
      kept += EscapeControl({&c, 1});
    } else {
      kept += c;
    }
  }
  if (IsValidUtf8(kept)) return kept;
  for (char& c : kept) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return kept;
}

std::string FormatMessage(const std::string& subject, const std::string& body,
                          const std::vector<std::pair<std::string, std::string>>& trailers) {
  std::string message = OneLine(subject);
  if (message.empty()) message = "sluice";
  message += '\n';
  if (const std::string text = CleanBody(body); !text.empty()) message += "\n" + text + "\n";
  if (!trailers.empty()) message += '\n';
  for (const auto& [key, value] : trailers) {
    const std::string line = OneLine(value);
    message.append(kPrefix)
        .append(CleanKey(key))
        .append(line.empty() ? ":" : ": ")
        .append(line)
        .append("\n");
  }
  return message;
}

std::vector<std::pair<std::string, std::string>> ParseTrailers(std::string_view message) {
  std::vector<std::string> lines = Split(message, '\n');
  for (std::string& line : lines) {
    if (line.ends_with('\r')) line.pop_back();
  }
  while (!lines.empty() && IsBlank(lines.back())) lines.pop_back();
  size_t begin = lines.size();
  while (begin > 0 && !IsBlank(lines[begin - 1])) --begin;
  if (begin == 0) return {};  // the only paragraph is the subject

  std::vector<std::pair<std::string, std::string>> trailers;
  size_t others = 0;
  bool is_in_trailer = false;
  bool has_known = false;  // lines that git itself writes
  for (size_t i = begin; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    const bool is_continuation = line[0] == ' ' || line[0] == '\t';
    if (is_continuation && is_in_trailer) {
      trailers.back().second += " " + std::string(Trim(line));
      continue;
    }
    const auto colon = line.find(':');
    const std::string_view key = colon == std::string::npos || is_continuation
                                     ? ""
                                     : Trim(std::string_view(line).substr(0, colon));
    is_in_trailer = IsTrailerKey(key);
    if (is_in_trailer) {
      trailers.emplace_back(key, Trim(std::string_view(line).substr(colon + 1)));
      has_known = has_known || ToLower(key) == "signed-off-by";
    } else {
      has_known = has_known || line.starts_with("(cherry picked from commit ");
      ++others;
    }
  }
  const bool is_block = others == 0 || (has_known && trailers.size() * 3 >= others);
  if (!is_block) trailers.clear();
  return trailers;
}

}  // namespace sluice::git
