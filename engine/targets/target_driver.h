// The half of the seam between the engine and what it deploys to that talks; the pure half is
// model/target_kind.h. One directory below targets/ implements both for one kind of target.
// A driver knows nothing of Git, gates or rollouts. It answers in facts; decisions are the
// caller's.
//
// Not knowing is not absence: what could not be read is an error, never "missing".
// Every write is safe to repeat. Every request that writes asks WriteCall::may_write when it is
// sent (docs/decisions/0031-who-may-write-now.md).
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/model/health.h"
#include "engine/model/plan.h"
#include "engine/model/resource.h"
#include "engine/model/target.h"
#include "engine/model/unit.h"
#include "engine/targets/write_call.h"

namespace sluice::targets {

// Whose objects these are. `mark` is what the driver puts on every object.
struct Ownership {
  std::string pipeline;
  UnitId unit;
  std::string Mark() const;  // hash of pipeline and unit
};

// Whether an object may be deleted and created again where it cannot be changed in place, and
// whether that may cost it the address by which others reach it.
enum class ReplaceConsent { kNone, kWhenImmutable, kAlsoAddress };

// A field that is not sent, for others write it.
struct LeftField {
  std::string pointer;   // JSON pointer into the object as declared: "/spec/replicas"
  std::string why;       // "spec.ignore", or who scales it
  bool is_ours = false;  // we own it in live, which has to end before it is left out
};

// A rendered object made ready for this target: its identity there resolved, ownership mark added,
// what only the server writes stripped.
struct PreparedObject {
  Resource resource;
  int stage = 0;  // apply order; a stage starts when the one before is established
  bool opts_out_of_prune = false;
  ReplaceConsent replace = ReplaceConsent::kNone;
  // What an object that runs to its end runs; "" for others. Done once, it need not be there any
  // more, and the same work is not done again.
  std::string work;
  bool takes_over =
      false;  // an operator's word: fields of others are taken, whatever Apply is told
  // By Adjust; `resource.body` has none of the fields that are left to others.
  std::vector<LeftField> left;
  nlohmann::json whole;  // the body with them, for an object that is created anew; null: the same
  nlohmann::json
      asked;  // the body with those we own as live has them, for dry runs; null: the same
  std::vector<nlohmann::json> former;  // as it was declared before
};

struct Prepared {
  std::vector<PreparedObject> objects;  // sorted by stage, then by kind's order
  std::vector<PlanBlocker> blockers;    // what a person must mend
  std::vector<std::string> warnings;
};

struct LiveObject {
  std::string api_version;
  nlohmann::json body;  // whole, as the target gives it
  std::string uid;
  std::string resource_version;
  std::string mark;               // ownership mark found on it; "" for none
  bool is_applied_by_us = false;  // the target itself says so, whatever the mark says
  bool is_deleting = false;
  std::string protected_by;  // why it must not be pruned: another controls it, it opted out; "" for
                             // nothing
  ReplaceConsent replace = ReplaceConsent::kNone;  // as it was applied last
  std::string held_by;  // while is_deleting: what keeps it, "finalizer example.test/hold"
  std::vector<std::string> intercepts;  // names under which it is asked about writes of others
  // What goes with it: all objects in this namespace, or of this group and kind; "" for none.
  std::string takes_namespace;
  std::pair<std::string, std::string> takes_kind;
};

// Refs that were asked for and are not in `objects` are certainly absent.
struct LiveState {
  std::map<ObjectRef, LiveObject> objects;
};

struct FieldConflict {
  std::string field;       // ".spec.replicas"
  std::string manager;     // who owns it
  bool is_former = false;  // we declared it before and declare it no more, and he keeps it
};

// Fields of objects that others write on purpose (spec.ignore of app.yaml).
struct IgnoredFields {
  std::string kind;
  std::string name;                   // "" for all of the kind
  std::vector<std::string> pointers;  // JSON pointers
};

// What a plan knows beside the declared objects.
struct Surroundings {
  std::vector<Resource> former;  // declared here before, rendered as those of now are
  std::vector<IgnoredFields> ignored;
};

// What applying an object would do now, found without writing anything.
struct Prediction {
  enum class Kind {
    kCreate,      // absent; the server would accept it
    kSame,        // nothing would change
    kUpdate,      // `before`/`after` differ
    kConflict,    // another manager owns fields we set with another value
    kRefused,     // the server refuses the content for good (`error`, code kRejected)
    kImmutable,   // refused because a field cannot be changed in place
    kUnknowable,  // the server cannot say yet: what it needs comes with this unit (`message`)
    kDeleting,    // what is there is being deleted: will be created when it is gone
  };
  Kind kind = Kind::kCreate;
  nlohmann::json before, after;  // normalised for comparing: nothing that only the server writes
  std::vector<FieldConflict> conflicts;
  std::string message;
  std::string reason;   // kRefused, kImmutable: docs/reference/reasons.md
  std::string detail;   // the target's words in full, where `message` is a digest of them
  std::string summary;  // kUpdate: one line for a difference that is long to read; "" for others
  bool takes_from_others = false;  // fields that are declared no more, and that others own too
  int after_stage = -1;            // kUnknowable: the stage of the object it has to come after
  // kImmutable: the object opts in, its kind allows it, and the server would take the new one.
  bool may_be_replaced = false;
  std::string replace_advice;  // kImmutable otherwise: how to opt in, or why that does not help
  // kUnknowable: the reason of Prepare's blocker, where what it needs is neither there nor comes
  // with this unit.
  std::string blocked_by;
  // What others may rely on and would lose, though the server would take it: "version v2, which is
  // served".
  std::string takes_away;
};

enum class Force { kNo, kYes };  // take over fields another manager owns (adopt, heal, rollback)
enum class WriteMode { kDryRun, kApply };

struct WriteResult {
  Status status;
  std::string uid;
  std::string resource_version;
  std::string change_id;  // the target's own name for this change, where it gives one
  bool is_created = false;
  bool is_changed = false;
};
using Applied = std::map<ObjectRef, WriteResult>;

// What health is judged against. Nothing of it outlives the process, so a driver must do without.
struct Since {
  // Live before the apply: what it said then is stale until it changes. Null: not known.
  const LiveState* before = nullptr;
  // What Apply answered for the objects it was given. Null: not known, or nothing was applied.
  const Applied* applied = nullptr;
};

struct Deletion {
  ObjectRef ref;
  std::string api_version;
  std::string uid, resource_version, mark;  // as seen; the mark must still be on it
};

// Of something that runs to its end.
struct TaskOutcome {
  bool has_passed = false;
  std::string message;  // reason, exit code
};

// One worker at a time per driver instance; instances of one target share connections and
// discovery.
class TargetDriver {
 public:
  virtual ~TargetDriver() = default;

