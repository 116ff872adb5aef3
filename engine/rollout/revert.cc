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
      "branch " + pass.services.options.branch + " refuses the revert (" + refusal +
          "); live is back at last known good; " +
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
  const std::string good_path = ToString(pass.unit) + ".good/environments/" + ToString(pass.unit);
  SLUICE_TRY(const auto good, services.mirror.ObjectAt(services.log.Get()->tip, good_path));
  const auto decide = [&](const Snapshot& tip) -> Result<std::optional<ConfigChange>> {
    if (tip.FingerprintOf(pass.unit) != record.fingerprint) return std::optional<ConfigChange>();
    SLUICE_TRY(dropped, CommitsTouching(services, tip.revision, record.last_known_good->revision,
                                        directory));
    SLUICE_TRY(const auto present, services.mirror.ObjectAt(tip.revision, directory));
    if (!good || good == present) {
      not_revertible = good ? "SharedInputFailed" : "RollbackImpossible";
      why = good ? "the failure lies outside " + directory +
                       " (a shared input or environment.yaml): live is back, mend it there, then "
                       "run `sluice unfreeze " +
                       ToString(pass.unit) + "`"
                 : "the deploy log holds no last known good tree to revert to; mend or revert " +
                       directory + " by hand, then run `sluice unfreeze " + ToString(pass.unit) +
                       "`";
      return std::optional<ConfigChange>();
    }
    SLUICE_TRY(const std::string taken, TakenByAnother(pass, tip));
    if (!taken.empty()) {
      not_revertible = "RevertWouldDuplicate";
      why = "live is back at last known good, but that declares " + taken +
            ", which another unit declares now: mend or revert " + directory +
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
  return not_revertible.empty() ? NothingToRevert(pass) : Freeze(pass, not_revertible, why);
}

}  // namespace sluice::rollout
