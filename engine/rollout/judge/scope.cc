#include "engine/rollout/judge/scope.h"

#include <algorithm>
#include <iterator>

namespace sluice::rollout::judge {
namespace {

bool IsWell(const ObjectHealth& object) {
  return object.health == Health::kHealthy || object.health == Health::kSuspended;
}

std::string Line(const ObjectHealth& object) {
  return ToString(object.ref) + " is " + std::string(ToString(object.health)) +
         (object.reason.empty() ? "" : " " + object.reason) +
         (object.message.empty() ? "" : ": " + object.message);
}

}  // namespace

std::set<ObjectRef> ToldIn(const std::vector<UnwellBefore>& unwell, const std::string& target,
                           By by) {
  std::set<ObjectRef> told;
  for (const UnwellBefore& object : unwell) {
    if (object.target != target || (by == By::kRollout && object.is_changed)) continue;
    if (const auto ref = ParseInventoryLine(object.object)) told.insert(*ref);
  }
  return told;
}

Division Divide(const std::vector<ObjectHealth>& health, const std::set<ObjectRef>& told) {
  Division out;
  for (const ObjectHealth& object : health)
    (told.contains(object.ref) ? out.told : out.judged).push_back(object);
  return out;
}

bool StandsOnVerdict(const Record& record) {
  if (record.open || record.IsRollingBack()) return false;
  if (record.rollout.empty() && !record.running) return true;  // first contact
  if (!record.running) return false;
  const bool is_good =
      record.last_known_good && record.running->fingerprint == record.last_known_good->fingerprint;
  return is_good || (record.outcome == Outcome::kSucceeded &&
                     record.running->fingerprint == record.fingerprint);
}

void NoteUnwell(std::vector<UnwellBefore>& unwell, const std::string& target,
                const std::vector<ObjectHealth>& health) {
  for (const ObjectHealth& object : health) {
    if (IsWell(object) || object.is_unreported) continue;
    unwell.push_back({target, ToInventoryLine(object.ref), object.reason, false});
  }
}

void NoteChanged(std::vector<UnwellBefore>& unwell, const std::string& target,
                 const std::set<ObjectRef>& changed) {
  for (UnwellBefore& object : unwell) {
    const auto ref = ParseInventoryLine(object.object);
    if (object.target == target && ref && changed.contains(*ref)) object.is_changed = true;
  }
}

void ForgetSettled(std::vector<UnwellBefore>& unwell, const std::string& target,
                   const std::vector<ObjectHealth>& told) {
  std::set<std::string> still;
  for (const ObjectHealth& object : told) {
    if (!IsWell(object)) still.insert(ToInventoryLine(object.ref));
  }
  std::erase_if(unwell, [&](const UnwellBefore& object) {
    return object.target == target && !still.contains(object.object);
  });
  for (UnwellBefore& object : unwell) {
    if (object.target == target) object.is_changed = false;
  }
}

std::string Describe(const std::vector<ObjectHealth>& health) {
  constexpr int kMostLines = 20;
  std::string out;
  int lines = 0;
  for (const ObjectHealth& object : health) {
    if (object.health == Health::kHealthy || ++lines > kMostLines) continue;
    out += Line(object) + "\n";
  }
  return out;
}

std::vector<std::string> Lines(const std::vector<ObjectHealth>& health) {
  constexpr size_t kMost = 3;
  std::vector<std::string> out;
  for (size_t i = 0; i < health.size() && i < kMost; ++i) out.push_back(Line(health[i]));
  if (health.size() > kMost) out.push_back(std::to_string(health.size() - kMost) + " more");
  return out;
}

std::string DescribeTold(const std::vector<ObjectHealth>& told) {
  std::string out;
  for (const ObjectHealth& object : told) {
    if (!IsWell(object)) out += Line(object) + "; it was unhealthy before, so it is not judged\n";
  }
  return out;
}

std::vector<ObjectHealth> SuspendedIn(const std::vector<ObjectHealth>& health) {
  std::vector<ObjectHealth> out;
  std::ranges::copy_if(health, std::back_inserter(out), [](const ObjectHealth& object) {
    return object.health == Health::kSuspended;
  });
  return out;
}

}  // namespace sluice::rollout::judge
