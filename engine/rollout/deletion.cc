#include "engine/rollout/deletion.h"

#include <algorithm>
#include <map>
#include <optional>

#include "engine/rollout/removal_plan.h"

namespace sluice::rollout {
namespace {

using targets::Deletion;
using targets::LiveObject;
using targets::WriteMode;

// Few, so that what comes meanwhile is heeded; several, so that it does not take for ever.
constexpr size_t kBatch = 8;

class Deleter {
 public:
  Deleter(const Services& services, TargetSession& session, const Going& going,
          const DeletionGuard& guard)
      : services_(services), session_(session), going_(going), guard_(guard) {
    for (const Leaving& one : going.known) {
      if (one.target == session.target.name) known_.emplace(one.ref, one);
    }
    // An object that is declared may have another name, too.
    for (const ObjectRef& ref : session.refs()) {
      if (const auto it = session.live.objects.find(ref); it != session.live.objects.end())
        declared_.emplace(it->second.uid, ref);
    }
  }

  DeletionLook Run();

 private:
  Result<targets::LiveState> Read(const std::vector<ObjectRef>& refs);
  void Sort(const ObjectRef& ref, const LiveObject& live);
  void SortSent(const ObjectRef& ref, const LiveObject& live);
  bool IsAnother(const ObjectRef& ref, const LiveObject& live);
  std::string WhyItStays(const LiveObject& live) const;
  void Leave(const ObjectRef& ref, const std::string& uid, const std::string& held_by);
  int RankOf(const ObjectRef& ref) const { return session_.target.kind->DeletionRank(ref); }
  void LetWait(const Deletion& deletion);
  SystemTime Since(const ObjectRef& ref) const;
  bool TakeTurn(std::vector<Deletion> turn);
  bool Send(const std::vector<Deletion>& batch, WriteMode mode);
  void Refuse(const Deletion& deletion, const Error& error);
  std::vector<Deletion> TakeInterceptors(const Error& error);
  void LeaveTheRest();

  const Services& services_;
  TargetSession& session_;
  const Going& going_;
  const DeletionGuard& guard_;
  std::map<ObjectRef, Leaving> known_;
  std::map<std::string, ObjectRef> declared_;  // by uid
  std::map<std::string, Deletion> interceptors_;
  std::map<int, std::vector<Deletion>> turns_;
  std::set<ObjectRef> refused_;
  std::optional<int> held_at_;  // the lowest rank of what is leaving
  DeletionLook look_;
};

Result<targets::LiveState> Deleter::Read(const std::vector<ObjectRef>& refs) {
  return session_.driver->Observe(refs, services_.ReadCall());
}

SystemTime Deleter::Since(const ObjectRef& ref) const {
  const auto known = known_.find(ref);
  return known == known_.end() || known->second.waits ? services_.clock.SystemNow()
                                                      : known->second.since;
}

void Deleter::LetWait(const Deletion& deletion) {
  look_.leaving.push_back({session_.target.name, deletion.ref, deletion.uid, Since(deletion.ref),
                           "it goes when what needs it is gone", true});
}

void Deleter::Leave(const ObjectRef& ref, const std::string& uid, const std::string& held_by) {
  look_.leaving.push_back({session_.target.name, ref, uid, Since(ref), held_by});
  held_at_ = std::min(held_at_.value_or(RankOf(ref)), RankOf(ref));
}

bool Deleter::IsAnother(const ObjectRef& ref, const LiveObject& live) {
  const auto known = known_.find(ref);
  if (known == known_.end() || known->second.uid.empty() || known->second.uid == live.uid)
    return false;
  look_.gone.insert(ref);
  look_.notes += ToString(ref) + " is gone; another object has its name now and is left alone\n";
  return true;
}

std::string Deleter::WhyItStays(const LiveObject& live) const {
  if (const auto it = declared_.find(live.uid); it != declared_.end())
    return "it is the same object as " + ToString(it->second);
  if (live.mark != going_.mark) return "it is no longer marked as this unit's";
  return live.protected_by;
}

void Deleter::Sort(const ObjectRef& ref, const LiveObject& live) {
  if (IsAnother(ref, live)) {
    look_.replaced.insert(ref);
    return;
  }
  if (live.is_deleting) return Leave(ref, live.uid, "being deleted, held by " + live.held_by);
  if (const std::string why = WhyItStays(live); !why.empty()) {
    look_.notes += ToString(ref) + " stays: " + why + "\n";
    return;
  }
  const Deletion deletion{ref, live.api_version, live.uid, live.resource_version, live.mark};
  turns_[RankOf(ref)].push_back(deletion);
  for (const std::string& name : live.intercepts) interceptors_.emplace(name, deletion);
}

// What was sent and is still there.
void Deleter::SortSent(const ObjectRef& ref, const LiveObject& live) {
  if (IsAnother(ref, live) || refused_.contains(ref)) return;
  Leave(ref, live.uid,
        live.is_deleting ? "being deleted, held by " + live.held_by
                         : "still there although the server took its deletion");
}

// The unit's own webhook, whose backend is down, would keep what it is asked about for ever.
std::vector<Deletion> Deleter::TakeInterceptors(const Error& error) {
  std::vector<Deletion> found;
  for (const auto& [name, deletion] : interceptors_) {
    if (error.message().find('"' + name + '"') != std::string::npos) found.push_back(deletion);
  }
  for (const Deletion& deletion : found) {
    std::erase_if(interceptors_, [&](const auto& it) { return it.second.ref == deletion.ref; });
    for (auto& [rank, turn] : turns_)
      std::erase_if(turn, [&](const Deletion& other) { return other.ref == deletion.ref; });
  }
  return found;
}

void Deleter::Refuse(const Deletion& deletion, const Error& error) {
  refused_.insert(deletion.ref);
  Leave(deletion.ref, deletion.uid, "its deletion is refused: " + error.message());
}

// False: the look has ended.
bool Deleter::Send(const std::vector<Deletion>& batch, WriteMode mode) {
  const auto results = session_.driver->Delete(batch, mode, services_.WriteCall(going_.permission));
  std::vector<Deletion> first;
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].status) continue;
    const Error& error = results[i].status.error();
    const Happening happening = FromError(error.code());
    if (Judge(happening) != Verdict::kErrored || happening == Happening::kNoRights) {
      Refuse(batch[i], error);
      continue;
    }
    const auto interceptors = TakeInterceptors(error);
    first.insert(first.end(), interceptors.begin(), interceptors.end());
    if (!first.empty()) {
      Refuse(batch[i], error);
    } else if (look_.end.is_ok()) {
      look_.end = Happened(happening, error, "deleting " + ToString(batch[i].ref));
    }
  }
  if (!first.empty() && !TakeTurn(first)) return false;
  return look_.end.is_ok();
}

