// What several moves share: private to rollout/life/.
#pragma once

#include <initializer_list>
#include <string>

#include "engine/rollout/life/moves.h"

namespace sluice::rollout::life {

// A move of this name may come from these phases only.
Status ComesFrom(const Record& record, std::initializer_list<Phase> phases, std::string_view move);

// An event with the trailers that every event of a unit carries, filled from the record.
Event Tell(EventKind kind, const Record& record, std::string summary, std::string body = "",
           Trailers more = {});
// The same for content whose rollout has not begun: of the record's rollout nothing is said.
Event TellAbout(EventKind kind, const Record& record, const Content& content, std::string summary,
                std::string body = "", Trailers more = {});

// "3f2c9ab", and with a version "3f2c9ab version 2026.11.3".
std::string ShortOf(const std::string& commit);
std::string ContentOf(const Record& record);

// The newest 50 of what was released here, and of what failed.
void NoteStartedRelease(Record& record);
void NoteSucceeded(Record& record, SystemTime now);
void NoteFailed(Record& record, const std::string& reason);
// In all its forms.
void ForgetFailure(Record& record, const FailedContent& failed);
// Closes the running release's stay (it is no longer Healthy, or is being replaced).
void CloseStay(Record& record, SystemTime now);

// Nothing is said about the unit any more: neither why it stands where it does nor what it waits
// for.
void ClearWhy(Record& record);
void SetWhy(Record& record, std::string reason, std::string message);

// The targets become the named ones, each Healthy now; those that hold objects of ours and are no
// longer named become leftovers.
void RebuildTargets(Record& record, const std::vector<NamedTarget>& named,
                    const std::set<std::string>& occupied, SystemTime now);
void SetTargetPhases(Record& record, Phase phase);
// Of the targets that are named there; the others keep theirs.
void SetTargetHealth(Record& record, const std::map<std::string, Health>& health);
// Every target.
bool IsHealthy(const Record& record);

}  // namespace sluice::rollout::life
