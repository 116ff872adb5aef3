#include "engine/targets/kubernetes/refusal.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets::kubernetes {
namespace {

using nlohmann::json;

constexpr size_t kMaxValue = 60;  // a value that is longer says nothing on one line
constexpr size_t kMaxRule = 400;
constexpr size_t kListedFaults = 3;

// The length of the value that a message begins with, as Go or JSON prints it: up to the ": " that
// stands in no quotes and in no brackets.
size_t ValueLength(std::string_view text) {
  int depth = 0;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\' && quote == '"') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '`') {
      quote = c;
    } else if (c == '{' || c == '(' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ')' || c == ']') {
      --depth;
    } else if (depth == 0 && text.substr(i).starts_with(": ")) {
      return i;
    }
  }
  return text.size();
}

bool IsShort(std::string_view value) {
  return value.size() <= kMaxValue && value.find_first_of("{(") == std::string_view::npos &&
         value != "\"object\"" && value != "\"array\"";
}

// Of a rule: without what follows in further lines (a Go struct, a diff).
std::string FirstLine(std::string_view text) {
  std::string line = OneLine(Trim(text.substr(0, text.find('\n'))), text.size() * 4);
  if (line.size() <= kMaxRule) return line;
  size_t end = kMaxRule - 3;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0U) == 0x80U) --end;
  return line.substr(0, end) + "...";
}

// "Invalid value: core.PodTemplateSpec{…}: field is immutable" -> "field is immutable".
Fault FaultOf(std::string_view field, std::string_view message) {
  Fault fault{OneLine(field, 200), FirstLine(message), FirstLine(message)};
  for (const std::string_view kind : {"Forbidden: ", "Internal error: "}) {
    if (message.starts_with(kind)) fault.rule = fault.why = FirstLine(message.substr(kind.size()));
  }
  for (const std::string_view kind :
       {"Invalid value: ", "Unsupported value: ", "Duplicate value: ", "Not found: "}) {
    if (!message.starts_with(kind)) continue;
    const std::string_view rest = message.substr(kind.size());
    size_t length = ValueLength(rest);
    const bool is_cut = length == rest.size() && !IsShort(rest);
    if (is_cut && rest.rfind(": ") != std::string_view::npos) length = rest.rfind(": ");
    const std::string_view why = length < rest.size() ? rest.substr(length + 2) : "";
    fault.why = FirstLine(why.empty() ? kind.substr(0, kind.size() - 2) : why);
    if (!IsShort(rest.substr(0, length))) fault.rule = fault.why;
  }
  return fault;
}

// ".spec.replicas: expected numeric (int or float), got &value.valueUnstructured{…}"
Fault SchemaFault(std::string_view line) {
  line = Trim(line);
  if (line.starts_with('.')) line.remove_prefix(1);
  const size_t colon = ValueLength(line);
  Fault fault;
  if (colon < line.size()) {
    fault.field = OneLine(line.substr(0, colon), 200);
    line = line.substr(colon + 2);
  }
  if (const size_t got = line.find(", got ");
      got != std::string_view::npos && !IsShort(line.substr(got + 6)))
    line = line.substr(0, got);
  fault.rule = fault.why = FirstLine(line);
  return fault;
}

// "failed to create typed patch object (ns/name; apps/v1, Kind=Deployment): errors:\n  .spec…"
std::vector<Fault> SchemaFaults(std::string_view message) {
  std::vector<Fault> faults;
  const size_t begin = message.find("): ");
  if (!message.starts_with("failed to ") || begin == std::string_view::npos) return faults;
  for (const std::string& line : Split(std::string(message.substr(begin + 3)), '\n')) {
    if (!Trim(line).empty() && Trim(line) != "errors:") faults.push_back(SchemaFault(line));
  }
  return faults;
}

// "Job.batch "j" is invalid: spec.template: Invalid value: …", where nothing lists the causes.
std::vector<Fault> InvalidFault(std::string_view message) {
  constexpr std::string_view kMark = " is invalid: ";
  const size_t at = message.find(kMark);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = message.substr(at + kMark.size());
  const size_t colon = ValueLength(rest);
  if (rest.starts_with('[') || colon == rest.size()) return {};
  return {FaultOf(rest.substr(0, colon), rest.substr(colon + 2))};
}

std::string Told(const Fault& fault) {
  return fault.field.empty() ? fault.rule : fault.field + ": " + fault.rule;
}

