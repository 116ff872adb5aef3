#include "engine/rollout/same_object.h"

#include <algorithm>
#include <set>

#include "engine/base/log.h"

namespace sluice::rollout {
namespace {

struct Candidate {
  UnitId unit;
  Claim claim;
};

// Equal names under other kinds here; the same kind, whatever its group, elsewhere.
std::vector<Candidate> Candidates(const Snapshot& snapshot, const std::string& cluster,
                                  const std::vector<ObjectRef>& refs) {
  std::multimap<std::pair<std::string, std::string>, const ObjectRef*> by_name;
  for (const ObjectRef& ref : refs) by_name.emplace(std::pair(ref.ns, ref.name), &ref);
  std::vector<Candidate> out;
  for (const auto& [unit, claims] : snapshot.claims) {
    for (const Claim& claim : claims) {
      const auto [first, last] = by_name.equal_range({claim.ref.ns, claim.ref.name});
      const bool may_be_one = std::any_of(first, last, [&](const auto& named) {
        const ObjectRef& ref = *named.second;
        return claim.cluster == cluster ? claim.ref != ref : claim.ref.kind == ref.kind;
      });
      if (may_be_one) out.push_back({unit, claim});
    }
  }
  return out;
}

const Target* TargetOf(const Snapshot& snapshot, const Candidate& candidate) {
  const DeclaredUnit* unit = snapshot.Find(candidate.unit);
  if (!unit) return nullptr;
  for (const Target& target : unit->targets) {
    if (snapshot.ClusterOf(target) == candidate.claim.cluster) return &target;
  }
  return nullptr;
}

std::vector<ObjectRef> RefsOf(const std::vector<Candidate>& candidates) {
  std::set<ObjectRef> refs;
  for (const Candidate& candidate : candidates) refs.insert(candidate.claim.ref);
  return {refs.begin(), refs.end()};
}

void Match(const std::vector<Candidate>& candidates, const targets::LiveState& live,
           const std::map<std::string, ObjectRef>& by_uid, OtherNames& names) {
  for (const Candidate& candidate : candidates) {
    const auto it = live.objects.find(candidate.claim.ref);
    if (it == live.objects.end()) continue;
    const auto same = by_uid.find(it->second.uid);
    if (same == by_uid.end()) continue;
    names.found[same->second] =
        ToString(candidate.claim.ref) + ", which " + ToString(candidate.unit) + " declares";
  }
}

}  // namespace

Result<OtherNames> FindOtherNames(const Services& services, const Snapshot& snapshot,
                                  const Target& target, targets::TargetDriver& driver,
                                  const targets::LiveState& live,
                                  const std::vector<ObjectRef>& refs) {
  OtherNames names;
  std::map<std::string, ObjectRef> by_uid;
  for (const ObjectRef& ref : refs) {
    if (const auto it = live.objects.find(ref); it != live.objects.end() && !it->second.uid.empty())
      by_uid.emplace(it->second.uid, ref);
  }
  if (by_uid.empty()) return names;
  const std::string cluster = snapshot.ClusterOf(target);
  std::map<std::string, std::vector<Candidate>> by_cluster;
  for (Candidate& candidate : Candidates(snapshot, cluster, refs))
    by_cluster[candidate.claim.cluster].push_back(std::move(candidate));
  for (const auto& [where, candidates] : by_cluster) {
    if (where == cluster) {
      SLUICE_TRY(const auto here, driver.Observe(RefsOf(candidates), services.ReadCall()));
      Match(candidates, here, by_uid, names);
      continue;
    }
    const Target* there = TargetOf(snapshot, candidates.front());
    // What this engine cannot reach by its configuration it has deployed nothing to.
    auto other = there ? services.make_driver(*there)
                       : Fail(ErrorCode::kInvalidConfig, "no target leads there");
    if (!other) continue;
    const auto found = (*other)->Observe(RefsOf(candidates), services.ReadCall());
    if (!found) {
      log::Warn("namesakes_unreadable",
                {{"target", there->name}, {"error", found.error().message()}});
      names.is_complete = false;
      continue;
    }
    Match(candidates, *found, by_uid, names);
  }
  return names;
}

Status NoteOtherNames(const Services& services, const PlanRequest& request,
                      TargetSession& session) {
  if (!request.snapshot || request.keep_leftovers) return {};
  std::vector<ObjectRef> refs;
  for (const plan::Leftover& leftover : session.leftovers) {
    if (leftover.is_live && leftover.held_by.empty()) refs.push_back(leftover.ref);
  }
  if (refs.empty()) return {};
  SLUICE_TRY(const OtherNames names, FindOtherNames(services, *request.snapshot, session.target,
                                                    *session.driver, session.live, refs));
  for (plan::Leftover& leftover : session.leftovers) {
    if (const auto it = names.found.find(leftover.ref); it != names.found.end())
      leftover.is_also = it->second;
    leftover.may_be_claimed |= !names.is_complete;
  }
  return {};
}

std::string DeclaredInside(const Snapshot& snapshot, const Target& target,
                           const targets::LiveObject& live) {
  const auto& [group, kind] = live.takes_kind;
  if (live.takes_namespace.empty() && kind.empty()) return "";
  const std::string cluster = snapshot.ClusterOf(target);
  for (const auto& [unit, claims] : snapshot.claims) {
    for (const Claim& claim : claims) {
      const ObjectRef& ref = claim.ref;
      const bool is_inside = live.takes_namespace.empty() ? ref.kind == kind && ref.group == group
                                                          : ref.ns == live.takes_namespace;
      if (claim.cluster == cluster && is_inside)
        return ToString(unit) + " declares " + ToString(ref) + " in it";
    }
  }
  return "";
}

}  // namespace sluice::rollout
