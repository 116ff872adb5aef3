// The state of one simulated cluster and the lock that guards all of it.
#pragma once

#include <mutex>
#include <string>

#include "engine/sandbox/object_writer.h"
#include "engine/sandbox/resource_type.h"
#include "engine/sandbox/store.h"

namespace sluice::sandbox {

struct Cluster {
  Cluster(std::string cluster_name, size_t history_limit)
      : name(std::move(cluster_name)), store(history_limit), writer(store, types) {}
  Cluster(const Cluster&) = delete;

  const std::string name;
  std::mutex mutex;  // held for every use of what follows
  Store store;
  TypeRegistry types;
  ObjectWriter writer;
};

// Namespaces, the node, default StorageClass and service accounts every fresh cluster has.
void SeedCluster(Cluster& cluster);

}  // namespace sluice::sandbox
