#include "engine/deploylog/log_format.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"

namespace sluice::deploylog {
namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "sluice-";
constexpr std::string_view kJson = ".json";
constexpr size_t kMaxSummary = 1000;  // of a commit somebody else wrote
constexpr size_t kMaxBody = 16 << 10;

std::string UnitPath(const UnitId& unit, std::string_view suffix) {
  return unit.environment + "/" + unit.application + std::string(suffix);
}

std::string Dump(const json& value) {
  return value.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

tl::unexpected<Error> Unreadable(const std::string& what) {
  return Fail(ErrorCode::kCorrupted, "LogUnreadable", what);
}

// A member that must be a text when it is there.
Result<std::string> TextOf(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end()) return std::string();
  if (!it->is_string()) return Unreadable("'" + std::string(key) + "' is not a text");
  return it->get<std::string>();
}

Status CheckMembers(const json& object, std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return Unreadable("not a JSON object");
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(known, key) == known.end()) {
      return Unreadable("unknown member '" + EscapeControl(key) + "'");
    }
  }
  return {};
}

Result<Initialised::Unit> ParseInitialisedUnit(const json& value) {
  SLUICE_CHECK(CheckMembers(value, {"fingerprint", "release"}));
  Initialised::Unit unit;
  SLUICE_TRY(unit.fingerprint, TextOf(value, "fingerprint"));
  if (const auto it = value.find("release"); it != value.end()) {
    SLUICE_CHECK(CheckMembers(*it, {"digest", "version"}));
    SLUICE_TRY(unit.release.digest, TextOf(*it, "digest"));
    SLUICE_TRY(unit.release.version, TextOf(*it, "version"));
  }
  return unit;
}

// The lines between subject and trailers.
std::string BodyOf(const git::Commit& commit) {
  std::vector<std::string> lines = Split(commit.message, '\n');
  const auto drop_blank = [&] {
    while (!lines.empty() && Trim(lines.back()).empty()) lines.pop_back();
  };
  drop_blank();
  if (!commit.trailers.empty()) {
    while (!lines.empty() && !Trim(lines.back()).empty()) lines.pop_back();
    drop_blank();
  }
  size_t first = std::min<size_t>(1, lines.size());
  while (first < lines.size() && Trim(lines[first]).empty()) ++first;
  std::string body;
  for (size_t i = first; i < lines.size() && body.size() < kMaxBody; ++i) {
    body += (body.empty() ? "" : "\n") + EscapeControl(lines[i]);
  }
  return body;
}

}  // namespace

std::string RecordPath(const UnitId& unit) { return UnitPath(unit, kJson); }
std::string InventoryPath(const UnitId& unit) { return UnitPath(unit, ".inventory"); }
std::string CreatedPath(const UnitId& unit) { return UnitPath(unit, ".created"); }
std::string GoodPath(const UnitId& unit) { return UnitPath(unit, ".good"); }
std::string RequestPath(const std::string& id) {
  return std::string(kRequests) + "/" + id + std::string(kJson);
}

std::optional<UnitId> UnitOfRecord(std::string_view environment, std::string_view file) {
  if (!file.ends_with(kJson)) return std::nullopt;
  file.remove_suffix(kJson.size());
  if (environment == kRequests || !IsDnsLabel(environment) || !IsDnsLabel(file))
    return std::nullopt;
  return UnitId{std::string(environment), std::string(file)};
}

