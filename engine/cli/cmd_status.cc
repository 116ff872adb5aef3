#include "engine/cli/cmd_status.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/cli/compose.h"
#include "engine/cli/output.h"
#include "engine/cli/units.h"
#include "engine/rollout/drift.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/leaving.h"
#include "engine/rollout/removal.h"

namespace sluice::cli {
namespace {

using nlohmann::json;

std::string HealthText(const Record& record) {
  std::vector<ObjectHealth> all;
  for (const auto& [name, target] : record.targets) all.push_back({.health = target.health});
  return all.empty() ? "" : std::string(ToString(Worst(all)));
}

std::vector<std::string> Row(const Record& record, const std::string& desired,
                             const std::string& health) {
  const std::string running = record.running ? record.running->revision.substr(0, 7) : "-";
  const std::string version = record.running ? record.running->release.version : "";
  std::string note =
      record.reason.empty()
          ? ""
          : record.reason + ": " + record.message.substr(0, record.message.find('\n'));
  if (record.frozen) note = rollout::Describe(*record.frozen);
  if (note.empty()) note = rollout::LeavingSummary(record.leaving);
  if (note.empty() && !record.drift.empty()) note = "drifted: " + record.drift.front();
  if (note.empty() && !record.unwell_before.empty()) {
    const UnwellBefore& unwell = record.unwell_before.front();
    const auto ref = ParseInventoryLine(unwell.object);
    note = "not judged, for it was unhealthy before: " + (ref ? ToString(*ref) : unwell.object) +
           (unwell.reason.empty() ? "" : " " + unwell.reason);
  }
  // A promotion that waits leaves the unit itself alone: neither phase nor reason tells of it.
  for (const GateRecord& gate : record.wait.gates) {
    if (note.empty() && gate.decision != "open") note = gate.reason + ": " + gate.message;
  }
  return {ToString(record.unit),
          std::string(ToString(record.phase)),
          record.outcome ? std::string(ToString(*record.outcome)) : "-",
          health.empty() ? "-" : health,
          running,
          version.empty() ? "-" : version,
          desired.empty() ? "-" : desired,
          note};
}

// What is not simply Healthy, or is so for a reason that a person should know.
json NotedObjects(const rollout::DriftReport& report) {
  json out = json::array();
  for (const ObjectHealth& object : report.health) {
    if (object.health == Health::kHealthy && object.reason.empty()) continue;
    out.push_back({{"object", ToString(object.ref)},
                   {"health", ToString(object.health)},
                   {"reason", object.reason},
                   {"message", object.message}});
  }
  return out;
}

}  // namespace

int StatusCommand(const Global& global, const StatusOptions& options) {
  auto config = ReadConfig(global.config);
  if (!config) return Report(config.error());
  auto composition = Composition::Make(std::move(*config), Role::kOperator, "status");
  if (!composition) return Report(composition.error());
  auto snapshot = (*composition)->Fetch();
  if (!snapshot) return Report(snapshot.error());
  const auto state = (*composition)->log().Get();
  auto units = SelectUnits(options.units, **snapshot, *state);
  if (!units) return Report(units.error());
  const rollout::Services services = (*composition)->MakeServices();
  json out = json::array();
  std::vector<std::vector<std::string>> rows = {
      {"UNIT", "PHASE", "OUTCOME", "HEALTH", "RUNNING", "VERSION", "DESIRED", "NOTE"}};
  int code = kExitDone;
  for (const UnitId& id : *units) {
    const Record* known = rollout::FindRecord(*state, id);
    const Record record = known ? *known : Record{.unit = id};
    std::string health = HealthText(record);
    json item = ToJson(record);
    const std::string fingerprint = (*snapshot)->FingerprintOf(id);
    const bool is_declared = (*snapshot)->Find(id) != nullptr;
    item["desired"] = is_declared
                          ? json{{"revision", (*snapshot)->revision}, {"fingerprint", fingerprint}}
                          : json();
    if (!item.contains("running")) item["running"] = nullptr;
    if (options.live) {
      auto report = rollout::CheckDrift(services, **snapshot, id);
      health = report
                   ? (report->is_known ? std::string(ToString(Worst(report->health))) : "Missing")
                   : "Unknown";
      item["live"] = {{"health", health},
                      {"objects", report ? NotedObjects(*report) : json::array()}};
      if (!report) code = Combine(code, Report(report.error()));
    }
    out.push_back(item);
    rows.push_back(Row(record,
                       is_declared ? (record.running && record.running->fingerprint == fingerprint
                                          ? "same"
                                          : (*snapshot)->revision.substr(0, 7))
                       : rollout::IsRemoved(record) || (*snapshot)->IsReadable(id) ? "removed"
                                                                                   : "unknown",
                       health));
  }
  if (!PrintValue(global, out)) PrintTable(rows);
  return code;
}

namespace {

// For a log without events: a typing error, or only nothing to show?
Status CheckIsKnown(const std::string& name, const rollout::Snapshot& snapshot,
                    const deploylog::State& state) {
  if (name.find('/') != std::string::npos) {
    SLUICE_TRY(const auto units, SelectUnits({name}, snapshot, state));
    (void)units;
    return {};
  }
  std::set<std::string> known;
  for (const auto& [environment, declared] : snapshot.declared.environments)
    known.insert(environment);
  for (const auto& [unit, record] : state.records) known.insert(unit.environment);
  if (known.contains(name)) return {};
  const std::vector<std::string> names(known.begin(), known.end());
  return Fail(ErrorCode::kInvalidArgument, "no environment " + EscapeControl(name) +
                                               " is declared or recorded" +
                                               DidYouMean(name, names));
}

}  // namespace

int LogCommand(const Global& global, const LogOptions& options) {
  deploylog::DeployLog::Filter filter;
  filter.limit = options.limit;
  if (options.units.size() > 1)
    return Report(Error(ErrorCode::kInvalidArgument, "log takes at most one ENV/APP or ENV"));
  if (!options.units.empty()) {
    const std::string& name = options.units.front();
    if (name.find('/') == std::string::npos) {
      filter.environment = name;
    } else {
      auto unit = ParseUnit(name);
      if (!unit) return Report(unit.error());
      filter.environment = unit->environment;
      filter.application = unit->application;
    }
  }
  if (!options.event.empty()) {
    filter.kind = ParseEventKind(options.event);
    if (!filter.kind)
      return Report(Error(ErrorCode::kInvalidArgument,
                          "unknown event '" + options.event +
                              "'; the events are listed in docs/reference/deploy-log.md"));
  }
  auto config = ReadConfig(global.config);
  if (!config) return Report(config.error());
  auto composition = Composition::Make(std::move(*config), Role::kOperator, "log");
  if (!composition) return Report(composition.error());
  const auto snapshot = (*composition)->Fetch();
  if (!snapshot) return Report(snapshot.error());
  auto events = (*composition)->log().History(filter);
  if (!events) return Report(events.error());
  // The history of what was removed is shown without a question.
  if (events->empty() && !options.units.empty()) {
    const auto state = (*composition)->log().Get();
    if (auto known = CheckIsKnown(options.units.front(), **snapshot, *state); !known)
      return Report(known.error());
  }
  json out = json::array();
  std::vector<std::vector<std::string>> rows = {{"TIME", "EVENT", "COMMIT", "SUMMARY"}};
  std::map<size_t, std::vector<std::string>> further;
  for (const Event& event : *events) {
    out.push_back(ToJson(event));
    rows.push_back({FormatTime(event.time), std::string(ToString(event.kind)),
                    event.commit.substr(0, 7), event.summary});
    if (!options.verbose) continue;
    for (const std::string& line : Split(event.body, '\n')) {
      if (!Trim(line).empty()) further[rows.size() - 1].push_back(line);
    }
  }
  if (!PrintValue(global, out)) PrintTable(rows, further);
  return kExitDone;
}

}  // namespace sluice::cli
