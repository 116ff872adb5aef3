// The deploy log: an orphan branch of the config repo that holds every unit's current record and,
// as its history, everything that happened (docs/reference/deploy-log.md). Git is the only state;
// this is where it lives.
//
//   <env>/<app>.json        current record
//   <env>/<app>.inventory   objects that are ours, one a line, per target: "<target>
//   <group>/<kind>/<ns>/<name>" <env>/<app>.created     while a rollout is open: the objects it is
//   about to create, in the inventory's form;
//                           a rollback deletes only these
//   <env>/<app>.good/       a config repo that holds just this unit as it was last known good:
//   environment.yaml and
//                           the unit's directory under environments/, and sluice.yaml (already in
//                           the repo: free)
//   requests/<id>.json      what operators asked for and the engine has not yet done
//   log.json                pipeline, path, and what stood when the log began (`initialised`)
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/base/shared.h"
#include "engine/deploylog/lease.h"
#include "engine/git/mirror.h"
#include "engine/git/remote.h"
#include "engine/model/record.h"

namespace sluice::deploylog {

// target name -> objects.
using Inventory = std::map<std::string, std::set<ObjectRef>>;

struct Request {
  std::string id;    // file name without .json
  std::string verb;  // retry freeze unfreeze adopt approve
  UnitId unit;
  std::string reason;
  std::string by;  // "Name <email>" of the commit that added it
  SystemTime at{};
  std::vector<std::string> objects;  // adopt: inventory lines; empty: all that wait for adoption
};

// What stood when the log began.
struct Initialised {
  std::string pipeline;
  std::string path;
  std::string revision;
  struct Unit {
    std::string fingerprint;
    ReleaseId release;
  };
  std::map<UnitId, Unit> units;
};

struct State {
  std::string tip;  // "" : the branch does not exist
  std::optional<Initialised> initialised;
  std::map<UnitId, Shared<Record>> records;  // a new state shares those that did not change
  std::vector<Request> requests;             // oldest first
};

// Several of these may share a push. Applied in order, one commit per event. The trailers Event and
// Engine are added, Operation too unless given, Environment and Application from `record` unless
// given.
struct Entry {
  Event event;
  std::optional<Record> record;        // replaces the unit's record
  std::optional<Inventory> inventory;  // replaces the unit's inventory
  std::optional<Inventory> created;  // replaces <env>/<app>.created; an empty one removes the file
  std::optional<std::string>
      good_commit;  // config commit whose inputs become <env>/<app>.good/ ...
  std::vector<std::string>
      good_paths;  // ... these paths (files or directories), relative to Options.path
  std::vector<std::string> removed_requests;  // ids
  std::optional<Initialised> initialised;
  bool removes_unit = false;  // record and inventory go (after a completed removal)
};

struct Options {
  std::string branch;  // "deployments"
  std::string path;    // repository.path
  std::string engine;  // id of this engine
  git::Person identity;
  std::string state_dir;  // <dataDir>/log: the last pushed tip is kept there, against truncation
};

// Thread-safe. Append blocks until the entry is pushed; entries that wait at the same time share a
// push.
class DeployLog {
 public:
  DeployLog(git::Mirror& mirror, git::Remote& remote, Lease* lease, const Clock& clock,
            Options options);
  ~DeployLog();

  // Takes the log's tip as listed at the remote ("" when absent), fetches it when it moved, and
  // reads what changed. kCorrupted with reason LogRewritten when the tip does not descend from the
  // last one seen here.
  Status Refresh(const std::string& remote_tip, const Call& call);
  // kInvalidConfig, reason LogOfAnotherPipeline, when the log was begun for a pipeline of another
  // name. What sluice.yaml calls it is known only after the config branch was read.
  Status CheckPipeline(const std::string& pipeline) const;
  // The state as of the last Refresh or Append.
  std::shared_ptr<const State> Get() const;
  Result<Inventory> ReadInventory(const UnitId& unit);
  Result<Inventory> ReadCreated(const UnitId& unit);
  // The unit's last known good copy as a source tree; nullopt when there is none.
  Result<std::optional<std::unique_ptr<SourceTree>>> OpenGood(const UnitId& unit);

  // Pushed by compare-and-swap with the lease in one atomic push. When raced: fetches, and when the
  // new commits are only requests, rebuilds on the new tip; a foreign Sluice-Engine there is
  // kHeldElsewhere. kUnavailable: the outcome is unknown or the remote is away; Refresh tells
  // whether it landed (each event has a Sluice-Operation id).
  Status Append(Entry entry, const Call& call);
  Status AppendAll(const std::vector<Entry>& entries, const Call& call);

  // For commands: adds requests/<id>.json in one commit by `person`, without a lease. Retries
  // races.
  Result<std::string> AddRequest(Request request, const git::Person& person, const Call& call);

  struct Filter {
    std::optional<std::string> environment, application;
    std::optional<EventKind> kind;
    int limit = 0;  // 0: all
  };
  // Newest first. Commits that carry no event of ours (somebody's own) are passed over.
  Result<std::vector<Event>> History(const Filter& filter);

  // For `init --new-log`: what is there is kept as <branch>-until-<time>, the branch is removed and
  // the last seen tip forgotten, so that the next Append begins the log afresh. Needs the lease.
  Status StartNewLog(const Call& call);

  // Entries that wait behind a push under way.
  size_t PendingAppends() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Ids "r-<10 hex>" for rollouts, "op-<16 hex>" for operations.
std::string NewRolloutId();
std::string NewOperationId();

}  // namespace sluice::deploylog
