#include "engine/targets/kubernetes/driver.h"

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/io/files.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/kubernetes_kind.h"

namespace sluice::targets {

KubernetesConnections::KubernetesConnections(KubernetesOptions options, const Clock& clock,
                                             Effects& effects, Metrics& metrics)
    : options_(std::move(options)), clock_(clock), effects_(effects), metrics_(metrics) {}

KubernetesConnections::~KubernetesConnections() = default;

Result<std::shared_ptr<kubernetes::Connection>> KubernetesConnections::Connect(
    const std::string& context) {
  const bool is_in_cluster = options_.kubeconfig.empty();
  std::string digest = "in-cluster";
  if (!is_in_cluster) {
    // A file that cannot be read fails below, with the right words.
    const auto text = ReadFile(options_.kubeconfig);
    digest = text ? Sha256Hex(*text) : "";
  }
  auto known = by_context_.With([&](std::map<std::string, Entry>& entries) {
    const auto it = entries.find(context);
    return it != entries.end() && it->second.text_digest == digest ? it->second.connection
                                                                   : nullptr;
  });
  if (known) return known;
  if (is_in_cluster && !context.empty() && context != "in-cluster") {
    return Fail(ErrorCode::kInvalidConfig, std::string(kubernetes::kReasonContextUnknown),
                "the environment names the context '" + context +
                    "' and no kubeconfig is configured; set "
                    "spec.kubeconfig in daemon.yaml, or name the context 'in-cluster'");
  }

  SLUICE_TRY(kubernetes::ClusterAccess access,
             is_in_cluster ? kubernetes::LoadInCluster(options_.environment)
                           : kubernetes::LoadKubeconfig(options_.kubeconfig, context));
  SLUICE_TRY(std::unique_ptr<HttpClient> http, options_.make_http());
  auto connection = std::make_shared<kubernetes::Connection>(
      std::move(http), std::move(access),
      kubernetes::Credentials::Options{options_.exec_allow_list, options_.environment}, clock_,
      effects_, metrics_);
  return by_context_.With([&](std::map<std::string, Entry>& entries) {
    Entry& entry = entries[context];
    // Another thread may have connected meanwhile; one connection per cluster is enough.
    if (!entry.connection || entry.text_digest != digest) entry = {digest, connection};
    return entry.connection;
  });
}

Result<std::unique_ptr<TargetDriver>> KubernetesConnections::MakeDriver(const Target& target) {
  SLUICE_TRY(std::shared_ptr<kubernetes::Connection> connection,
             Connect(target.Setting(kubernetes::kContext)));
  return std::unique_ptr<TargetDriver>(std::make_unique<kubernetes::KubernetesDriver>(
      std::move(connection), target.Setting(kubernetes::kNamespace)));
}

std::string KubernetesConnections::ClusterOf(const Target& target) const {
  if (options_.kubeconfig.empty()) return "in-cluster";
  const auto access =
      kubernetes::LoadKubeconfig(options_.kubeconfig, target.Setting(kubernetes::kContext));
  if (!access) return kubernetes::KindOfTarget().Place(target);
  // One address behind different proxies or TLS names may be different servers, and so may one that
  // tells them apart by whom it is asked as (`tsh kube credentials --kube-cluster=…`).
  std::string identity = access->server + " " + access->tls_server_name + " " + access->proxy;
  if (access->exec) identity += " " + access->exec->command + " " + Join(access->exec->args, " ");
  return identity;
}

}  // namespace sluice::targets
