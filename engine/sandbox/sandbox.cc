#include "engine/sandbox/sandbox.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/sandbox/api_server.h"
#include "engine/sandbox/certificates.h"
#include "engine/sandbox/cluster.h"
#include "engine/sandbox/controllers/controller_host.h"
#include "engine/sandbox/front.h"
#include "engine/sandbox/http_server.h"
#include "engine/sandbox/timers.h"

namespace sluice::sandbox {
namespace {

// JSON is YAML too, so a kubeconfig needs no YAML writer.
Json KubeConfig(const SandboxOptions& options, int port, const Certificates& certificates) {
  Json clusters = Json::array();
  Json contexts = Json::array();
  const std::string user = "sandbox-admin";
  for (const std::string& name : options.clusters) {
    clusters.push_back({{"name", name},
                        {"cluster",
                         {{"server", "https://127.0.0.1:" + std::to_string(port) + "/" + name},
                          {"certificate-authority-data", Base64Encode(certificates.ca_pem)}}}});
    contexts.push_back({{"name", name}, {"context", {{"cluster", name}, {"user", user}}}});
  }
  const Json credentials = {
      {"client-certificate-data", Base64Encode(certificates.client.certificate_pem)},
      {"client-key-data", Base64Encode(certificates.client.key_pem)}};
  return {{"apiVersion", "v1"},   {"kind", "Config"},
          {"clusters", clusters}, {"users", {{{"name", user}, {"user", credentials}}}},
          {"contexts", contexts}, {"current-context", options.clusters.front()}};
}

Status WritePrivateFile(const std::string& path, const std::string& text) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  std::ofstream file(path);
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
  file << text;
  file.close();
  if (!file)
    return Fail(ErrorCode::kUnavailable, "cannot write " + path + "; choose another --dir");
  return {};
}

ApiError Unauthorized() {
  ApiError error;
  error.code = 401;
  error.reason = "Unauthorized";
  error.message = "Unauthorized";
  return error;
}

std::string ReasonOf(int status) {
  switch (status) {
    case 400:
      return "BadRequest";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 409:
      return "Conflict";
    case 410:
      return "Expired";
    case 422:
      return "Invalid";
    case 429:
      return "TooManyRequests";
    case 500:
      return "InternalError";
    case 503:
      return "ServiceUnavailable";
    case 504:
      return "Timeout";
    default:
      return "";
  }
}

ApiError Scripted(const Fault& fault) {
  ApiError error;
  error.code = fault.status;
  error.reason = ReasonOf(fault.status);
  error.message = "scripted by the sandbox's fault '" + fault.spec + "'";
  error.retry_after_seconds = fault.retry_after_seconds;
  return error;
}

}  // namespace

class Sandbox::State {
 public:
  struct Simulation {
    Simulation(const std::string& name, const SandboxOptions& options, Timers& timers)
        : cluster(name, options.history_limit),
          controllers(cluster, timers, options.timings),
          api(cluster, timers, options.timings.bookmark) {}
    Cluster cluster;
    ControllerHost controllers;
    ApiServer api;
  };

  explicit State(SandboxOptions options) : options_(std::move(options)), token_(RandomHex(24)) {}

  Status Start() {
    SLUICE_CHECK(CheckOptions());
    for (const std::string& spec : options_.faults) {
      SLUICE_TRY(Fault fault, ParseFault(spec));
      faults_.Add(std::move(fault));
    }
    std::error_code failed;
    std::filesystem::create_directories(options_.dir, failed);
    if (failed) {
      return Fail(ErrorCode::kUnavailable, "cannot make " + options_.dir + ": " + failed.message() +
                                               "; choose another --dir");
    }
    SLUICE_CHECK(audit_.Open(options_.dir + "/audit.log"));
    SLUICE_TRY(const Certificates certificates, MakeCertificates());
    for (const std::string& name : options_.clusters) {
      auto simulation = std::make_unique<Simulation>(name, options_, timers_);
      const std::lock_guard lock(simulation->cluster.mutex);
      simulation->controllers.Start();
      SeedCluster(simulation->cluster);
      simulations_[name] = std::move(simulation);
    }
    HttpServerOptions api;
    api.port = options_.port;
    api.tls = {certificates.server.certificate_pem, certificates.server.key_pem,
               certificates.ca_pem};
    api.handle = [this](const HttpRequest& request) { return Handle(request); };
    SLUICE_TRY(api_server_, HttpServer::Start(std::move(api)));
    std::map<std::string, Cluster*> clusters;
    for (const auto& [name, simulation] : simulations_) clusters[name] = &simulation->cluster;
    front_ = std::make_unique<Front>(std::move(clusters));
    HttpServerOptions front;
    front.port = options_.http_port;
    front.handle = [this](const HttpRequest& request) { return front_->Handle(request); };
    SLUICE_TRY(front_server_, HttpServer::Start(std::move(front)));
    return WritePrivateFile(kubeconfig_path(),
                            KubeConfig(options_, api_server_->port(), certificates).dump(1) + "\n");
  }

  void Stop() {
    timers_.Stop();
    if (front_server_ != nullptr) front_server_->Stop();
    if (api_server_ != nullptr) api_server_->Stop();
  }

  int port() const { return api_server_->port(); }
  int http_port() const { return front_server_->port(); }
  std::string kubeconfig_path() const { return options_.dir + "/kubeconfig"; }
  const std::string& token() const { return token_; }
  FaultBox& faults() { return faults_; }
  Audit& audit() { return audit_; }
  Cluster* FindCluster(const std::string& name) {
    const auto it = simulations_.find(name);
    return it == simulations_.end() ? nullptr : &it->second->cluster;
  }