bool IsRequestId(std::string_view id) {
  return !id.empty() && id.size() <= 80 && id.front() != '-' && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::optional<std::string> IdOfRequest(std::string_view file) {
  if (!file.ends_with(kJson)) return std::nullopt;
  file.remove_suffix(kJson.size());
  if (!IsRequestId(file)) return std::nullopt;
  return std::string(file);
}

bool IsRequestVerb(std::string_view verb) {
  constexpr std::array<std::string_view, 5> kVerbs = {"retry", "freeze", "unfreeze", "adopt",
                                                      "approve"};
  return std::ranges::find(kVerbs, verb) != kVerbs.end();
}

std::string FormatInventory(const Inventory& inventory) {
  std::string text;
  for (const auto& [target, objects] : inventory) {
    for (const ObjectRef& object : objects) text += target + " " + ToInventoryLine(object) + "\n";
  }
  return text;
}

Result<Inventory> ParseInventory(std::string_view text) {
  Inventory inventory;
  size_t number = 0;
  for (const std::string& line : Split(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    const size_t space = line.find(' ');
    const auto object = space == std::string::npos
                            ? std::nullopt
                            : ParseInventoryLine(std::string_view(line).substr(space + 1));
    if (!object || space == 0) {
      return Unreadable("line " + std::to_string(number) + " '" +
                        EscapeControl(line.substr(0, 200)) +
                        "' is not '<target> <group>/<kind>/<namespace>/<name>'");
    }
    inventory[line.substr(0, space)].insert(*object);
  }
  return inventory;
}

std::string FormatInitialised(const Initialised& initialised) {
  json units = json::object();
  for (const auto& [id, unit] : initialised.units) {
    units[ToString(id)] = {
        {"fingerprint", unit.fingerprint},
        {"release", {{"digest", unit.release.digest}, {"version", unit.release.version}}}};
  }
  return Dump({{"pipeline", initialised.pipeline},
               {"path", initialised.path},
               {"revision", initialised.revision},
               {"units", std::move(units)}});
}

Result<Initialised> ParseInitialised(std::string_view text) {
  const json value = json::parse(text, nullptr, false);
  SLUICE_CHECK(CheckMembers(value, {"pipeline", "path", "revision", "units"}));
  Initialised out;
  SLUICE_TRY(out.pipeline, TextOf(value, "pipeline"));
  SLUICE_TRY(out.path, TextOf(value, "path"));
  SLUICE_TRY(out.revision, TextOf(value, "revision"));
  const auto units = value.find("units");
  if (units == value.end()) return out;
  if (!units->is_object()) return Unreadable("'units' is not an object");
  for (const auto& [name, unit] : units->items()) {
    const auto id = ParseUnitId(name);
    if (!id) return Unreadable("'" + EscapeControl(name) + "' is not a unit");
    SLUICE_TRY(out.units[*id], ParseInitialisedUnit(unit));
  }
  return out;
}

std::string FormatRequest(const Request& request) {
  json out = {{"verb", request.verb}, {"unit", ToString(request.unit)}};
  if (!request.reason.empty()) out["reason"] = request.reason;
  if (!request.objects.empty()) out["objects"] = request.objects;
  return Dump(out);
}

Result<Request> ParseRequest(std::string_view text) {
  const json value = json::parse(text, nullptr, false);
  SLUICE_CHECK(CheckMembers(value, {"verb", "unit", "reason", "objects"}));
  Request request;
  SLUICE_TRY(request.verb, TextOf(value, "verb"));
  if (!IsRequestVerb(request.verb))
    return Unreadable("unknown verb '" + EscapeControl(request.verb) + "'");
  SLUICE_TRY(const std::string unit, TextOf(value, "unit"));
  const auto id = ParseUnitId(unit);
  if (!id) return Unreadable("'" + EscapeControl(unit) + "' is not a unit");
  request.unit = *id;
  SLUICE_TRY(const std::string reason, TextOf(value, "reason"));
  request.reason = EscapeControl(reason);
  const auto objects = value.find("objects");
  if (objects == value.end()) return request;
  if (!objects->is_array()) return Unreadable("'objects' is not a list");
  for (const json& object : *objects) {
    if (!object.is_string()) return Unreadable("'objects' has something that is not a text");
    request.objects.push_back(EscapeControl(object.get<std::string>()));
  }
  return request;
}

std::optional<Event> EventOf(const git::Commit& commit) {
  std::optional<EventKind> kind;
  Event event;
  for (const auto& [key, value] : commit.trailers) {
    if (!ToLower(key).starts_with(kPrefix)) continue;
    const std::string name = EscapeControl(key.substr(kPrefix.size()));
    if (name == "Event") kind = ParseEventKind(value);
    event.trailers.emplace_back(name, EscapeControl(value));
  }
  if (!kind) return std::nullopt;
  event.kind = *kind;
  const std::string_view message = commit.message;
  event.summary = EscapeControl(message.substr(0, std::min(message.find('\n'), kMaxSummary)));
  event.body = BodyOf(commit);
  event.commit = commit.oid;
  event.author = EscapeControl(FormatPerson(commit.author));
  event.time = commit.author_time;
  return event;
}

std::string EngineOf(const git::Commit& commit) {
  for (const auto& [key, value] : commit.trailers) {
    if (ToLower(key) == "sluice-engine") return value;
  }
  return "";
}

std::string FormatPerson(const git::Person& person) {
  return person.name + " <" + person.email + ">";
}

std::string Short(const std::string& commit) { return commit.substr(0, 12); }

}  // namespace sluice::deploylog
