// The deploy log's words (docs/reference/deploy-log.md): a unit's current record and the events of
// its history.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/model/health.h"
#include "engine/model/object_ref.h"
#include "engine/model/unit.h"

namespace sluice {

// Beside the environments' directories on the log branch, so no environment may have this name.
inline constexpr std::string_view kRequestsDirectory = "requests";

enum class Phase { kIdle, kHeld, kApplying, kRollingBack };
enum class Outcome { kSucceeded, kFailed, kErrored, kCancelled, kSuperseded };
enum class EventKind {
  kInitialised,
  kStarted,
  kHeld,
  kSucceeded,
  kFailed,
  kErrored,
  kCancelled,
  kSuperseded,
  kRolledback,
  kReverted,
  kPromoted,
  kFrozen,
  kUnfrozen,
  kAdopted,
  kRemoved,
  kInvalid,
  kDrifted,
  kHealed,
  kHealth,
  kRequest,
};

std::string_view ToString(Phase phase);
std::string_view ToString(Outcome outcome);
std::string_view ToString(EventKind kind);  // lower case, as in the trailer
std::optional<Phase> ParsePhase(std::string_view text);
std::optional<Outcome> ParseOutcome(std::string_view text);
std::optional<EventKind> ParseEventKind(std::string_view text);

struct ReleaseId {
  std::string digest;
  std::string version;
  bool operator==(const ReleaseId&) const = default;
};

// One thing that ran: what was declared, where.
struct RunningState {
  std::string revision;
  std::string fingerprint;
  ReleaseId release;
  bool operator==(const RunningState&) const = default;
};

struct LastKnownGood {
  std::string revision;
  std::string fingerprint;
  std::string rollout;
  ReleaseId release;
  SystemTime since{};
  std::string shared_inputs = {};  // digest of the shared inputs it Succeeded with; "" for none
  bool operator==(const LastKnownGood&) const = default;
};

// A gate's last decision.
struct GateRecord {
  std::string gate;      // "predecessor", "soak"
  std::string decision;  // "open", "held", "denied", "unknown"
  std::string reason;
  std::string message;
  std::optional<SystemTime> until;
  bool operator==(const GateRecord&) const = default;
};

// What a release did in this unit; newest 50.
struct ReleaseHistory {
  std::string digest;
  std::string version;
  std::string revision;  // the config commit that brought it first
  std::optional<SystemTime> first_succeeded;
  Duration longest_stay{0};  // Healthy time only, longest unbroken stay
  bool has_failed = false;
  bool operator==(const ReleaseHistory&) const = default;
};

struct FailedContent {
  std::string fingerprint;
  std::string release;  // digest
  std::string revision;
  std::string reason;
  std::string rollout;
  std::string content = {};  // digest of what it renders to; "" where an older version wrote it
  bool operator==(const FailedContent&) const = default;
};

// Work that ran to its end here: it is done, whether its object is still there or not.
struct DoneWork {
  std::string target;
  std::string object;  // inventory line
  std::string work;    // what it ran; targets::PreparedObject::work
  bool operator==(const DoneWork&) const = default;
};

struct TargetRecord {
  Phase phase = Phase::kIdle;
  std::optional<Outcome> outcome;
  Health health = Health::kUnknown;
  std::optional<SystemTime> health_at;
  std::string last_known_good;  // fingerprint
  std::string
      identity;  // of the resolved target, so that a target no longer named can still be listed
  bool operator==(const TargetRecord&) const = default;
};

// An object that was unhealthy before a rollout's first write. Left as it is it is told, never
// judged; until it was Healthy once. One that the rollout changes is told by a rollback only.
struct UnwellBefore {
  std::string target;
  std::string object;  // inventory line
  std::string reason;
  bool is_changed = false;  // by the rollout
  bool operator==(const UnwellBefore&) const = default;
};

// Where a restart found the open rollout, and how many restarts in a row found it no further.
struct FoundOpen {
  int changes_left = 0;
  int unwell = 0;  // objects
  int times = 0;
  bool operator==(const FoundOpen&) const = default;
};

// An object that is to go and is not gone: its deletion stays open until it is.
struct Leaving {
  std::string target;
  ObjectRef ref;
  std::string uid;  // another object that has its name later on is not ours to delete
  SystemTime since{};
  std::string held_by;  // "being deleted, held by finalizer example.test/hold"
  bool waits = false;   // not touched yet: it goes when the others are gone
  bool operator==(const Leaving&) const = default;
};

// The content at the tip that a wait is about (held, invalid, errored). The record's own rollout
// and revision may be older: a wait before a rollout's start begins none.
struct Waiting {
  std::string revision;
  std::string fingerprint;  // "" for content that cannot be used
  int errors = 0;           // passes in a row without a verdict, this one included
  bool operator==(const Waiting&) const = default;
};

// What the unit, or a promotion into it, waits for; it ends as a whole.
struct Wait {
  std::optional<SystemTime> wake;  // when to look again
  std::vector<GateRecord> gates;   // last decision of each
  std::optional<Waiting> content;  // what waits, when that is the unit
  bool operator==(const Wait&) const = default;
};

// A rollout that has begun to write to live, until its verdict. What interrupts it does not end
// this: what it wrote is still there.
struct OpenRollout {
  std::optional<SystemTime> health_deadline;  // absolute
  std::optional<SystemTime> errored_since;    // first error after its first write
  std::vector<std::string> adopting;          // inventory lines `adopt` released, "*" for all
  std::optional<FoundOpen> found = {};        // by a restart
  bool operator==(const OpenRollout&) const = default;
};

// The rollout Failed, and Git is not reverted yet.
struct PendingRevert {
  std::string operation;  // Sluice-Operation of the revert commit, pushed or to be pushed
  bool operator==(const PendingRevert&) const = default;
};

// A target that is no longer named, in which objects of the unit stay (those of its inventory).
struct Leftover {
  std::string target;
  std::string identity;
  bool operator==(const Leftover&) const = default;
};

struct Frozen {
  std::string by;  // git identity, or "sluice"
  std::string reason;
  SystemTime since{};
  bool operator==(const Frozen&) const = default;
};

// Where a unit stands. Only the moves of rollout/life/ make a new one of an old one.
struct Record {
  UnitId unit;
  Phase phase = Phase::kIdle;
  std::optional<Outcome> outcome;  // of the newest finished rollout; of the open one none
  std::string reason;              // docs/reference/reasons.md; "" when all is well
  std::string message;             // the one line for a person
  std::optional<Frozen> frozen;

