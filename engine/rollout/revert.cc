#include "engine/rollout/revert.h"

#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/rollout/authorship.h"
#include "engine/rollout/config_commit.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/rollback.h"

namespace sluice::rollout {
namespace {

std::string Directory(const Pass& pass) {
  return RepositoryPath(pass.services.options, "environments/" + ToString(pass.unit));
}

std::string LiveStands(const Record& record) {
  return record.reason == "RollbackImpossible" ? "live is not back at last known good"
                                               : "live is back at last known good";
}

Result<PassResult> Freeze(Pass& pass, const std::string& reason, const std::string& message) {
  SLUICE_CHECK(pass.Push(life::RevertImpossible(pass.record(), reason, message, pass.Now())));
  return PassResult{Standing::kFailed, std::nullopt, false, reason, message};
}

ConfigChange DescribeRevert(const Pass& pass, const std::vector<std::string>& dropped,
                            const std::string& subject, git::TreeEdit edit) {
  const Record& record = pass.record();
  ConfigChange change;
  change.edits = {std::move(edit)};
  change.subject = "Revert \"" + subject + "\"";
  change.body = ToString(pass.unit) + " failed with " + record.reason +
                " and was rolled back; this restores its directory to\n" +
                "last known good, revision " + record.last_known_good->revision + ".\n\n" +
                EscapeControl(record.message) + "\n";
  if (!dropped.empty())
    change.body += "\nThis reverts commit " + dropped.front() +
                   (dropped.size() > 1 ? " and older ones, named below." : ".") + "\n";
  change.trailers = {{"Event", "reverted"},
                     {"Environment", pass.unit.environment},
                     {"Application", pass.unit.application},
                     {"Rollout", record.rollout},
                     {"Reason", record.reason}};
  for (const std::string& commit : dropped) change.trailers.emplace_back("Reverts", commit);
  return change;
}

// The revert was refused by the branch: leaves it on a branch of its own for a person.
Result<PassResult> ParkOnBranch(Pass& pass, const std::string& commit, const std::string& refusal) {
  const std::string branch = "sluice/revert/" + pass.unit.environment + "-" +
                             pass.unit.application + "-" + pass.record().rollout;
  auto pushed =
      pass.services.remote.Push({{"refs/heads/" + branch, commit, ""}}, pass.services.GitCall());
  const bool is_parked = pushed && pushed->outcome == git::PushOutcome::kLanded;
  return Freeze(
      pass, "RevertRefused",
      "branch " + pass.services.options.branch + " refuses the revert (" + refusal + "); " +
          LiveStands(pass.record()) + "; " +
          (is_parked ? "merge branch " + branch
                     : "revert commit " + pass.record().revision.substr(0, 7) + " by hand") +
          ", then run `sluice unfreeze " + ToString(pass.unit) + "`");
}

PassResult LookAgain(const Pass& pass) {
  return {Standing::kFailed, std::nullopt, true, pass.record().reason, pass.record().message};
}

enum class FailedAtTip { kYes, kNo, kUnknown };

// Whether the branch still holds the failed content. Where the tip cannot be read for this unit the
// directory speaks: what is broken may be a file of others.
Result<FailedAtTip> LookForFailed(const Pass& pass, const Snapshot& tip,
                                  const std::optional<std::string>& good) {
  git::Mirror& mirror = pass.services.mirror;
  if (tip.IsReadable(pass.unit)) {
    const bool is_there = tip.FingerprintOf(pass.unit) == pass.record().fingerprint;
    return is_there ? FailedAtTip::kYes : FailedAtTip::kNo;
  }
  SLUICE_TRY(const bool is_here, IsHere(pass.services, pass.record().revision));
  if (!is_here) return FailedAtTip::kUnknown;
  SLUICE_TRY(const auto present, mirror.ObjectAt(tip.revision, Directory(pass)));
  SLUICE_TRY(const auto failed, mirror.ObjectAt(pass.record().revision, Directory(pass)));
  const bool is_there = present && present == failed && present != good;
  return is_there ? FailedAtTip::kYes : FailedAtTip::kUnknown;
}

// Still pending: looked at again when the branch can be read.
PassResult AwaitReadableTip(const Pass& pass) {
  const std::string why = "the revert waits: " + Directory(pass) +
                          " cannot be read at the tip of " + pass.services.options.branch +
                          "; see `sluice validate`";
  log::Warn("revert_waits", {{"unit", ToString(pass.unit)}, {"reason", why}});
  return PassResult{Standing::kFailed, std::nullopt, false, pass.record().reason,
                    pass.record().message + "; " + why};
}

// What is decided about one tip, and why.
struct Decision {
  FailedAtTip at_tip = FailedAtTip::kNo;
  std::vector<std::string> dropped;
  std::string not_revertible;  // reason; then `why` says more
  std::string why;
};

// Sets not_revertible where Git cannot go back by this unit's tree alone.
Status LookForObstacle(Pass& pass, const Snapshot& tip, const std::optional<std::string>& good,
                       Decision& decision) {
  const std::string directory = Directory(pass);
  const std::string then = ", then run `sluice unfreeze " + ToString(pass.unit) + "`";
  SLUICE_TRY(const auto present, pass.services.mirror.ObjectAt(tip.revision, directory));
  if (!good) {
    decision.not_revertible = "RollbackImpossible";
    decision.why = "the deploy log holds no last known good tree to revert to; mend or revert " +
                   directory + " by hand" + then;
    return {};
  }
  if (good == present) {
    decision.not_revertible = "SharedInputFailed";
    decision.why = "the failure lies outside " + directory +
                   " (a shared input or environment.yaml): " + LiveStands(pass.record()) +
                   "; mend it there" + then;
    return {};
  }
  SLUICE_TRY(const std::string taken, TakenByAnother(pass, tip));
  if (taken.empty()) return {};
  decision.not_revertible = "RevertWouldDuplicate";
  decision.why = "last known good declares " + taken +
                 " declares now, so Git is not reverted; but for that " +
                 LiveStands(pass.record()) + "; mend or revert " + directory +
                 " by hand, so that one unit has it" + then;
  return {};
}

Result<std::optional<ConfigChange>> Decide(Pass& pass, const Snapshot& tip,
                                           const std::optional<std::string>& good,
                                           Decision& decision) {
  const Services& services = pass.services;
  const std::string directory = Directory(pass);
  decision = {};
  SLUICE_TRY(decision.at_tip, LookForFailed(pass, tip, good));
  if (decision.at_tip != FailedAtTip::kYes) return std::optional<ConfigChange>();
  SLUICE_TRY(decision.dropped, CommitsTouching(services, tip.revision,
                                               pass.record().last_known_good->revision, directory));
  SLUICE_CHECK(LookForObstacle(pass, tip, good, decision));
  if (!decision.not_revertible.empty()) return std::optional<ConfigChange>();
  std::string subject = ToString(pass.unit);
  if (!decision.dropped.empty()) {
    SLUICE_TRY(const git::Commit commit, services.mirror.ReadCommit(decision.dropped.front()));
    subject = std::string(Trim(commit.message.substr(0, commit.message.find('\n'))));
  }
  return std::optional(
      DescribeRevert(pass, decision.dropped, subject, {directory, git::TreeEdit::Subtree{*good}}));
}

}  // namespace

Result<PassResult> Revert(Pass& pass) {
  const Services& services = pass.services;
  const Record& record = pass.record();
  const std::string directory = Directory(pass);
  const std::string good_path = ToString(pass.unit) + ".good/environments/" + ToString(pass.unit);
  SLUICE_TRY(const auto good, services.mirror.ObjectAt(services.log.Get()->tip, good_path));
  Decision decision;
  const auto decide = [&](const Snapshot& tip) { return Decide(pass, tip, good, decision); };
  SLUICE_TRY(
      const Committed done,
      CommitConfig(services, services.options.identity, life::RevertOperation(record),
                   ObjectEffect(services, directory, good.value_or("")), record.revision, decide));
  if (done.how == Committed::How::kRefused) return ParkOnBranch(pass, done.commit, done.message);
  if (done.how == Committed::How::kLanded) {
    std::vector<std::string> dropped = decision.dropped;
    if (dropped.empty()) {  // found as pushed before a restart
      SLUICE_TRY(dropped, CommitsTouching(services, done.commit, record.last_known_good->revision,
                                          directory));
      std::erase(dropped, done.commit);
    }
    SLUICE_CHECK(pass.Push(life::Reverted(record, done.commit, dropped)));
    return LookAgain(pass);
  }
  if (!decision.not_revertible.empty()) return Freeze(pass, decision.not_revertible, decision.why);
  if (decision.at_tip == FailedAtTip::kUnknown) return AwaitReadableTip(pass);
  SLUICE_CHECK(pass.Push(life::NothingToRevert(record)));
  return LookAgain(pass);
}

}  // namespace sluice::rollout
