// Which types a cluster serves: (group, version, kind) to path and scope. Read once, then asked for
// changes by ETag. A group whose backend is down is unknown, never "not served".
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/model/object_ref.h"
#include "engine/targets/kubernetes/client.h"

namespace sluice::targets::kubernetes {

struct ResourceType {
  std::string group, version, kind;
  std::string plural;
  bool is_namespaced = false;
  bool has_status = false;  // a status subresource
  std::set<std::string> verbs;
  std::string ApiVersion() const { return group.empty() ? version : group + "/" + version; }
};

// "/apis/apps/v1/namespaces/web/deployments[/api]"; `ns` "" for cluster scope or all namespaces.
std::string CollectionPath(const ResourceType& type, const std::string& ns);
std::string ObjectPath(const ResourceType& type, const std::string& ns, const std::string& name);

// What was served at one moment. Unchanged once made.
class Catalog {
 public:
  struct Part {  // one group and version
    std::string group, version;
    bool is_stale = false;  // could not be asked; its types are unknown
    std::vector<ResourceType> types;
  };
  explicit Catalog(std::vector<Part> parts);

  const ResourceType* Find(const std::string& group, const std::string& version,
                           const std::string& kind) const;
  // In the group's preferred version that serves the kind.
  const ResourceType* FindPreferred(const std::string& group, const std::string& kind) const;
  // The group, or with `version` this one version of it, could not be asked.
  bool IsUnknown(const std::string& group, const std::string& version = "") const;
  // All types in preferred versions, in the server's order.
  std::vector<const ResourceType*> All() const;
  // What a person may have meant: "; apps/v1 serves it" or "; did you mean 'Deployment'?" or "".
  std::string Suggestion(const std::string& group, const std::string& version,
                         const std::string& kind) const;

 private:
  std::vector<Part> parts_;
};

// The two bodies of aggregated discovery (v2) in order /api, /apis. kUnavailable for anything else.
Result<std::vector<Catalog::Part>> ParseAggregated(const nlohmann::json& list);
// One APIResourceList of plain discovery.
Catalog::Part ParseResourceList(const nlohmann::json& list, const std::string& group,
                                const std::string& version);

// Thread-safe; shared by all drivers of one target. One reader at a time, the others wait.
class Discovery {
 public:
  explicit Discovery(Client& client) : client_(client) {}

  // As known; read at first and again after five minutes.
  Result<std::shared_ptr<const Catalog>> Get(const Call& call);
  // Asked again now, unless that began after `since`.
  Result<std::shared_ptr<const Catalog>> Refresh(SteadyTime since, const Call& call);

 private:
  struct Half {  // /api or /apis
    std::string etag;
    std::vector<Catalog::Part> parts;
  };
  Status ReadHalf(const std::string& path, Half& half, bool& is_plain, const Call& call);
  Result<std::vector<Catalog::Part>> ReadPlain(const Call& call);
  Result<std::shared_ptr<const Catalog>> Read(const Call& call);
  // The catalog if its reading began after `since`, else a new one.
  Result<std::shared_ptr<const Catalog>> NewerThan(SteadyTime since, const Call& call);

  Client& client_;
  std::mutex mutex_;
  std::condition_variable_any has_read_;
  bool is_reading_ = false;  // by one caller, outside the lock
  std::shared_ptr<const Catalog> catalog_;
  SteadyTime read_at_{};  // when the reading of catalog_ began
  Half core_, groups_;    // of the caller that reads
};

}  // namespace sluice::targets::kubernetes
