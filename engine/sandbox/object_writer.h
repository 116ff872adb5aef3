// Every change to a cluster's objects: what the API server does between a decoded request and its
// storage. Bookkeeping (uid, generation, resourceVersion, managedFields), defaults, allocation,
// validation, finalizers, preconditions. Requires the cluster's lock, as the store does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/json.h"
#include "engine/sandbox/resource_type.h"
#include "engine/sandbox/service_addresses.h"
#include "engine/sandbox/store.h"

namespace sluice::sandbox {

struct WriteOptions {
  std::string manager = "unknown";
  std::string subresource;  // "" | "status" | "scale"
  bool dry_run = false;
  bool force = false;  // apply only
};

struct DeleteOptions {
  std::string propagation;  // Background | Foreground | Orphan | "" (the kind's default)
  std::string uid;          // preconditions
  std::string resource_version;
  std::optional<int64_t> grace_seconds;
  bool dry_run = false;
};

struct Written {
  ObjectPtr object;
  bool created = false;
};

class ObjectWriter {
 public:
  ObjectWriter(Store& store, TypeRegistry& types) : store_(store), types_(types) {}

  // `object` is decoded (decode.h). managedFields of the caller's are dropped.
  ApiResult<ObjectPtr> Create(const ResourceType& type, Json object, const WriteOptions& options);
  // Replaces; a resourceVersion or uid in `object` must match.
  ApiResult<ObjectPtr> Update(const ResourceType& type, Json object, const WriteOptions& options);
  // Server-side apply of a raw configuration.
  ApiResult<Written> Apply(const ResourceType& type, Json config, const WriteOptions& options);
  // The object when it lingers (finalizers, grace), null when it is gone.
  ApiResult<ObjectPtr> Delete(const ResourceType& type, const std::string& ns,
                              const std::string& name, const DeleteOptions& options);
  // Removes a pod whose grace is over, or an object whose finalizers are done.
  void Remove(const ResourceType& type, const Json& object);

 private:
  ApiStatus CheckNamespace(const ResourceType& type, const std::string& ns,
                           const std::string& name) const;
  // Service accounts must exist and pod quotas hold; 403 otherwise.
  ApiStatus AdmitPod(const ResourceType& type, const Json& pod) const;
  ApiResult<ObjectPtr> FinishCreate(const ResourceType& type, Json object,
                                    const WriteOptions& options, bool record);
  ApiResult<ObjectPtr> FinishUpdate(const ResourceType& type, const ObjectPtr& live, Json object,
                                    const WriteOptions& options, bool record);

  Store& store_;
  TypeRegistry& types_;
  ServiceAddresses addresses_;
};

// True when nothing but times in managedFields (and resourceVersion) differs.
bool SameContent(const Json& a, const Json& b);

}  // namespace sluice::sandbox
