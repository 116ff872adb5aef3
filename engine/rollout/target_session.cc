#include "engine/rollout/target_session.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/rollout/done_work.h"
#include "engine/rollout/judge/left_behind.h"
#include "engine/rollout/same_object.h"
#include "engine/rollout/surroundings.h"

namespace sluice::rollout {
namespace {

using Kind = targets::Prediction::Kind;

plan::Declared::Found FoundOf(Kind kind) {
  switch (kind) {
    case Kind::kCreate:
      return plan::Declared::Found::kAbsent;
    case Kind::kSame:
      return plan::Declared::Found::kSame;
    case Kind::kUpdate:
      return plan::Declared::Found::kDiffers;
    case Kind::kConflict:
      return plan::Declared::Found::kConflict;
    case Kind::kRefused:
      return plan::Declared::Found::kRefused;
    case Kind::kImmutable:
      return plan::Declared::Found::kImmutable;
    case Kind::kUnknowable:
      return plan::Declared::Found::kUnknowable;
    case Kind::kDeleting:
      return plan::Declared::Found::kDeleting;
  }
  return plan::Declared::Found::kRefused;
}

std::string Owners(const targets::Prediction& prediction) {
  std::vector<std::string> parts;
  for (const auto& conflict : prediction.conflicts)
    parts.push_back(conflict.field +
                    (conflict.is_former ? " is to go and is owned by '" : " is owned by '") +
                    conflict.manager + "'" + (conflict.is_former ? ", too" : ""));
  return parts.empty() ? prediction.message : Join(parts, ", ");
}

// The mark of a unit of this pipeline, declared or recorded.
bool IsKnownMark(const PlanRequest& request, const std::string& mark) {
  const auto units = request.pipeline_units ? request.pipeline_units() : std::set<UnitId>();
  return std::ranges::any_of(units, [&](const UnitId& unit) {
    return OwnershipOf(request.pipeline, unit).Mark() == mark;
  });
}

plan::Declared Describe(const targets::PreparedObject& object,
                        const targets::Prediction& prediction, const targets::LiveState& live,
                        const PlanRequest& request, const Target& target, const std::string& mark) {
  plan::Declared out;
  out.ref = object.resource.ref;
  out.api_version = object.resource.api_version;
  out.found = FoundOf(prediction.kind);
  out.before = prediction.before;
  out.after = prediction.kind == Kind::kCreate && prediction.after.is_null() ? object.resource.body
                                                                             : prediction.after;
  out.message = prediction.kind == Kind::kConflict ? Owners(prediction) : prediction.message;
  out.drops = std::ranges::any_of(prediction.conflicts, &targets::FieldConflict::is_former);
  out.reason = prediction.reason;
  out.detail = prediction.detail;
  out.summary = prediction.summary;
  out.is_ours = request.inventory.contains(out.ref);
  if (const auto it = live.objects.find(out.ref); it != live.objects.end()) {
    if (it->second.mark == mark) out.is_ours = true;
    if (!it->second.mark.empty() && it->second.mark != mark) {
      out.other_owner = it->second.mark;
      out.is_other_owner_foreign = !IsKnownMark(request, it->second.mark);
      out.is_ours = false;
    }
  }
  if (request.snapshot) {
    if (const auto other = request.snapshot->ClaimedBy(target, out.ref, request.unit))
      out.claimed_by = ToString(*other);
  }
  out.replace_advice = prediction.replace_advice;
  for (const auto& field : object.left) out.left.push_back({field.pointer, field.why});
  if (!prediction.may_be_replaced) return out;
  // As for a prune, nothing may speak against its being ours.
  const auto it = live.objects.find(out.ref);
  std::string why_not;
  if (it == live.objects.end() || it->second.mark != mark) {
    why_not = "it does not carry this unit's mark";
  } else if (!request.inventory.contains(out.ref)) {
    why_not = "it is not in this unit's inventory";
  } else {
    why_not = it->second.protected_by;
  }
  out.may_be_replaced = why_not.empty();
  if (!why_not.empty()) {
    out.replace_advice = "delete the old one and push again; it is not replaced: " + why_not;
  }
  return out;
}

std::vector<plan::Leftover> Leftovers(const TargetSession& session, const PlanRequest& request,
                                      const std::string& mark) {
  std::vector<plan::Leftover> out;
  const std::set<ObjectRef> declared = session.refs();
  for (const ObjectRef& ref : request.inventory) {
    if (declared.contains(ref) || session.done.contains(ref)) continue;
    plan::Leftover leftover;
    leftover.ref = ref;
    if (const auto it = session.live.objects.find(ref); it != session.live.objects.end()) {
      leftover.is_live = true;
      if (it->second.is_deleting) leftover.held_by = it->second.held_by;
      leftover.api_version = it->second.api_version;
      leftover.is_marked = it->second.mark == mark;
      leftover.is_applied_by_us = it->second.is_applied_by_us;
      leftover.protected_by = it->second.protected_by;
      if (leftover.protected_by.empty() && request.snapshot)
        leftover.protected_by = DeclaredInside(*request.snapshot, session.target, it->second);
    }
    leftover.is_claimed =
        request.snapshot && request.snapshot->IsClaimed(session.target, ref, request.unit);
    leftover.may_be_claimed = request.snapshot && request.snapshot->IsPartial();
    out.push_back(std::move(leftover));
  }
  return out;
}

}  // namespace

std::set<ObjectRef> TargetSession::refs() const {
  const std::vector<ObjectRef> list = ref_list();
  return {list.begin(), list.end()};
}

std::vector<ObjectRef> TargetSession::ref_list() const {
  std::vector<ObjectRef> out;
  for (const auto& object : prepared.objects) out.push_back(object.resource.ref);
  return out;
}

std::vector<int> TargetSession::Stages() const {
  std::set<int> stages;
  for (const auto& object : prepared.objects) stages.insert(object.stage);
  return {stages.begin(), stages.end()};
}

const Change* TargetSession::ChangeOf(const ObjectRef& ref) const {
  const auto place = places.find(ref);
  return place == places.end() ? nullptr : &plan.changes[place->second];
}

std::vector<targets::PreparedObject> TargetSession::OfStage(int stage, bool only_changed) const {
  std::vector<targets::PreparedObject> out;
  for (const auto& object : prepared.objects) {
    if (object.stage != stage) continue;
    const Change* change = ChangeOf(object.resource.ref);
    const bool is_changed =
        !change || (change->action != Action::kUnchanged && change->action != Action::kSkip);
    if (is_changed || !only_changed) out.push_back(object);
  }
  return out;
}

bool TargetSession::IsReplaced(const ObjectRef& ref) const {
  const Change* change = ChangeOf(ref);
  return change && change->action == Action::kReplace;
}

bool TargetSession::IsForeseen(const ObjectRef& ref) const {
  const auto place = places.find(ref);
  return place != places.end() && predictions[place->second].kind != Kind::kUnknowable;
}

void TargetSession::NoteFinished(const std::vector<ObjectHealth>& health) {
  for (const auto& object : prepared.objects) {
    const ObjectRef& ref = object.resource.ref;
    if (object.work.empty() || HasFinished(ref)) continue;
    const auto seen = std::ranges::find(health, ref, &ObjectHealth::ref);
    if (seen == health.end() || !seen->is_done) continue;
    finished.push_back({target.name, ToInventoryLine(ref), object.work});
  }
}

bool TargetSession::HasFinished(const ObjectRef& ref) const {
  return std::ranges::find(finished, ToInventoryLine(ref), &DoneWork::object) != finished.end();
}

std::vector<ObjectRef> TargetSession::Going() const {
  std::vector<ObjectRef> out;
  for (const Change& change : plan.changes) {
    if (change.action == Action::kPrune) out.push_back(change.ref);
  }
  for (const plan::Leftover& leftover : leftovers) {
    if (!leftover.held_by.empty()) out.push_back(leftover.ref);
  }
  return out;
}

bool TargetSession::IsAlias(const ObjectRef& ref) const {
  return std::ranges::any_of(leftovers, [&](const plan::Leftover& leftover) {
    return leftover.ref == ref && !leftover.is_also.empty();
  });
}

targets::Ownership OwnershipOf(const std::string& pipeline, const UnitId& unit) {
  return {pipeline, unit};
}

namespace {

Status PredictAll(const Services& services, const PlanRequest& request, TargetSession& session) {
  auto all = session.driver->Predict(session.prepared.objects, session.live, request.force,
                                     services.ReadCall());
  if (all) {
    session.predictions = std::move(*all);
    return {};
  }
  if (!request.one_by_one) return Fail(std::move(all).error());
  for (const auto& object : session.prepared.objects) {
    auto one = session.driver->Predict({object}, session.live, request.force, services.ReadCall());
    if (!one && one.error().code() == ErrorCode::kCancelled) return Fail(std::move(one).error());
    if (one) {
      session.predictions.push_back(std::move(one->front()));
      continue;
    }
    targets::Prediction unknown;
    unknown.kind = Kind::kUnknowable;
    unknown.message = one.error().message();
    unknown.after = object.resource.body;
    session.predictions.push_back(std::move(unknown));
    session.unpredicted.emplace(object.resource.ref, std::move(one).error());
  }
  return {};
}

Status LookAt(const Services& services, const PlanRequest& request, TargetSession& session) {
  {
    const StepTimer timer(services, "observe");
    const targets::Ownership owner = OwnershipOf(request.pipeline, request.unit);
    SLUICE_TRY(session.prepared,
               session.driver->Prepare(*request.resources, owner, services.ReadCall()));
    std::set<ObjectRef> refs = session.refs();
    refs.insert(request.inventory.begin(), request.inventory.end());
    SLUICE_TRY(session.live,
               session.driver->Observe({refs.begin(), refs.end()}, services.ReadCall()));
  }
  SLUICE_CHECK(
      session.driver->Adjust(session.prepared, session.live, request.around, services.ReadCall()));
  for (auto& object : session.prepared.objects) {
    const auto it = session.live.objects.find(object.resource.ref);
    if (request.heeds_live_consent && it != session.live.objects.end())
      object.replace = std::max(object.replace, it->second.replace);
    object.takes_over = request.adopted.contains("*") ||
                        request.adopted.contains(ToInventoryLine(object.resource.ref));
  }
  const StepTimer timer(services, "plan");
  SLUICE_CHECK(PredictAll(services, request, session));
  for (size_t i = 0; i < session.predictions.size(); ++i) {
    int& stage = session.prepared.objects[i].stage;
    stage = std::max(stage, session.predictions[i].after_stage + 1);
  }
  return {};
}

plan::Policy PolicyOf(const PlanRequest& request, const TargetSession& session) {
  plan::Policy policy;
  if (request.environment) {
    policy.prune_max_count = request.environment->prune.max_count;
    policy.prune_max_percent = request.environment->prune.max_percent;
  }
  policy.keep_leftovers = request.keep_leftovers;
  for (const auto& object : session.prepared.objects) {
    if (object.takes_over) policy.adopted.insert(object.resource.ref);
  }
  return policy;
}

// Why an object cannot be brought that was declared in the same words before; "" for others.
std::string WhyUntouchedStays(const PlanRequest& request, const TargetSession& session, size_t i) {
  if (!session.predictions[i].blocked_by.empty()) return "";
  const std::string why = judge::WhyItStays(session, i);
  const ObjectRef& ref = session.prepared.objects[i].resource.ref;
  const bool is_untouched =
      !why.empty() && WasDeclaredSo(request.around.former, *request.resources, ref);
  return is_untouched ? why : "";
}

Status MakePlan(const Services& services, const PlanRequest& request, TargetSession& session) {
  const std::vector<Change> told = SetDoneAside(session, request);
  plan::Input input;
  input.kind = session.target.kind;
  input.target = session.target.name;
  input.unit = ToString(request.unit);
  input.hmac_key = services.options.hmac_key;
  const std::string mark = OwnershipOf(request.pipeline, request.unit).Mark();
  session.leftovers = Leftovers(session, request, mark);
  SLUICE_CHECK(NoteOtherNames(services, request, session));
  for (size_t i = 0; i < session.prepared.objects.size(); ++i) {
    input.declared.push_back(Describe(session.prepared.objects[i], session.predictions[i],
                                      session.live, request, session.target, mark));
    input.declared.back().stays = WhyUntouchedStays(request, session, i);
  }
  input.leftovers = session.leftovers;
  session.prune_waits = std::ranges::any_of(input.leftovers, [](const plan::Leftover& leftover) {
    return leftover.is_live && leftover.held_by.empty() && leftover.may_be_claimed &&
           !leftover.is_claimed;
  });
  input.inventory_size = request.inventory.size();
  input.policy = PolicyOf(request, session);
  session.plan = plan::Build(input);
  session.plan.changes.insert(session.plan.changes.end(), told.begin(), told.end());
  for (size_t i = 0; i < session.predictions.size(); ++i) {
    session.places.emplace(session.prepared.objects[i].resource.ref, i);
    if (const std::string& reason = session.predictions[i].blocked_by; !reason.empty()) {
      Change& change = session.plan.changes[i];  // in the order of the declared
      change.blocked_by = reason;
      change.reason = session.predictions[i].message;
    }
  }
  session.plan.blockers.insert(session.plan.blockers.begin(), session.prepared.blockers.begin(),
                               session.prepared.blockers.end());
  return {};
}

}  // namespace

Result<TargetSession> OpenTarget(const Services& services, const Target& target,
                                 const PlanRequest& request) {
  TargetSession session;
  session.target = target;
  session.health_rules = request.health_rules;
  SLUICE_TRY(session.driver, services.make_driver(target));
  session.driver->MayBeOld(request.max_age);
  if (auto looked = LookAt(services, request, session); !looked)
    return Fail(std::move(looked).error().With("target " + target.name));
  if (auto planned = MakePlan(services, request, session); !planned)
    return Fail(std::move(planned).error().With("target " + target.name));
  return session;
}

Result<std::vector<ObjectHealth>> AssessTarget(const TargetSession& session, Diagnose diagnose,
                                               const Call& call) {
  SLUICE_TRY(auto health,
             session.driver->Assess(session.ref_list(), {&session.live, &session.applied}, diagnose,
                                    call));
  Overrule(session.health_rules, health);
  return health;
}

Result<std::vector<ObjectHealth>> GlanceAtTarget(const TargetSession& session, const Call& call) {
  std::vector<ObjectRef> there = session.ref_list();
  std::erase_if(there, [&](const ObjectRef& ref) { return !session.live.objects.contains(ref); });
  if (there.empty()) return std::vector<ObjectHealth>();
  auto health = session.driver->Assess(there, {}, Diagnose::kNo, call);
  if (!health)
    return Fail(std::move(health).error().With("health in target " + session.target.name));
  Overrule(session.health_rules, *health);
  return health;
}

Plan MergePlans(const std::vector<TargetSession>& sessions, const std::string& hmac_key) {
  Plan merged;
  for (const TargetSession& session : sessions) {
    merged.changes.insert(merged.changes.end(), session.plan.changes.begin(),
                          session.plan.changes.end());
    merged.blockers.insert(merged.blockers.end(), session.plan.blockers.begin(),
                           session.plan.blockers.end());
  }
  plan::SetDigest(merged, hmac_key);
  return merged;
}

}  // namespace sluice::rollout
