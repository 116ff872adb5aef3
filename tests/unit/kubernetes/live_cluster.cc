#include "tests/unit/kubernetes/live_cluster.h"

#include <cstdlib>
#include <stdexcept>

#include "engine/base/hash.h"
#include "engine/io/files.h"
#include "engine/sandbox/sandbox.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/yaml/yaml.h"
#include "tests/support/kinds.h"

namespace sluice::targets::kubernetes {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

template <class T>
T Must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}

class ProxiedHttp final : public HttpClient {
 public:
  ProxiedHttp(std::unique_ptr<HttpClient> http, std::shared_ptr<Guarded<LiveCluster::Proxy>> proxy)
      : http_(std::move(http)), proxy_(std::move(proxy)) {}

  Result<HttpResponse> Send(const HttpRequest& request, const Call& call) override {
    const auto proxy = proxy_->With([](const auto& p) { return p; });
    if (proxy) {
      if (auto answer = proxy(request)) return std::move(*answer);
    }
    return http_->Send(request, call);
  }
  std::vector<Result<HttpResponse>> SendAll(const std::vector<HttpRequest>& all,
                                            const Call& call) override {
    std::vector<Result<HttpResponse>> answers;
    for (const HttpRequest& request : all) answers.push_back(Send(request, call));
    return answers;
  }

 private:
  std::unique_ptr<HttpClient> http_;
  std::shared_ptr<Guarded<LiveCluster::Proxy>> proxy_;
};

}  // namespace

struct LiveCluster::Sandbox {
  TemporaryDirectory dir;
  std::unique_ptr<sandbox::Sandbox> server;
};

LiveCluster::LiveCluster() {
  kubeconfig_ = Environment("SLUICE_TEST_KUBECONFIG");
  context_ = Environment("SLUICE_TEST_CONTEXT");
  std::string admin = Environment("SLUICE_TEST_ADMIN_KUBECONFIG");
  is_real_ = !kubeconfig_.empty();
  if (!is_real_) {
    auto dir = Must(TemporaryDirectory::Make());
    auto server = Must(sandbox::Sandbox::Start({.dir = dir.path(), .clusters = {"testbed"}}));
    kubeconfig_ = server->kubeconfig_path();
    context_ = "testbed";
    sandbox_ = std::make_unique<Sandbox>(Sandbox{std::move(dir), std::move(server)});
  }
  if (admin.empty()) admin = kubeconfig_;
  KubernetesOptions options{.kubeconfig = kubeconfig_};
  options.make_http = [proxy = proxy_]() -> Result<std::unique_ptr<HttpClient>> {
    SLUICE_TRY(auto http, MakeCurlHttpClient());
    return std::unique_ptr<HttpClient>(std::make_unique<ProxiedHttp>(std::move(http), proxy));
  };
  connections_ =
      std::make_unique<KubernetesConnections>(std::move(options), clock, effects, metrics);
  admin_ = std::make_unique<Connection>(
      Must(MakeCurlHttpClient()), Must(LoadKubeconfig(admin, context_)), Credentials::Options{},
      clock, admin_effects_, admin_metrics_);
}

LiveCluster::~LiveCluster() {
  for (const std::string& path : cleanup_) As("test", "DELETE", path);
}

