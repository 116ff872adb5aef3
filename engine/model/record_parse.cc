#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/model/record.h"

namespace sluice {
namespace {

using nlohmann::json;

tl::unexpected<Error> Unreadable(const std::string& what) {
  return Fail(ErrorCode::kCorrupted, "RecordUnreadable", what);
}

Status Read(const json& value, const std::string& where, std::string& out) {
  if (!value.is_string()) return Unreadable("'" + where + "' is not a text");
  out = value.get<std::string>();
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n') || byte == 0x7F;
  };
  if (std::ranges::any_of(out, is_control))
    return Unreadable("'" + where + "' has control characters");
  return {};
}

// The fraction of an RFC 3339 time, which ParseTime drops; finer than a millisecond is dropped
// here.
Duration FractionOf(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return Duration{0};
  int64_t milliseconds = 0;
  bool in_digits = true;
  for (size_t i = dot + 1; i <= dot + 3; ++i) {
    in_digits = in_digits && i < text.size() && text[i] >= '0' && text[i] <= '9';
    milliseconds = milliseconds * 10 + (in_digits ? text[i] - '0' : 0);
  }
  return Duration{milliseconds};
}

// Reads the members of one object and remembers the first thing that is wrong.
class Reader {
 public:
  Reader(const json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object())
      Refuse(where_.empty() ? "the record is not an object" : "'" + where_ + "' is not an object");
  }

  // Nullptr when absent. Every key asked for is a known one.
  const json* Find(const char* key) {
    known_.insert(key);
    if (!status_ || !object_.is_object()) return nullptr;
    const auto it = object_.find(key);
    return it == object_.end() ? nullptr : &*it;
  }
  void Text(const char* key, std::string& out) {
    if (const json* value = Find(key)) Adopt(Read(*value, Path(key), out));
  }
  void RequiredText(const char* key, std::string& out) {
    if (!Find(key)) return Refuse("'" + Path(key) + "' is missing");
    Text(key, out);
  }
  void Flag(const char* key, bool& out) {
    const json* value = Find(key);
    if (!value) return;
    if (!value->is_boolean()) return Refuse("'" + Path(key) + "' is not true or false");
    out = value->get<bool>();
  }
  void Count(const char* key, int& out) {
    const json* value = Find(key);
    if (!value) return;
    if (!value->is_number_integer() || *value < 0 || *value > 1'000'000) {
      return Refuse("'" + Path(key) + "' is not a count");
    }
    out = value->get<int>();
  }
  void Instant(const char* key, std::optional<SystemTime>& out) {
    std::string text;
    if (!Find(key)) return;
    Text(key, text);
    if (!status_) return;
    auto time = ParseTime(text);
    if (!time) return Refuse("'" + Path(key) + "': " + time.error().message());
    // Outside these a time does not read back as it is written.
    constexpr SystemTime kFirst{};
    constexpr SystemTime kLast = std::chrono::sys_days{std::chrono::year{9999} / 1 / 1};
    if (*time < kFirst || *time >= kLast)
      return Refuse("'" + Path(key) + "' is not between 1970 and 9998");
    out = *time + FractionOf(text);
  }
  void RequiredInstant(const char* key, SystemTime& out) {
    std::optional<SystemTime> time;
    if (!Find(key)) return Refuse("'" + Path(key) + "' is missing");
    Instant(key, time);
    if (time) out = *time;
  }
  void Length(const char* key, Duration& out) {
    std::string text;
    if (!Find(key)) return;
    Text(key, text);
    if (!status_) return;
    auto duration = ParseDuration(text);
    if (!duration) return Refuse("'" + Path(key) + "': " + duration.error().message());
    out = *duration;
  }
  template <class Enum, class Parse>
  void Word(const char* key, Parse parse, Enum& out) {
    std::string text;
    RequiredText(key, text);
    if (!status_) return;
    const auto value = parse(text);
    if (!value)
      return Refuse("'" + Path(key) + "' has the unknown value '" + EscapeControl(text) + "'");
    out = *value;
  }
  template <class Enum, class Parse>
  void OptionalWord(const char* key, Parse parse, std::optional<Enum>& out) {
    if (!Find(key)) return;
    Enum value{};
    Word(key, parse, value);
    if (status_) out = value;
  }
  template <class T, class Read>
  void List(const char* key, std::vector<T>& out, Read read) {
    const json* value = Find(key);
    if (!value) return;
    if (!value->is_array()) return Refuse("'" + Path(key) + "' is not a list");
    for (size_t i = 0; i < value->size() && status_; ++i) {
      T item;
      Adopt(read((*value)[i], Path(key) + "[" + std::to_string(i) + "]", item));
      out.push_back(std::move(item));
    }
  }
  template <class T, class Read>
  void Object(const char* key, T& out, Read read) {
    if (const json* value = Find(key)) Adopt(read(*value, Path(key), out));
  }
  template <class T, class Read>
  void OptionalObject(const char* key, std::optional<T>& out, Read read) {
    if (!Find(key)) return;
    T value;
    Object(key, value, read);
    if (status_) out = std::move(value);
  }