// Where two values differ, as the server writes paths: "spec.containers[0].image".
void FindChanges(const std::string& path, const json& before, const json& after,
                 std::vector<std::string>& changes) {
  if (before == after) return;
  if (before.is_object() && after.is_object()) {
    for (const auto& [key, value] : after.items())
      FindChanges(path.empty() ? key : path + "." + key, At(before, key), value, changes);
    return;
  }
  if (before.is_array() && after.is_array() && before.size() == after.size()) {
    for (size_t i = 0; i < after.size(); ++i)
      FindChanges(path + "[" + std::to_string(i) + "]", before[i], after[i], changes);
    return;
  }
  changes.push_back(path);
}

bool IsWordPart(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '[' || c == ']' || c == '*';
}

// As a whole: neither a part of a name nor of a longer path.
bool NamesWord(std::string_view text, std::string_view word) {
  const auto goes_on = [&](size_t at) {
    return at < text.size() && (IsWordPart(text[at]) || (text[at] == '.' && at + 1 < text.size() &&
                                                         IsWordPart(text[at + 1])));
  };
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const bool is_begin = at == 0 || (!IsWordPart(text[at - 1]) && text[at - 1] != '.');
    if (is_begin && !goes_on(at + word.size())) return true;
  }
  return false;
}

// The rule lists what may change, by names below `field` or by whole paths.
bool MayChange(std::string_view rule, const std::string& field, const std::string& path) {
  std::string general;
  for (size_t i = 0; i < path.size(); ++i) {
    general += path[i];
    if (path[i] != '[') continue;
    general += '*';
    i = path.find(']', i) - 1;
  }
  const std::string below = general.substr(field.size() + 1);
  for (size_t end = below.find_first_of(".[");; end = below.find_first_of(".[", end + 1)) {
    const std::string part = below.substr(0, end);
    if (NamesWord(rule, part) || NamesWord(rule, field + "." + part)) return true;
    if (end == std::string::npos) return false;
  }
}

}  // namespace

std::vector<Fault> FaultsOf(const json& status_body) {
  std::vector<Fault> faults;
  for (const json& cause : Items(At(status_body, "details", "causes"))) {
    const std::string field = ToText(At(cause, "field"));
    const std::string message = ToText(At(cause, "message"));
    // The last says only that there may be more.
    if (message.empty() || message.find("rules were not checked") != std::string::npos) continue;
    faults.push_back(FaultOf(field == "<nil>" || field == "[]" ? "" : field, message));
  }
  const std::string message = ToText(At(status_body, "message"));
  if (faults.empty()) faults = SchemaFaults(message);
  if (faults.empty()) faults = InvalidFault(message);
  std::vector<Fault> each;
  for (Fault& fault : faults) {
    if (std::ranges::find(each, fault) == each.end()) each.push_back(std::move(fault));
  }
  return each;
}

std::string Summarize(const json& status_body) {
  std::vector<Fault> faults = FaultsOf(status_body);
  if (faults.empty()) return FirstLine(ToText(At(status_body, "message")));
  const size_t count = faults.size();
  if (count > kListedFaults) faults.resize(kListedFaults);
  std::vector<std::string> texts;
  for (const Fault& fault : faults) texts.push_back(Told(fault));
  std::string text = Join(texts, "; ");
  if (count > kListedFaults) text += "; and " + std::to_string(count - kListedFaults) + " more";
  return text;
}

bool IsImmutableMessage(std::string_view message) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{
          "is immutable", "are immutable", "immutable field", "may not change once set",
          "cannot change roleRef", "updates to statefulset spec for fields other than",
          "pod updates may not change fields", "updates to parameters are forbidden",
          "updates to provisioner are forbidden", "updates to reclaimPolicy are forbidden",
          "updates to volumeBindingMode are forbidden", "may not be changed in an update",
          "field can not be modified", "Value is immutable", "self == oldSelf"},
      [&](std::string_view part) { return message.find(part) != std::string_view::npos; });
}

std::string NameChangedFields(const std::string& message, const json& before, const json& after) {
  const size_t colon = message.find(": ");
  if (colon == std::string::npos || message.find_first_of(".[; ") < colon) return message;
  const std::string field = message.substr(0, colon);
  const std::string rule = message.substr(colon + 2);
  if (!At(before, field).is_object() || !At(after, field).is_object()) return message;
  std::vector<std::string> changes;
  FindChanges(field, At(before, field), At(after, field), changes);
  std::erase_if(changes, [&](const std::string& path) { return MayChange(rule, field, path); });
  if (changes.empty()) return message;
  const size_t count = changes.size();
  if (count > kListedFaults) changes.resize(kListedFaults);
  std::string names = Join(changes, ", ");
  if (count > kListedFaults) names += " and " + std::to_string(count - kListedFaults) + " more";
  return OneLine(names, kMaxRule) + ": " + rule;
}

}  // namespace sluice::targets::kubernetes
