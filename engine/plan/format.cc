#include <algorithm>
#include <array>
#include <map>

#include "engine/base/strings.h"
#include "engine/plan/explain.h"
#include "engine/plan/plan_builder.h"

namespace sluice::plan {
namespace {

constexpr size_t kValueWidth = 200;    // bytes of one value on one line
constexpr size_t kMaxDiffLines = 400;  // of a multi-line text that is compared line by line
constexpr const char* kShortened = " (shortened; --verbose shows all)";
constexpr size_t kMaxShown = 80;  // lines of one object, for who does not ask for all

struct ActionStyle {
  Action action;
  char sign;
  const char* colour;
  const char* verb;  // for the summary
};

constexpr std::array<ActionStyle, 7> kActions = {{
    {Action::kCreate, '+', "\x1b[32m", "to create"},
    {Action::kUpdate, '~', "\x1b[33m", "to update"},
    {Action::kReplace, '!', "\x1b[31m", "to replace"},
    {Action::kAdopt, '>', "\x1b[36m", "to adopt"},
    {Action::kPrune, '-', "\x1b[31m", "to prune"},
    {Action::kSkip, '.', "\x1b[2m", "skipped"},
    {Action::kUnchanged, '=', "\x1b[2m", "unchanged"},
}};

const ActionStyle& StyleOf(Action action) {
  return *std::ranges::find(kActions, action, &ActionStyle::action);
}

std::string ValueText(const nlohmann::json& value) {
  std::string text =
      EscapeControl(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (text.size() <= kValueWidth) return text;
  size_t cut = kValueWidth - 3;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
    --cut;  // not inside a character
  return text.substr(0, cut) + "...";
}

bool IsManyLines(const nlohmann::json& value) {
  return value.is_string() && value.get_ref<const std::string&>().find('\n') != std::string::npos;
}

struct Line {
  char sign;
  std::string text;
};

// The lines that differ, by longest common subsequence; unchanged lines are left out.
std::vector<Line> DiffLines(const std::string& before, const std::string& after) {
  const std::vector<std::string> was = Split(before, '\n');
  const std::vector<std::string> is = Split(after, '\n');
  std::vector<std::vector<int>> common(was.size() + 1, std::vector<int>(is.size() + 1, 0));
  for (size_t i = was.size(); i-- > 0;) {
    for (size_t j = is.size(); j-- > 0;) {
      common[i][j] =
          was[i] == is[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<Line> lines;
  size_t i = 0;
  size_t j = 0;
  while (i < was.size() || j < is.size()) {
    if (i < was.size() && j < is.size() && was[i] == is[j]) {
      ++i;
      ++j;
    } else if (j == is.size() || (i < was.size() && common[i + 1][j] >= common[i][j + 1])) {
      lines.push_back({'-', was[i++]});
    } else {
      lines.push_back({'+', is[j++]});
    }
  }
  return lines;
}

std::vector<Line> FieldLines(const FieldChange& field) {
  if (IsManyLines(field.before) && IsManyLines(field.after)) {
    const auto& before = field.before.get_ref<const std::string&>();
    const auto& after = field.after.get_ref<const std::string&>();
    const auto count = [](const std::string& text) {
      return static_cast<size_t>(std::ranges::count(text, '\n'));
    };
    if (count(before) <= kMaxDiffLines && count(after) <= kMaxDiffLines) {
      std::vector<Line> lines = DiffLines(before, after);
      for (Line& line : lines) line.text = EscapeControl(line.text);
      return lines;
    }
  }
  std::vector<Line> lines;
  if (!field.before.is_null()) lines.push_back({'-', ValueText(field.before)});
  if (!field.after.is_null()) lines.push_back({'+', ValueText(field.after)});
  return lines;
}

std::string Summary(const Plan& plan) {
  std::string text;
  for (const ActionStyle& style : kActions) {
    const auto count = std::ranges::count(plan.changes, style.action, &Change::action);
    if (count == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + style.verb;
  }
  return text.empty() ? "nothing declared" : text;
}

bool IsShown(const Change& change, bool all) { return all || change.action != Action::kUnchanged; }

// What is left to others is told of unchanged objects, too.
bool IsTold(const Change& change, bool all) { return IsShown(change, all) || !change.left.empty(); }

std::string LeftText(const LeftToOthers& left) {
  return EscapeControl(left.path) + " is left to others (" + EscapeControl(left.why) + ")";
}

// A new object is told in one line; its content is in the repo.
bool HasDetails(const Change& change) {
  return change.action != Action::kCreate && change.action != Action::kPrune &&
         change.action != Action::kUnchanged;
}

// What stands under an object: its fields, or one line in their place.
struct Details {
  std::vector<std::pair<std::string, std::vector<Line>>> fields;
  std::string instead;
  bool is_shortened = false;
};
Details DetailsOf(const Change& change, bool verbose) {
  Details details;
  if (!HasDetails(change) || change.fields.empty()) return details;
  if (!verbose && !change.summary.empty()) {
    details.is_shortened = true;
    if (change.reason != change.summary) details.instead = change.summary;
    return details;
  }
  size_t count = 0;
  for (const FieldChange& field : change.fields) {
    details.fields.emplace_back(EscapeControl(field.path), FieldLines(field));
    count += 1 + details.fields.back().second.size();
  }
  if (verbose || count <= kMaxShown) return details;
  details.fields.clear();
  details.is_shortened = true;
  details.instead =
      std::to_string(change.fields.size()) + " fields differ: " + ListPaths(change.fields);
  return details;
}

std::string FormatText(const Plan& plan, bool is_coloured, Shown shown) {
  const auto paint = [&](const char* colour, const std::string& text) {
    return is_coloured ? colour + text + "\x1b[0m" : text;
  };
  std::string out;
  std::string target;
  bool is_shortened = false;
  for (const Change& change : plan.changes) {
    if (!IsTold(change, shown.all)) continue;
    if (change.target != target) {
      target = change.target;
      out += paint("\x1b[1m", "target " + EscapeControl(target)) + "\n";
    }
    const ActionStyle& style = StyleOf(change.action);
    std::string head = std::string("  ") + style.sign + " " + std::string(ToString(change.action)) +
                       " " + EscapeControl(ToString(change.ref));
    out += paint(style.colour, head) +
           (change.reason.empty() ? "" : "  (" + EscapeControl(change.reason) + ")") + "\n";
    for (const LeftToOthers& left : change.left) out += "      " + LeftText(left) + "\n";
    const Details details = DetailsOf(change, shown.verbose);
    is_shortened |= details.is_shortened;
    if (!details.instead.empty()) out += "      " + details.instead + "\n";
    for (const auto& [path, lines] : details.fields) {
      out += "      " + path + "\n";
      for (const Line& line : lines) {
        out += paint(line.sign == '-' ? "\x1b[31m" : "\x1b[32m",
                     std::string("        ") + line.sign + " " + line.text) +
               "\n";
      }
    }
  }
  for (const PlanBlocker& blocker : plan.blockers) {
    out += paint("\x1b[31m", "blocked: " + blocker.reason) + ": " + EscapeControl(blocker.message) +
           "\n";
    is_shortened |= !shown.verbose && !blocker.detail.empty();
    if (!shown.verbose || blocker.detail.empty()) continue;
    for (const std::string& line : Split(blocker.detail, '\n'))
      out += "      " + EscapeControl(line) + "\n";
  }
  return out + Summary(plan) + (is_shortened ? kShortened : "") + "\n";
}

// Names and values come from a repository that may be hostile: nothing of them may end a cell, a
// code span or a fence.
std::string Cell(const std::string& text) {
  std::string out;
  for (const char c : EscapeControl(text)) {
    if (c == '|' || c == '`' || c == '<' || c == '>' || c == '[' || c == ']' || c == '*' ||
        c == '_' || c == '\\' || c == '@')
      out += '\\';
    out += c;
  }
  return out;
}

std::string FormatMarkdown(const Plan& plan, Shown shown) {
  std::string table;
  std::string details;
  bool is_shortened = false;
  for (const Change& change : plan.changes) {
    if (!IsTold(change, shown.all)) continue;
    std::string why = Cell(change.reason);
    for (const LeftToOthers& left : change.left) why += "; " + Cell(LeftText(left));
    table += "| " + Cell(change.target) + " | " + std::string(ToString(change.action)) + " | " +
             Cell(ToString(change.ref)) + " | " + why + " |\n";
    const Details more = DetailsOf(change, shown.verbose);
    is_shortened |= more.is_shortened;
    if (more.fields.empty() && more.instead.empty()) continue;
    // Each line starts with a sign or '#', so none can close the fence.
    details +=
        "\n**" + Cell(ToString(change.ref)) + "** in " + Cell(change.target) + "\n\n```diff\n";
    if (!more.instead.empty()) details += "# " + more.instead + "\n";
    for (const auto& [path, lines] : more.fields) {
      details += "# " + path + "\n";
      for (const Line& line : lines) details += std::string(1, line.sign) + " " + line.text + "\n";
    }
    details += "```\n";
  }
  std::string out = Summary(plan) + (is_shortened ? kShortened : "") + "\n";
  if (!table.empty()) out += "\n| target | action | object | why |\n|---|---|---|---|\n" + table;
  for (const PlanBlocker& blocker : plan.blockers)
    out += "\n> **" + Cell(blocker.reason) + "**: " + Cell(blocker.message) + "\n";
  return out + details;
}

}  // namespace

std::string Format(const Plan& plan, Style style, Shown shown) {
  return style == Style::kMarkdown ? FormatMarkdown(plan, shown)
                                   : FormatText(plan, style == Style::kColour, shown);
}

nlohmann::json ToJson(const Plan& plan, bool all) {
  nlohmann::json out = nlohmann::json::array();
  for (const Change& change : plan.changes) {
    if (!IsShown(change, all)) continue;
    nlohmann::json fields = nlohmann::json::array();
    for (const FieldChange& field : change.fields) {
      fields.push_back({{"path", field.path}, {"before", field.before}, {"after", field.after}});
    }
    out.push_back({{"target", change.target},
                   {"action", ToString(change.action)},
                   {"apiVersion", change.api_version},
                   {"kind", change.ref.kind},
                   {"namespace", change.ref.ns},
                   {"name", change.ref.name},
                   {"reason", change.reason},
                   {"fields", std::move(fields)}});
    for (const LeftToOthers& field : change.left)
      out.back()["left"].push_back({{"path", field.path}, {"why", field.why}});
  }
  return out;
}

}  // namespace sluice::plan
