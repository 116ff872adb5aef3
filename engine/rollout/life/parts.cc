#include "engine/rollout/life/parts.h"

#include <algorithm>

#include "engine/base/time_format.h"

namespace sluice::rollout::life {
namespace {

void Add(Trailers& trailers, const std::string& key, const std::string& value) {
  if (!value.empty()) trailers.emplace_back(key, value);
}

std::string Describe(const ReleaseId& release) {
  if (release.digest.empty()) return "";
  return release.version.empty() ? release.digest : release.version + " " + release.digest;
}

}  // namespace

Status ComesFrom(const Record& record, std::initializer_list<Phase> phases, std::string_view move) {
  if (std::ranges::find(phases, record.phase) != phases.end()) return {};
  return Fail(ErrorCode::kInternal, ToString(record.unit) + ": no move " + std::string(move) +
                                        " from phase " + std::string(ToString(record.phase)));
}

Event Tell(EventKind kind, const Record& record, std::string summary, std::string body,
           Trailers more) {
  Event event;
  event.kind = kind;
  event.summary = ToString(record.unit) + ": " + std::move(summary);
  event.body = std::move(body);
  Trailers& trailers = event.trailers;
  Add(trailers, "Environment", record.unit.environment);
  Add(trailers, "Application", record.unit.application);
  Add(trailers, "Revision", record.revision);
  Add(trailers, "Fingerprint", record.fingerprint);
  Add(trailers, "Release", Describe(record.release));
  if (record.outcome) Add(trailers, "Outcome", std::string(ToString(*record.outcome)));
  Add(trailers, "Reason", record.reason);
  Add(trailers, "Plan-Digest", record.plan);
  Add(trailers, "Rollout", record.rollout);
  if (record.attempt > 0) Add(trailers, "Attempt", std::to_string(record.attempt));
  if (record.started) Add(trailers, "Started", FormatTime(*record.started));
  if (record.finished) Add(trailers, "Finished", FormatTime(*record.finished));
  for (const auto& [key, value] : more) Add(trailers, key, value);
  return event;
}

Event TellAbout(EventKind kind, const Record& record, const Content& content, std::string summary,
                std::string body, Trailers more) {
  Record told;
  told.unit = record.unit;
  told.reason = record.reason;
  told.revision = content.revision;
  told.fingerprint = content.fingerprint;
  told.release = content.release;
  if (kind == EventKind::kErrored) told.outcome = record.outcome;
  return Tell(kind, told, std::move(summary), std::move(body), std::move(more));
}

std::string ShortOf(const std::string& commit) { return commit.substr(0, 7); }

std::string ContentOf(const Record& record) {
  return ShortOf(record.revision) +
         (record.release.version.empty() ? "" : " version " + record.release.version);
}

void ClearWhy(Record& record) {
  SetWhy(record, "", "");
  record.wait = {};
}

void SetWhy(Record& record, std::string reason, std::string message) {
  record.reason = std::move(reason);
  record.message = std::move(message);
}

void SetTargetPhases(Record& record, Phase phase) {
  for (auto& [name, target] : record.targets) target.phase = phase;
}

void SetTargetHealth(Record& record, const std::map<std::string, Health>& health) {
  for (auto& [name, target] : record.targets) {
    if (const auto seen = health.find(name); seen != health.end()) target.health = seen->second;
  }
}

bool IsHealthy(const Record& record) {
  return std::ranges::all_of(
      record.targets, [](const auto& target) { return target.second.health == Health::kHealthy; });
}

void RebuildTargets(Record& record, const std::vector<NamedTarget>& named,
                    const std::set<std::string>& occupied, SystemTime now) {
  std::map<std::string, std::string> identities;
  for (const Leftover& leftover : record.leftovers) identities[leftover.target] = leftover.identity;
  for (const auto& [name, target] : record.targets) identities[name] = target.identity;
  std::map<std::string, TargetRecord> targets;
  for (const NamedTarget& target : named) {
    TargetRecord& rebuilt = targets[target.name];
    const auto before = record.targets.find(target.name);
    if (before != record.targets.end()) rebuilt = before->second;
    rebuilt.phase = Phase::kIdle;
    rebuilt.health = Health::kHealthy;
    rebuilt.health_at = now;
    rebuilt.identity = target.identity;
  }
  record.leftovers.clear();
  for (const std::string& name : occupied) {
    if (!targets.contains(name)) record.leftovers.push_back({name, identities[name]});
  }
  record.targets = std::move(targets);
}

Record WrittenBy(const Record& record, const std::string& engine) {
  Record next = record;
  next.engine = engine;
  return next;
}

}  // namespace sluice::rollout::life
