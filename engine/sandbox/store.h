// The objects of one cluster and their history: revisions, events, observers. Not thread-safe: the
// cluster's lock guards it. Objects handed out are immutable and may be kept without the lock.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/sandbox/json.h"

namespace sluice::sandbox {

enum class EventKind { kAdded, kModified, kDeleted };

struct StoreEvent {
  uint64_t revision = 0;
  SteadyTime at;
  EventKind kind = EventKind::kAdded;
  std::string storage_key;  // ResourceType::StorageKey
  ObjectPtr object;         // kDeleted: the last state, with the revision of its end
  ObjectPtr previous;       // null when added
};

struct ObjectKey {
  std::string storage_key;
  std::string ns;
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
};

class Store {
 public:
  explicit Store(size_t history_limit) : history_limit_(history_limit) {}

  uint64_t revision() const { return revision_; }
  // Watches and continued lists may start at this revision or later.
  uint64_t oldest_revision() const { return oldest_revision_; }

  ObjectPtr Get(const std::string& storage_key, const std::string& ns,
                const std::string& name) const;
  // Ordered by namespace and name; an empty namespace means all.
  std::vector<ObjectPtr> List(const std::string& storage_key, const std::string& ns) const;
  // As of a past revision, which must not be older than oldest_revision().
  std::vector<ObjectPtr> ListAt(const std::string& storage_key, const std::string& ns,
                                uint64_t revision) const;
  ObjectPtr GetAt(const std::string& storage_key, const std::string& ns, const std::string& name,
                  uint64_t revision) const;
  // The newest revision that existed at `time`, as far back as history goes.
  uint64_t RevisionAt(SteadyTime time) const;
  // Objects of every kind in a namespace, and those that name `uid` as an owner.
  std::vector<ObjectKey> InNamespace(const std::string& ns) const;
  std::vector<ObjectKey> OwnedBy(const std::string& uid) const;
  bool HasUid(const std::string& uid) const { return uids_.count(uid) > 0; }
  // Null when no object has it.
  const ObjectKey* FindUid(const std::string& uid) const;

  // Stores with the next resourceVersion and tells the observers.
  ObjectPtr Put(const std::string& storage_key, Json object);
  void Remove(const std::string& storage_key, const std::string& ns, const std::string& name);

  // Called inside Put and Remove; an observer may remove itself meanwhile.
  int Observe(std::function<void(const StoreEvent&)> observer);
  void Unobserve(int id) { observers_.erase(id); }
  std::vector<StoreEvent> EventsAfter(uint64_t revision, const std::string& storage_key) const;
  // Forgets history, as etcd's compaction does.
  void Compact();

 private:
  using Objects = std::map<std::pair<std::string, std::string>, ObjectPtr>;
  void Record(StoreEvent event);
  void Index(const std::string& storage_key, const ObjectPtr& before, const ObjectPtr& after);

  size_t history_limit_;
  uint64_t revision_ = 1;
  uint64_t oldest_revision_ = 1;
  std::map<std::string, Objects> objects_;
  std::map<std::string, std::set<ObjectKey>> owned_;  // owner uid -> dependents
  std::map<std::string, ObjectKey> uids_;
  std::deque<StoreEvent> events_;
  std::map<int, std::function<void(const StoreEvent&)>> observers_;
  int next_observer_ = 0;
};

}  // namespace sluice::sandbox
