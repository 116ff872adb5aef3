// Turns what happened to a unit into entries of the deploy log. The only writer of records.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/deploylog/deploy_log.h"
#include "engine/model/record.h"
#include "engine/rollout/services.h"
#include "engine/rollout/transitions.h"

namespace sluice::rollout {

using Trailers = std::vector<std::pair<std::string, std::string>>;

// Who brought a revision into a unit's directory.
struct Authorship {
  std::string author;       // "Name <email>" of the newest commit that changed the unit's directory
  std::string approved_by;  // who merged it, when that was somebody else
  std::string revision;     // that commit
};

// Looks back from `revision` for the newest commit that changed `directory` (from the repository's
// root).
Result<Authorship> FindAuthorship(const Services& services, const std::string& revision,
                                  const std::string& directory);
// Commits after `good` up to `tip` that changed `directory`, newest first; only the newest of them
// when `good` is gone with a history that was rewritten.
Result<std::vector<std::string>> CommitsTouching(const Services& services, const std::string& tip,
                                                 const std::string& good,
                                                 const std::string& directory);

// An entry with the trailers every event of a unit carries, filled from the record.
deploylog::Entry MakeEntry(const Services& services, EventKind kind, const Record& record,
                           std::string summary, std::string body = "", Trailers more = {});

// What an event speaks of, when that is not the record's rollout.
struct Content {
  std::string revision;
  std::string fingerprint;  // "" for content that cannot be used
  ReleaseId release;
};

// The same for content whose rollout has not begun: of the record's rollout nothing is said.
deploylog::Entry MakeEntryAbout(const Services& services, EventKind kind, const Record& record,
                                const Content& content, std::string summary, std::string body = "",
                                Trailers more = {});

// Records the unit as waiting: event `kind` (held, invalid, errored), once per change of content,
// reason, message's gate or wake-up. Returns whether anything was pushed. `record` is changed
// either way.
struct Wait {
  EventKind kind = EventKind::kHeld;
  std::string reason;
  std::string message;
  std::optional<SystemTime> wake;
  std::vector<GateRecord> gates;
  Content content = {};              // at the tip
  int errors = 0;                    // in a row, this one included
  bool is_of_ended_rollout = false;  // it speaks of the record's rollout, although that has ended
};
Result<bool> RecordWait(const Services& services, Record& record, const Wait& wait);

// Moves record.phase by the transition table; an impossible step is our own fault (kInternal).
Status Advance(Record& record, Trigger trigger);

// Bookkeeping of the newest 50.
void NoteStartedRelease(Record& record);
void NoteSucceeded(Record& record, SystemTime now);
void NoteFailed(Record& record, const std::string& reason);
bool HasFailed(const Record& record, const std::string& fingerprint);
// Closes the running release's stay (it is no longer Healthy, or is being replaced).
void CloseStay(Record& record, SystemTime now);

}  // namespace sluice::rollout
