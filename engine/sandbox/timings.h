// How long simulated things take. The defaults suit tests and demonstrations.
#pragma once

#include "engine/base/clock.h"

namespace sluice::sandbox {

struct Timings {
  Duration controller{5};        // from a change to the controllers' answer to it
  Duration pod_ready{50};        // a pod of a good image
  Duration slow_ready{5000};     // a pod of a slow- image
  Duration fault{200};           // until pullfail- and crash- show
  Duration job_run{50};          // from running to ended
  Duration pod_termination{50};  // from deletion to gone; the pod keeps answering what it began
  Duration load_balancer{50};    // until an ingress address is there
  Duration bookmark{10000};
};

}  // namespace sluice::sandbox