std::string LiveCluster::MakeNamespace() {
  const std::string name = "t-" + RandomHex(4);
  const nlohmann::json body = {
      {"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}};
  if (!As("test", "POST", "/api/v1/namespaces", body).IsSuccess())
    throw std::runtime_error("cannot make " + name);
  cleanup_.push_back("/api/v1/namespaces/" + name);
  return name;
}

void LiveCluster::GrantOnGroup(const std::string& group) {
  if (!is_real_) return;  // the sandbox knows no rights
  const std::string base = "/apis/rbac.authorization.k8s.io/v1/";
  const std::string name = "test-" + group;
  const std::string rbac = "rbac.authorization.k8s.io";
  const nlohmann::json role = {{"apiVersion", rbac + "/v1"},
                               {"kind", "ClusterRole"},
                               {"metadata", {{"name", name}}},
                               {"rules",
                                {{{"apiGroups", {group}},
                                  {"resources", {"*"}},
                                  {"verbs", {"get", "list", "create", "patch", "delete"}}}}}};
  const nlohmann::json binding = {
      {"apiVersion", rbac + "/v1"},
      {"kind", "ClusterRoleBinding"},
      {"metadata", {{"name", name}}},
      {"roleRef", {{"apiGroup", rbac}, {"kind", "ClusterRole"}, {"name", name}}},
      {"subjects",
       {{{"kind", "Group"}, {"apiGroup", rbac}, {"name", "system:serviceaccounts:sluice"}}}}};
  for (const auto& [kind, body] :
       {std::pair("clusterroles", role), std::pair("clusterrolebindings", binding)}) {
    if (!As("test", "POST", base + kind, body).IsSuccess())
      throw std::runtime_error("cannot make " + name);
    cleanup_.push_back(base + kind + "/" + name);
  }
}

std::unique_ptr<TargetDriver> LiveCluster::Driver(const std::string& ns) {
  return Must(connections_->MakeDriver(testing::ClusterTarget("main", context_, ns)));
}

WriteCall LiveCluster::Deadline(int seconds) const {
  const SteadyTime end = clock.SteadyNow() + std::chrono::seconds(seconds);
  return {{end, {}}, [end] { return end; }};
}

ApiAnswer LiveCluster::As(const std::string& manager, const std::string& method,
                          const std::string& path, const nlohmann::json& body,
                          const std::string& content_type) {
  ApiRequest request{.verb = method == "GET" ? Verb::kGet : Verb::kPatch,
                     .method = method,
                     .path = path,
                     .what = path};
  if (method == "POST" || method == "PATCH" || method == "PUT")
    request.query = {{"fieldManager", manager}};
  if (content_type == "application/apply-patch+yaml") request.query.emplace_back("force", "true");
  if (!body.is_null()) {
    request.body = body.dump();
    request.content_type = content_type;
  }
  return Must(admin_->client.Write(request, Deadline()));
}

bool LiveCluster::InjectFault(const std::string& spec) {
  if (!sandbox_) return false;
  if (spec.empty()) {
    sandbox_->server->ClearFaults();
  } else if (!sandbox_->server->InjectFault(spec)) {
    throw std::runtime_error("no such fault: " + spec);
  }
  return true;
}

void LiveCluster::Intercept(Proxy proxy) {
  proxy_->With([&](Proxy& p) { p = std::move(proxy); });
}

bool LiveCluster::Eventually(const std::function<bool()>& is_so, int seconds) const {
  const Call call = Deadline(seconds);
  while (!is_so()) {
    if (clock.SteadyNow() >= call.deadline) return false;
    clock.Sleep(Duration(50), call.stop);
  }
  return true;
}

std::vector<Resource> MakeResources(const std::string& yaml) {
  const yaml::Parsed parsed = yaml::Parse(yaml, "test.yaml");
  if (!parsed.problems.empty()) throw std::runtime_error(ToString(parsed.problems.front()));
  std::vector<Resource> resources;
  for (const yaml::Document& document : parsed.documents) {
    Resource resource;
    resource.api_version = ToText(At(document.value, "apiVersion"));
    resource.ref = {GroupOf(resource.api_version), ToText(At(document.value, "kind")), "",
                    ToText(At(document.value, "metadata", "name"))};
    resource.body = document.value;
    resource.at = {"test.yaml", 1, 1};
    resources.push_back(std::move(resource));
  }
  return resources;
}

Resource MakeResource(const std::string& yaml) { return MakeResources(yaml).at(0); }

Ownership TestOwner(const std::string& application) { return {"test", {"dev", application}}; }

}  // namespace sluice::targets::kubernetes
