// Kubernetes as a target. Start reading here, then kubernetes_driver.h.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/effects.h"
#include "engine/base/error.h"
#include "engine/base/guarded.h"
#include "engine/base/metrics.h"
#include "engine/io/http_client.h"
#include "engine/targets/target_driver.h"

namespace sluice::targets {

namespace kubernetes {
struct Connection;
}

struct KubernetesOptions {
  std::string kubeconfig;                          // path; "": the pod's own service account
  std::vector<std::string> exec_allow_list;        // credential plugins by command name; empty: any
  std::map<std::string, std::string> environment;  // of this process: plugins inherit it
  // One client per cluster.
  std::function<Result<std::unique_ptr<HttpClient>>()> make_http = [] {
    return MakeCurlHttpClient();
  };
};

// The clusters one daemon talks to. Connections, credentials and discovery are shared by all
// drivers of a context; a kubeconfig that changed is read again for the next driver.
class KubernetesConnections final : public TargetConnections {
 public:
  KubernetesConnections(KubernetesOptions options, const Clock& clock, Effects& effects,
                        Metrics& metrics);
  ~KubernetesConnections() override;

  // kInvalidConfig when the kubeconfig or its context is bad.
  Result<std::unique_ptr<TargetDriver>> MakeDriver(const Target& target) override;
  // The server that the kubeconfig names for the context; the context where that cannot be told.
  std::string ClusterOf(const Target& target) const override;

 private:
  struct Entry {
    std::string text_digest;  // of the kubeconfig it was made from
    std::shared_ptr<kubernetes::Connection>
        connection;  // drivers keep using it when the file changes
  };
  Result<std::shared_ptr<kubernetes::Connection>> Connect(const std::string& context);

  const KubernetesOptions options_;
  const Clock& clock_;
  Effects& effects_;
  Metrics& metrics_;
  Guarded<std::map<std::string, Entry>> by_context_;
};

}  // namespace sluice::targets
