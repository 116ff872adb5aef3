// The steps of a rollout that touch live, shared by deploying, rolling back and healing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/rollout/interrupt_watch.h"
#include "engine/rollout/judge/health_wait.h"
#include "engine/rollout/judge/left_behind.h"
#include "engine/rollout/services.h"
#include "engine/rollout/target_session.h"
#include "engine/rollout/verdict.h"

namespace sluice::rollout {

// How a step ended: all well, interrupted, or something that has a verdict.
struct StepEnd {
  enum class Kind { kOk, kInterrupted, kHappened } kind = Kind::kOk;
  Interruption interruption = Interruption::kNone;
  Happening happening = Happening::kInternal;
  std::string reason;   // of what happened; never empty then
  std::string message;  // the one line for a person
  std::string detail;   // further lines
  bool is_ok() const { return kind == Kind::kOk; }
};
StepEnd Interrupted(Interruption interruption);
StepEnd Happened(Happening happening, const Error& error, const std::string& context = "");

struct ApplyOptions {
  DryRunMode dry_run = DryRunMode::kServer;
  targets::Force force = targets::Force::kNo;
  Permission permission = Permission::kLease;
  // Not null: what is refused is named here and everything else is applied all the same; what could
  // not be asked is the end's, when the rest is done. For what has to be done as far as it goes.
  std::vector<judge::LeftBehind>* left = nullptr;
};

// Stage by stage: dry run of what the plan's own could not foresee, write, wait until the next
// stage can start. Only objects that the plan changes; those that it replaces are deleted right
// before the stage's write. While the lease is late
// nothing is written: the step waits, and goes on with what it has not written.
StepEnd ApplyStages(const Services& services, TargetSession& session, const ApplyOptions& options,
                    InterruptWatch& watch);

struct HealthEnd {
  StepEnd end;
  std::vector<ObjectHealth> judged, told;  // as read last
};
// Until all that are not in `told` are Healthy (or Suspended), one cannot recover, or the deadline
// of `wait`, which moves on by the time in which live could not be read; it condemns only what
// somebody reports on. All well: `detail` says what is Healthy with a note. The session notes what
// ran to its end meanwhile, however this ends.
HealthEnd AwaitHealth(const Services& services, TargetSession& session, judge::HealthWait& wait,
                      const std::set<ObjectRef>& told, InterruptWatch& watch);

struct SmokeReport {
  StepEnd end;
  std::vector<verify::TestResult> results;
};
SmokeReport RunSmokeTests(const Services& services, TargetSession& session,
                          const DeclaredUnit& unit, const SourceTree& tree,
                          const std::string& pipeline, const std::string& rollout,
                          const std::string& revision, Permission permission,
                          InterruptWatch& watch);

// "up=passed orders=failed"
std::string SmokeTrailer(const std::vector<verify::TestResult>& results);

}  // namespace sluice::rollout
