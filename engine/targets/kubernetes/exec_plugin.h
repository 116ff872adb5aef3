// Credential plugins: programs named in a kubeconfig that print a short-lived token or certificate
// (client.authentication.k8s.io v1 and v1beta1; kubernetes.md 4).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/targets/kubernetes/kubeconfig.h"

namespace sluice::targets::kubernetes {

inline constexpr std::string_view kReasonCredentialPluginRefused = "CredentialPluginRefused";
inline constexpr std::string_view kReasonCredentialPluginFailed = "CredentialPluginFailed";

// Secrets: never log or print it.
struct ExecCredential {
  std::string token;
  std::string client_cert_pem, client_key_pem;
  std::optional<SystemTime> expires;  // none: as long as this process lives
};

// The document the plugin finds in KUBERNETES_EXEC_INFO.
std::string ExecInfo(const ExecPlugin& plugin, const ClusterAccess& access);
// What the plugin printed, strictly: the same apiVersion, and a token, or a certificate with its
// key.
Result<ExecCredential> ParseExecCredential(const std::string& output, const ExecPlugin& plugin);

// kInvalidConfig unless `allowed` is empty or holds the command's name (or, with a '/', its whole
// path).
Status CheckAllowed(const ExecPlugin& plugin, const std::vector<std::string>& allowed);

// Runs it once, for a minute at most. kUnauthenticated, with the tail of what it said, when it
// gives no credential.
Result<ExecCredential> RunExecPlugin(const ClusterAccess& access,
                                     const std::map<std::string, std::string>& environment,
                                     const Clock& clock, const Call& call);

}  // namespace sluice::targets::kubernetes
