#include "engine/git/push_result.h"

#include <algorithm>
#include <map>
#include <string>

#include "engine/base/strings.h"
#include "engine/git/git_program.h"

namespace sluice::git {
namespace {

enum class RefState { kUpdated, kRaced, kRefused, kCollateral, kUnknown };

struct RefLine {
  char flag = '!';
  std::string reason;  // "[remote rejected] (pre-receive hook declined)"
};

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool HasAny(std::string_view text, std::initializer_list<std::string_view> parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return Has(text, part); });
}

// "<flag>\t<from>:<to>\t<summary>"
std::map<std::string, RefLine> ParseLines(std::string_view text) {
  std::map<std::string, RefLine> lines;
  for (const std::string& line : Split(text, '\n')) {
    if (line.size() < 3 || line[1] != '\t') continue;
    const auto tab = line.find('\t', 2);
    if (tab == std::string::npos) continue;
    const std::string refs = line.substr(2, tab - 2);
    const auto colon = refs.find(':');
    if (colon == std::string::npos) continue;
    lines.insert_or_assign(refs.substr(colon + 1), RefLine{line[0], line.substr(tab + 1)});
  }
  return lines;
}

// The server's ref store failed on a ref; its "remote: error: ..." line tells the cause.
RefState ByServerError(std::string_view errors) {
  if (HasAny(errors, {"exists; cannot create", "Permission denied", "No space left",
                      "Read-only file system"})) {
    return RefState::kRefused;
  }
  return RefState::kRaced;  // "is at X but expected Y", "reference already exists", a lock that is
                            // held
}

RefState StateOf(const RefLine& line, std::string_view errors) {
  if (line.flag != '!') return RefState::kUpdated;
  const std::string_view reason = line.reason;
  if (Has(reason, "remote failed to report status")) return RefState::kUnknown;
  if (reason.starts_with("[rejected]")) {
    // Found by our side, before anything was sent: the lease no longer holds.
    if (HasAny(reason, {"(stale info)", "(fetch first)", "(non-fast-forward)", "(needs force)",
                        "(already exists)", "(remote ref updated since checkout)"})) {
      return RefState::kRaced;
    }
    return Has(reason, "atomic") ? RefState::kCollateral : RefState::kRefused;
  }
  if (HasAny(reason, {"atomic push fail", "transaction aborted"})) return RefState::kCollateral;
  if (HasAny(reason, {"failed to update ref", "atomic transaction failed", "cannot lock ref",
                      "incorrect old value", "reference already exists", "fetch first",
                      "failed to lock", "stale"})) {
    return ByServerError(errors);
  }
  // Hooks, protected branches, quotas. "non-fast-forward" too: the lease held, so the branch did
  // not move; the server takes no rewritten history.
  return RefState::kRefused;
}

// What the server wrote to people, without git's own advice; the beginning says it.
std::string ServerWords(std::string_view errors) {
  constexpr size_t kEnough = 300;
  std::string words;
  for (const std::string& line : Split(errors, '\n')) {
    if (!line.starts_with("remote:") || words.size() > kEnough) continue;
    const std::string_view text = Trim(std::string_view(line).substr(7));
    if (!text.empty()) words += std::string(text) + "\n";
  }
  return words;
}

std::string MessageOf(const std::map<std::string, RefLine>& lines, RefState wanted,
                      std::string_view errors) {
  std::string text;
  for (const auto& [ref, line] : lines) {
    if (StateOf(line, errors) == wanted) text += ref + " " + line.reason + "\n";
  }
  return CleanOutput(text + ServerWords(errors));
}

// Texts of git and ssh that come before the first byte of a push is sent.
bool WasNothingSent(std::string_view errors) {
  if (HasAny(errors, {"RPC failed", "unexpected disconnect", "hung up unexpectedly", "send-pack:"}))
    return false;
  return HasAny(errors, {"unable to access",
                         "Authentication failed",
                         "could not read Username",
                         "could not read Password",
                         "Could not resolve host",
                         "Connection refused",
                         "Connection timed out",
                         "No route to host",
                         "Network is unreachable",
                         "Host key verification failed",
                         "Permission denied (",
                         "does not appear to be a git repository",
                         "not found",
                         "dubious ownership",
                         "does not match any",
                         "bad object",
                         "does not support --atomic",
                         "unable to update url base",
                         "kex_exchange_identification",
                         "Repository not found",
                         "cannot be resolved to branch",
                         "Could not read from remote repository",
                         "not a git repository",
                         "transport '",
                         "is not a valid object"});
}

}  // namespace

std::optional<PushResult> ClassifyPush(const std::vector<RefUpdate>& updates,
                                       const PushOutput& output) {
  const auto lines = ParseLines(output.stdout_text);
  const std::string_view errors = output.stderr_text;
  size_t updated = 0, raced = 0, refused = 0, collateral = 0, unknown = 0;
  for (const RefUpdate& update : updates) {
    const auto line = lines.find(update.ref);
    switch (line == lines.end() ? RefState::kUnknown : StateOf(line->second, errors)) {
      case RefState::kUpdated:
        ++updated;
        break;
      case RefState::kRaced:
        ++raced;
        break;
      case RefState::kRefused:
        ++refused;
        break;
      case RefState::kCollateral:
        ++collateral;
        break;
      case RefState::kUnknown:
        ++unknown;
        break;
    }
  }
  if (updated == updates.size()) return PushResult{PushOutcome::kLanded, ""};
  // Our own side could not read what it was to send.
  if (updated == 0 && errors.find("fatal: bad object") != std::string_view::npos)
    return std::nullopt;
  // A part of it in place, although it was to be all or nothing: the caller must look.
  if (unknown == 0 && updated == 0) {
    if (refused > 0)
      return PushResult{PushOutcome::kRefused, MessageOf(lines, RefState::kRefused, errors)};
    const RefState shown = raced > 0 ? RefState::kRaced : RefState::kCollateral;
    return PushResult{PushOutcome::kRaced, MessageOf(lines, shown, errors)};
  }
  if (lines.empty() && !output.was_cut_off) {
    if (WasNothingSent(errors)) return std::nullopt;
    // The server looked at the request's head and would not read on.
    if (HasAny(errors, {"RPC failed; HTTP 403", "RPC failed; HTTP 413"})) {
      return PushResult{PushOutcome::kRefused, CleanOutput(std::string(errors))};
    }
  }
  const std::string why =
      output.was_cut_off ? "no answer in time" : CleanOutput(std::string(errors));
  return PushResult{PushOutcome::kUnknown, why};
}

}  // namespace sluice::git
