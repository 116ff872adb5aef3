// Deleting what is to go from one target. One look does what can be done now: it deletes what may
// go, sees what is gone, and names what is not, with what keeps it. Nothing waits here.
//
// What is served goes before what serves it (TargetKind::DeletionRank): as long as one object of a
// rank is there, none of a later rank is touched, for its finalizer may be the later one's to
// clear.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/rollout/live_steps.h"
#include "engine/rollout/pass.h"

namespace sluice::rollout {

struct Going {
  std::vector<ObjectRef> refs;
  std::string mark;            // of the unit; what does not carry it stays
  std::vector<Leaving> known;  // of the looks before, in any target
  Permission permission = Permission::kLease;
};

// Asked right before each few deletions are sent: an end other than ok ends the look.
using DeletionGuard = std::function<StepEnd(const std::vector<targets::Deletion>& batch)>;

struct DeletionLook {
  StepEnd end;                   // interrupted, or no verdict: what is left is in `leaving`, too
  std::set<ObjectRef> gone;      // or another object has its name
  std::set<ObjectRef> replaced;  // the latter, since an earlier look
  std::vector<Leaving> leaving;  // not gone: held, refused, or not their turn yet
  std::string notes;             // a line for each object that stays for good, and why
};
DeletionLook DeleteObjects(const Services& services, TargetSession& session, const Going& going,
                           const DeletionGuard& guard);

// By what Git holds at that moment, for nothing takes a deletion back: newer content, a restored
// directory, a freeze, or somebody who declares one of the objects ends the look.
DeletionGuard HeedGit(const Pass& pass, const Target& target, InterruptWatch& watch);

}  // namespace sluice::rollout