  virtual Result<Prepared> Prepare(const std::vector<Resource>& resources, const Ownership& owner,
                                   const Call& call) = 0;
  // Live state of exactly these objects, now (no cache).
  virtual Result<LiveState> Observe(const std::vector<ObjectRef>& refs, const Call& call) = 0;
  // Everything in the target that carries the mark. For rebuilding a lost inventory and for prune's
  // third agreement (mark, inventory, is_applied_by_us).
  virtual Result<std::vector<ObjectRef>> FindMarked(const Ownership& owner,
                                                    const std::vector<ObjectRef>& kinds_of,
                                                    const Call& call) = 0;
  // Leaves the fields of `prepared` to others that others write, and notes what was declared
  // before. Between Observe and Predict.
  virtual Status Adjust(Prepared& /*prepared*/, const LiveState& /*live*/,
                        const Surroundings& /*around*/, const Call& /*call*/) {
    return {};
  }
  // In the order of `objects`. No request is sent for an object that live certainly holds already.
  virtual Result<std::vector<Prediction>> Predict(const std::vector<PreparedObject>& objects,
                                                  const LiveState& live, Force force,
                                                  const Call& call) = 0;
  // Makes room for objects that Predict said may be replaced: deletes what is in their place, by
  // the uid in `live`, and waits until it is gone, with what it runs. Nothing there
  // is success. In the order of `objects`. The dry run only asks whether they may be deleted.
  virtual std::vector<WriteResult> MakeRoom(const std::vector<PreparedObject>& objects,
                                            const LiveState& live, WriteMode mode,
                                            const WriteCall& call) = 0;
  // All concurrently; in the order of `objects`. A compare-and-swap against `live`, which they were
  // planned with: what is there must still be the object that was seen, and what was absent must
  // still be. What moved meanwhile without changing hands (a status) is tried again; else the
  // result is ChangedMeanwhile (kUnavailable), and the object is to be planned anew. The dry run
  // compares nothing.
  virtual std::vector<WriteResult> Apply(const std::vector<PreparedObject>& objects,
                                         const LiveState& live, WriteMode mode, Force force,
                                         const WriteCall& call) = 0;
  // Returns when what the next stage needs is there.
  virtual Status AwaitStage(const std::vector<PreparedObject>& stage, const Call& call) = 0;
  // All concurrently; the order (TargetKind::DeletionRank) is the caller's. An object already gone
  // is success, and so is one that stays for a while because something holds it. A compare-and-swap
  // like Apply. What it made goes with it, later perhaps. The dry run only asks whether it may.
  virtual std::vector<WriteResult> Delete(const std::vector<Deletion>& deletions, WriteMode mode,
                                          const WriteCall& call) = 0;
  // What is read from now on may be this old: for a look that writes nothing, and does not come
  // right after a write.
  virtual void MayBeOld(Duration /*age*/) {}
  // Health of each ref, with the cause of what is bad as far as its parts show it (kYes), or as far
  // as anybody tells (kFully: it costs more); and whether it is still what was seen before, or what
  // this driver's Apply was answered.
  enum class Diagnose { kNo, kYes, kFully };
  virtual Result<std::vector<ObjectHealth>> Assess(const std::vector<ObjectRef>& refs,
                                                   const Since& since, Diagnose diagnose,
                                                   const Call& call) = 0;
  // After a rollback's apply: takes away what the failed content started and what would keep the
  // good one from coming up. Objects of which nothing can stick are ignored.
  virtual Status Unstick(const std::vector<ObjectRef>& refs, const WriteCall& call) = 0;
  // Runs what TargetKind::Task describes under a name of its own, waits for its end, and takes it
  // away. An Error is no verdict.
  virtual Result<TaskOutcome> RunTask(const nlohmann::json& manifest, const Ownership& owner,
                                      const std::string& rollout, const WriteCall& call) = 0;
};

// All that one process talks to of one kind. Thread-safe; outlives its drivers. Sends nothing by
// itself.
class TargetConnections {
 public:
  virtual ~TargetConnections() = default;
  // A driver of its own for each caller.
  virtual Result<std::unique_ptr<TargetDriver>> MakeDriver(const Target& target) = 0;
  // Equal for two targets whose objects share one set of names, as far as the configuration tells:
  // it may have two names. TargetKind::Place where nothing better is known.
  virtual std::string ClusterOf(const Target& target) const = 0;
};

}  // namespace sluice::targets
