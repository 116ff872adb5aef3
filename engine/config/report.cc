#include "engine/config/report.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "engine/base/strings.h"

namespace sluice::config {
namespace {

using nlohmann::json;

std::string Count(size_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string Summary(const Diagnostics& problems, int files_checked) {
  const std::string files = Count(static_cast<size_t>(files_checked), "file", "files");
  return problems.empty() ? files + " checked, no problems"
                          : files + " checked, " + Count(problems.size(), "problem", "problems");
}

// Invalid UTF-8 can come in by file names only; it is replaced.
std::string Dump(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string FormatText(const Diagnostics& problems, int files_checked) {
  std::string out;
  for (const Diagnostic& problem : problems) out += ToString(problem) + " [" + problem.rule + "]\n";
  return out + Summary(problems, files_checked) + "\n";
}

std::string FormatJson(const Diagnostics& problems, int files_checked) {
  json list = json::array();
  for (const Diagnostic& problem : problems) {
    json entry = {{"file", problem.at.file}, {"rule", problem.rule}, {"message", problem.message}};
    if (problem.at.line > 0) {
      entry["line"] = problem.at.line;
      entry["column"] = problem.at.column;
    }
    list.push_back(std::move(entry));
  }
  return Dump({{"valid", problems.empty()},
               {"filesChecked", files_checked},
               {"problems", std::move(list)}});
}

// A path as a relative URI reference.
std::string ToUri(std::string_view path) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("-._~/").find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

std::string FormatSarif(const Diagnostics& problems) {
  std::set<std::string> names;
  for (const Diagnostic& problem : problems) names.insert(problem.rule);
  json rules = json::array();
  for (const std::string& name : names) rules.push_back({{"id", name}});
  json results = json::array();
  for (const Diagnostic& problem : problems) {
    json place = {{"artifactLocation", {{"uri", ToUri(problem.at.file)}}}};
    if (problem.at.line > 0)
      place["region"] = {{"startLine", problem.at.line},
                         {"startColumn", std::max(problem.at.column, 1)}};
    results.push_back({{"ruleId", problem.rule},
                       {"level", "error"},
                       {"message", {{"text", problem.message}}},
                       {"locations", json::array({{{"physicalLocation", std::move(place)}}})}});
  }
  const json tool = {{"driver", {{"name", "sluice"}, {"rules", std::move(rules)}}}};
  return Dump({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
               {"version", "2.1.0"},
               {"runs", json::array({{{"tool", tool},
                                      {"columnKind", "unicodeCodePoints"},
                                      {"results", std::move(results)}}})}});
}

std::string EscapeXml(std::string_view text) {
  std::string out;
  const std::string escaped = EscapeControl(text);
  for (size_t i = 0; i < escaped.size(); ++i) {
    const char c = escaped[i];
    // U+FFFE and U+FFFF are no characters of XML 1.0, not even escaped.
    if (escaped.compare(i, 2, "\xEF\xBF") == 0 && i + 2 < escaped.size() &&
        (escaped[i + 2] == '\xBE' || escaped[i + 2] == '\xBF')) {
      out += escaped[i + 2] == '\xBE' ? "\\ufffe" : "\\uffff";
      i += 2;
      continue;
    }
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string FormatJunit(const Diagnostics& problems, int files_checked) {
  std::map<std::string, std::vector<const Diagnostic*>> by_file;
  for (const Diagnostic& problem : problems) by_file[problem.at.file].push_back(&problem);
  // Files without problems have no names here, only their number.
  const size_t good = files_checked > static_cast<int>(by_file.size())
                          ? static_cast<size_t>(files_checked) - by_file.size()
                          : 0;
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"sluice "
      "validate\" tests=\"" +
      std::to_string(by_file.size() + (good > 0 ? 1 : 0)) + "\" failures=\"" +
      std::to_string(by_file.size()) + "\">\n";
  for (const auto& [file, list] : by_file) {
    out += "    <testcase classname=\"sluice.validate\" name=\"" + EscapeXml(file) +
           "\">\n      <failure message=\"" + EscapeXml(Count(list.size(), "problem", "problems")) +
           "\">";
    for (const Diagnostic* problem : list) out += EscapeXml(ToString(*problem)) + "\n";
    out += "</failure>\n    </testcase>\n";
  }
  if (good > 0) {
    out += "    <testcase classname=\"sluice.validate\" name=\"" +
           Count(good, "file without problems", "files without problems") + "\"/>\n";
  }
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace

std::string FormatReport(const Diagnostics& problems, ReportFormat format, int files_checked) {
  switch (format) {
    case ReportFormat::kText:
      return FormatText(problems, files_checked);
    case ReportFormat::kJson:
      return FormatJson(problems, files_checked);
    case ReportFormat::kSarif:
      return FormatSarif(problems);
    case ReportFormat::kJunit:
      return FormatJunit(problems, files_checked);
  }
  return "";
}

}  // namespace sluice::config
