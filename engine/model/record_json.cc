#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/model/record.h"

namespace sluice {
namespace {

using nlohmann::json;

constexpr size_t kMaxText = size_t{16} << 10;
constexpr size_t kNewest = 50;
constexpr size_t kMaxDrift = 20;
constexpr size_t kMaxUnwell = 50;
constexpr size_t kMaxDone = 30;
constexpr size_t kMaxLeaving = 20;
constexpr size_t kMaxMessage = 4096;
constexpr size_t kShortMessage = 256;
constexpr Duration kMaxDuration = std::chrono::hours{24 * 365};  // what ParseDuration takes

std::string Dump(const json& value) {
  return value.dump(1, ' ', false, json::error_handler_t::replace);
}

// At most `limit` bytes, cut at a character boundary and marked.
std::string Shorten(std::string text, size_t limit) {
  constexpr std::string_view kMark = "…";
  if (text.size() <= limit) return text;
  size_t end = limit - kMark.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end).append(kMark);
}

std::string Clean(std::string_view text) {
  std::vector<std::string> lines = Split(text, '\n');
  for (std::string& line : lines) line = EscapeControl(line);
  std::string out = Join(lines, "\n");
  if (IsValidUtf8(out)) return out;
  return json::parse(json(out).dump(-1, ' ', false, json::error_handler_t::replace))
      .get<std::string>();
}

std::string Message(std::string_view text) { return Shorten(Clean(text), kMaxMessage); }

// RFC 3339; a fraction is written only when there is one, so that what is read back is equal.
std::string Time(SystemTime time) {
  std::string text = FormatTime(time);
  const auto fraction = (time - std::chrono::floor<std::chrono::seconds>(time)).count();
  if (fraction == 0) return text;
  const std::string digits = std::to_string(1000 + fraction).substr(1);
  text.insert(text.size() - 1, "." + digits);
  return text;
}

std::string Span(Duration duration) {
  return FormatDuration(std::clamp(duration, Duration{0}, kMaxDuration));
}

void PutTime(json& out, const char* key, const std::optional<SystemTime>& time) {
  if (time) out[key] = Time(*time);
}

json Write(const ReleaseId& release) {
  return {{"digest", Clean(release.digest)}, {"version", Clean(release.version)}};
}

json Write(const GateRecord& gate) {
  json out = {{"gate", Clean(gate.gate)},
              {"decision", Clean(gate.decision)},
              {"reason", Clean(gate.reason)},
              {"message", Message(gate.message)}};
  PutTime(out, "until", gate.until);
  return out;
}

json Write(const FailedContent& failed) {
  json out = {{"fingerprint", Clean(failed.fingerprint)},
              {"release", Clean(failed.release)},
              {"revision", Clean(failed.revision)},
              {"reason", Clean(failed.reason)},
              {"rollout", Clean(failed.rollout)}};
  if (!failed.content.empty()) out["content"] = Clean(failed.content);
  return out;
}

json Write(const DoneWork& done) {
  return {
      {"target", Clean(done.target)}, {"object", Clean(done.object)}, {"work", Clean(done.work)}};
}

json Write(const ReleaseHistory& release) {
  json out = {{"digest", Clean(release.digest)},
              {"version", Clean(release.version)},
              {"revision", Clean(release.revision)},
              {"longestStay", Span(release.longest_stay)},
              {"failed", release.has_failed}};
  PutTime(out, "firstSucceeded", release.first_succeeded);
  return out;
}

json Write(const Frozen& frozen) {
  return {
      {"by", Clean(frozen.by)}, {"reason", Message(frozen.reason)}, {"since", Time(frozen.since)}};
}

json Write(const RunningState& running) {
  return {{"revision", Clean(running.revision)},
          {"fingerprint", Clean(running.fingerprint)},
          {"release", Write(running.release)}};
}

json Write(const LastKnownGood& good) {
  json out = {{"revision", Clean(good.revision)},
              {"fingerprint", Clean(good.fingerprint)},
              {"rollout", Clean(good.rollout)},
              {"release", Write(good.release)},
              {"since", Time(good.since)}};
  if (!good.shared_inputs.empty()) out["sharedInputs"] = Clean(good.shared_inputs);
  return out;
}

json Write(const Waiting& waiting) {
  return {{"revision", Clean(waiting.revision)},
          {"fingerprint", Clean(waiting.fingerprint)},
          {"errors", std::clamp(waiting.errors, 0, 1'000'000)}};
}

json Write(const Leftover& leftover) {
  return {{"target", Clean(leftover.target)}, {"identity", Clean(leftover.identity)}};
}

json Write(const UnwellBefore& unwell) {
  json out = {{"target", Clean(unwell.target)},
              {"object", Clean(unwell.object)},
              {"reason", Clean(unwell.reason)}};
  if (unwell.is_changed) out["changed"] = true;
  return out;
}

json Write(const FoundOpen& found) {
  return {{"changesLeft", std::clamp(found.changes_left, 0, 1'000'000)},
          {"unwell", std::clamp(found.unwell, 0, 1'000'000)},
          {"times", std::clamp(found.times, 0, 1'000'000)}};
}

json Write(const Leaving& leaving) {
  json out = {{"target", Clean(leaving.target)},
              {"object", Clean(ToInventoryLine(leaving.ref))},
              {"uid", Clean(leaving.uid)},
              {"since", Time(leaving.since)},
              {"heldBy", Shorten(Clean(leaving.held_by), kShortMessage)}};
  if (leaving.waits) out["waits"] = true;
  return out;
}

json Write(const TargetRecord& target) {
  json out = {{"phase", ToString(target.phase)},
              {"health", ToString(target.health)},
              {"lastKnownGood", Clean(target.last_known_good)},
              {"identity", Clean(target.identity)}};
  if (target.outcome) out["outcome"] = ToString(*target.outcome);
  PutTime(out, "healthAt", target.health_at);
  return out;
}

template <class T>
json WriteList(const std::vector<T>& items, size_t limit) {
  json out = json::array();
  for (const T& item : items) {
    if (out.size() == limit) break;
    if constexpr (std::is_same_v<T, std::string>) {
      out.push_back(Clean(item));
    } else {
      out.push_back(Write(item));
    }
  }
  return out;
}

// Newest first, so the oldest is last.
bool DropOldest(json& record) {
  json& failed = record["failed"];
  json& releases = record["releases"];
  json& longer = failed.size() > releases.size() ? failed : releases;
  if (longer.empty()) return false;
  longer.erase(longer.size() - 1);
  return true;
}

void Fit(json& record) {
  while (Dump(record).size() + 1 > kMaxText && DropOldest(record)) {
  }
  json& drift = record["drift"];
  while (Dump(record).size() + 1 > kMaxText && !drift.empty()) drift.erase(drift.size() - 1);
  while (Dump(record).size() + 1 > kMaxText && record.contains("unwellBefore")) {
    json& unwell = record["unwellBefore"];
    unwell.erase(unwell.size() - 1);
    if (unwell.empty()) record.erase("unwellBefore");
  }
  while (Dump(record).size() + 1 > kMaxText && record.contains("leaving")) {
    json& leaving = record["leaving"];
    leaving.erase(leaving.size() - 1);
    if (leaving.empty()) record.erase("leaving");
  }
  if (Dump(record).size() + 1 <= kMaxText) return;
  const auto shorten = [](json& object) {
    object["message"] = Shorten(object["message"].get<std::string>(), kShortMessage);
  };
  shorten(record);
  for (json& gate : record["gates"]) shorten(gate);
}

// Trailers that may appear more than once are always lists.
constexpr std::array<std::string_view, 4> kRepeated = {"Approved-By", "Gate", "Reverts", "Smoke"};

std::string LowerCamel(std::string_view trailer) {
  std::string out;
  bool upper = false;
  for (const char c : ToLower(trailer)) {
    if (c == '-') {
      upper = true;
    } else {
      out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
      upper = false;
    }
  }
  return out;
}

}  // namespace

