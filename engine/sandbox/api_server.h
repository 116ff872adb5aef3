// The Kubernetes API of one cluster: routing, content negotiation, verbs. Thread-safe; takes the
// cluster's lock around each look-up or change and renders outside it. Start reading at Handle.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/sandbox/api_error.h"
#include "engine/sandbox/cluster.h"
#include "engine/sandbox/http_server.h"
#include "engine/sandbox/request_info.h"
#include "engine/sandbox/selectors.h"
#include "engine/sandbox/timers.h"

namespace sluice::sandbox {

class WatchSession;

class ApiServer {
 public:
  ApiServer(Cluster& cluster, Timers& timers, Duration bookmark_interval)
      : cluster_(cluster), timers_(timers), bookmark_interval_(bookmark_interval) {}

  // `stale_revision`: reads (get, list) are answered as of this revision.
  HttpResponse Handle(const HttpRequest& request, const RequestInfo& info,
                      std::optional<uint64_t> stale_revision);

 private:
  ApiResult<HttpResponse> Route(const HttpRequest& request, const RequestInfo& info,
                                std::optional<uint64_t> stale_revision);
  ApiResult<HttpResponse> RouteResource(const HttpRequest& request, const RequestInfo& info,
                                        std::optional<uint64_t> stale_revision);
  bool ServesGroup(const RequestInfo& info);
  ApiResult<TypePtr> FindType(const RequestInfo& info);

  // api_read.cc
  ApiResult<HttpResponse> Get(const HttpRequest& request, const RequestInfo& info,
                              const ResourceType& type, std::optional<uint64_t> stale_revision);
  ApiResult<HttpResponse> List(const HttpRequest& request, const RequestInfo& info,
                               const ResourceType& type, std::optional<uint64_t> stale_revision);
  // api_watch.cc
  ApiResult<HttpResponse> Watch(const HttpRequest& request, const RequestInfo& info,
                                const TypePtr& type);
  void KeepWatching(const std::shared_ptr<WatchSession>& session);
  // api_write.cc
  ApiResult<HttpResponse> Create(const HttpRequest& request, const RequestInfo& info,
                                 const ResourceType& type);
  ApiResult<HttpResponse> Update(const HttpRequest& request, const RequestInfo& info,
                                 const ResourceType& type);
  ApiResult<HttpResponse> Patch(const HttpRequest& request, const RequestInfo& info,
                                const ResourceType& type);
  ApiResult<HttpResponse> Apply(const HttpRequest& request, const RequestInfo& info,
                                const ResourceType& type);
  ApiResult<HttpResponse> Delete(const HttpRequest& request, const RequestInfo& info,
                                 const ResourceType& type);
  ApiResult<HttpResponse> DeleteCollection(const HttpRequest& request, const RequestInfo& info,
                                           const ResourceType& type);
  ApiResult<HttpResponse> WriteScale(const HttpRequest& request, const RequestInfo& info,
                                     const ResourceType& type);
  // discovery.cc
  ApiResult<HttpResponse> Discover(const HttpRequest& request, const RequestInfo& info);

  Cluster& cluster_;
  Timers& timers_;
  Duration bookmark_interval_;
};

// How the client wants an object: as it is, or its metadata only.
enum class View { kFull, kMetadata };

struct LabelAndFieldSelector {
  std::vector<Requirement> labels;
  std::vector<FieldRequirement> fields;
};
ApiResult<LabelAndFieldSelector> ReadSelectors(const RequestInfo& info);
bool Matches(const LabelAndFieldSelector& selector, const Json& object);

View ReadView(const HttpRequest& request);
HttpResponse JsonResponse(int status, std::string body);
HttpResponse JsonResponse(int status, const Json& body);
HttpResponse ErrorResponse(const ApiError& error);
// The object as served under this version: its apiVersion set, reduced to metadata where asked.
std::string RenderObject(const ResourceType& type, const Json& object, View view);
// The Scale of a workload; 404 when the kind has none.
ApiResult<Json> ScaleOf(const ResourceType& type, const Json& object);

// The plain and aggregated documents of discovery.cc, rendered under the cluster's lock.
Json ApiGroupList(const TypeRegistry& types);
Json ApiResourceList(const TypeRegistry& types, const std::string& group,
                     const std::string& version);
Json AggregatedDiscovery(const TypeRegistry& types, bool core);
// Just enough of /openapi/v3 for clients that look up query parameters in it.
Json OpenApiIndex(const TypeRegistry& types);
Json OpenApiDocument(const TypeRegistry& types, const std::string& group,
                     const std::string& version);

}  // namespace sluice::sandbox
