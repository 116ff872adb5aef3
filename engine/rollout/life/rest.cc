// What is seen of a unit at rest.
#include <algorithm>

#include "engine/base/strings.h"
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {
namespace {

// The record's content is what runs, and Succeeded.
bool RunsRecorded(const Record& record) {
  return record.outcome == Outcome::kSucceeded && record.running &&
         record.running->fingerprint == record.fingerprint;
}

// What was applied and had not run, runs now.
void NoteRuns(Record& record, const HealthFacts& facts, SystemTime now) {
  if (!RunsRecorded(record)) return;
  const bool becomes_good = BecomesGood(record, facts);
  NoteSucceeded(record, now);
  if (record.reason == kSuspended) SetWhy(record, "", "");
  if (!becomes_good) return;
  record.last_known_good =
      LastKnownGood{record.revision,    record.fingerprint, record.rollout, record.release, now,
                    facts.shared_inputs};
  for (auto& [name, target] : record.targets) target.last_known_good = record.fingerprint;
}

}  // namespace

Moved DriftSeen(const Record& record, const DriftFacts& facts) {
  Moved moved{record, {}};
  Record& next = moved.record;
  const bool heals = facts.may_heal && facts.heals;
  const bool is_news = facts.names != record.drift;
  // What was fought over stays as declared now, or is no longer healed.
  const bool fight_ended = !heals && record.reason == kHealFought;
  if (fight_ended) ClearWhy(next);
  next.drift = facts.names;
  if (!is_news && !heals && !fight_ended) return moved;
  // With nothing to heal: it was, and the process ended before it could say so; or somebody put it
  // back; or the last heal lasted.
  const std::string summary = !facts.names.empty()
                                  ? std::to_string(facts.count) + " objects drifted" +
                                        (facts.is_again ? " again after a heal" : "") + facts.by
                              : is_news ? "live is again as declared"
                                        : "the last heal lasts, nobody fights it any more";
  const bool is_healed = facts.names.empty() && facts.may_heal;
  moved.events.push_back(Tell(is_healed ? EventKind::kHealed : EventKind::kDrifted, next, summary,
                              Join(facts.names, "\n")));
  return moved;
}

Moved Healed(const Record& record, const std::vector<std::string>& names,
             const std::optional<Fight>& fight, const std::vector<std::string>& stays) {
  Record next = record;
  next.drift = stays;
  if (fight) {
    SetWhy(next, std::string(kHealFought), fight->message);
    next.wait = {.wake = fight->wake};
  }
  const std::string more =
      stays.empty() ? "" : "; " + std::to_string(stays.size()) + " objects cannot be healed";
  Event event = Tell(EventKind::kHealed, next,
                     (fight ? "drift healed again: " + fight->message : "drift healed") + more,
                     Join(names, "\n"));
  return {std::move(next), {std::move(event)}};
}

bool BecomesGood(const Record& record, const HealthFacts& facts) {
  // Set going by hand against what Git says, it is not what a rollback would bring back.
  const bool is_good =
      record.last_known_good && record.last_known_good->fingerprint == record.fingerprint;
  return RunsRecorded(record) && !is_good && facts.is_as_declared &&
         facts.worst == Health::kHealthy;
}

Moved HealthSeen(const Record& record, const HealthFacts& facts, SystemTime now) {
  Moved moved{record, {}};
  Record& next = moved.record;
  const bool was_healthy = std::ranges::all_of(facts.by_target, [&](const auto& seen) {
    const auto known = record.targets.find(seen.first);
    return known == record.targets.end() || known->second.health == Health::kHealthy;
  });
  for (const auto& [name, health] : facts.by_target) {
    next.targets[name].health = health;
    next.targets[name].health_at = now;
  }
  // Version 0.1 kept what is no longer named among the targets.
  for (const auto& [name, target] : record.targets) {
    if (facts.by_target.contains(name)) continue;
    next.leftovers.push_back({name, target.identity});
    next.targets.erase(name);
  }
  next.unwell_before = facts.unwell;
  // Progressing alone is a part being moved, and ends a Healthy stay all the same; what is
  // Suspended has none.
  const bool is_healthy = facts.worst == Health::kHealthy;
  if (is_healthy && !next.healthy_since) {
    next.healthy_since = now;
    NoteRuns(next, facts, now);
  }
  if (!is_healthy) CloseStay(next, now);
  const bool has_recovered = next.unwell_before.size() < record.unwell_before.size();
  const bool is_news =
      is_healthy != was_healthy || next.healthy_since != record.healthy_since || has_recovered;
  if (!is_news) return moved;
  moved.events.push_back(
      Tell(EventKind::kHealth, next,
           "health is now " + std::string(ToString(facts.worst)) +
               (has_recovered ? "; what was unhealthy before a rollout recovered" : ""),
           facts.unhealthy));
  return moved;
}

Record WorkDone(const Record& record, const std::vector<DoneWork>& done) {
  constexpr size_t kNewest = 30;
  Record next = record;
  for (const DoneWork& work : done) {
    if (std::ranges::find(next.done, work) == next.done.end())
      next.done.insert(next.done.begin(), work);
  }
  if (next.done.size() > kNewest) next.done.resize(kNewest);
  return next;
}

Moved WorkSeen(const Record& record, const std::vector<DoneWork>& done) {
  Moved moved{WorkDone(record, done), {}};
  if (moved.record.done == record.done) return moved;
  std::string objects;
  for (const DoneWork& work : done) objects += work.target + ": " + work.object + "\n";
  moved.events.push_back(
      Tell(EventKind::kHealth, moved.record, "remembered what ran to its end", objects));
  return moved;
}

Moved PruneBegan(const Record& record, const std::string& objects) {
  return {record,
          {Tell(EventKind::kDrifted, record,
                "objects stayed that nothing declares; they are pruned now", objects)}};
}

Moved Pruned(const Record& record, bool prune_waits, const std::string& summary,
             const std::string& notes) {
  Record next = record;
  next.prune_waits = prune_waits;
  Event event =
      Tell(next.leaving.empty() ? EventKind::kHealed : EventKind::kDrifted, next, summary, notes);
  return {std::move(next), {std::move(event)}};
}

}  // namespace sluice::rollout::life
