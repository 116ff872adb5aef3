// The HTTP front: answers as the deployed workloads would. /<cluster>/<namespace>/<service>/… picks
// a ready pod the Service selects, in turn, and answers for it.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "engine/sandbox/cluster.h"
#include "engine/sandbox/http_server.h"

namespace sluice::sandbox {

// Thread-safe.
class Front {
 public:
  explicit Front(std::map<std::string, Cluster*> clusters) : clusters_(std::move(clusters)) {}

  // 200 with {"app","image","version","pod","path",…}; 500 for a pod of an http500- image; 503
  // without a ready pod; 404 for an unknown cluster or Service. `?delay=MS` (at most 10 s) holds
  // the answer back: the pod is chosen at once, and one that ends meanwhile still answers.
  HttpResponse Handle(const HttpRequest& request);

 private:
  const std::map<std::string, Cluster*> clusters_;
  std::mutex mutex_;
  std::map<std::string, size_t> turns_;  // next pod, by service
};

}  // namespace sluice::sandbox
