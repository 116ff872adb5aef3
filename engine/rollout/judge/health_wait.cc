#include "engine/rollout/judge/health_wait.h"

#include <algorithm>
#include <utility>

namespace sluice::rollout::judge {
namespace {

using namespace std::chrono_literals;

constexpr Duration kGrace = 30s;
// Controllers that say nothing for this long after an outage have nothing to say.
constexpr Duration kControllersReturn = 30s;
// Longer than a reading and the pause before it take from a server that answers.
constexpr Duration kUnseen = 10s;

const ObjectHealth* FirstBad(const std::vector<ObjectHealth>& objects) {
  const auto it = std::ranges::find_if(objects, [](const ObjectHealth& object) {
    return object.health != Health::kHealthy && object.health != Health::kSuspended;
  });
  return it == objects.end() ? nullptr : &*it;
}

// Moves the deadline on by what did not count before this reading.
void Account(HealthWait& wait, const std::vector<ObjectHealth>& judged, SystemTime now) {
  const SystemTime read_before = wait.read_at.value_or(now);
  wait.read_at = now;
  const bool was_unseen = now - read_before > kUnseen;
  const bool is_slow = std::exchange(wait.was_unseen, was_unseen) && was_unseen;
  const bool is_back_now = wait.is_away || (was_unseen && !is_slow);
  if (is_back_now) {
    wait.is_away = false;
    wait.back_since = now;
    wait.at_return = judged;
  }
  if (!wait.back_since) return;
  wait.deadline = std::max(wait.deadline + (now - read_before), now + wait.grace);
  const bool answers = judged != wait.at_return || now - *wait.back_since >= kControllersReturn;
  if (answers) wait.back_since.reset();
}

// What still goes on is waited for.
void BePatient(HealthWait& wait, const std::vector<ObjectHealth>& judged, SystemTime now) {
  if (!wait.patient_until) return;
  const bool goes_on = std::exchange(wait.last, judged) != judged;
  const SystemTime later = std::min(now + wait.grace, *wait.patient_until);
  if (goes_on) wait.deadline = std::max(wait.deadline, later);
}

}  // namespace

HealthWait BeginWait(SystemTime deadline, Duration timeout, SystemTime now) {
  HealthWait wait;
  wait.grace = std::min(timeout, kGrace);
  wait.deadline = std::max(deadline, now + wait.grace);
  wait.read_at = now;
  return wait;
}

Looked LookAt(HealthWait& wait, const std::vector<ObjectHealth>& judged, const Reading& reading) {
  Account(wait, judged, reading.ended);
  BePatient(wait, judged, reading.ended);
  const ObjectHealth* bad = FirstBad(judged);
  if (!bad) return {Look::kGood};
  if (wait.back_since) return {};
  const auto lost = std::ranges::find_if(judged, &ObjectHealth::is_terminal);
  if (lost != judged.end()) return {Look::kLost, *lost};
  if (reading.began >= wait.deadline) return {Look::kLate, *bad};
  return {};
}

bool WaitsBlind(HealthWait& wait, SystemTime now) {
  wait.is_away = true;
  wait.back_since.reset();
  return now < wait.deadline;
}

}  // namespace sluice::rollout::judge
