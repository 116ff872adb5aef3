// Where a cluster is and who we are there: one context of a kubeconfig file, or the pod we run in.
// Only loading is here; tokens and certificates that change are handled by credentials.h.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/error.h"

namespace sluice::targets::kubernetes {

// Error::reason() of what is wrong with the file; docs/reference/reasons.md.
inline constexpr std::string_view kReasonKubeconfigInvalid = "KubeconfigInvalid";
inline constexpr std::string_view kReasonContextUnknown = "ContextUnknown";

// A program that prints credentials (client.authentication.k8s.io).
struct ExecPlugin {
  std::string api_version;  // v1 or v1beta1, with the group
  std::string command;      // absolute when it came with a '/'
  std::vector<std::string> args;
  std::map<std::string, std::string> env;
  bool provides_cluster_info = false;
  std::string install_hint;
  nlohmann::json cluster_config;  // the cluster's extension of that name, or null
};

struct Impersonation {
  std::string user, uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;
};

// Holds secrets: never log or print it.
struct ClusterAccess {
  std::string context, cluster, user;  // names, for messages
  std::string server;                  // without a slash at the end; may carry a path
  std::string ca_pem;                  // "": the system's authorities
  std::string ca_option;               // what to change to trust another one
  std::string tls_server_name;
  std::string proxy;
  bool is_insecure = false;
  // Text, or a file that is read again from time to time.
  std::string client_cert_pem, client_cert_file;
  std::string client_key_pem, client_key_file;
  std::string token, token_file;
  std::optional<ExecPlugin> exec;
  Impersonation impersonation;

  bool IsTls() const { return server.starts_with("https://"); }
};

// One context of the file at `path` (only that file; it must exist). kInvalidConfig names what is
// wrong and what there is instead. Credentials for a server that is reached over plain http are
// refused.
Result<ClusterAccess> LoadKubeconfig(const std::string& path, const std::string& context);
// The same of a text already read; relative paths in it start at the folder of `path`.
Result<ClusterAccess> ParseKubeconfig(const std::string& text, const std::string& path,
                                      const std::string& context);

inline constexpr std::string_view kServiceAccountDirectory =
    "/var/run/secrets/kubernetes.io/serviceaccount";
// The pod's service account: KUBERNETES_SERVICE_HOST and _PORT of `environment`, token and ca.crt
// of `directory`.
Result<ClusterAccess> LoadInCluster(
    const std::map<std::string, std::string>& environment,
    const std::string& directory = std::string(kServiceAccountDirectory));

}  // namespace sluice::targets::kubernetes