  std::string revision;  // config commit of the newest rollout (open or finished)
  std::string fingerprint;
  std::string content;  // digest of what it renders to (rollout/content.h); "" where not known
  ReleaseId release;
  std::string rollout;  // id, "r-<10 hex>"; "" before the first
  std::string kind;     // "deploy", "removal", "adoption"
  int attempt = 0;
  std::string plan;    // digest
  std::string engine;  // id of the engine that wrote this
  std::optional<SystemTime> started, finished;

  Wait wait;
  std::optional<OpenRollout> open;
  std::optional<PendingRevert> pending_revert;

  // Objects stay that nothing declares, because a part of the config repo could not be read.
  bool prune_waits = false;
  // Of a prune or removal that is still open; at most 20. The inventory holds all of them.
  std::vector<Leaving> leaving;

  std::string promote_operation;  // Sluice-Operation of the newest promotion into this unit

  std::vector<FailedContent> failed;     // newest first, at most 50
  std::vector<ReleaseHistory> releases;  // newest first, at most 50
  std::optional<RunningState> running;   // what the last finished rollout left in live
  std::optional<LastKnownGood> last_known_good;
  std::optional<SystemTime>
      healthy_since;  // start of the present unbroken Healthy stay of `running.release`
  std::vector<UnwellBefore> unwell_before;      // the newest rollout; at most 50
  std::vector<DoneWork> done;                   // newest first, at most 30
  std::vector<std::string> drift;               // objects that differ, as told last; at most 20
  std::map<std::string, TargetRecord> targets;  // of what runs, or is being rolled out
  std::vector<Leftover> leftovers;

  bool operator==(const Record&) const = default;
  bool IsOpen() const { return phase == Phase::kApplying || IsRollingBack(); }
  // Failed, and live is not back at last known good yet.
  bool IsRollingBack() const { return phase == Phase::kRollingBack; }
};

// At most 16 KiB as FormatRecord's text: the oldest of failed[] and releases[] go first, then
// drift[], then the ends of long messages. Control characters other than line feed are escaped,
// bytes that are not UTF-8 replaced.
nlohmann::json ToJson(const Record& record);
// Unknown keys, wrong types and values outside the vocabulary are kCorrupted.
Result<Record> ParseRecord(const nlohmann::json& json);

// The bytes of <env>/<app>.json, and back.
std::string FormatRecord(const Record& record);
Result<Record> ParseRecordText(std::string_view text);
// The record as it will be read back: what of it FormatRecord keeps.
Record Normalized(const Record& record);

// One commit of the log branch. Empty members are left out of the message.
struct Event {
  EventKind kind = EventKind::kStarted;
  std::string summary;  // subject line for people, without prefix
  std::string body;     // further lines for people
  // Further trailers in order, without the Sluice- prefix: {"Environment","prod"}, …, values one
  // line each.
  std::vector<std::pair<std::string, std::string>> trailers;

  // Filled when read back.
  std::string commit;
  std::string author;
  SystemTime time{};
};

// One element of `sluice log -o json` (manifests-schema/log.json): the trailers in lowerCamelCase,
// beside commit, time, by, unit, summary and body.
nlohmann::json ToJson(const Event& event);

}  // namespace sluice
