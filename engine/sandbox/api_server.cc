#include "engine/sandbox/api_server.h"

#include <nlohmann/json.hpp>

#include "engine/base/hash.h"

namespace sluice::sandbox {
namespace {

constexpr char kVersion[] =
    R"({"major":"1","minor":"36","gitVersion":"v1.36.3+sluice-sandbox",)"
    R"("gitCommit":"simulation","gitTreeState":"clean","buildDate":"2026-11-21T00:00:00Z",)"
    R"("goVersion":"none","compiler":"g++","platform":"linux/amd64"})";

HttpResponse TextResponse(std::string text) {
  HttpResponse response;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  response.body = std::move(text);
  return response;
}

ApiError MethodNotAllowed() {
  ApiError error;
  error.code = 405;
  error.reason = "MethodNotAllowed";
  error.message = "the server does not allow this method on the requested resource";
  return error;
}

}  // namespace

HttpResponse JsonResponse(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-cache, private"}};
  response.body = std::move(body);
  return response;
}

HttpResponse JsonResponse(int status, const Json& body) { return JsonResponse(status, Dump(body)); }

HttpResponse ErrorResponse(const ApiError& error) {
  HttpResponse response = JsonResponse(error.code, ToStatus(error));
  if (error.retry_after_seconds > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(error.retry_after_seconds));
  }
  return response;
}

View ReadView(const HttpRequest& request) {
  const std::string_view accept = request.Header("accept");
  return accept.find("as=PartialObjectMetadata") != std::string_view::npos ? View::kMetadata
                                                                           : View::kFull;
}

std::string RenderObject(const ResourceType& type, const Json& object, View view) {
  if (view == View::kMetadata) {
    return Dump({{"kind", "PartialObjectMetadata"},
                 {"apiVersion", "meta.k8s.io/v1"},
                 {"metadata", ObjectAt(object, {"metadata"})}});
  }
  if (TextAt(object, {"apiVersion"}) == type.ApiVersion()) return Dump(object);
  Json copy = object;
  copy["apiVersion"] = type.ApiVersion();
  return Dump(copy);
}

ApiResult<LabelAndFieldSelector> ReadSelectors(const RequestInfo& info) {
  LabelAndFieldSelector out;
  SANDBOX_TRY(out.labels, ParseLabelSelector(info.Query("labelSelector")));
  SANDBOX_TRY(out.fields, ParseFieldSelector(info.Query("fieldSelector")));
  if (info.is_resource && !info.name.empty() && info.verb == "watch") {
    out.fields.push_back({{"metadata", "name"}, info.name, true});
  }
  return out;
}

bool Matches(const LabelAndFieldSelector& selector, const Json& object) {
  return Matches(selector.labels, ObjectAt(object, {"metadata", "labels"})) &&
         Matches(selector.fields, object);
}

HttpResponse ApiServer::Handle(const HttpRequest& request, const RequestInfo& info,
                               std::optional<uint64_t> stale_revision) {
  HttpResponse response;
  try {
    ApiResult<HttpResponse> result = Route(request, info, stale_revision);
    response = result ? *std::move(result) : ErrorResponse(result.error());
  } catch (const std::exception& e) {
    // A document so odd that a library threw: an answer, never a dead server.
    response = ErrorResponse(
        Internal(std::string("the sandbox could not handle this request: ") + e.what()).value());
  }
  response.headers.emplace_back("Audit-Id", RandomHex(16));
  return response;
}

ApiResult<HttpResponse> ApiServer::Route(const HttpRequest& request, const RequestInfo& info,
                                         std::optional<uint64_t> stale_revision) {
  const std::string& path = info.path;
  if (info.is_resource) return RouteResource(request, info, stale_revision);
  if (request.method != "GET" && request.method != "HEAD")
    return tl::unexpected(MethodNotAllowed());
  if (path == "/version") return JsonResponse(200, std::string(kVersion));
  if (path == "/healthz" || path == "/readyz" || path == "/livez") return TextResponse("ok");
  return Discover(request, info);
}

bool ApiServer::ServesGroup(const RequestInfo& info) {
  const std::lock_guard lock(cluster_.mutex);
  if (cluster_.types.StaleGroups().count(info.group) > 0) return true;
  for (const TypePtr& type : cluster_.types.All()) {
    if (type->group == info.group && type->version == info.version) return true;
  }
  return false;
}

ApiResult<TypePtr> ApiServer::FindType(const RequestInfo& info) {
  const std::lock_guard lock(cluster_.mutex);
  if (cluster_.types.StaleGroups().count(info.group) > 0) {
    ApiError error;
    error.code = 503;
    error.reason = "ServiceUnavailable";
    error.message = "service unavailable";
    return tl::unexpected(std::move(error));
  }
  TypePtr type = cluster_.types.FindPlural(info.group, info.version, info.plural);
  if (type == nullptr) return UnknownPath();
  // A namespaced kind is written below its namespace; a cluster-scoped one never is.
  if (!type->namespaced && !info.ns.empty()) return UnknownPath();
  if (type->namespaced && info.ns.empty() && !info.name.empty()) return UnknownPath();
  return type;
}

ApiResult<HttpResponse> ApiServer::RouteResource(const HttpRequest& request,
                                                 const RequestInfo& info,
                                                 std::optional<uint64_t> stale_revision) {
  if (!ServesGroup(info)) {
    // The real server has no handler at all there, and says so without a Status.
    HttpResponse response = TextResponse("404 page not found\n");
    response.status = 404;
    return response;
  }
  SANDBOX_TRY(const TypePtr type, FindType(info));
  if (!info.subresource.empty()) {
    if (info.subresource == "log" && type->kind == "Pod") {
      return TextResponse(
          "this pod is simulated by sluice sandbox: it runs nothing and has no log\n");
    }
    const bool known = (info.subresource == "status" && type->has_status) ||
                       (info.subresource == "scale" && type->has_scale);
    if (!known ||
        info.parts.size() > (info.group.empty() ? 2u : 3u) + (info.ns.empty() ? 3u : 5u)) {
      return UnknownPath();
    }
  }
  if (info.verb == "get") return Get(request, info, *type, stale_revision);
  if (info.verb == "list") return List(request, info, *type, stale_revision);
  if (info.verb == "watch") return Watch(request, info, type);
  if (info.subresource == "scale") return WriteScale(request, info, *type);
  if (info.verb == "create" && info.name.empty()) {
    if (type->namespaced && info.ns.empty()) return tl::unexpected(MethodNotAllowed());
    return Create(request, info, *type);
  }
  if (info.name.empty() && info.verb != "deletecollection")
    return tl::unexpected(MethodNotAllowed());
  if (info.verb == "update") return Update(request, info, *type);
  if (info.verb == "patch") return Patch(request, info, *type);
  if (info.verb == "apply") return Apply(request, info, *type);
  if (info.verb == "delete" && info.subresource.empty()) return Delete(request, info, *type);
  if (info.verb == "deletecollection" && type->kind != "Namespace")
    return DeleteCollection(request, info, *type);
  return tl::unexpected(MethodNotAllowed());
}

}  // namespace sluice::sandbox
