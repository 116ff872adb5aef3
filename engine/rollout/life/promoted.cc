// A release is on its way into the unit.
#include "engine/rollout/life/parts.h"

namespace sluice::rollout::life {

Moved PromotionBegan(const Record& record, const Content& at_tip, const std::string& from,
                     const ReleaseId& release, const std::string& operation) {
  Record next = record;
  next.promote_operation = operation;
  Event event = TellAbout(
      EventKind::kPromoted, next, at_tip,
      "promotes " + (release.version.empty() ? release.digest : release.version) + " from " + from,
      "",
      {{"From", from},
       {"Promoted-Release", release.version + " " + release.digest},
       {"Operation", operation}});
  return {std::move(next), {std::move(event)}};
}

Moved PromotionWaits(const Record& record, const Content& at_tip, const ReleaseId& release,
                     const std::string& reason, const std::string& message,
                     std::optional<SystemTime> until) {
  Moved moved{record, {}};
  const std::vector<GateRecord>& told = record.wait.gates;
  Record next = record;
  next.wait = {.wake = until, .gates = {{"promotion", "held", reason, message, until}}};
  // As the log would give it back: long messages are shortened there.
  const GateRecord gate = Normalized(next).wait.gates.front();
  if (told.size() == 1 && told[0].gate == gate.gate && told[0].reason == gate.reason &&
      told[0].until == gate.until &&
      (reason != "ConfigInvalid" || told[0].message == gate.message || told[0].message == message))
    return moved;
  moved.record = std::move(next);
  moved.events.push_back(TellAbout(EventKind::kHeld, moved.record, at_tip,
                                   "promotion waits: " + reason + ": " + message, "",
                                   {{"Promoted-Release", release.version + " " + release.digest}}));
  return moved;
}

}  // namespace sluice::rollout::life
