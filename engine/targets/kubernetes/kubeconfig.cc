#include "engine/targets/kubernetes/kubeconfig.h"

#include <array>

#include "engine/base/strings.h"
#include "engine/io/files.h"
#include "engine/targets/kubernetes/certificates.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/yaml/yaml.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr std::string_view kExecGroup = "client.authentication.k8s.io/";
constexpr std::string_view kExecExtension = "client.authentication.k8s.io/exec";

tl::unexpected<Error> Invalid(std::string message) {
  return Fail(ErrorCode::kInvalidConfig, std::string(kReasonKubeconfigInvalid), std::move(message));
}

// One kubeconfig document and where it lies.
class Document {
 public:
  Document(nlohmann::json root, std::string path) : root_(std::move(root)), path_(std::move(path)) {
    const size_t slash = path_.rfind('/');
    folder_ = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  }

  const nlohmann::json& root() const { return root_; }
  const std::string& path() const { return path_; }

  // Paths in the file are relative to the file's own folder.
  std::string Resolve(const std::string& file) const {
    if (file.empty() || file.front() == '/') return file;
    return folder_ + (folder_.ends_with('/') ? "" : "/") + file;
  }

  // The entry of `list` ("contexts") called `name`, its `member` ("context").
  Result<nlohmann::json> Named(std::string_view list, std::string_view member,
                               const std::string& name) const {
    std::vector<std::string> names;
    for (const nlohmann::json& entry : Items(At(root_, list))) {
      const std::string found = ToText(At(entry, "name"));
      if (found == name) {
        const nlohmann::json& value = At(entry, member);
        return value.is_object() ? value : nlohmann::json::object();
      }
      if (!found.empty()) names.push_back(found);
    }
    const std::string what(member);
    const std::string there = names.empty() ? "it has none" : "it has " + Join(names, ", ");
    return Fail(ErrorCode::kInvalidConfig,
                std::string(member == "context" ? kReasonContextUnknown : kReasonKubeconfigInvalid),
                "kubeconfig " + path_ + " has no " + what + " '" + name + "' (" + there + ")" +
                    DidYouMean(name, names));
  }

 private:
  nlohmann::json root_;
  std::string path_;
  std::string folder_;
};

// "<member>-data" (base64) wins over the file "<member>". With `keep_file` the file is named, not
// read.
struct TextOrFile {
  std::string text, file;
};
Result<TextOrFile> ReadMember(const Document& document, const nlohmann::json& owner,
                              const std::string& member, const std::string& what) {
  if (const std::string data = ToText(At(owner, member + "-data")); !data.empty()) {
    const auto text = Base64Decode(data);
    if (!text) {
      return Invalid("kubeconfig " + document.path() + ": " + member + "-data of " + what +
                     " is not base64; encode the PEM text with 'base64 -w0'");
    }
    return TextOrFile{*text, ""};
  }
  const std::string file = ToText(At(owner, member));
  if (file.empty()) return TextOrFile{};
  auto text = ReadFile(document.Resolve(file));
  if (!text) {
    return Invalid("kubeconfig " + document.path() + ": " + member + " of " + what + ": " +
                   text.error().message());
  }
  return TextOrFile{std::move(*text), document.Resolve(file)};
}

Status ReadCluster(const Document& document, const nlohmann::json& cluster, ClusterAccess& access) {
  const std::string what = "cluster '" + access.cluster + "'";
  access.server = ToText(At(cluster, "server"));
  while (access.server.ends_with('/')) access.server.pop_back();
  if (!access.server.starts_with("https://") && !access.server.starts_with("http://")) {
    return Invalid("kubeconfig " + document.path() + ": server of " + what + " is '" +
                   RedactCredentials(access.server) + "'; write https://HOST:PORT");
  }
  access.tls_server_name = ToText(At(cluster, "tls-server-name"));
  access.proxy = ToText(At(cluster, "proxy-url"));
  if (!access.proxy.empty() && !access.proxy.starts_with("http://") &&
      !access.proxy.starts_with("https://") && !access.proxy.starts_with("socks5://")) {
    return Invalid("kubeconfig " + document.path() + ": proxy-url of " + what + " is '" +
                   RedactCredentials(access.proxy) +
                   "'; it begins with http://, https:// or socks5://");
  }
  access.is_insecure = ToBool(At(cluster, "insecure-skip-tls-verify"));
  access.ca_option = "certificate-authority of " + what + " in kubeconfig " + document.path();
  SLUICE_TRY(TextOrFile ca, ReadMember(document, cluster, "certificate-authority", what));
  access.ca_pem = std::move(ca.text);
  if (access.is_insecure && !access.ca_pem.empty()) {
    return Invalid(
        "kubeconfig " + document.path() + ": " + what +
        " has both a certificate-authority and insecure-skip-tls-verify; remove one of them");
  }
  if (!access.ca_pem.empty()) {
    if (auto status = CheckCertificates(access.ca_pem); !status) {
      return Invalid(access.ca_option + ": " + status.error().message());
    }
  }
  return {};
}

