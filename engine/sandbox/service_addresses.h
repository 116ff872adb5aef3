// The cluster's addresses and node ports, given to Services. Requires the cluster's lock.
#pragma once

#include <cstdint>
#include <string>

#include "engine/sandbox/json.h"

namespace sluice::sandbox {

class ServiceAddresses {
 public:
  // What the Service lacks: kept from the `live` one (null: none), else the next that is free. A
  // dry run uses nothing up.
  void Allocate(Json& service, const Json* live, bool dry_run);

 private:
  std::string NextClusterIp(bool dry_run);

  uint32_t next_ip_ = 10;
  int next_node_port_ = 30000;
};

}  // namespace sluice::sandbox