 private:
  Status CheckOptions() const {
    if (options_.clusters.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "no cluster is named; give at least one, as --clusters dev");
    }
    for (const std::string& name : options_.clusters) {
      if (!IsDnsLabel(name)) {
        return Fail(ErrorCode::kInvalidArgument,
                    "cluster name '" + name +
                        "' is not a DNS label; use lower-case letters, digits and '-'");
      }
      if (std::count(options_.clusters.begin(), options_.clusters.end(), name) > 1) {
        return Fail(ErrorCode::kInvalidArgument,
                    "cluster '" + name + "' is named twice; name each once");
      }
    }
    return {};
  }

  // The user of a request, or empty.
  std::string Authenticate(const HttpRequest& request) const {
    if (!request.client_name.empty()) return request.client_name;
    const std::string_view header = request.Header("authorization");
    return header == "Bearer " + token_ ? "sandbox-token" : "";
  }

  HttpResponse Handle(const HttpRequest& request) {
    const std::optional<RequestInfo> info = ParseRequest(request);
    if (!info) return ErrorResponse(BadRequest("the request target cannot be read").value());
    const auto it = simulations_.find(info->cluster);
    if (it == simulations_.end()) {
      ApiError error;
      error.code = 404;
      error.reason = "NotFound";
      error.message = "this is sluice sandbox, a simulation; it has no cluster '" + info->cluster +
                      "', only " + Join(options_.clusters, ", ") +
                      " (https://host:port/CLUSTER/api/…)";
      return ErrorResponse(error);
    }
    if (info->is_resource) audit_.Count(info->cluster, info->verb);
    const std::string user = Authenticate(request);
    const bool open = info->path == "/version" || info->path == "/healthz" ||
                      info->path == "/readyz" || info->path == "/livez";
    const std::optional<Fault> fault = faults_.Match(*info);
    HttpResponse response = user.empty() && !open ? ErrorResponse(Unauthorized())
                                                  : Answer(request, *info, *it->second, fault);
    if (info->is_resource && info->IsWrite()) {
      const bool cut =
          fault && fault->kind == FaultKind::kDrop && fault->drop == DropPoint::kBefore;
      audit_.Write({info->cluster, info->verb, info->path, info->IsDryRun(),
                    info->Query("fieldManager"), std::string(request.Header("user-agent")), user,
                    cut ? 0 : response.status, fault ? fault->spec : ""});
    }
    return response;
  }

  HttpResponse Answer(const HttpRequest& request, const RequestInfo& info, Simulation& simulation,
                      const std::optional<Fault>& fault) {
    if (!fault) return simulation.api.Handle(request, info, std::nullopt);
    switch (fault->kind) {
      case FaultKind::kStatus:
        return ErrorResponse(Scripted(*fault));
      case FaultKind::kEmpty:
        return JsonResponse(200, Json::object());
      case FaultKind::kStale: {
        uint64_t revision = 0;
        {
          const std::lock_guard lock(simulation.cluster.mutex);
          revision =
              simulation.cluster.store.RevisionAt(std::chrono::steady_clock::now() - fault->age);
        }
        return simulation.api.Handle(request, info, revision);
      }
      case FaultKind::kDelay: {
        HttpResponse response = simulation.api.Handle(request, info, std::nullopt);
        response.delay = fault->delay;
        return response;
      }
      case FaultKind::kDrop: {
        HttpResponse response;
        if (fault->drop != DropPoint::kBefore)
          response = simulation.api.Handle(request, info, std::nullopt);
        response.breakage =
            fault->drop == DropPoint::kMid ? Breakage::kMidAnswer : Breakage::kBeforeAnswer;
        return response;
      }
    }
    return simulation.api.Handle(request, info, std::nullopt);
  }

  const SandboxOptions options_;
  const std::string token_;
  FaultBox faults_;
  Audit audit_;
  Timers timers_;
  std::map<std::string, std::unique_ptr<Simulation>> simulations_;
  std::unique_ptr<Front> front_;
  // Last: their threads use everything above.
  std::unique_ptr<HttpServer> api_server_;
  std::unique_ptr<HttpServer> front_server_;
};

Result<std::unique_ptr<Sandbox>> Sandbox::Start(SandboxOptions options) {
  auto state = std::make_unique<State>(std::move(options));
  Status started = state->Start();
  if (!started) {
    state->Stop();
    return Fail(std::move(started).error().With("starting the sandbox"));
  }
  return std::unique_ptr<Sandbox>(new Sandbox(std::move(state)));
}

Sandbox::Sandbox(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sandbox::~Sandbox() { Stop(); }

int Sandbox::port() const { return state_->port(); }
int Sandbox::http_port() const { return state_->http_port(); }
std::string Sandbox::kubeconfig_path() const { return state_->kubeconfig_path(); }
std::string Sandbox::token() const { return state_->token(); }
void Sandbox::Stop() { state_->Stop(); }

Status Sandbox::InjectFault(std::string_view spec) {
  SLUICE_TRY(Fault fault, ParseFault(spec));
  state_->faults().Add(std::move(fault));
  return {};
}
void Sandbox::ClearFaults() { state_->faults().Clear(); }

std::map<std::string, int> Sandbox::RequestCounts(const std::string& cluster) const {
  return state_->audit().Counts(cluster);
}
std::vector<WriteRecord> Sandbox::Writes(const std::string& cluster) const {
  return state_->audit().Writes(cluster);
}
void Sandbox::ResetAudit() { state_->audit().Reset(); }

void Sandbox::CompactHistory(const std::string& cluster) {
  Cluster* found = state_->FindCluster(cluster);
  if (found == nullptr) return;
  const std::lock_guard lock(found->mutex);
  found->store.Compact();
}

}  // namespace sluice::sandbox