json ToJson(const Record& record) {
  json out = {
      {"unit", ToString(record.unit)},
      {"phase", ToString(record.phase)},
      {"reason", Clean(record.reason)},
      {"message", Message(record.message)},
      {"revision", Clean(record.revision)},
      {"fingerprint", Clean(record.fingerprint)},
      {"release", Write(record.release)},
      {"rollout", Clean(record.rollout)},
      {"kind", Clean(record.kind)},
      {"attempt", std::clamp(record.attempt, 0, 1'000'000)},
      {"plan", Clean(record.plan)},
      {"engine", Clean(record.engine)},
      {"hasWritten", record.open.has_value()},
      {"revertPending", record.pending_revert.has_value()},
      {"revertOperation", record.pending_revert ? Clean(record.pending_revert->operation) : ""},
      {"rollbackPending", record.IsRollingBack()},
      {"promoteOperation", Clean(record.promote_operation)},
      {"adopting", json::array()},
      {"gates", WriteList(record.wait.gates, record.wait.gates.size())},
      {"failed", WriteList(record.failed, kNewest)},
      {"releases", WriteList(record.releases, kNewest)},
      {"drift", WriteList(record.drift, kMaxDrift)},
      {"targets", json::object()}};
  if (!record.content.empty()) out["content"] = Clean(record.content);
  if (record.outcome) out["outcome"] = ToString(*record.outcome);
  if (record.frozen) out["frozen"] = Write(*record.frozen);
  if (record.prune_waits) out["pruneWaits"] = true;
  if (!record.unwell_before.empty())
    out["unwellBefore"] = WriteList(record.unwell_before, kMaxUnwell);
  if (!record.leaving.empty()) out["leaving"] = WriteList(record.leaving, kMaxLeaving);
  if (!record.done.empty()) out["done"] = WriteList(record.done, kMaxDone);
  PutTime(out, "started", record.started);
  PutTime(out, "finished", record.finished);
  if (record.open) {
    PutTime(out, "healthDeadline", record.open->health_deadline);
    PutTime(out, "erroredSince", record.open->errored_since);
    if (record.open->found) out["foundOpen"] = Write(*record.open->found);
    out["adopting"] = WriteList(record.open->adopting, record.open->adopting.size());
  }
  PutTime(out, "wake", record.wait.wake);
  if (record.wait.content) out["waiting"] = Write(*record.wait.content);
  PutTime(out, "healthySince", record.healthy_since);
  if (record.running) out["running"] = Write(*record.running);
  if (record.last_known_good) out["lastKnownGood"] = Write(*record.last_known_good);
  for (const auto& [name, target] : record.targets) out["targets"][Clean(name)] = Write(target);
  if (!record.leftovers.empty())
    out["leftovers"] = WriteList(record.leftovers, record.leftovers.size());
  Fit(out);
  return out;
}

std::string FormatRecord(const Record& record) { return Dump(ToJson(record)) + "\n"; }

Record Normalized(const Record& record) {
  auto read = ParseRecord(ToJson(record));
  return read ? *std::move(read) : record;
}

json ToJson(const Event& event) {
  json out = {{"commit", Clean(event.commit)},
              {"time", Time(event.time)},
              {"by", Clean(event.author)},
              {"event", ToString(event.kind)},
              {"summary", Clean(event.summary)}};
  if (!event.body.empty()) out["body"] = Clean(event.body);
  std::string environment, application;
  for (const auto& [key, value] : event.trailers) {
    const std::string name = LowerCamel(key);
    if (name == "environment") environment = value;
    if (name == "application") application = value;
    if (std::ranges::find(kRepeated, key) != kRepeated.end()) {
      out[name].push_back(Clean(value));
    } else if (name == "attempt") {
      out[name] = std::atoi(value.c_str());
    } else if (!out.contains(name)) {
      out[name] = Clean(value);
    }
  }
  if (!environment.empty() && !application.empty())
    out["unit"] = Clean(environment + "/" + application);
  return out;
}

}  // namespace sluice
