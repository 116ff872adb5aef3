#include "engine/targets/kubernetes/exec_plugin.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/io/subprocess.h"
#include "engine/targets/kubernetes/certificates.h"
#include "engine/targets/kubernetes/health_json.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

tl::unexpected<Error> Failed(const std::string& command, const std::string& what) {
  return Fail(ErrorCode::kUnauthenticated, std::string(kReasonCredentialPluginFailed),
              "credential plugin " + command + " " + what);
}

}  // namespace

std::string ExecInfo(const ExecPlugin& plugin, const ClusterAccess& access) {
  nlohmann::json spec = {{"interactive", false}};
  if (plugin.provides_cluster_info) {
    nlohmann::json& cluster = spec["cluster"];
    cluster["server"] = access.server;
    if (!access.tls_server_name.empty()) cluster["tls-server-name"] = access.tls_server_name;
    if (access.is_insecure) cluster["insecure-skip-tls-verify"] = true;
    if (!access.ca_pem.empty()) cluster["certificate-authority-data"] = Base64Encode(access.ca_pem);
    if (!access.proxy.empty()) cluster["proxy-url"] = access.proxy;
    if (!plugin.cluster_config.is_null()) cluster["config"] = plugin.cluster_config;
  }
  const nlohmann::json info = {
      {"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", spec}};
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<ExecCredential> ParseExecCredential(const std::string& output, const ExecPlugin& plugin) {
  const auto document = nlohmann::json::parse(output, nullptr, false);
  if (!document.is_object() || ToText(At(document, "kind")) != "ExecCredential") {
    return Failed(plugin.command, "printed no ExecCredential on its standard output");
  }
  if (const std::string version = ToText(At(document, "apiVersion"));
      version != plugin.api_version) {
    return Failed(plugin.command, "answered as '" + EscapeControl(version) +
                                      "', and the kubeconfig says " + plugin.api_version +
                                      "; make the two agree");
  }
  const nlohmann::json& status = At(document, "status");
  ExecCredential credential;
  credential.token = ToText(At(status, "token"));
  credential.client_cert_pem = ToText(At(status, "clientCertificateData"));
  credential.client_key_pem = ToText(At(status, "clientKeyData"));
  if (credential.client_cert_pem.empty() != credential.client_key_pem.empty()) {
    return Failed(plugin.command, "gave a client certificate or a key, and not both");
  }
  if (credential.token.empty() && credential.client_cert_pem.empty()) {
    return Failed(plugin.command, "gave neither a token nor a client certificate");
  }
  if (!credential.client_cert_pem.empty() && !CheckCertificates(credential.client_cert_pem)) {
    return Failed(plugin.command, "gave a client certificate that cannot be read");
  }
  if (const std::string text = ToText(At(status, "expirationTimestamp")); !text.empty()) {
    const auto expires = ParseTime(text);
    if (!expires)
      return Failed(plugin.command, "gave the expirationTimestamp '" + EscapeControl(text) + "'");
    credential.expires = *expires;
  }
  return credential;
}

Status CheckAllowed(const ExecPlugin& plugin, const std::vector<std::string>& allowed) {
  if (allowed.empty()) return {};
  const std::string name = plugin.command.substr(plugin.command.rfind('/') + 1);
  const bool is_allowed = std::ranges::any_of(allowed, [&](const std::string& entry) {
    return entry.find('/') == std::string::npos ? entry == name : entry == plugin.command;
  });
  if (is_allowed) return {};
  return Fail(ErrorCode::kInvalidConfig, std::string(kReasonCredentialPluginRefused),
              "credential plugin " + plugin.command + " is not allowed here (allowed: " +
                  Join(allowed, ", ") + "); add it to the daemon's list of exec plugins");
}

Result<ExecCredential> RunExecPlugin(const ClusterAccess& access,
                                     const std::map<std::string, std::string>& environment,
                                     const Clock& clock, const Call& call) {
  const ExecPlugin& plugin = *access.exec;
  ProcessSpec spec;
  spec.argv.push_back(plugin.command);
  spec.argv.insert(spec.argv.end(), plugin.args.begin(), plugin.args.end());
  spec.env = environment;
  for (const auto& [name, value] : plugin.env) spec.env[name] = value;
  spec.env["KUBERNETES_EXEC_INFO"] = ExecInfo(plugin, access);
  spec.overflow = Overflow::kFail;
  const Call bounded{std::min(call.deadline, clock.SteadyNow() + 60s), call.stop};
  auto result = RunProcess(spec, bounded);
  if (!result) {
    if (result.error().code() == ErrorCode::kCancelled) return Fail(std::move(result).error());
    const std::string hint = plugin.install_hint.empty() ? "" : "; " + OneLine(plugin.install_hint);
    return Failed(plugin.command, "could not be run: " + result.error().message() + hint);
  }
  if (result->timed_out)
    return Failed(plugin.command, "did not end in time; run it by hand to see what it waits for");
  if (result->exit_code != 0) {
    const std::string end = result->signal != 0
                                ? "was ended by signal " + std::to_string(result->signal)
                                : "ended with exit code " + std::to_string(result->exit_code);
    const std::string said = OneLine(Tail(RedactCredentials(Trim(result->stderr_text)), 300));
    return Failed(plugin.command, end + (said.empty() ? "" : ": " + said));
  }
  return ParseExecCredential(result->stdout_text, plugin);
}

}  // namespace sluice::targets::kubernetes