bool Deleter::TakeTurn(std::vector<Deletion> turn) {
  if (!Send(turn, WriteMode::kDryRun)) return false;
  std::erase_if(turn, [&](const Deletion& deletion) { return refused_.contains(deletion.ref); });
  std::vector<ObjectRef> sent;
  for (size_t at = 0; at < turn.size(); at += kBatch) {
    const std::vector<Deletion> batch(
        turn.begin() + static_cast<std::ptrdiff_t>(at),
        turn.begin() + static_cast<std::ptrdiff_t>(std::min(at + kBatch, turn.size())));
    if (guard_) look_.end = guard_(batch);
    if (!look_.end.is_ok()) return false;
    if (!Send(batch, WriteMode::kApply)) return false;
    for (const Deletion& deletion : batch) {
      sent.push_back(deletion.ref);
      known_.try_emplace(deletion.ref, Leaving{session_.target.name, deletion.ref, deletion.uid,
                                               services_.clock.SystemNow(), ""});
    }
  }
  const auto live = Read(sent);
  if (!live) {
    look_.end = Happened(FromError(live.error().code()), live.error(), "reading what was deleted");
    return false;
  }
  for (const ObjectRef& ref : sent) {
    const auto it = live->objects.find(ref);
    if (it == live->objects.end()) {
      look_.gone.insert(ref);
    } else {
      SortSent(ref, it->second);
    }
  }
  return true;
}

// No verdict: nothing of it is forgotten.
void Deleter::LeaveTheRest() {
  if (look_.end.kind != StepEnd::Kind::kHappened) return;
  std::set<ObjectRef> told = look_.gone;
  for (const Leaving& one : look_.leaving) told.insert(one.ref);
  for (const auto& [rank, turn] : turns_) {
    for (const Deletion& deletion : turn) {
      if (told.contains(deletion.ref)) continue;
      Leave(deletion.ref, deletion.uid, "not deleted yet: " + look_.end.message);
    }
  }
}

DeletionLook Deleter::Run() {
  const auto live = Read(going_.refs);
  if (!live) {
    look_.end =
        Happened(FromError(live.error().code()), live.error(), "reading what is to be deleted");
    for (const ObjectRef& ref : going_.refs) {
      const auto before = session_.live.objects.find(ref);
      Leave(ref, before == session_.live.objects.end() ? "" : before->second.uid,
            "not deleted yet: " + look_.end.message);
    }
    return std::move(look_);
  }
  for (const ObjectRef& ref : going_.refs) {
    const auto it = live->objects.find(ref);
    if (it == live->objects.end()) {
      look_.gone.insert(ref);
    } else {
      Sort(ref, it->second);
    }
  }
  for (const auto& [rank, turn] : turns_) {
    if (turn.empty()) continue;
    if (held_at_ && *held_at_ < rank) {
      for (const Deletion& deletion : turn) LetWait(deletion);
    } else if (!TakeTurn(turn)) {
      break;
    }
  }
  LeaveTheRest();
  return std::move(look_);
}

}  // namespace

DeletionLook DeleteObjects(const Services& services, TargetSession& session, const Going& going,
                           const DeletionGuard& guard) {
  if (going.refs.empty()) return {};
  const StepTimer timer(services, "prune");
  return Deleter(services, session, going, guard).Run();
}

DeletionGuard HeedGit(const Pass& pass, const Target& target, InterruptWatch& watch) {
  return [&pass, &watch, target](const std::vector<Deletion>& batch) -> StepEnd {
    std::shared_ptr<const Snapshot> tip = pass.snapshot;
    if (pass.services.look_at_git) {
      auto looked = pass.services.look_at_git();
      if (!looked)
        return Happened(FromError(looked.error().code()), looked.error(),
                        "looking at Git before a deletion");
      tip = *looked;
    }
    if (const auto found = watch.Check(); found != Interruption::kNone) return Interrupted(found);
    if (!tip || tip->revision == pass.snapshot->revision) return {};
    const bool may_go_on = !tip->IsPartial() &&
                           (pass.declared() || RemovalDeletes(*tip, pass.unit)) &&
                           std::ranges::none_of(batch, [&](const Deletion& deletion) {
                             return tip->IsClaimed(target, deletion.ref, pass.unit);
                           });
    return may_go_on ? StepEnd{} : Interrupted(Interruption::kSuperseded);
  };
}

}  // namespace sluice::rollout
