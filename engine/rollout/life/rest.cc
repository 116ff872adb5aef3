// What is seen of a unit at rest.
#include <algorithm>

#include "engine/base/strings.h"
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {
namespace {

// Suspended is what was declared; Progressing alone is a part being moved, and ends a Healthy stay
// all the same.
bool IsWell(Health health) { return health == Health::kHealthy || health == Health::kSuspended; }

}  // namespace

Moved DriftSeen(const Record& record, const DriftFacts& facts) {
  Moved moved{record, {}};
  Record& next = moved.record;
  const bool heals = facts.may_heal && !facts.names.empty();
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
             const std::optional<Fight>& fight) {
  Record next = record;
  next.drift.clear();
  if (fight) {
    SetWhy(next, std::string(kHealFought), fight->message);
    next.wait = {.wake = fight->wake};
  }
  Event event =
      Tell(EventKind::kHealed, next,
           fight ? "drift healed again: " + fight->message : "drift healed", Join(names, "\n"));
  return {std::move(next), {std::move(event)}};
}

Moved HealthSeen(const Record& record, const std::map<std::string, Health>& by_target, Health worst,
                 const std::string& unhealthy, SystemTime now) {
  Moved moved{record, {}};
  Record& next = moved.record;
  const bool was_well = std::ranges::all_of(by_target, [&](const auto& seen) {
    const auto known = record.targets.find(seen.first);
    return known == record.targets.end() || IsWell(known->second.health);
  });
  for (const auto& [name, health] : by_target) {
    next.targets[name].health = health;
    next.targets[name].health_at = now;
  }
  // Version 0.1 kept what is no longer named among the targets.
  for (const auto& [name, target] : record.targets) {
    if (by_target.contains(name)) continue;
    next.leftovers.push_back({name, target.identity});
    next.targets.erase(name);
  }
  const bool is_well = IsWell(worst);
  if (is_well && !next.healthy_since) next.healthy_since = now;
  if (!is_well) CloseStay(next, now);
  const bool is_news = is_well != was_well || next.healthy_since != record.healthy_since;
  if (!is_news) return moved;
  moved.events.push_back(
      Tell(EventKind::kHealth, next, "health is now " + std::string(ToString(worst)), unhealthy));
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
  Event event = Tell(EventKind::kHealed, next, summary, notes);
  return {std::move(next), {std::move(event)}};
}

}  // namespace sluice::rollout::life
