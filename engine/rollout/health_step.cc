// Waiting for health: what each reading means is decided in judge/.
#include <algorithm>

#include "engine/rollout/judge/scope.h"
#include "engine/rollout/live_steps.h"

namespace sluice::rollout {
namespace {

// What is Healthy for a reason, a line each: nobody reports on it, it waits by design.
std::string Notes(const std::vector<ObjectHealth>& objects) {
  std::string out;
  for (const ObjectHealth& object : objects) {
    const bool is_note = object.health == Health::kHealthy && !object.reason.empty();
    if (is_note) out += ToString(object.ref) + " " + object.reason + ": " + object.message + "\n";
  }
  return out;
}

// No deadline condemns what nobody reports on.
void Acquit(std::vector<ObjectHealth>& objects) {
  for (ObjectHealth& object : objects) {
    if (!object.is_unreported) continue;
    object.health = Health::kHealthy;
    object.reason = "NotReported";
  }
}

StepEnd Unhealthy(Happening happening, const std::vector<ObjectHealth>& objects,
                  const ObjectHealth& bad) {
  StepEnd end;
  end.kind = StepEnd::Kind::kHappened;
  end.happening = happening;
  end.reason = bad.reason.empty() ? std::string(DefaultReason(happening)) : bad.reason;
  end.message = ToString(bad.ref) + " is " + std::string(ToString(bad.health)) +
                (bad.message.empty() ? "" : ": " + bad.message);
  end.detail = judge::Describe(objects);
  return end;
}

// Reading health never condemns the content.
StepEnd UnreadableHealth(const TargetSession& session, const Error& error) {
  Happening happening = Happening::kUnreadablePastDeadline;
  if (!IsRetryable(error.code())) {
    happening = FromError(error.code());
    if (Judge(happening) != Verdict::kErrored) happening = Happening::kUnreachable;
  }
  return Happened(happening, error, "reading health in target " + session.target.name);
}

// What one reading means, and what of it is judged.
judge::Looked Look(TargetSession& session, std::vector<ObjectHealth>& health,
                   judge::HealthWait& wait, const std::set<ObjectRef>& told,
                   const judge::Reading& reading, HealthEnd& out) {
  session.NoteFinished(health);
  // Done at an earlier look, and gone since.
  std::erase_if(health, [&](const ObjectHealth& object) {
    return object.health == Health::kMissing && session.HasFinished(object.ref);
  });
  judge::Division division = judge::Divide(health, told);
  out.judged = std::move(division.judged);
  out.told = std::move(division.told);
  const judge::Looked looked = judge::LookAt(wait, out.judged, reading);
  if (looked.look != judge::Look::kLate) return looked;
  Acquit(out.judged);
  return judge::LookAt(wait, out.judged, reading);
}

// The verdict stands; what else is known goes into its words.
void FindCause(const Services& services, const TargetSession& session, const Call& call,
               HealthEnd& out, judge::Looked& looked) {
  Result<std::vector<ObjectHealth>> health = std::vector<ObjectHealth>();
  services.Outside([&] { health = AssessTarget(session, Diagnose::kFully, call); });
  if (!health) return;
  for (const ObjectHealth& object : *health) {
    if (object.health == Health::kHealthy || object.reason.empty()) continue;
    const auto known = std::ranges::find(out.judged, object.ref, &ObjectHealth::ref);
    if (known == out.judged.end() || known->health == Health::kHealthy) continue;
    *known = object;
    if (object.ref == looked.bad.ref) looked.bad = object;
  }
}

// How closely to look. What is well after a moment needs no cause; what takes longer does.
class Depth {
 public:
  explicit Depth(SteadyTime begin) : cause_at_(begin + 1s), all_at_(begin + kBetweenAll) {}
  Diagnose Next(SteadyTime now) {
    if (now >= all_at_) {
      all_at_ = now + kBetweenAll;
      return Diagnose::kFully;
    }
    return now >= cause_at_ ? Diagnose::kYes : Diagnose::kNo;
  }

 private:
  static constexpr Duration kBetweenAll = 5s;
  SteadyTime cause_at_, all_at_;
};

// Health of anything else is no verdict about what was applied.
StepEnd IsWhatWasApplied(const std::vector<ObjectHealth>& objects) {
  const auto it = std::ranges::find_if(objects, &ObjectHealth::is_changed_meanwhile);
  if (it == objects.end()) return {};
  return Happened(
      Happening::kUnreachable,
      Error(ErrorCode::kUnavailable, "ChangedMeanwhile",
            ToString(it->ref) + " is not what was applied: it was made anew, or written since in "
                                "sluice's name; it is planned and applied again at the next try"));
}

}  // namespace

HealthEnd AwaitHealth(const Services& services, TargetSession& session, judge::HealthWait& wait,
                      const std::set<ObjectRef>& told, InterruptWatch& watch) {
  const StepTimer timer(services, "health");
  Duration pause = services.options.health_poll_min;
  Depth depth(services.clock.SteadyNow());
  HealthEnd out;
  while (true) {
    if (const auto found = watch.Check(); found != Interruption::kNone) {
      out.end = Interrupted(found);
      return out;
    }
    const Call call{services.clock.SteadyNow() + services.options.read_timeout, watch.token()};
    const SystemTime began = services.clock.SystemNow();
    const Diagnose diagnose = depth.Next(services.clock.SteadyNow());
    Result<std::vector<ObjectHealth>> health = std::vector<ObjectHealth>();
    services.Outside([&] { health = AssessTarget(session, diagnose, call); });
    const SystemTime now = services.clock.SystemNow();
    if (health) {
      if (StepEnd end = IsWhatWasApplied(*health); !end.is_ok()) {
        out.end = std::move(end);
        return out;
      }
      judge::Looked looked = Look(session, *health, wait, told, {began, now}, out);
      const bool is_bad = looked.look == judge::Look::kLost || looked.look == judge::Look::kLate;
      if (is_bad && diagnose != Diagnose::kFully) FindCause(services, session, call, out, looked);
      if (looked.look == judge::Look::kGood) out.end.detail = Notes(out.judged);
      if (looked.look == judge::Look::kLost)
        out.end = Unhealthy(Happening::kUnhealthyTerminal, out.judged, looked.bad);
      if (looked.look == judge::Look::kLate)
        out.end = Unhealthy(Happening::kUnhealthyPastDeadline, out.judged, looked.bad);
      if (looked.look != judge::Look::kGoesOn) return out;
    } else if (const auto found = watch.Check(); found != Interruption::kNone) {
      out.end = Interrupted(found);
      return out;
    } else if (!IsRetryable(health.error().code()) || !judge::WaitsBlind(wait, now)) {
      out.end = UnreadableHealth(session, health.error());
      return out;
    }
    services.clock.Sleep(pause, watch.token());
    pause = std::min(pause * 2, services.options.health_poll_max);
  }
}

}  // namespace sluice::rollout
