#include "engine/promotion/promotion.h"

#include <algorithm>

#include "engine/base/time_format.h"
#include "engine/model/release_history.h"

namespace sluice::promotion {
namespace {

using Kind = Decision::Kind;

// A record holds the newest releases only (model/record.h). When a long list does not name the
// target's release, and the target had it before the oldest of the list, it was dropped from the
// list and is no hot fix.
constexpr size_t kLongHistory = 25;

std::string NameOf(const ReleaseHistory& release) {
  return "release " + (release.version.empty() ? release.digest.substr(0, 12) : release.version);
}

bool Contains(const std::vector<std::string>& digests, const std::string& digest) {
  return std::ranges::find(digests, digest) != digests.end();
}

bool IsFailedHere(const Facts& facts, const std::string& digest) {
  if (!facts.target) return false;
  const auto& good = facts.target->last_known_good;
  if (good && good->release.digest == digest) return false;
  const ReleaseHistory* history = HistoryOf(*facts.target, digest);
  if (history && history->has_failed) return true;
  return std::ranges::find(facts.target->failed, digest, &FailedContent::release) !=
         facts.target->failed.end();
}

std::optional<SystemTime> FirstSuccess(const Record& record, const std::string& digest) {
  const ReleaseHistory* history = HistoryOf(record, digest);
  return history ? history->first_succeeded : std::nullopt;
}

// `a` entered upstream after `b`: the list is newest first.
bool StartedLater(const Record& upstream, const std::string& a, const std::string& b) {
  for (const ReleaseHistory& release : upstream.releases) {
    if (release.digest == a) return true;
    if (release.digest == b) return false;
  }
  return false;
}

bool WasDropped(const Facts& facts) {
  if (!facts.target || facts.upstream->releases.size() < kLongHistory) return false;
  const auto here = FirstSuccess(*facts.target, facts.declared_in_target.digest);
  return here && std::ranges::all_of(facts.upstream->releases, [&](const ReleaseHistory& release) {
           return !release.first_succeeded || *release.first_succeeded > *here;
         });
}

// Upstream has never heard of what the target declares.
bool IsHotFix(const Facts& facts) {
  const std::string& declared = facts.declared_in_target.digest;
  return !declared.empty() && !HistoryOf(*facts.upstream, declared) &&
         !Contains(facts.initial_releases, declared) && !WasDropped(facts);
}

bool IsLaterThan(const Facts& facts, const ReleaseHistory& candidate, const std::string& digest) {
  if (const auto success = FirstSuccess(*facts.upstream, digest))
    return *candidate.first_succeeded > *success;
  if (HistoryOf(*facts.upstream, digest))
    return StartedLater(*facts.upstream, candidate.digest, digest);
  return true;
}

// Both stood when the log began, and upstream never ran the target's: nobody knows which is newer.
bool IsOrderUnknown(const Facts& facts, const std::string& candidate) {
  const std::string& declared = facts.declared_in_target.digest;
  return !declared.empty() && candidate != declared && !HistoryOf(*facts.upstream, declared) &&
         Contains(facts.initial_releases, declared) && Contains(facts.initial_releases, candidate);
}

bool IsLaterThanTargets(const Facts& facts, const ReleaseHistory& candidate) {
  const std::string& declared = facts.declared_in_target.digest;
  if (declared.empty()) return true;
  if (candidate.digest == declared || !IsLaterThan(facts, candidate, declared)) return false;
  if (facts.is_by_person) return true;
  if (IsOrderUnknown(facts, candidate.digest)) return false;
  if (!facts.target) return true;
  // A person's rollback is not undone: what Succeeded here and was left again has to be overtaken,
  // too.
  return std::ranges::all_of(facts.target->releases, [&](const ReleaseHistory& had) {
    return !had.first_succeeded ||
           (had.digest != candidate.digest && IsLaterThan(facts, candidate, had.digest));
  });
}

// Upstream runs an older release now: somebody went back from this one.
bool IsWithdrawn(const Facts& facts, const ReleaseHistory& candidate) {
  if (!facts.upstream->running) return false;
  const auto running = FirstSuccess(*facts.upstream, facts.upstream->running->release.digest);
  return running && *candidate.first_succeeded > *running;
}

// Latest first success first.
std::vector<const ReleaseHistory*> Candidates(const Facts& facts) {
  std::vector<const ReleaseHistory*> found;
  for (const ReleaseHistory& release : facts.upstream->releases) {
    const bool is_candidate = !release.digest.empty() && release.first_succeeded &&
                              !IsFailedHere(facts, release.digest) &&
                              IsLaterThanTargets(facts, release) && !IsWithdrawn(facts, release);
    if (is_candidate) found.push_back(&release);
  }
  std::ranges::stable_sort(found, std::greater<>(),
                           [](const ReleaseHistory* release) { return *release->first_succeeded; });
  return found;
}

// The newest release that would be a candidate, had it not failed here or been withdrawn upstream.
const ReleaseHistory* FindExcluded(const Facts& facts) {
  const ReleaseHistory* newest = nullptr;
  for (const ReleaseHistory& release : facts.upstream->releases) {
    const bool is_newer =
        !release.digest.empty() && release.first_succeeded && IsLaterThanTargets(facts, release);
    if (is_newer && (!newest || *release.first_succeeded > *newest->first_succeeded))
      newest = &release;
  }
  return newest;
}

Decision Make(Kind kind, const ReleaseHistory& release, std::string reason, std::string message,
              std::optional<SystemTime> until = std::nullopt) {
  return {kind,
          {release.digest, release.version},
          release.revision,
          std::move(reason),
          std::move(message),
          until};
}

// A candidate exists; what else stands in its way, now or until a person acts.
std::optional<Decision> FindObstacle(const Facts& facts, const ReleaseHistory& candidate) {
  const std::string to = ToString(facts.to);
  if (facts.target && facts.target->frozen) {
    return Make(Kind::kHold, candidate, "Frozen",
                to + " is frozen by " + facts.target->frozen->by + "; `sluice unfreeze " + to +
                    "` lets " + NameOf(candidate) + " in");
  }
  if (facts.is_by_person) return std::nullopt;
  if (IsHotFix(facts)) {
    const ReleaseHistory declared{
        facts.declared_in_target.digest, facts.declared_in_target.version, "", {}, {}, false};
    return Make(Kind::kHold, candidate, "UnknownReleaseInTarget",
                to + " runs " + NameOf(declared) + ", which " + ToString(facts.from) +
                    " never had; bring it there first, or replace it with `sluice promote " + to +
                    "`");
  }
  if (facts.target && facts.target->IsOpen()) {
    return Make(Kind::kWait, candidate, "RolloutOpen",
                NameOf(candidate) + " waits for the open rollout of " + to);
  }
  if (!facts.is_target_recorded) {
    return Make(Kind::kWait, candidate, "TipNotRecorded",
                NameOf(candidate) + " waits until what " + to + " declares now has an outcome");
  }
  return std::nullopt;
}

// There is something newer, and it must not come: the engine has nothing to do, a person is told.
Decision Exclude(const Facts& facts, const ReleaseHistory& release) {
  const std::string to = ToString(facts.to);
  Decision decision =
      IsFailedHere(facts, release.digest)
          ? Make(Kind::kHold, release, "ReleaseFailedHere",
                 NameOf(release) + " of " + ToString(facts.from) + " is newer, but failed in " +
                     to + "; bring a fix, or run `sluice retry " + to +
                     "` when the failure was no fault of the release")
          : Make(Kind::kHold, release, "ReleaseWithdrawn",
                 NameOf(release) + " is newer, but " + ToString(facts.from) +
                     " went back from it to an older one; bring it there again first");
  if (facts.is_by_person) return decision;
  Decision nothing;
  nothing.message = std::move(decision.message);
  return nothing;
}

Decision AwaitSoak(const Facts& facts, const std::vector<const ReleaseHistory*>& candidates) {
  const std::string soak = FormatDuration(facts.soak);
  for (const ReleaseHistory* candidate : candidates) {
    const bool runs =
        facts.upstream->running && facts.upstream->running->release.digest == candidate->digest;
    if (!runs) continue;
    if (const auto since = StaySince(*facts.upstream, candidate->digest)) {
      const SystemTime until = *since + facts.soak;
      return Make(Kind::kWait, *candidate, "SoakPending",
                  NameOf(*candidate) + " soaks in " + ToString(facts.from) + " for " + soak +
                      " until " + FormatTime(until),
                  until);
    }
    return Make(
        Kind::kWait, *candidate, "SoakPending",
        NameOf(*candidate) + " is not Healthy in " + ToString(facts.from) +
            (facts.soak > Duration(0) ? "; its soak of " + soak + " starts when it is"
                                      : " and has not run there yet; it goes on when it is"));
  }
  Decision none;
  none.message = NameOf(*candidates.front()) + " left " + ToString(facts.from) +
                 " before it was Healthy there" + (facts.soak > Duration(0) ? " for " + soak : "");
  return none;
}

}  // namespace

Decision Choose(const Facts& facts) {
  Decision nothing;
  if (!facts.upstream) {
    nothing.message = ToString(facts.from) + " has no finished rollout yet";
    return nothing;
  }
  const std::vector<const ReleaseHistory*> candidates = Candidates(facts);
  if (candidates.empty()) {
    if (const ReleaseHistory* excluded = FindExcluded(facts)) return Exclude(facts, *excluded);
    const auto unknown = std::ranges::find_if(
        facts.upstream->releases,
        [&](const ReleaseHistory& release) { return IsOrderUnknown(facts, release.digest); });
    if (unknown != facts.upstream->releases.end()) {
      nothing.message = "it is not known whether " + NameOf(*unknown) + " of " +
                        ToString(facts.from) +
                        " is newer, both stood when the log began; `sluice promote " +
                        ToString(facts.to) + "` takes it";
    }
    return nothing;
  }
  const auto soaked = std::ranges::find_if(candidates, [&](const ReleaseHistory* candidate) {
    return HasRun(*facts.upstream, candidate->digest) &&
           LongestStay(*facts.upstream, candidate->digest, facts.now) >= facts.soak;
  });
  const ReleaseHistory& first = soaked == candidates.end() ? *candidates.front() : **soaked;
  if (auto obstacle = FindObstacle(facts, first)) return *obstacle;
  if (soaked == candidates.end()) return AwaitSoak(facts, candidates);
  return Make(Kind::kPromote, first, "", NameOf(first) + " Succeeded in " + ToString(facts.from));
}

Duration LongestStay(const Record& record, const std::string& digest, SystemTime now) {
  return LongestHealthyStay(record, digest, now);
}

}  // namespace sluice::promotion
