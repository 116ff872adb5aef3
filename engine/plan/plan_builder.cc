#include "engine/plan/plan_builder.h"

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/strings.h"
#include "engine/plan/explain.h"
#include "engine/plan/prune.h"
#include "engine/plan/secrets.h"

namespace sluice::plan {
namespace {

using Found = Declared::Found;

constexpr size_t kListed = 5;

// Each blocker's reason, with one line for every object it is about.
struct Obstacle {
  std::string reason;
  std::string about;  // "KIND web/api differs at /spec/replicas"
  std::string detail = {};
  bool is_refusal = false;
  bool drops = false;  // fields that are declared no more, and that others keep
};

struct Verdict {
  Action action = Action::kUnchanged;
  std::string reason;
  std::optional<Obstacle> obstacle;
};

// The driver's words, safe to show.
std::string Said(const TargetKind& kind, const Declared& declared, const std::string& words) {
  const std::string half = Scrub(kind, declared.ref, words, declared.after);
  return EscapeControl(Scrub(kind, declared.ref, half, declared.before));
}
std::string Said(const TargetKind& kind, const Declared& declared) {
  return Said(kind, declared, declared.message);
}

Verdict Refused(const TargetKind& kind, const Declared& declared) {
  Verdict verdict;
  verdict.action = declared.before.is_null() ? Action::kCreate : Action::kUpdate;
  std::string why = Said(kind, declared);
  if (declared.found == Found::kImmutable) {
    if (why.empty()) why = "a field that cannot be changed in place";
    why += "; give the new object another name, or " +
           (declared.replace_advice.empty() ? "delete the old one and push again"
                                            : Said(kind, declared, declared.replace_advice));
  } else if (why.empty()) {
    why = "the server gave no reason";
  }
  verdict.reason = "refused: " + why;
  const std::string reason = !declared.reason.empty()              ? declared.reason
                             : declared.found == Found::kImmutable ? "ImmutableField"
                                                                   : "ContentRejected";
  const std::string name = ToString(declared.ref);
  const std::string detail = Said(kind, declared, declared.detail);
  verdict.obstacle =
      Obstacle{reason, name + ": " + why, detail.empty() ? "" : name + ": " + detail, true};
  return verdict;
}

// An object that is there and is not ours.
Verdict TakeOver(const TargetKind& kind, const Declared& declared,
                 const std::vector<FieldChange>& values, bool is_adopted) {
  const std::string name = ToString(declared.ref);
  const bool is_equal = values.empty() && declared.found != Found::kConflict;
  if (is_adopted) {
    return {
        Action::kAdopt,
        is_equal ? "taken over as asked" : "taken over as asked; " + ExplainUpdate(kind, values),
        {}};
  }
  const bool has_moved = !declared.other_owner.empty() && !declared.is_other_owner_foreign;
  if (has_moved && declared.found == Found::kConflict) {
    return {Action::kUpdate, "conflict: " + Said(kind, declared),
            Obstacle{.reason = "FieldConflict",
                     .about = name + ": " + Said(kind, declared),
                     .drops = declared.drops}};
  }
  if (has_moved) {
    // Adopt means ownership only; with new values it is an update like any other.
    const std::string moved = "moved here: the unit that had it no longer declares it";
    if (is_equal) return {Action::kAdopt, moved, {}};
    return {Action::kUpdate, moved + "; " + ExplainUpdate(kind, values), {}};
  }
  if (is_equal && !declared.is_other_owner_foreign)
    return {Action::kAdopt, "already there with equal values", {}};
  std::string about = name;
  if (declared.is_other_owner_foreign) about += " carries the mark of another pipeline";
  if (!values.empty())
    about += (declared.is_other_owner_foreign ? " and" : "") + std::string(" differs at ") +
             ListPaths(values);
  if (declared.found == Found::kConflict && !Said(kind, declared).empty())
    about += " (" + Said(kind, declared) + ")";
  return {Action::kAdopt, "already there, not ours", Obstacle{"AdoptionRequired", about}};
}

Verdict Update(const TargetKind& kind, const Declared& declared,
               const std::vector<FieldChange>& fields, const std::vector<FieldChange>& values,
               bool is_adopted) {
  if (declared.found == Found::kConflict) {
    const std::string said = Said(kind, declared);
    if (is_adopted) return {Action::kAdopt, "taken over as asked: " + said, {}};
    return {Action::kUpdate, "conflict: " + said,
            Obstacle{.reason = "FieldConflict",
                     .about = ToString(declared.ref) + ": " + said,
                     .drops = declared.drops}};
  }
  if (values.empty() && !fields.empty())
    return {Action::kUpdate, "its ownership mark is missing", {}};
  if (!declared.summary.empty())
    return {Action::kUpdate, Said(kind, declared, declared.summary), {}};
  return {Action::kUpdate, ExplainUpdate(kind, values), {}};
}

Verdict Judge(const TargetKind& kind, const Declared& declared,
              const std::vector<FieldChange>& fields, const Policy& policy) {
  if (!declared.claimed_by.empty() && !declared.is_ours) {
    return {
        Action::kSkip, declared.claimed_by + " declares it too",
        Obstacle{"DuplicateObject", ToString(declared.ref) + " is declared by " +
                                        declared.claimed_by + ", too; remove it from all but one"}};
  }
  const bool is_adopted = policy.adopted.contains(declared.ref);
  if (declared.found == Found::kImmutable && declared.is_ours && declared.may_be_replaced) {
    return {Action::kReplace,
            "deleted and created again, for it cannot be changed in place: " + Said(kind, declared),
            {}};
  }
  // What a rollback could not take back, say, keeps no fix of something else out.
  if (!declared.stays.empty())
    return {Action::kSkip, "it stays, and this content does not change it: " + declared.stays, {}};
  if (declared.found == Found::kRefused || declared.found == Found::kImmutable)
    return Refused(kind, declared);
  if (declared.found == Found::kUnknowable && (declared.before.is_null() || declared.is_ours)) {
    const std::string why = Said(kind, declared);
    return {declared.before.is_null() ? Action::kCreate : Action::kUpdate,
            why.empty() ? "its namespace or type is not there yet" : why,
            {}};
  }
  if (declared.found == Found::kDeleting) return {Action::kCreate, Said(kind, declared), {}};
  if (declared.found == Found::kAbsent) {
    return {Action::kCreate,
            declared.is_ours ? "no longer in the cluster" : "not in the cluster yet",
            {}};
  }
  const std::vector<FieldChange> values =
      declared.found == Found::kSame
          ? std::vector<FieldChange>()
          : DiffFields(kind, declared.ref, kind.WithoutMark(declared.before),
                       kind.WithoutMark(declared.after));
  if (!declared.is_ours) return TakeOver(kind, declared, values, is_adopted);
  if (declared.found == Found::kSame) return {Action::kUnchanged, "as declared", {}};
  return Update(kind, declared, fields, values, is_adopted);
}

std::string Remedy(const std::string& reason, const std::string& unit, bool drops) {
  const std::string adopt = "`sluice adopt " + (unit.empty() ? "ENV/APP" : unit) + "`";
  if (reason == "AdoptionRequired")
    return "; take them over with " + adopt + ", or make the manifests equal";
  if (reason == "FieldConflict" && drops)
    return "; take them over with " + adopt +
           ", which also removes what is to go, or stop their owners and leave them out of Git";
  if (reason == "FieldConflict")
    return "; leave the field out of the manifest, or take it over with " + adopt;
  return "";
}

// One blocker for each reason, naming every object up to a limit, in the order of the plan.
void AddBlockers(const std::vector<Obstacle>& obstacles, const Input& input, Plan& plan) {
  std::vector<std::string> reasons;
  std::map<std::string, std::vector<std::string>> about;
  std::map<std::string, PlanBlocker> more;
  std::set<std::string> drops;
  for (const Obstacle& obstacle : obstacles) {
    if (!about.contains(obstacle.reason)) reasons.push_back(obstacle.reason);
    about[obstacle.reason].push_back(obstacle.about);
    PlanBlocker& blocker = more[obstacle.reason];
    blocker.is_refusal |= obstacle.is_refusal;
    if (obstacle.drops) drops.insert(obstacle.reason);
    if (obstacle.detail.empty() || about[obstacle.reason].size() > kListed) continue;
    blocker.detail += (blocker.detail.empty() ? "" : "\n") + obstacle.detail;
  }
  for (const std::string& reason : reasons) {
    std::vector<std::string>& lines = about[reason];
    const size_t count = lines.size();
    if (count > kListed) lines.resize(kListed);
    std::string message = Join(lines, "; ");
    if (count > kListed) message += "; and " + std::to_string(count - kListed) + " more";
    plan.blockers.push_back({reason, message + Remedy(reason, input.unit, drops.contains(reason)),
                             std::move(more[reason].detail), more[reason].is_refusal});
  }
}

}  // namespace

Plan Build(const Input& input) {
  const TargetKind& kind = *input.kind;
  Plan plan;
  std::vector<Obstacle> obstacles;
  for (const Declared& declared : input.declared) {
    Change change{input.target, Action::kUnchanged, declared.api_version, declared.ref, "", {},
                  "",           declared.left};
    const bool has_values = declared.found != Found::kSame;
    if (has_values) change.fields = DiffFields(kind, declared.ref, declared.before, declared.after);
    Verdict verdict = Judge(kind, declared, change.fields, input.policy);
    change.action = verdict.action;
    change.reason = std::move(verdict.reason);
    change.summary = Said(kind, declared, declared.summary);
    if (change.action != Action::kUnchanged)
      change.secret_digest = SecretDigest(kind, declared.ref, declared.after, input.hmac_key);
    if (verdict.obstacle) {
      change.blocked_by = verdict.obstacle->reason;
      obstacles.push_back(std::move(*verdict.obstacle));
    }
    plan.changes.push_back(std::move(change));
  }
  AddBlockers(obstacles, input, plan);
  PlanLeftovers(input, plan);
  return plan;
}

}  // namespace sluice::plan
