#include "engine/sandbox/store.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::sandbox {

ObjectPtr Store::Get(const std::string& storage_key, const std::string& ns,
                     const std::string& name) const {
  const auto kind = objects_.find(storage_key);
  if (kind == objects_.end()) return nullptr;
  const auto it = kind->second.find({ns, name});
  return it == kind->second.end() ? nullptr : it->second;
}

std::vector<ObjectPtr> Store::List(const std::string& storage_key, const std::string& ns) const {
  std::vector<ObjectPtr> out;
  const auto kind = objects_.find(storage_key);
  if (kind == objects_.end()) return out;
  auto it = ns.empty() ? kind->second.begin() : kind->second.lower_bound({ns, ""});
  for (; it != kind->second.end(); ++it) {
    if (!ns.empty() && it->first.first != ns) break;
    out.push_back(it->second);
  }
  return out;
}

std::vector<ObjectPtr> Store::ListAt(const std::string& storage_key, const std::string& ns,
                                     uint64_t revision) const {
  if (revision >= revision_) return List(storage_key, ns);
  Objects then;
  if (const auto kind = objects_.find(storage_key); kind != objects_.end()) then = kind->second;
  for (auto event = events_.rbegin(); event != events_.rend() && event->revision > revision;
       ++event) {
    if (event->storage_key != storage_key) continue;
    const std::pair<std::string, std::string> key(NamespaceOf(*event->object),
                                                  NameOf(*event->object));
    if (event->previous == nullptr) {
      then.erase(key);
    } else {
      then[key] = event->previous;
    }
  }
  std::vector<ObjectPtr> out;
  for (const auto& [key, object] : then) {
    if (ns.empty() || key.first == ns) out.push_back(object);
  }
  return out;
}

ObjectPtr Store::GetAt(const std::string& storage_key, const std::string& ns,
                       const std::string& name, uint64_t revision) const {
  ObjectPtr object = Get(storage_key, ns, name);
  for (auto event = events_.rbegin(); event != events_.rend() && event->revision > revision;
       ++event) {
    if (event->storage_key == storage_key && NameOf(*event->object) == name &&
        NamespaceOf(*event->object) == ns) {
      object = event->previous;
    }
  }
  return object;
}

uint64_t Store::RevisionAt(SteadyTime time) const {
  uint64_t revision = revision_;
  for (auto event = events_.rbegin(); event != events_.rend() && event->at > time; ++event) {
    revision = event->revision - 1;
  }
  return revision;
}

std::vector<ObjectKey> Store::InNamespace(const std::string& ns) const {
  std::vector<ObjectKey> out;
  for (const auto& [storage_key, objects] : objects_) {
    for (auto it = objects.lower_bound({ns, ""}); it != objects.end() && it->first.first == ns;
         ++it) {
      out.push_back({storage_key, ns, it->first.second});
    }
  }
  return out;
}

const ObjectKey* Store::FindUid(const std::string& uid) const {
  const auto it = uids_.find(uid);
  return it == uids_.end() ? nullptr : &it->second;
}

std::vector<ObjectKey> Store::OwnedBy(const std::string& uid) const {
  const auto it = owned_.find(uid);
  return it == owned_.end() ? std::vector<ObjectKey>()
                            : std::vector<ObjectKey>(it->second.begin(), it->second.end());
}

ObjectPtr Store::Put(const std::string& storage_key, Json object) {
  Ensure(object, {"metadata"})["resourceVersion"] = std::to_string(++revision_);
  auto stored = std::make_shared<const Json>(std::move(object));
  ObjectPtr& slot = objects_[storage_key][{NamespaceOf(*stored), NameOf(*stored)}];
  const ObjectPtr previous = slot;
  slot = stored;
  Index(storage_key, previous, stored);
  Record({revision_, std::chrono::steady_clock::now(),
          previous == nullptr ? EventKind::kAdded : EventKind::kModified, storage_key, stored,
          previous});
  return stored;
}

void Store::Remove(const std::string& storage_key, const std::string& ns, const std::string& name) {
  const auto kind = objects_.find(storage_key);
  if (kind == objects_.end()) return;
  const auto it = kind->second.find({ns, name});
  if (it == kind->second.end()) return;
  const ObjectPtr previous = it->second;
  kind->second.erase(it);
  Index(storage_key, previous, nullptr);
  Json last = *previous;
  last["metadata"]["resourceVersion"] = std::to_string(++revision_);
  Record({revision_, std::chrono::steady_clock::now(), EventKind::kDeleted, storage_key,
          std::make_shared<const Json>(std::move(last)), previous});
}

void Store::Index(const std::string& storage_key, const ObjectPtr& before, const ObjectPtr& after) {
  for (const ObjectPtr& object : {before, after}) {
    if (object == nullptr) continue;
    const bool adding = object == after;
    const ObjectKey key{storage_key, NamespaceOf(*object), NameOf(*object)};
    for (const Json& owner : ArrayAt(*object, {"metadata", "ownerReferences"})) {
      auto& owned = owned_[TextAt(owner, {"uid"})];
      if (adding) {
        owned.insert(key);
      } else {
        owned.erase(key);
      }
    }
    if (adding) {
      uids_[UidOf(*object)] = key;
    } else if (after == nullptr) {
      uids_.erase(UidOf(*object));
    }
  }
}

void Store::Record(StoreEvent event) {
  events_.push_back(std::move(event));
  if (events_.size() > history_limit_) {
    oldest_revision_ = events_.front().revision;
    events_.pop_front();
  }
  const StoreEvent told = events_.back();
  for (auto it = observers_.begin(); it != observers_.end();) {
    const auto current = it++;
    const auto observer = current->second;
    observer(told);
  }
}

int Store::Observe(std::function<void(const StoreEvent&)> observer) {
  observers_[next_observer_] = std::move(observer);
  return next_observer_++;
}

std::vector<StoreEvent> Store::EventsAfter(uint64_t revision,
                                           const std::string& storage_key) const {
  std::vector<StoreEvent> out;
  for (auto event = events_.rbegin(); event != events_.rend() && event->revision > revision;
       ++event) {
    if (event->storage_key == storage_key) out.push_back(*event);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

void Store::Compact() {
  events_.clear();
  oldest_revision_ = revision_;
}

}  // namespace sluice::sandbox
