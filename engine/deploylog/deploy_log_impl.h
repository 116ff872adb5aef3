// The parts of DeployLog, for the .cc files of this module only.
//
// Locks: `network` is held through every exchange with the remote and every change of the snapshot;
// `queue_mutex` only to look at the queue. A thread that holds `network` may take `queue_mutex`,
// never the other way round.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>

#include "engine/base/guarded.h"
#include "engine/deploylog/deploy_log.h"
#include "engine/deploylog/log_reader.h"

namespace sluice::deploylog {

// An entry made ready for any parent: what it writes does not depend on where the log stands.
struct PreparedEntry {
  std::string message;
  std::vector<git::TreeEdit> edits;
  SystemTime time{};
};

struct DeployLog::Impl {
  struct Waiter {
    std::vector<PreparedEntry> entries;
    Call call;
    bool is_taken = false;  // by the thread that pushes
    bool is_done = false;
    Status result;
  };
  using SnapshotPtr = std::shared_ptr<const Snapshot>;

  Impl(git::Mirror& m, git::Remote& r, Lease* l, const Clock& c, Options o);

  // The snapshot and what the remote says. Under `network`.
  SnapshotPtr Current() const;
  Status RefreshLocked(const std::string& remote_tip, const Call& call);
  Status Publish(const std::string& tip);
  // Makes sure that the branch's objects are in the mirror; the tip it then has, "" when it is
  // gone.
  Result<std::string> FetchBranch(const std::string& remote_tip, const Call& call);
  // Ok when `tip` is `known` or comes after it.
  Status CheckDescends(const std::string& known, const std::string& tip);
  Status CheckPath(const State& state) const;
  Error Missing() const;
  Result<std::map<std::string, std::string>> List(const Call& call);

  // The last tip seen, against truncation.
  std::string TipFile() const;
  void LoadRemembered();
  void Remember(const std::string& tip);
  Status Forget();

  // Appending.
  Result<PreparedEntry> Prepare(const Entry& entry);
  Status PrepareGood(const Entry& entry, const UnitId& unit, std::vector<git::TreeEdit>& edits);
  Status Enqueue(std::vector<PreparedEntry> entries, const Call& call);
  void Lead(std::unique_lock<std::mutex>& lock);
  Status PushBatch(const std::vector<const PreparedEntry*>& batch, const Call& call);
  Result<std::string> Build(const std::string& base,
                            const std::vector<const PreparedEntry*>& batch);
  // After a push that did not plainly land: what the remote has now.
  enum class After { kLanded, kTryAgain };
  struct Attempt {
    std::string base;  // what the chain is built on
    std::string tip;   // of the chain
    bool is_unknown = false;
  };
  Result<After> Settle(Attempt& attempt, const std::vector<const PreparedEntry*>& batch,
                       const Call& call);
  // Ok when the batch may be rebuilt on `tip`.
  Status JudgeNewCommits(const std::string& base, const std::string& tip,
                         const std::vector<const PreparedEntry*>& batch);

  git::Mirror& mirror;
  git::Remote& remote;
  Lease* lease;
  const Clock& clock;
  const Options options;
  const std::string ref;  // refs/heads/<branch>

  std::mutex network;
  LogReader reader;
  std::string remembered;     // under `network`
  Status remembered_problem;  // of the file that keeps it
  bool is_read = false;       // a snapshot was read; under `network`

  Guarded<SnapshotPtr> snapshot;

  mutable std::mutex queue_mutex;
  std::condition_variable_any queue_changed;
  std::deque<Waiter*> queue;
  bool has_leader = false;
  size_t came_together = 0;  // callers of the newest push
};

git::CommitSpec MakeSpec(const std::string& parent, std::vector<git::TreeEdit> edits,
                         std::string message, const git::Person& person, SystemTime time);

}  // namespace sluice::deploylog
