// One look at one unit: what it knows, and what comes out of it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/model/record.h"
#include "engine/rollout/life/moves.h"
#include "engine/rollout/services.h"
#include "engine/rollout/snapshot.h"
#include "engine/rollout/verdict.h"

namespace sluice::rollout {

using life::Content;
using life::HasFailed;
using life::Trailers;

struct Pass {
  Pass(const Services& services, std::shared_ptr<const Snapshot> snapshot,
       std::shared_ptr<const deploylog::State> state, const UnitId& unit);

  const Services& services;
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const deploylog::State> state;
  UnitId unit;
  int errors_in_row = 0;  // passes without a verdict before this one
  int heals_in_row = 0;   // heals before this pass that did not last

  // As the last move left it.
  const Record& record() const { return record_; }
  // Takes what a move led to; pushed with the next one that is told.
  void Keep(const Record& next) { record_ = next; }
  Status Keep(const Result<Record>& next);
  // Pushes the move's events (none: keeps it) and what goes with the last of them.
  Status Push(life::Moved moved, deploylog::Entry with = {});
  Status Push(Result<life::Moved> moved, deploylog::Entry with = {});
  // Looks at the log again, which may have moved by what this pass recorded.
  void Refresh();

  SystemTime Now() const { return services.clock.SystemNow(); }
  const DeclaredUnit* declared() const { return snapshot->Find(unit); }

 private:
  Record record_;
};

// The entries of a move, in order; `with` goes with the last.
std::vector<deploylog::Entry> ToEntries(const Services& services, const life::Moved& moved,
                                        deploylog::Entry with = {});

enum class Standing {
  kDone,     // at what is declared
  kWaiting,  // what was begun goes on by itself, and waits for live or a check
  kHeld,     // waits for time or a person
  kErrored,  // no verdict yet; tried again at `wake`
  kFailed,   // a rollout of this pass Failed (and was handled)
  kInvalid,  // Held because of its configuration
};

enum class DriftSeen { kNotChecked, kNone, kDrifted, kHealed };

struct PassResult {
  Standing standing = Standing::kDone;
  std::optional<SystemTime> wake;  // look again then, if nothing else happens before
  bool look_again =
      false;  // at once: this pass changed what is declared, or yielded to newer content
  std::string reason, message;
  DriftSeen drift = DriftSeen::kNotChecked;
};

// Records that there is no verdict yet (once per change of content or reason) and says when to try
// again.
Result<PassResult> Errored(Pass& pass, Happening happening, const Error& error);

// Ends the open rollout: superseded, or cancelled with live left as it is.
Status RecordInterruption(Pass& pass, Interruption interruption);

// The same, with what it means for the pass. kHeldElsewhere when the lease is lost.
Result<PassResult> EndInterrupted(Pass& pass, Interruption interruption);

// Records what the unit waits for, unless the log tells it already.
Status RecordWait(Pass& pass, const life::WaitFacts& facts);

// Records the unit as Held.
Result<PassResult> Hold(Pass& pass, const std::string& reason, const std::string& message,
                        std::optional<SystemTime> wake = std::nullopt,
                        std::vector<GateRecord> gates = {});

// 5 s, 10 s, ... 5 min.
Duration Backoff(const Options& options, int errors_in_row);

// Where a unit's back-off stands by its record alone: nullopt when it does not wait one out with
// this content. Retries between the record and now are counted as if they had ended at once.
struct BackingOff {
  int errors_in_row = 0;
  SystemTime wake;  // after `now`
};
std::optional<BackingOff> BackingOffSince(const Options& options, const Record& record,
                                          const std::string& fingerprint, SystemTime now);

}  // namespace sluice::rollout
