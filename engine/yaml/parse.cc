#include <algorithm>

#include "engine/base/strings.h"
#include "engine/yaml/events.h"

namespace sluice::yaml {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// kubectl reads by lines and ends each with a line feed: "\r\n" is one, and the last line has one
// too, which a literal block at the end of the file then keeps.
std::string WithUnixLineEnds(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') out += text[i];
  }
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

Place PlaceOfOffset(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<int>(std::ranges::count(before, '\n')) + 1,
          static_cast<int>(offset - line_start) + 1};
}

std::optional<Refusal> CheckBytes(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes) {
    return Refusal{{0, 0},
                   "yaml-limit",
                   "is " + std::to_string(text.size()) + " bytes long; at most " +
                       std::to_string(limits.max_bytes) + " are accepted"};
  }
  if (IsValidUtf8(text)) return std::nullopt;
  // The longest valid prefix, by halving.
  size_t good = 0, bad = text.size();
  while (bad - good > 4) {
    size_t middle = (good + bad) / 2;
    while (middle > good && (static_cast<unsigned char>(text[middle]) & 0xC0) == 0x80) --middle;
    if (middle == good) break;
    (IsValidUtf8(text.substr(good, middle - good)) ? good : bad) = middle;
  }
  return Refusal{PlaceOfOffset(text, good), "yaml-encoding", "not UTF-8 text from here on"};
}

// kubectl cuts a stream at lines that begin with '---' before any YAML parser sees it, and accepts
// only spaces and a comment after that.
std::optional<Refusal> CheckSeparators(std::string_view text) {
  int line = 1;
  for (size_t start = 0; start < text.size(); ++line) {
    const size_t end = std::min(text.find('\n', start), text.size());
    const std::string_view row = text.substr(start, end - start);
    if (row.starts_with("---")) {
      const std::string_view rest = Trim(row.substr(3));
      const bool is_comment = rest.starts_with('#') && row[3] != '#';
      if (!rest.empty() && !is_comment) {
        return Refusal{
            {line, 1}, "yaml-document", "nothing but a comment may follow '---' in its line"};
      }
    }
    start = end + 1;
  }
  return std::nullopt;
}

std::optional<Refusal> CheckShapes(const std::vector<Document>& documents) {
  for (const Document& document : documents) {
    if (document.value.is_object()) continue;
    return Refusal{document.At(""), "yaml-document",
                   std::string("a document must be a map at its top, not ") +
                       (document.value.is_array() ? "a list" : "a single value")};
  }
  return std::nullopt;
}

std::optional<Refusal> ParseYaml(std::string_view text, const Limits& limits,
                                 std::vector<Document>& documents) {
  if (auto refusal = CheckSeparators(text)) return refusal;
  std::vector<Event> events;
  if (auto refusal = ReadEvents(text, limits, events)) return refusal;
  if (auto refusal = BuildDocuments(text, events, limits, documents)) return refusal;
  return CheckShapes(documents);
}

std::optional<Refusal> ParseText(std::string_view text, bool is_json_file, const Limits& limits,
                                 std::vector<Document>& documents) {
  if (auto refusal = CheckBytes(text, limits)) return refusal;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Refusal not_json;
  const bool looks_like_json = Trim(text).starts_with('{');
  if (looks_like_json) {
    if (auto read = ReadJson(text, limits, not_json)) {
      documents = std::move(read->documents);
      return read->refusal;
    }
  }
  std::string clean;
  if (text.find('\r') != std::string_view::npos || !text.ends_with('\n')) {
    clean = WithUnixLineEnds(text);
    text = clean;
  }
  auto refusal = ParseYaml(text, limits, documents);
  return refusal && looks_like_json && is_json_file ? not_json : refusal;
}

}  // namespace

Place Document::At(std::string_view pointer) const {
  std::string at(pointer);
  while (true) {
    if (const auto found = places.find(at); found != places.end()) return found->second;
    if (at.empty()) return {};
    at.resize(at.rfind('/') == std::string::npos ? 0 : at.rfind('/'));
  }
}

Parsed Parse(std::string_view text, const std::string& file, const Limits& limits) {
  Parsed parsed;
  if (auto refusal = ParseText(text, ToLower(file).ends_with(".json"), limits, parsed.documents)) {
    parsed.documents.clear();
    parsed.problems.push_back(
        {{file, refusal->place.line, refusal->place.column}, refusal->rule, refusal->message});
  }
  return parsed;
}

}  // namespace sluice::yaml
