// What a simulated controller is: it looks at one object and does the next thing about it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/sandbox/cluster.h"
#include "engine/sandbox/json.h"
#include "engine/sandbox/store.h"
#include "engine/sandbox/timings.h"

namespace sluice::sandbox {

// The cluster as controllers use it. The cluster's lock is held throughout.
class ControllerContext {
 public:
  ControllerContext(Cluster& cluster, const Timings& timings)
      : cluster_(cluster), timings_(timings) {}
  virtual ~ControllerContext() = default;

  const Timings& timings() const { return timings_; }
  Cluster& cluster() { return cluster_; }

  ObjectPtr Get(const std::string& storage_key, const std::string& ns,
                const std::string& name) const;
  std::vector<ObjectPtr> List(const std::string& storage_key, const std::string& ns) const;
  // Objects of a kind whose controlling owner is `owner`.
  std::vector<ObjectPtr> ControlledBy(const std::string& storage_key, const Json& owner) const;

  // Each returns what is stored, or null when it was refused; `why` then gets the refusal.
  ObjectPtr Create(const std::string& storage_key, Json object, std::string* why = nullptr);
  ObjectPtr Update(const std::string& storage_key, Json object);
  ObjectPtr UpdateStatus(const std::string& storage_key, Json object);
  void Delete(const std::string& storage_key, const Json& object);
  // Ends an object whose grace is over.
  void Remove(const std::string& storage_key, const Json& object);

  // Makes a core/v1 Event about an object.
  void Tell(const Json& about, const std::string& type, const std::string& reason,
            const std::string& message);
  // Looks at an object again after a while.
  virtual void Later(Duration delay, const ObjectKey& key) = 0;

 protected:
  Cluster& cluster_;
  const Timings& timings_;
  int next_event_ = 0;
};

class Controller {
 public:
  virtual ~Controller() = default;
  // The objects to look at because of a change; every controller sees every change.
  virtual std::vector<ObjectKey> Affected(const StoreEvent& event) const = 0;
  // `key.storage_key` is this controller's own. The object may be gone.
  virtual void Reconcile(const ObjectKey& key, ControllerContext& context) = 0;
};

ObjectKey KeyOf(const std::string& storage_key, const Json& object);
Json OwnerReference(const Json& owner, bool block_owner_deletion = true);
// status.conditions[type], with lastTransitionTime moved only when the status changes.
void SetCondition(Json& object, const std::string& type, const std::string& status,
                  const std::string& reason, const std::string& message,
                  bool with_update_time = false);
const Json* FindCondition(const Json& object, std::string_view type);
bool IsPodReady(const Json& pod);
// Ready for at least `min_ready_seconds`; when not yet, `wait` is how long it still takes.
bool IsPodAvailable(const Json& pod, int64_t min_ready_seconds, Duration* wait);
// Not ended and not being deleted.
bool IsPodActive(const Json& pod);
// "25%" of `total`, or the number itself.
int64_t Resolve(const Json* value, int64_t total, bool round_up);
// The hash in names and labels of a template, in the alphabet Kubernetes uses.
std::string TemplateHash(const Json& pod_template);
// A pod from a workload's template, owned by `owner`, with extra labels.
Json PodFromTemplate(const Json& owner, const Json& pod_template, const Json& labels);

}  // namespace sluice::sandbox
