// A simulated world to try sluice against: several Kubernetes clusters behind one TLS port, with
// workloads that roll out, fail as their image tags say, and answer HTTP through a front.
// Everything is in memory and on loopback. It must not know the engine's own modules.
// Start reading at sandbox.cc (one request's way), then api_server.h, object_writer.h,
// controllers/.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/sandbox/audit.h"
#include "engine/sandbox/faults.h"
#include "engine/sandbox/timings.h"

namespace sluice::sandbox {

struct SandboxOptions {
  std::string dir;    // made when absent; gets kubeconfig and audit.log
  int port = 0;       // Kubernetes API; 0 = any free one
  int http_port = 0;  // the workloads' front; 0 = any free one
  std::vector<std::string> clusters{"dev", "staging", "prod"};
  std::vector<std::string> faults;  // HelpFaults()
  Timings timings;
  size_t history_limit = 10000;  // events kept for watches before they get 410 Gone
};

// Thread-safe.
class Sandbox {
 public:
  // Returns once both ports serve.
  static Result<std::unique_ptr<Sandbox>> Start(SandboxOptions options);
  ~Sandbox();  // Stop

  int port() const;
  int http_port() const;
  // One context for each cluster, named like it; the first is the current one.
  std::string kubeconfig_path() const;
  // A bearer token that is accepted in place of the client certificate.
  std::string token() const;
  // Cuts every connection and ends all threads. May be called twice.
  void Stop();

  // For tests.
  Status InjectFault(std::string_view spec);
  void ClearFaults();
  // Requests seen, by verb (get list watch create update patch apply delete deletecollection).
  std::map<std::string, int> RequestCounts(const std::string& cluster) const;
  // Write requests in the order they came, dry runs included.
  std::vector<WriteRecord> Writes(const std::string& cluster) const;
  void ResetAudit();
  // Forgets a cluster's history: older watches and continued lists get 410 Gone.
  void CompactHistory(const std::string& cluster);

 private:
  class State;
  explicit Sandbox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sluice::sandbox
