// Everything that can happen to a unit: one pure function each, from its record (with the facts the
// record does not have, and the time) to the next record and the event that tells of it. Together
// they are the transition table, and the only code that changes a record; the others push what a
// move leads to (pass.h). From which phases a move may come stands beside it; from any other it is
// our own fault (kInternal).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/model/record.h"

namespace sluice::rollout::life {

using Trailers = std::vector<std::pair<std::string, std::string>>;

struct Moved {
  Record record;
  std::vector<Event> events;  // usually one; none when the log tells it already
};

// What an event speaks of, when that is not the record's rollout.
struct Content {
  std::string revision;
  std::string fingerprint;  // "" for content that cannot be used
  ReleaseId release;
  std::string rendered = {};  // digest of what it renders to (content.h); "" where not known
};

struct NamedTarget {
  std::string name;
  std::string identity;  // of the place it stands for
};

// --- A rollout begins ---

// The record's rollout is of this content, has written, and has neither verdict nor end.
bool GoesOn(const Record& record, const std::string& fingerprint);

// Idle, Held, Applying. The content becomes the record's, as a rollout of its own id unless it goes
// on; told with the move that follows.
Result<Record> Entered(const Record& record, const Content& content, const std::string& plan,
                       const std::string& new_rollout);

struct Start {
  std::vector<NamedTarget> targets;
  std::vector<std::string> adopting;
  bool takes_over = false;  // what somebody asked to adopt goes with this start
  bool is_own = false;      // this process began what goes on: nothing crashed
  Duration health_timeout{0};
  std::string notes;
  Trailers trailers;
};
// Idle, Held: Applying, a start or, told already, a retry. Applying: resumed, which
// counts as an attempt after a crash.
Result<Moved> Started(const Record& record, const Start& start, SystemTime now);

// What was unhealthy before the first write, told with the move that follows.
Record LookedBefore(const Record& record, const std::vector<UnwellBefore>& unwell);
// Applying. A restart found it open.
Record FoundAgain(const Record& record, const FoundOpen& found);
// Applying. When the open rollout must be Healthy; nullopt: nobody could watch the deadline pass.
Record DueBy(const Record& record, std::optional<SystemTime> health_deadline);

// --- It waits ---

struct WaitFacts {
  EventKind kind = EventKind::kHeld;  // held, invalid, errored
  std::string reason;
  std::string message;
  std::optional<SystemTime> wake = std::nullopt;
  std::vector<GateRecord> gates = {};
  Content content = {};              // at the tip
  int errors = 0;                    // in a row, this one included
  bool is_of_ended_rollout = false;  // it speaks of the record's rollout, although that has ended
};
// Idle, Held, Applying: Held, or for errored Idle. A hold is told once per change of content,
// reason, gate or wake-up; whether an error is news its caller decides.
Result<Moved> Waits(const Record& record, const WaitFacts& facts, SystemTime now);

// --- It ends ---

enum class EndedBy { kNewerContent, kFreeze, kStop };
// Applying: Idle. Live is left as it is.
Result<Moved> Interrupted(const Record& record, EndedBy by, SystemTime now);

struct Success {
  std::vector<NamedTarget> targets;  // all that are named now
  std::set<std::string> occupied;    // targets in which objects are ours, named or not
  std::string shared_inputs;         // digest
  bool prune_waits = false;
  std::string notes;
  Trailers trailers;
  std::map<std::string, Health> health = {};  // of each target; Healthy where it is not said
  // Applied, and paused or suspended; "" when it runs. What has not run has no stay, is no success
  // of its release, and does not become last known good.
  std::string suspended;
  std::vector<UnwellBefore> unwell = {};  // what is still told
};
// The record's reason then.
inline constexpr std::string_view kSuspended = "Suspended";
// Idle, Held, Applying: Idle. It was rolled out and verified.
Result<Moved> Succeeded(const Record& record, const Success& success, SystemTime now);
// The same for content that is last known good already: nothing was run.
Result<Moved> AlreadyThere(const Record& record, const Success& success, SystemTime now);
// The same at first contact: what is there is taken over as it stands.
Result<Moved> TakenOver(const Record& record, const Success& success, SystemTime now);
// Idle, Held: Idle. What it was held for is gone, and what is declared is what runs.
Result<Moved> NoLongerHeld(const Record& record, const std::string& revision);

struct Failure {
  std::string reason;
  std::string message;
  std::string detail;
  std::string target;    // where; "" for all
  bool freezes = false;  // onFailure.live
  bool reverts = true;   // onFailure.git
  Trailers trailers;
};
// Idle, Held, Applying: RollingBack when it has written and there is something to go back to, else
// Idle.
Result<Moved> Failed(const Record& record, const Failure& failure, SystemTime now);
// The newest failure of content that rendered to this; null for none, and for `rendered` "".
const FailedContent* FindSameFailure(const Record& record, const std::string& rendered);
// The content at the tip is one more form of a failure that is known; told with the hold that
// follows.
Record FailedInOtherWords(const Record& record, const FailedContent& known, const Content& at_tip);
// The id under which the revert of the record's rollout is looked for.
std::string RevertOperation(const Record& record);

// --- After a verdict ---

// Idle, Held, Applying: RollingBack, as if it had Failed, but nothing is condemned. Told when live
// is back.
Result<Record> GivenUp(const Record& record, const std::string& why, SystemTime now);

struct Back {
  std::vector<NamedTarget> targets;  // of last known good
  std::set<std::string> occupied;
  std::string notes;
  std::string stays = {};                     // what could not go back; "" for nothing
  std::map<std::string, Health> health = {};  // of each target; Healthy where it is not said
  std::vector<UnwellBefore> unwell = {};      // what is still told
};
// RollingBack: Idle.
Result<Moved> RolledBack(const Record& record, const Back& back, SystemTime now);
Result<Moved> RollbackYielded(const Record& record);
Result<Moved> RollbackImpossible(const Record& record, const std::string& why, SystemTime now);
// Some of it could not go back, and the rest is not well: what runs is not known, and a fix may be
// all it needs.
Result<Moved> RollbackIncomplete(const Record& record, const std::string& why,
                                 const std::string& stays);
inline constexpr std::string_view kRollbackIncomplete = "RollbackIncomplete";

// Idle, Held. The pending revert landed as `commit`, or is not needed, or cannot be.
Result<Moved> Reverted(const Record& record, const std::string& commit,
                       const std::vector<std::string>& dropped);
Result<Moved> NothingToRevert(const Record& record);
Result<Moved> RevertImpossible(const Record& record, const std::string& reason,
                               const std::string& message, SystemTime now);

// --- Somebody asks ---

struct Asked {
  std::string by;
  std::string reason;
};
Moved FrozenBy(const Record& record, const Asked& asked, SystemTime now);
Moved Unfrozen(const Record& record, const Asked& asked);
// Nothing changes but that the log says so.
Moved Answered(const Record& record, const Asked& asked, const std::string& answer);
// Its rollout is open, or goes on after a pause: nothing of it has failed yet.
bool EndsByItself(const Record& record);
// Of what waits for a person without a verdict: may begin anew.
bool WaitsForRetry(const Record& record);
Moved RetriedWithoutVerdict(const Record& record, const Asked& asked, SystemTime now);
// The newest failure no longer keeps its content out, in whatever form; `outcome`: what became of
// it in Git.
Moved FailureForgotten(const Record& record, const Asked& asked, const std::string& outcome);

// --- Objects leave ---

// From any phase. What is to go and is still there; told with the move that follows.
Record Leaves(const Record& record, std::vector<Leaving> leaving);

// --- The unit leaves ---

// A removal has begun, and has neither ended nor been interrupted.
bool RemovalGoesOn(const Record& record);
// Idle, Held: Applying.
Result<Moved> RemovalStarted(const Record& record, const std::string& rollout,
                             const std::string& revision, const std::string& objects,
                             SystemTime now);
// Idle, Held, Applying: Applying. One that goes on; told with what comes of it.
Result<Record> RemovalResumed(const Record& record);
// Applying: Held, until `leaving` are gone. Told when the inventory shrank, too.
Result<Moved> RemovalWaits(const Record& record, const WaitFacts& facts,
                           std::vector<Leaving> leaving, bool has_shrunk, SystemTime now);
struct Removal {
  std::string revision;
  std::string summary;
  std::string body;
  bool is_all_gone = true;
};
// Idle, Held, Applying: Idle.
Result<Moved> Removed(const Record& record, const Removal& removal, SystemTime now);

// --- At rest ---

// The record's reason while somebody changes back what is healed; its wake-up is the next check.
inline constexpr std::string_view kHealFought = "HealFought";

struct DriftFacts {
  std::vector<std::string> names;  // of what differs, as told
  size_t count = 0;                // of what differs
  std::string by;                  // ", changed by NAMES"
  bool is_again = false;           // after a heal
  bool may_heal = false;           // what differs is healed, as far as it can be
  bool heals = false;              // something is
};
// Told when it changed, when it is about to be healed, and when a fight ended.
Moved DriftSeen(const Record& record, const DriftFacts& facts);

struct Fight {
  SystemTime wake;
  std::string message;
};
// `fight`: the heal before this one did not last; `stays`: what cannot be healed, as told.
Moved Healed(const Record& record, const std::vector<std::string>& names,
             const std::optional<Fight>& fight, const std::vector<std::string>& stays);

struct HealthFacts {
  std::map<std::string, Health> by_target;  // every target of what runs
  Health worst = Health::kHealthy;
  std::string unhealthy;             // a line each
  std::vector<UnwellBefore> unwell;  // what is still told
  bool is_as_declared = false;       // nothing drifted
  std::string shared_inputs;         // digest, of what runs
};
// Told when it is Healthy no longer, or again, and when what was told recovered. What was applied
// and had not run, and is Healthy now, has Succeeded from here on (BecomesGood).
Moved HealthSeen(const Record& record, const HealthFacts& facts, SystemTime now);
// What runs becomes last known good by that move.
bool BecomesGood(const Record& record, const HealthFacts& facts);

// Work that ran to its end, remembered with what is told next.
Record WorkDone(const Record& record, const std::vector<DoneWork>& done);
// The same of a unit at rest, told where it is news.
Moved WorkSeen(const Record& record, const std::vector<DoneWork>& done);

// Objects stayed that nothing declares; they are about to go, and then did, but for those that the
// record says are leaving.
Moved PruneBegan(const Record& record, const std::string& objects);
Moved Pruned(const Record& record, bool prune_waits, const std::string& summary,
             const std::string& notes);

// --- Promotion into the unit ---

Moved PromotionBegan(const Record& record, const Content& at_tip, const std::string& from,
                     const ReleaseId& release, const std::string& operation);
// Told once per change of reason and time, and of what is invalid. The unit itself stands where it
// is declared.
Moved PromotionWaits(const Record& record, const Content& at_tip, const ReleaseId& release,
                     const std::string& reason, const std::string& message,
                     std::optional<SystemTime> until);

// --- Of every record ---

Record WrittenBy(const Record& record, const std::string& engine);
bool HasFailed(const Record& record, const std::string& fingerprint);

}  // namespace sluice::rollout::life