Result<std::vector<std::string>> Texts(const nlohmann::json& list, const std::string& what) {
  std::vector<std::string> texts;
  for (const nlohmann::json& item : Items(list)) {
    if (!item.is_string()) return Invalid(what + " holds something that is not text; quote it");
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

Status ReadExec(const Document& document, const nlohmann::json& exec, ClusterAccess& access) {
  const std::string what = "kubeconfig " + document.path() + ": exec of user '" + access.user + "'";
  ExecPlugin plugin;
  plugin.api_version = ToText(At(exec, "apiVersion"));
  if (plugin.api_version != std::string(kExecGroup) + "v1" &&
      plugin.api_version != std::string(kExecGroup) + "v1beta1") {
    return Invalid(what + ": apiVersion is '" + plugin.api_version + "'; known are " +
                   std::string(kExecGroup) + "v1 and v1beta1");
  }
  plugin.command = ToText(At(exec, "command"));
  if (plugin.command.empty()) return Invalid(what + " names no command");
  if (plugin.command.find('/') != std::string::npos)
    plugin.command = document.Resolve(plugin.command);
  SLUICE_TRY(plugin.args, Texts(At(exec, "args"), what + ": args"));
  for (const nlohmann::json& entry : Items(At(exec, "env"))) {
    plugin.env[ToText(At(entry, "name"))] = ToText(At(entry, "value"));
  }
  plugin.provides_cluster_info = ToBool(At(exec, "provideClusterInfo"));
  plugin.install_hint = ToText(At(exec, "installHint"));
  const std::string mode = ToText(At(exec, "interactiveMode"));
  if (mode == "Always") {
    return Invalid(
        what +
        " has interactiveMode: Always, and a daemon has nobody to answer; use credentials "
        "that need no person (IfAvailable or Never)");
  }
  if (mode.empty() && plugin.api_version.ends_with("/v1")) {
    return Invalid(what +
                   " has no interactiveMode, which v1 requires; write interactiveMode: Never");
  }
  access.exec = std::move(plugin);
  return {};
}

Status ReadImpersonation(const Document& document, const nlohmann::json& user,
                         ClusterAccess& access) {
  const std::string what = "kubeconfig " + document.path() + ": user '" + access.user + "'";
  Impersonation& as = access.impersonation;
  as.user = ToText(At(user, "as"));
  as.uid = ToText(At(user, "as-uid"));
  SLUICE_TRY(as.groups, Texts(At(user, "as-groups"), what + ": as-groups"));
  if (const nlohmann::json& extra = At(user, "as-user-extra"); extra.is_object()) {
    for (const auto& [key, values] : extra.items()) {
      SLUICE_TRY(as.extra[key], Texts(values, what + ": as-user-extra"));
    }
  }
  const bool has_details = !as.uid.empty() || !as.groups.empty() || !as.extra.empty();
  if (as.user.empty() && has_details)
    return Invalid(what + " has as-groups, as-uid or as-user-extra without 'as'");
  return {};
}

Status ReadUser(const Document& document, const nlohmann::json& user, ClusterAccess& access) {
  const std::string what = "user '" + access.user + "'";
  for (const std::string_view refused : {"auth-provider", "username", "password"}) {
    if (!At(user, refused).is_null()) {
      return Invalid(
          "kubeconfig " + document.path() + ": " + what + " has " + std::string(refused) +
          ", which is not supported; use a client certificate, token, tokenFile or exec");
    }
  }
  SLUICE_TRY(TextOrFile certificate, ReadMember(document, user, "client-certificate", what));
  SLUICE_TRY(TextOrFile key, ReadMember(document, user, "client-key", what));
  access.client_cert_pem = std::move(certificate.text);
  access.client_cert_file = std::move(certificate.file);
  access.client_key_pem = std::move(key.text);
  access.client_key_file = std::move(key.file);
  if (access.client_cert_pem.empty() != access.client_key_pem.empty()) {
    return Invalid("kubeconfig " + document.path() + ": " + what + " has a client-" +
                   (access.client_key_pem.empty() ? "certificate without client-key"
                                                  : "key without client-certificate"));
  }
  if (!access.client_cert_pem.empty()) {
    if (auto status = CheckCertificates(access.client_cert_pem); !status) {
      return Invalid("kubeconfig " + document.path() + ": client-certificate of " + what + ": " +
                     status.error().message());
    }
  }
  access.token = ToText(At(user, "token"));
  access.token_file = document.Resolve(ToText(At(user, "tokenFile")));
  SLUICE_CHECK(ReadImpersonation(document, user, access));
  if (const nlohmann::json& exec = At(user, "exec"); exec.is_object())
    return ReadExec(document, exec, access);
  return {};
}

}  // namespace

Result<ClusterAccess> ParseKubeconfig(const std::string& text, const std::string& path,
                                      const std::string& context) {
  const yaml::Parsed parsed = yaml::Parse(text, path);
  if (!parsed.problems.empty()) return Invalid("kubeconfig " + ToString(parsed.problems.front()));
  if (parsed.documents.size() != 1 || !parsed.documents.front().value.is_object()) {
    return Invalid("kubeconfig " + path +
                   " is not one YAML document with contexts, clusters and users");
  }
  const Document document(parsed.documents.front().value, path);
  ClusterAccess access;
  access.context = context;
  SLUICE_TRY(const nlohmann::json entry, document.Named("contexts", "context", context));
  access.cluster = ToText(At(entry, "cluster"));
  access.user = ToText(At(entry, "user"));
  SLUICE_TRY(const nlohmann::json cluster, document.Named("clusters", "cluster", access.cluster));
  SLUICE_CHECK(ReadCluster(document, cluster, access));
  if (!access.user.empty()) {
    SLUICE_TRY(const nlohmann::json user, document.Named("users", "user", access.user));
    SLUICE_CHECK(ReadUser(document, user, access));
  }
  if (access.exec && access.exec->provides_cluster_info) {
    for (const nlohmann::json& extension : Items(At(cluster, "extensions"))) {
      if (ToText(At(extension, "name")) == kExecExtension)
        access.exec->cluster_config = At(extension, "extension");
    }
  }
  const bool has_credentials = !access.token.empty() || !access.token_file.empty() || access.exec ||
                               !access.client_cert_pem.empty();
  if (!access.IsTls() && has_credentials) {
    return Invalid("kubeconfig " + path + ": context '" + context +
                   "' would send the credentials of user '" + access.user +
                   "' over plain http to " + RedactCredentials(access.server) + "; use https");
  }
  return access;
}

Result<ClusterAccess> LoadKubeconfig(const std::string& path, const std::string& context) {
  auto text = ReadFile(path);
  if (!text) {
    return Invalid("kubeconfig " + path + ": " + text.error().message() +
                   "; set spec.kubeconfig in daemon.yaml to a file that sluice may read");
  }
  return ParseKubeconfig(*text, path, context);
}

Result<ClusterAccess> LoadInCluster(const std::map<std::string, std::string>& environment,
                                    const std::string& directory) {
  const auto value = [&](const char* name) {
    const auto it = environment.find(name);
    return it == environment.end() ? std::string() : it->second;
  };
  std::string host = value("KUBERNETES_SERVICE_HOST");
  const std::string port = value("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return Invalid(
        "no kubeconfig is configured and sluice does not run in a cluster (KUBERNETES_SERVICE_HOST "
        "is "
        "not set); set spec.kubeconfig in daemon.yaml");
  }
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  ClusterAccess access;
  access.context = "in-cluster";
  access.cluster = "in-cluster";
  access.user = "the pod's service account";
  access.server = "https://" + host + ":" + port;
  access.ca_option = directory + "/ca.crt";
  access.token_file = directory + "/token";
  auto ca = ReadFile(access.ca_option);
  if (!ca)
    return Invalid("the cluster's " + ca.error().message() + "; mount the service account token");
  access.ca_pem = std::move(*ca);
  if (auto status = CheckCertificates(access.ca_pem); !status) {
    return Invalid(access.ca_option + ": " + status.error().message());
  }
  return access;
}

}  // namespace sluice::targets::kubernetes
