// How long health is waited for. Only time counts in which live could be read and its controllers
// answer: an API server that is away rolls nothing out. Pure; a wait is kept by the caller from
// look to look.
#pragma once

#include <optional>
#include <vector>

#include "engine/base/clock.h"
#include "engine/model/health.h"

namespace sluice::rollout::judge {

struct HealthWait {
  SystemTime deadline{};  // moves on by what does not count
  Duration grace{0};      // what is left at the least, at the beginning and after an outage
  std::optional<SystemTime> read_at;  // last time live could be read
  bool is_away = false;
  bool was_unseen = false;  // at the last reading; a server that is always so slow is not away
  // Live is back; until something in it has changed nobody knows whether its controllers are.
  std::optional<SystemTime> back_since;
  std::vector<ObjectHealth> at_return;
  // As long as something in live goes on the deadline does, up to this. Nothing: it does not.
  std::optional<SystemTime> patient_until;
  std::vector<ObjectHealth> last;  // what the reading before said, where that matters
};

// A deadline that passed while nobody looked (a restart, a back-off) condemns nothing by itself.
HealthWait BeginWait(SystemTime deadline, Duration timeout, SystemTime now);

enum class Look {
  kGoesOn,
  kGood,
  kLost,  // `bad` cannot recover
  kLate,  // `bad` is not Healthy past the deadline
};
struct Looked {
  Look look = Look::kGoesOn;
  ObjectHealth bad = {};
};
// A reading tells of a moment between its two ends.
struct Reading {
  SystemTime began, ended;
};
// What a reading of the judged objects means. One that hung, or came long after the one before,
// ends a time in which nobody could see live.
Looked LookAt(HealthWait& wait, const std::vector<ObjectHealth>& judged, const Reading& reading);

// Live could not be read. False when it is time to say so and to try again later.
bool WaitsBlind(HealthWait& wait, SystemTime now);

}  // namespace sluice::rollout::judge
