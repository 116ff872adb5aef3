#include "engine/rollout/revert.h"

#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/base/strings.h"
#include "engine/rollout/config_commit.h"
#include "engine/rollout/facts.h"
#include "engine/rollout/recorder.h"
#include "engine/rollout/rollback.h"

namespace sluice::rollout {
namespace {

struct Reverted {
  std::string commit;
  std::vector<std::string> dropped;
};

std::string Directory(const Pass& pass) {
  return RepositoryPath(pass.services.options, "environments/" + ToString(pass.unit));
}

std::string LiveStands(const Record& record) {
  return record.reason == "RollbackImpossible" ? "live is not back at last known good"
                                               : "live is back at last known good";
}

Result<PassResult> Freeze(Pass& pass, const std::string& reason, const std::string& message) {
  pass.record.revert_pending = false;
  pass.record.reason = reason;
  pass.record.message = message;
  pass.record.frozen = Frozen{"sluice", message, pass.Now()};
  SLUICE_CHECK(pass.services.log.Append(MakeEntry(pass.services, EventKind::kFrozen, pass.record,
                                                  reason + ": frozen for a person", message),
                                        pass.services.GitCall()));
  return PassResult{Standing::kFailed, std::nullopt, false, reason, message};
}

ConfigChange DescribeRevert(const Pass& pass, const std::vector<std::string>& dropped,
                            const std::string& subject, git::TreeEdit edit) {
  const Record& record = pass.record;
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
                             pass.unit.application + "-" + pass.record.rollout;
  auto pushed =
      pass.services.remote.Push({{"refs/heads/" + branch, commit, ""}}, pass.services.GitCall());
  const bool is_parked = pushed && pushed->outcome == git::PushOutcome::kLanded;
  return Freeze(
      pass, "RevertRefused",
      "branch " + pass.services.options.branch + " refuses the revert (" + refusal + "); " +
          LiveStands(pass.record) + "; " +
          (is_parked ? "merge branch " + branch
                     : "revert commit " + pass.record.revision.substr(0, 7) + " by hand") +
          ", then run `sluice unfreeze " + ToString(pass.unit) + "`");
}

Result<PassResult> RecordReverted(Pass& pass, const Reverted& reverted) {
  pass.record.revert_pending = false;
  Trailers more;
  for (const std::string& commit : reverted.dropped) more.emplace_back("Reverts", commit);
  auto entry = MakeEntry(pass.services, EventKind::kReverted, pass.record,
                         "reverted in Git by " + reverted.commit.substr(0, 7),
                         "The revert is commit " + reverted.commit + ".", std::move(more));
  SLUICE_CHECK(pass.services.log.Append(std::move(entry), pass.services.GitCall()));
  return PassResult{Standing::kFailed, std::nullopt, true, pass.record.reason, pass.record.message};
}

Result<PassResult> NothingToRevert(Pass& pass) {
  pass.record.revert_pending = false;
  SLUICE_CHECK(pass.services.log.Append(
      MakeEntry(pass.services, EventKind::kSuperseded, pass.record,
                "no revert: the branch no longer holds the failed content"),
      pass.services.GitCall()));
  return PassResult{Standing::kFailed, std::nullopt, true, pass.record.reason, pass.record.message};
}

enum class FailedAtTip { kYes, kNo, kUnknown };

// Whether the branch still holds the failed content. Where the tip cannot be read for this unit the
// directory speaks: what is broken may be a file of others.
Result<FailedAtTip> LookForFailed(const Pass& pass, const Snapshot& tip,
                                  const std::optional<std::string>& good) {
  git::Mirror& mirror = pass.services.mirror;
  if (tip.IsReadable(pass.unit)) {
    const bool is_there = tip.FingerprintOf(pass.unit) == pass.record.fingerprint;
    return is_there ? FailedAtTip::kYes : FailedAtTip::kNo;
  }
  SLUICE_TRY(const bool is_here, IsHere(pass.services, pass.record.revision));
  if (!is_here) return FailedAtTip::kUnknown;
  SLUICE_TRY(const auto present, mirror.ObjectAt(tip.revision, Directory(pass)));
  SLUICE_TRY(const auto failed, mirror.ObjectAt(pass.record.revision, Directory(pass)));
  const bool is_there = present && present == failed && present != good;
  return is_there ? FailedAtTip::kYes : FailedAtTip::kUnknown;
}

// Still pending: looked at again when the branch can be read.
PassResult AwaitReadableTip(const Pass& pass) {
  const std::string why = "the revert waits: " + Directory(pass) +
                          " cannot be read at the tip of " + pass.services.options.branch +
                          "; see `sluice validate`";
  log::Warn("revert_waits", {{"unit", ToString(pass.unit)}, {"reason", why}});
  return PassResult{Standing::kFailed, std::nullopt, false, pass.record.reason,
                    pass.record.message + "; " + why};
}

}  // namespace

Result<PassResult> Revert(Pass& pass) {
  const Services& services = pass.services;
  Record& record = pass.record;
  const std::string directory = Directory(pass);
  record.revert_operation =
      "op-" + Sha256Hex("revert " + ToString(pass.unit) + " " + record.rollout).substr(0, 16);
  std::vector<std::string> dropped;
  std::string not_revertible;  // reason; then `why` says more
  std::string why;
  FailedAtTip at_tip = FailedAtTip::kNo;
  const std::string good_path = ToString(pass.unit) + ".good/environments/" + ToString(pass.unit);
  SLUICE_TRY(const auto good, services.mirror.ObjectAt(services.log.Get()->tip, good_path));
  const auto decide = [&](const Snapshot& tip) -> Result<std::optional<ConfigChange>> {
    SLUICE_TRY(at_tip, LookForFailed(pass, tip, good));
    if (at_tip != FailedAtTip::kYes) return std::optional<ConfigChange>();
    SLUICE_TRY(dropped, CommitsTouching(services, tip.revision, record.last_known_good->revision,
                                        directory));
    SLUICE_TRY(const auto present, services.mirror.ObjectAt(tip.revision, directory));
    if (!good || good == present) {
      not_revertible = good ? "SharedInputFailed" : "RollbackImpossible";
      why = good ? "the failure lies outside " + directory +
                       " (a shared input or environment.yaml): " + LiveStands(record) +
                       "; mend it there, then run `sluice unfreeze " + ToString(pass.unit) + "`"
                 : "the deploy log holds no last known good tree to revert to; mend or revert " +
                       directory + " by hand, then run `sluice unfreeze " + ToString(pass.unit) +
                       "`";
      return std::optional<ConfigChange>();
    }
    SLUICE_TRY(const std::string taken, TakenByAnother(pass, tip));
    if (!taken.empty()) {
      not_revertible = "RevertWouldDuplicate";
      why = "last known good declares " + taken +
            " declares now, so Git is not reverted; but for that " + LiveStands(record) +
            "; mend or revert " + directory +
            " by hand, so that one unit has it, then run `sluice unfreeze " + ToString(pass.unit) +
            "`";
      return std::optional<ConfigChange>();
    }
    std::string subject = ToString(pass.unit);
    if (!dropped.empty()) {
      SLUICE_TRY(const git::Commit commit, services.mirror.ReadCommit(dropped.front()));
      subject = std::string(Trim(commit.message.substr(0, commit.message.find('\n'))));
    }
    return std::optional(
        DescribeRevert(pass, dropped, subject, {directory, git::TreeEdit::Subtree{*good}}));
  };
  SLUICE_TRY(const Committed done,
             CommitConfig(services, services.options.identity, record.revert_operation,
                          {directory, good.value_or("")}, record.revision, decide));
  if (done.how == Committed::How::kRefused) return ParkOnBranch(pass, done.commit, done.message);
  if (done.how == Committed::How::kLanded) {
    if (dropped.empty()) {  // found as pushed before a restart
      SLUICE_TRY(dropped, CommitsTouching(services, done.commit, record.last_known_good->revision,
                                          directory));
      std::erase(dropped, done.commit);
    }
    return RecordReverted(pass, {done.commit, dropped});
  }
  if (!not_revertible.empty()) return Freeze(pass, not_revertible, why);
  return at_tip == FailedAtTip::kUnknown ? AwaitReadableTip(pass) : NothingToRevert(pass);
}

}  // namespace sluice::rollout
