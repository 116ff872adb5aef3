// A cluster in memory behind the driver interface: objects, scripted health, scripted faults, and a
// log of the calls. Several drivers may work on one cluster. Thread-safe.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/targets/target_driver.h"

namespace sluice::testing {

class FakeCluster {
 public:
  struct Object {
    std::string api_version;
    nlohmann::json body;
    std::string uid;
    int64_t version = 0;
    bool is_applied_by_us = false;
    bool is_deleting = false;
    std::string protected_by;
    std::string held_by;        // while this is set a deletion only begins
    std::string other_manager;  // who edited it last beside us; "" for nobody
  };
  // The operations of a driver, as they can be made to fail: prepare observe find predict dry-run
  // apply room-dry-run room await delete-dry-run delete assess look (assess without diagnosis)
  // replace job.
  using Operation = std::string;

  std::unique_ptr<targets::TargetDriver> MakeDriver();

  // Calls so far: "observe", "apply ConfigMap shop/web", "delete Deployment shop/web". With a
  // prefix, only those.
  std::vector<std::string> Calls(const std::string& prefix = "") const;
  // Calls that change something: apply, delete and room.
  std::vector<std::string> Writes() const;
  void ForgetCalls();
  // Called in the driver's thread before each call takes effect, with its line in Calls().
  void OnCall(std::function<void(const std::string& call)> callback);

  // The next `times` calls of the operation fail as a whole; -1: all from now on, until Mend.
  void Fail(const Operation& operation, Error error, int times = -1);
  // The same for one object, where results are per object (dry-run apply delete-dry-run delete).
  // `name` is "Kind ns/name" as ToString(ObjectRef) says it.
  void FailObject(const Operation& operation, const std::string& name, Error error, int times = -1);
  void Mend();

  // Health of objects whose body contains `needle` (an image); the others are Healthy, and Jobs are
  // done. `times` assessments (a look is none); -1: all, and looks too.
  void SetHealth(const std::string& needle, Health health, const std::string& reason = "",
                 bool is_terminal = false, int times = -1);
  // Declared objects that contain `needle` are predicted so.
  void SetPrediction(const std::string& needle, targets::Prediction::Kind kind,
                     const std::string& message);
  // The value at a JSON pointer cannot be changed in place.
  void SetImmutable(const std::string& pointer, bool may_be_replaced);
  // Absent objects that contain `needle` cannot be created: what they need is not there.
  void SetBlocked(const std::string& needle, const std::string& reason, const std::string& message);
  // Objects of the kind have no place any more (UnknownKind).
  void Unserve(const std::string& kind);
  // Applying declared objects that contain `needle` would take something away from others.
  void SetTakesAway(const std::string& needle, const std::string& what);
  void SetBlockers(std::vector<PlanBlocker> blockers);
  void SetTaskOutcome(targets::TaskOutcome outcome);

  // Somebody else's object, or somebody else's edit at a JSON pointer.
  void Put(const ObjectRef& ref, const std::string& api_version, nlohmann::json body);
  void Edit(const ObjectRef& ref, const std::string& manager, const std::string& pointer,
            nlohmann::json value);
  void Erase(const ObjectRef& ref);
  void PutBack(const ObjectRef& ref, const Object& object);  // as it was found
  void Protect(const ObjectRef& ref, const std::string& why);
  // Keeps it while it is deleted, as a finalizer would, until LetGo.
  void Hold(const ObjectRef& ref, const std::string& by);
  void LetGo(const ObjectRef& ref);
  // Somebody made it anew, to the letter: another object under its name.
  void Recreate(const ObjectRef& ref);
  // The object at `ref` has this name, too.
  void Alias(const ObjectRef& ref, const ObjectRef& other);
  std::optional<Object> Find(const ObjectRef& ref) const;
  std::vector<std::string> Names() const;  // of all objects, as ToString says them

 private:
  friend class FakeDriver;
  struct Fault {
    Error error;
    int times;
  };
  struct HealthScript {
    std::string needle;
    ObjectHealth health;
    int times;
  };
  struct PredictionScript {
    std::string needle;
    targets::Prediction::Kind kind;
    std::string message;
  };

  // Logs a call and says how it fails; nullopt: it does not.
  std::optional<Error> Enter(const Operation& operation, const std::string& about = "");
  static std::optional<Error> Use(std::map<std::string, Fault>& faults, const std::string& key);

  mutable std::mutex mutex_;
  std::map<ObjectRef, Object> objects_;
  std::vector<std::string> calls_;
  std::map<std::string, Fault> faults_;  // by operation, or "operation name"
  std::vector<HealthScript> health_;
  std::vector<PredictionScript> predictions_;
  std::map<std::string, bool> immutable_;  // JSON pointer -> may be replaced
  std::map<std::string, std::string> takes_away_;
  std::map<std::string, PlanBlocker> blocked_;  // by needle
  std::set<std::string> unserved_;              // kinds
  std::vector<PlanBlocker> blockers_;
  targets::TaskOutcome job_{true, ""};
  std::function<void(const std::string&)> on_call_;
  int64_t next_ = 1;
};

}  // namespace sluice::testing
