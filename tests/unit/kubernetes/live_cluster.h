// A cluster the driver's tests run against: a real one when SLUICE_TEST_KUBECONFIG names it (with
// SLUICE_TEST_CONTEXT, and SLUICE_TEST_ADMIN_KUBECONFIG for what other people do there), else the
// sandbox.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/effects.h"
#include "engine/base/guarded.h"
#include "engine/base/metrics.h"
#include "engine/model/resource.h"
#include "engine/targets/kubernetes/driver.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"

namespace sluice::targets::kubernetes {

class LiveCluster {
 public:
  LiveCluster();
  ~LiveCluster();
  bool IsReal() const { return is_real_; }

  // A fresh namespace, removed with this object.
  std::string MakeNamespace();
  std::unique_ptr<TargetDriver> Driver(const std::string& ns);
  // Anything may be written until then.
  WriteCall Deadline(int seconds = 60) const;

  // What others do in the cluster, with all rights: "kubectl" as field manager.
  ApiAnswer As(const std::string& manager, const std::string& method, const std::string& path,
               const nlohmann::json& body = nullptr,
               const std::string& content_type = "application/json");

  // What an administrator adds for a unit's own custom resources; taken back with this object.
  void GrantOnGroup(const std::string& group);

  // Scripted trouble, in the sandbox only (false on a real cluster). "" ends it.
  bool InjectFault(const std::string& spec);

  // A proxy before the server: what it answers to the drivers' requests, which then do not reach
  // the server; nullopt lets one through.
  using Proxy = std::function<std::optional<HttpResponse>(const HttpRequest& request)>;
  void Intercept(Proxy proxy);

  // Until `is_so`, or the deadline (then false).
  bool Eventually(const std::function<bool()>& is_so, int seconds = 60) const;

  RealClock clock;
  Effects effects;
  Metrics metrics;

 private:
  bool is_real_ = false;
  std::string kubeconfig_, context_;
  struct Sandbox;
  std::unique_ptr<Sandbox> sandbox_;
  std::shared_ptr<Guarded<Proxy>> proxy_ = std::make_shared<Guarded<Proxy>>();
  std::unique_ptr<KubernetesConnections> connections_;
  Effects admin_effects_;
  Metrics admin_metrics_;
  std::unique_ptr<Connection> admin_;
  std::vector<std::string> cleanup_;  // paths to delete
};

// One object from YAML, as render would hand it over.
Resource MakeResource(const std::string& yaml);
std::vector<Resource> MakeResources(const std::string& yaml);
Ownership TestOwner(const std::string& application = "web");

}  // namespace sluice::targets::kubernetes