  void Adopt(Status status) {
    if (status_ && !status) status_ = std::move(status);
  }
  void Refuse(const std::string& what) { Adopt(Unreadable(what)); }
  std::string Path(std::string_view key) const {
    return where_.empty() ? std::string(key) : where_ + "." + std::string(key);
  }

  // After every member was asked for.
  Status Finish() {
    if (!status_ || !object_.is_object()) return std::move(status_);
    for (const auto& [key, value] : object_.items()) {
      if (known_.contains(key)) continue;
      Refuse("unknown member '" + Path(EscapeControl(key)) +
             "'; it may have been written by a newer sluice");
      break;
    }
    return std::move(status_);
  }

 private:
  const json& object_;
  std::string where_;
  std::set<std::string> known_;
  Status status_;
};

Status Read(const json& value, const std::string& where, ReleaseId& out) {
  Reader reader(value, where);
  reader.Text("digest", out.digest);
  reader.Text("version", out.version);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, Frozen& out) {
  Reader reader(value, where);
  reader.Text("by", out.by);
  reader.Text("reason", out.reason);
  reader.RequiredInstant("since", out.since);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, GateRecord& out) {
  Reader reader(value, where);
  reader.RequiredText("gate", out.gate);
  reader.RequiredText("decision", out.decision);
  reader.Text("reason", out.reason);
  reader.Text("message", out.message);
  reader.Instant("until", out.until);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, FailedContent& out) {
  Reader reader(value, where);
  reader.RequiredText("fingerprint", out.fingerprint);
  reader.Text("release", out.release);
  reader.Text("revision", out.revision);
  reader.Text("reason", out.reason);
  reader.Text("rollout", out.rollout);
  reader.Text("content", out.content);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, DoneWork& out) {
  Reader reader(value, where);
  reader.RequiredText("target", out.target);
  reader.RequiredText("object", out.object);
  reader.RequiredText("work", out.work);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, ReleaseHistory& out) {
  Reader reader(value, where);
  reader.RequiredText("digest", out.digest);
  reader.Text("version", out.version);
  reader.Text("revision", out.revision);
  reader.Instant("firstSucceeded", out.first_succeeded);
  reader.Length("longestStay", out.longest_stay);
  reader.Flag("failed", out.has_failed);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, RunningState& out) {
  Reader reader(value, where);
  reader.Text("revision", out.revision);
  reader.Text("fingerprint", out.fingerprint);
  reader.Object("release", out.release,
                [](const json& v, const std::string& w, ReleaseId& r) { return Read(v, w, r); });
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, LastKnownGood& out) {
  Reader reader(value, where);
  reader.Text("revision", out.revision);
  reader.Text("fingerprint", out.fingerprint);
  reader.Text("rollout", out.rollout);
  reader.Object("release", out.release,
                [](const json& v, const std::string& w, ReleaseId& r) { return Read(v, w, r); });
  reader.RequiredInstant("since", out.since);
  reader.Text("sharedInputs", out.shared_inputs);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, Waiting& out) {
  Reader reader(value, where);
  reader.Text("revision", out.revision);
  reader.Text("fingerprint", out.fingerprint);
  reader.Count("errors", out.errors);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, Leftover& out) {
  Reader reader(value, where);
  reader.RequiredText("target", out.target);
  reader.Text("identity", out.identity);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, UnwellBefore& out) {
  Reader reader(value, where);
  reader.RequiredText("target", out.target);
  reader.RequiredText("object", out.object);
  reader.Text("reason", out.reason);
  reader.Flag("changed", out.is_changed);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, FoundOpen& out) {
  Reader reader(value, where);
  reader.Count("changesLeft", out.changes_left);
  reader.Count("unwell", out.unwell);
  reader.Count("times", out.times);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, Leaving& out) {
  Reader reader(value, where);
  reader.RequiredText("target", out.target);
  reader.Word("object", ParseInventoryLine, out.ref);
  reader.Text("uid", out.uid);
  reader.RequiredInstant("since", out.since);
  reader.Text("heldBy", out.held_by);
  reader.Flag("waits", out.waits);
  return reader.Finish();
}

