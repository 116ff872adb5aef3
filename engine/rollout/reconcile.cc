#include "engine/rollout/reconcile.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/rollout/content.h"
#include "engine/rollout/deploy.h"
#include "engine/rollout/drift.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/failure.h"
#include "engine/rollout/leaving.h"
#include "engine/rollout/promote.h"
#include "engine/rollout/removal.h"
#include "engine/rollout/requests.h"

namespace sluice::rollout {
namespace {

std::string Problems(const DeclaredUnit& unit) {
  std::string out;
  for (const Diagnostic& problem : unit.problems)
    out += (out.empty() ? "" : "\n") + ToString(problem);
  return out;
}

// A rollout is open that no pass works on: what began it has crashed, or could not record its end.
Result<std::optional<PassResult>> SettleOpen(Pass& pass) {
  const Record& record = pass.record();
  if (record.IsRollingBack()) {
    SLUICE_TRY(auto result, FinishFailure(pass));
    return std::optional(result);
  }
  // A removal stays open while it waits between two looks. It ends as one that is at work.
  const bool removal_ends = life::RemovalGoesOn(record) && (pass.declared() || record.frozen);
  if (removal_ends && !record.IsOpen()) SLUICE_CHECK(pass.Keep(life::RemovalResumed(record)));
  if (!record.IsOpen()) return std::optional<PassResult>();
  const bool is_removal = record.kind == "removal" && !pass.declared();
  if (!is_removal && !life::GoesOn(record, pass.snapshot->FingerprintOf(pass.unit))) {
    const bool is_readable = pass.snapshot->IsReadable(pass.unit);
    SLUICE_CHECK(
        RecordInterruption(pass, is_readable ? Interruption::kSuperseded : Interruption::kStopped));
    return std::optional<PassResult>();
  }
  // Frozen meanwhile: it ends as a running one would have.
  if (record.frozen) SLUICE_CHECK(RecordInterruption(pass, Interruption::kFrozen));
  return std::optional<PassResult>();
}

std::string DescribeDouble(const Snapshot& snapshot, const Claim& claim,
                           const std::set<UnitId>& units) {
  std::vector<std::string> names;
  std::set<std::string> places;
  for (const UnitId& unit : units) {
    names.push_back(ToString(unit));
    const DeclaredUnit* declared = snapshot.Find(unit);
    for (const Target& target : declared ? declared->targets : std::vector<Target>()) {
      if (snapshot.ClusterOf(target) == claim.cluster) places.insert(target.kind->Place(target));
    }
  }
  const std::string same =
      places.size() < 2
          ? ""
          : " (" + Join(std::vector(places.begin(), places.end()), " and ") + " are one server)";
  return ToString(claim.ref) + " is declared by " + Join(names, " and ") + same +
         "; remove it from all but one";
}

// What a unit waits for that has nothing to do with its gates; nullopt when it may go on.
std::optional<life::WaitFacts> WhyNot(const Pass& pass, const std::string& fingerprint) {
  const DeclaredUnit& unit = *pass.declared();
  if (!unit.problems.empty())
    return life::WaitFacts{EventKind::kInvalid, "ConfigInvalid", Problems(unit), std::nullopt, {}};
  for (const auto& [claim, units] : pass.snapshot->claimed_twice) {
    if (!units.contains(pass.unit)) continue;
    return life::WaitFacts{EventKind::kHeld,
                           "DuplicateObject",
                           DescribeDouble(*pass.snapshot, claim, units),
                           std::nullopt,
                           {}};
  }
  if (HasFailed(pass.record(), fingerprint)) {
    const auto& failed =
        *std::ranges::find(pass.record().failed, fingerprint, &FailedContent::fingerprint);
    return life::WaitFacts{
        EventKind::kHeld, "FailedBefore", WhyNotAgain(pass.record(), failed), std::nullopt, {}};
  }
  // Live is back at last known good, or nobody knows what is there: a person decides.
  const bool waits = pass.record().reason == "OutcomeUnknown" ||
                     (pass.record().reason == "NoVerdict" && !pass.record().open);
  if (waits && pass.record().fingerprint == fingerprint && pass.record().phase == Phase::kHeld) {
    return life::WaitFacts{
        EventKind::kHeld, pass.record().reason, pass.record().message, std::nullopt, {}};
  }
  return std::nullopt;
}

// `adopt` answers a rollout that waits for it; at rest it must not linger and force a later one.
Status DropIdleAdoptions(Pass& pass) {
  for (const deploylog::Request& request : pass.state->requests) {
    if (request.unit != pass.unit || request.verb != "adopt") continue;
    deploylog::Entry entry;
    entry.removed_requests = {request.id};
    SLUICE_CHECK(pass.Push(
        life::Answered(pass.record(), {request.by, request.reason}, "nothing waits for adoption"),
        std::move(entry)));
  }
  return {};
}

// What a waiting unit runs is looked after all the same.
Result<PassResult> WithDrift(Pass& pass, bool is_drift_due, PassResult result) {
  if (!is_drift_due) return result;
  SLUICE_TRY(const PassResult checked, RunDriftCheck(pass));
  const bool is_done = result.standing == Standing::kDone;
  if (is_done && (!result.wake || checked.standing != Standing::kDone)) return checked;
  result.drift = checked.drift;
  result.look_again |= checked.look_again;
  return result;
}

bool IsAtDeclared(const Record& record, const std::string& fingerprint) {
  return record.fingerprint == fingerprint && record.outcome == Outcome::kSucceeded &&
         !record.IsOpen();
}

// What an earlier rollout left to prune.
Result<PassResult> ClosePrune(Pass& pass) {
  if (pass.record().prune_waits && !pass.snapshot->IsPartial()) return PruneLeftovers(pass);
  if (!pass.record().leaving.empty()) return LookAtLeaving(pass);
  return PassResult{};
}

Result<PassResult> RunDeclared(Pass& pass, bool is_drift_due) {
  const std::string fingerprint = pass.snapshot->FingerprintOf(pass.unit);
  if (auto wait = WhyNot(pass, fingerprint)) {
    wait->content = AtTip(pass);
    // A deadline that passes meanwhile condemns nothing: nobody looks.
    pass.Keep(life::DueBy(pass.record(), std::nullopt));
    // What has just failed here says so already, with its own reason.
    const bool is_told = wait->reason == "FailedBefore" &&
                         pass.record().fingerprint == fingerprint &&
                         pass.record().outcome == Outcome::kFailed;
    if (!is_told) SLUICE_CHECK(RecordWait(pass, *wait));
    const bool is_invalid = wait->kind == EventKind::kInvalid;
    if (is_drift_due) SLUICE_CHECK(RunDriftCheck(pass));
    return PassResult{is_invalid ? Standing::kInvalid : Standing::kHeld, std::nullopt, false,
                      wait->reason, wait->message};
  }
  if (IsAtDeclared(pass.record(), fingerprint)) {
    SLUICE_TRY(PassResult pruned, ClosePrune(pass));
    if (pruned.standing != Standing::kDone || pruned.look_again)
      return WithDrift(pass, is_drift_due, std::move(pruned));
    if (pass.record().phase == Phase::kHeld)
      SLUICE_CHECK(pass.Push(life::NoLongerHeld(pass.record(), pass.snapshot->revision)));
    SLUICE_CHECK(DropIdleAdoptions(pass));
    return WithDrift(pass, is_drift_due, std::move(pruned));
  }
  SLUICE_TRY(PassResult result, Deploy(pass));
  // What a unit runs that waits at a gate is looked after all the same.
  if (result.standing != Standing::kHeld) return result;
  return WithDrift(pass, is_drift_due, std::move(result));
}

}  // namespace

Result<PassResult> Reconcile(const Services& services, const PassInput& input) {
  Pass pass(services, input.snapshot, input.state, input.unit);
  pass.errors_in_row = input.errors_in_row;
  pass.heals_in_row = input.heals_in_row;
  SLUICE_TRY(const bool flushed, FlushOutbox(services, *input.state, input.unit));
  if (flushed) return PassResult{.look_again = true};
  SLUICE_TRY(const bool asked, HandleRequests(pass));
  if (asked) return PassResult{.look_again = true};
  // A verdict is carried through even when the unit is frozen; only new work is not begun.
  SLUICE_TRY(auto settled, SettleOpen(pass));
  if (settled) return *settled;
  if (pass.record().pending_revert) return FinishFailure(pass);
  if (pass.record().frozen) {
    PassResult frozen{Standing::kHeld, std::nullopt, false, "Frozen",
                      Describe(*pass.record().frozen)};
    return WithDrift(pass, input.is_drift_due, std::move(frozen));
  }
  if (!pass.declared()) {
    if (!FindRecord(*pass.state, pass.unit) || IsRemoved(pass.record())) return PassResult{};
    // With sluice.yaml or an environment.yaml broken nobody can tell a removal from a typo.
    if (!pass.snapshot->IsReadable(pass.unit)) {
      return PassResult{Standing::kInvalid, std::nullopt, false, "ConfigInvalid",
                        ToString(pass.snapshot->declared.problems.front())};
    }
    return Remove(pass);
  }
  SLUICE_TRY(PassResult result, RunDeclared(pass, input.is_drift_due));
  // Content that failed here is no reason to keep a newer release out, and what has no release yet
  // waits for nothing else.
  const bool waits_for_release =
      result.reason == "PredecessorPending" && ReleaseOf(*pass.declared()).digest.empty();
  const bool may_promote =
      result.standing == Standing::kDone || result.reason == "FailedBefore" || waits_for_release;
  if (!may_promote || result.look_again) return result;
  pass.Refresh();
  SLUICE_TRY(PassResult promoted, PromoteIfDue(pass));
  const bool is_news = promoted.standing != Standing::kDone || promoted.look_again;
  if (!is_news || (result.standing != Standing::kDone && !promoted.look_again)) return result;
  promoted.drift = result.drift;
  if (result.wake && (!promoted.wake || *result.wake < *promoted.wake)) promoted.wake = result.wake;
  return promoted;
}

Status Initialise(const Services& services, const Snapshot& snapshot) {
  deploylog::Initialised initialised;
  initialised.pipeline = snapshot.declared.pipeline.name;
  initialised.path = services.options.path;
  initialised.revision = snapshot.revision;
  for (const auto& [id, unit] : snapshot.declared.units) {
    initialised.units[id] = {snapshot.FingerprintOf(id), ReleaseOf(unit)};
  }
  deploylog::Entry entry;
  entry.event.kind = EventKind::kInitialised;
  entry.event.summary = "the deploy log of pipeline " + initialised.pipeline + " begins at " +
                        snapshot.revision.substr(0, 7);
  entry.event.trailers = {{"Revision", snapshot.revision}};
  entry.initialised = std::move(initialised);
  return services.log.Append(std::move(entry), services.GitCall());
}

}  // namespace sluice::rollout
