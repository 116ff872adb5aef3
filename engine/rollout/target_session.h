// One target of one rollout: its driver, what is to run there, what runs there, and the plan
// between the two.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/model/plan.h"
#include "engine/plan/plan_builder.h"
#include "engine/rollout/services.h"
#include "engine/rollout/snapshot.h"

namespace sluice::rollout {

struct TargetSession {
  Target target;
  std::unique_ptr<targets::TargetDriver> driver;
  targets::Prepared prepared;
  targets::LiveState live;                       // before the first write
  targets::Applied applied;                      // by it, the newest answers
  std::vector<targets::Prediction> predictions;  // of prepared.objects
  std::map<ObjectRef, Error> unpredicted;        // why not; kUnknowable in predictions
  Plan plan;  // the changes of prepared.objects, in that order, and then others
  std::map<ObjectRef, size_t> places;  // of prepared.objects
  HealthRules health_rules;            // of the application
  // Declared work that was done before and is not there any more; in none of the above but the
  // plan.
  std::set<ObjectRef> done;
  std::set<ObjectRef> overtaken;   // the same, and other work stands in its name: that is to go
  std::vector<DoneWork> finished;  // seen to run to its end, for the record
  void NoteFinished(const std::vector<ObjectHealth>& health);
  bool HasFinished(const ObjectRef& ref) const;
  bool prune_waits = false;          // a leftover stays only because some unit cannot be read
  std::set<ObjectRef> refs() const;  // of prepared.objects
  std::vector<ObjectRef> ref_list() const;
  // Objects of one stage; `only_changed` leaves out those the plan calls unchanged.
  std::vector<int> Stages() const;
  std::vector<targets::PreparedObject> OfStage(int stage, bool only_changed) const;
  const Change* ChangeOf(const ObjectRef& ref) const;  // null: not in prepared.objects
  bool IsReplaced(const ObjectRef& ref) const;         // the plan says so
  // Of the inventory, no longer declared. What of them is to go, or is going already; and whether
  // one is a declared object by another name.
  std::vector<plan::Leftover> leftovers;
  std::vector<ObjectRef> Going() const;
  bool IsAlias(const ObjectRef& ref) const;
  // The server was asked about it when the plan was made.
  bool IsForeseen(const ObjectRef& ref) const;
};

struct PlanRequest {
  UnitId unit;
  std::string pipeline;
  const std::vector<Resource>* resources = nullptr;  // rendered
  const Environment* environment = nullptr;
  HealthRules health_rules = {};
  std::vector<DoneWork> done = {};     // of the record
  const Snapshot* snapshot = nullptr;  // claims of the others; may be null
  // Declared or recorded: whose marks are of this pipeline. Asked only about a mark that is not
  // ours.
  std::function<std::set<UnitId>()> pipeline_units;
  std::set<ObjectRef> inventory;  // of this target
  std::set<std::string> adopted;  // inventory lines, or "*" for all
  targets::Surroundings around;   // declared before, and fields that others write
  bool keep_leftovers = false;
  targets::Force force = targets::Force::kNo;
  // What live was applied with also counts as consent to replace: a rollback must be able to take a
  // replacement back whose consent came with it.
  bool heeds_live_consent = false;
  // An object for which no prediction can be had is one that is not predicted, not a target that
  // cannot be read.
  bool one_by_one = false;
  Duration max_age{0};  // of what is read: nothing is written right after
};

// Prepares, observes, predicts and plans. Reads only. An Error means that live could not be read,
// or what is declared cannot be told apart: no verdict.
Result<TargetSession> OpenTarget(const Services& services, const Target& target,
                                 const PlanRequest& request);

// Health of all that the session declares, with its cause, as the application's rules see it.
using Diagnose = targets::TargetDriver::Diagnose;
Result<std::vector<ObjectHealth>> AssessTarget(const TargetSession& session, Diagnose diagnose,
                                               const Call& call);
// The same of what was there when the session was opened, without its cause.
Result<std::vector<ObjectHealth>> GlanceAtTarget(const TargetSession& session, const Call& call);

// The plans of all targets as one, digest set.
Plan MergePlans(const std::vector<TargetSession>& sessions, const std::string& hmac_key);

targets::Ownership OwnershipOf(const std::string& pipeline, const UnitId& unit);

}  // namespace sluice::rollout