Status Read(const json& value, const std::string& where, TargetRecord& out) {
  Reader reader(value, where);
  reader.Word("phase", ParsePhase, out.phase);
  reader.OptionalWord("outcome", ParseOutcome, out.outcome);
  reader.Word("health", ParseHealth, out.health);
  reader.Instant("healthAt", out.health_at);
  reader.Text("lastKnownGood", out.last_known_good);
  reader.Text("identity", out.identity);
  return reader.Finish();
}

constexpr auto kRead = [](const json& value, const std::string& where, auto& out) {
  return Read(value, where, out);
};

Status ReadTargets(const json& value, const std::string& where,
                   std::map<std::string, TargetRecord>& out) {
  if (!value.is_object()) return Unreadable("'" + where + "' is not an object");
  for (const auto& [name, target] : value.items()) {
    SLUICE_CHECK(Read(target, where + "." + EscapeControl(name), out[name]));
  }
  return {};
}

// What ends with the verdict, so that without a rollout that has written it is nothing: version 0.1
// left some of it behind.
void ReadOpenRollout(Reader& reader, Record& record) {
  OpenRollout open;
  bool has_written = false;
  reader.Flag("hasWritten", has_written);
  reader.Instant("healthDeadline", open.health_deadline);
  reader.Instant("erroredSince", open.errored_since);
  reader.List("adopting", open.adopting, kRead);
  reader.OptionalObject("foundOpen", open.found, kRead);
  if (has_written) record.open = std::move(open);
}

// That the rollback is pending, the phase says too.
void ReadPending(Reader& reader, Record& record) {
  PendingRevert revert;
  bool is_revert_pending = false, is_rollback_pending = false;
  reader.Flag("revertPending", is_revert_pending);
  reader.Text("revertOperation", revert.operation);
  reader.Flag("rollbackPending", is_rollback_pending);
  if (is_revert_pending) record.pending_revert = std::move(revert);
}

}  // namespace

Result<Record> ParseRecord(const json& value) {
  Record record;
  Reader reader(value, "");
  reader.Word("unit", ParseUnitId, record.unit);
  reader.Word("phase", ParsePhase, record.phase);
  reader.OptionalWord("outcome", ParseOutcome, record.outcome);
  reader.Text("reason", record.reason);
  reader.Text("message", record.message);
  reader.OptionalObject("frozen", record.frozen, kRead);
  reader.Text("revision", record.revision);
  reader.Text("fingerprint", record.fingerprint);
  reader.Text("content", record.content);
  reader.Object("release", record.release, kRead);
  reader.Text("rollout", record.rollout);
  reader.Text("kind", record.kind);
  reader.Count("attempt", record.attempt);
  reader.Text("plan", record.plan);
  reader.Text("engine", record.engine);
  reader.Instant("started", record.started);
  reader.Instant("finished", record.finished);
  reader.Instant("wake", record.wait.wake);
  reader.OptionalObject("waiting", record.wait.content, kRead);
  reader.List("gates", record.wait.gates, kRead);
  ReadOpenRollout(reader, record);
  ReadPending(reader, record);
  reader.Flag("pruneWaits", record.prune_waits);
  reader.List("unwellBefore", record.unwell_before, kRead);
  reader.List("leaving", record.leaving, kRead);
  reader.Text("promoteOperation", record.promote_operation);
  reader.List("failed", record.failed, kRead);
  reader.List("releases", record.releases, kRead);
  reader.OptionalObject("running", record.running, kRead);
  reader.OptionalObject("lastKnownGood", record.last_known_good, kRead);
  reader.Instant("healthySince", record.healthy_since);
  reader.List("done", record.done, kRead);
  reader.List("drift", record.drift, kRead);
  reader.Object("targets", record.targets, ReadTargets);
  reader.List("leftovers", record.leftovers, kRead);
  SLUICE_CHECK(reader.Finish());
  return record;
}

Result<Record> ParseRecordText(std::string_view text) {
  const json value = json::parse(text, nullptr, false);
  if (value.is_discarded()) return Unreadable("not JSON");
  return ParseRecord(value);
}

}  // namespace sluice
