// What a verdict is about: the objects that a rollout changes, and whatever was well before it.
// What was unhealthy before the first write and is not changed is told, never judged, until it was
// Healthy once. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/model/record.h"

namespace sluice::rollout::judge {

enum class By {
  kRollout,
  kRollback,  // what was unhealthy before is so with what it brings back, too: changed or not
};

// The objects of one target that are told.
std::set<ObjectRef> ToldIn(const std::vector<UnwellBefore>& unwell, const std::string& target,
                           By by);

struct Division {
  std::vector<ObjectHealth> judged, told;
};
Division Divide(const std::vector<ObjectHealth>& health, const std::set<ObjectRef>& told);

// Whether live stands on a verdict, so that what is unwell now was so before the next rollout.
// After a rollout that ended without one it may be that rollout's doing: what was found before it
// counts.
bool StandsOnVerdict(const Record& record);

// Adds what of one target is unwell now, before the first write.
void NoteUnwell(std::vector<UnwellBefore>& unwell, const std::string& target,
                const std::vector<ObjectHealth>& health);
// The rollout changes these.
void NoteChanged(std::vector<UnwellBefore>& unwell, const std::string& target,
                 const std::set<ObjectRef>& changed);
// After a verdict: what is Healthy now, what is no longer there, and what was judged is not told
// any more.
void ForgetSettled(std::vector<UnwellBefore>& unwell, const std::string& target,
                   const std::vector<ObjectHealth>& told);

// "OBJECT is Progressing AddressPending: no address", a line each for those that are
// not Healthy, at most 20.
std::string Describe(const std::vector<ObjectHealth>& health);
// The same for what is told, with why.
std::string DescribeTold(const std::vector<ObjectHealth>& told);

// One each, for a message: at most three, and how many more.
std::vector<std::string> Lines(const std::vector<ObjectHealth>& health);

// Paused or suspended: applied, but it does not run.
std::vector<ObjectHealth> SuspendedIn(const std::vector<ObjectHealth>& health);

}  // namespace sluice::rollout::judge
