#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/sandbox/api_server.h"
#include "engine/sandbox/apply_body.h"
#include "engine/sandbox/decode.h"
#include "engine/sandbox/patch.h"
#include "engine/sandbox/write_request.h"

namespace sluice::sandbox {
namespace {

HttpResponse ObjectResponse(int status, const HttpRequest& request, const ResourceType& type,
                            const Json& object, const Headers& warnings) {
  HttpResponse response = JsonResponse(status, RenderObject(type, object, ReadView(request)));
  response.headers.insert(response.headers.end(), warnings.begin(), warnings.end());
  return response;
}

}  // namespace

ApiResult<HttpResponse> ApiServer::Create(const HttpRequest& request, const RequestInfo& info,
                                          const ResourceType& type) {
  SANDBOX_TRY(const WriteOptions options, ReadOptions(request, info));
  SANDBOX_TRY(Sent sent, ReadObject(request, info, type));
  ObjectPtr created;
  {
    const std::lock_guard lock(cluster_.mutex);
    SANDBOX_TRY(created, cluster_.writer.Create(type, std::move(sent.object), options));
  }
  return ObjectResponse(201, request, type, *created, sent.warnings);
}

ApiResult<HttpResponse> ApiServer::Update(const HttpRequest& request, const RequestInfo& info,
                                          const ResourceType& type) {
  SANDBOX_TRY(const WriteOptions options, ReadOptions(request, info));
  SANDBOX_TRY(Sent sent, ReadObject(request, info, type));
  ObjectPtr updated;
  {
    const std::lock_guard lock(cluster_.mutex);
    SANDBOX_TRY(updated, cluster_.writer.Update(type, std::move(sent.object), options));
  }
  return ObjectResponse(200, request, type, *updated, sent.warnings);
}

namespace {

ApiResult<Json> Patched(const std::string& content_type, const Type& schema,
                        const ResourceType& type, const Json& live, const Json& patch) {
  if (content_type == "application/merge-patch+json") return MergePatch(live, patch);
  if (content_type == "application/json-patch+json") return JsonPatch(live, patch);
  if (content_type == "application/strategic-merge-patch+json" && !type.IsCustom()) {
    return StrategicMergePatch(schema, live, patch);
  }
  ApiError error;
  error.code = 415;
  error.reason = "UnsupportedMediaType";
  error.message =
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml" +
      std::string(type.IsCustom() ? "" : ", application/strategic-merge-patch+json");
  return tl::unexpected(std::move(error));
}

std::string MediaType(const HttpRequest& request) {
  const std::string_view header = request.Header("content-type");
  return ToLower(Trim(header.substr(0, header.find(';'))));
}

}  // namespace

ApiResult<HttpResponse> ApiServer::Patch(const HttpRequest& request, const RequestInfo& info,
                                         const ResourceType& type) {
  SANDBOX_TRY(const WriteOptions options, ReadOptions(request, info));
  std::vector<std::string> duplicates;
  Result<Json> patch = ParseJson(request.body, &duplicates);
  if (!patch) return BadRequest("error decoding patch: " + patch.error().message());
  const std::lock_guard lock(cluster_.mutex);
  const ObjectPtr live = cluster_.store.Get(type.StorageKey(), info.ns, info.name);
  if (live == nullptr) return NotFound(type, info.name);
  Json served = *live;
  served["apiVersion"] = type.ApiVersion();
  SANDBOX_TRY(Json object, Patched(MediaType(request), *type.schema, type, served, *patch));
  SANDBOX_CHECK(AgreeWithUrl(info, type, object, false));
  std::vector<std::string> unknown;
  SANDBOX_CHECK(Decode(type, object, unknown));
  SANDBOX_TRY(const Headers warnings, JudgeFields(info, type, std::move(unknown), duplicates));
  SANDBOX_TRY(const ObjectPtr updated, cluster_.writer.Update(type, std::move(object), options));
  return ObjectResponse(200, request, type, *updated, warnings);
}

ApiResult<HttpResponse> ApiServer::Apply(const HttpRequest& request, const RequestInfo& info,
                                         const ResourceType& type) {
  SANDBOX_TRY(const WriteOptions options, ReadOptions(request, info));
  std::vector<std::string> duplicates;
  SANDBOX_TRY(Json config, ReadApplyBody(request.body, duplicates));
  SANDBOX_CHECK(AgreeWithUrl(info, type, config, true));
  if (const Json* fields = Find(config, {"metadata", "managedFields"});
      fields != nullptr && !fields->is_null()) {
    return BadRequest("metadata.managedFields must be nil");
  }
  if (!duplicates.empty() && info.Query("fieldValidation") == "Strict") {
    return BadRequest(
        "error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors: key "
        "\"" +
        duplicates[0] + "\" already set in map");
  }
  SANDBOX_TRY(const Headers warnings, JudgeFields(info, type, {}, duplicates));
  Written written;
  {
    const std::lock_guard lock(cluster_.mutex);
    SANDBOX_TRY(written, cluster_.writer.Apply(type, std::move(config), options));
  }
  return ObjectResponse(written.created ? 201 : 200, request, type, *written.object, warnings);
}

ApiResult<HttpResponse> ApiServer::Delete(const HttpRequest& request, const RequestInfo& info,
                                          const ResourceType& type) {
  SANDBOX_TRY(const DeleteOptions options, ReadDeleteOptions(request, info, type));
  ObjectPtr live, left;
  {
    const std::lock_guard lock(cluster_.mutex);
    live = cluster_.store.Get(type.StorageKey(), info.ns, info.name);
    SANDBOX_TRY(left, cluster_.writer.Delete(type, info.ns, info.name, options));
  }
  if (left != nullptr) return ObjectResponse(200, request, type, *left, {});
  Json details = {{"name", info.name}, {"kind", type.plural}, {"uid", UidOf(*live)}};
  if (!type.group.empty()) details["group"] = type.group;
  return JsonResponse(200, Json{{"kind", "Status"},
                                {"apiVersion", "v1"},
                                {"metadata", Json::object()},
                                {"status", "Success"},
                                {"details", details}});
}

ApiResult<HttpResponse> ApiServer::DeleteCollection(const HttpRequest& request,
                                                    const RequestInfo& info,
                                                    const ResourceType& type) {
  SANDBOX_TRY(const DeleteOptions options, ReadDeleteOptions(request, info, type));
  SANDBOX_TRY(const LabelAndFieldSelector selector, ReadSelectors(info));
  const std::lock_guard lock(cluster_.mutex);
  for (const ObjectPtr& object : cluster_.store.List(type.StorageKey(), info.ns)) {
    if (!Matches(selector, *object)) continue;
    SANDBOX_CHECK(cluster_.writer.Delete(type, NamespaceOf(*object), NameOf(*object), options));
  }
  return JsonResponse(
      200, Json{{"kind", type.kind + "List"},
                {"apiVersion", type.ApiVersion()},
                {"metadata", {{"resourceVersion", std::to_string(cluster_.store.revision())}}},
                {"items", Json::array()}});
}

ApiResult<HttpResponse> ApiServer::WriteScale(const HttpRequest& request, const RequestInfo& info,
                                              const ResourceType& type) {
  SANDBOX_TRY(const WriteOptions options, ReadOptions(request, info));
  std::vector<std::string> duplicates;
  ApiResult<Json> body = info.verb == "apply" ? ReadApplyBody(request.body, duplicates)
                                              : ReadBody(request, duplicates);
  if (!body) return tl::unexpected(std::move(body).error());
  const std::lock_guard lock(cluster_.mutex);
  const ObjectPtr live = cluster_.store.Get(type.StorageKey(), info.ns, info.name);
  if (live == nullptr) return NotFound(type, info.name);
  SANDBOX_TRY(Json scale, ScaleOf(type, *live));
  if (info.verb == "patch") {
    SANDBOX_TRY(scale, Patched(MediaType(request), AnyType(), type, scale, *body));
  } else if (info.verb == "update" || info.verb == "apply") {
    scale.merge_patch(*body);
  } else {
    return UnknownPath();
  }
  const Json* replicas = Find(scale, {"spec", "replicas"});
  if (replicas == nullptr || !replicas->is_number_integer() || replicas->get<int64_t>() < 0) {
    return Invalid(type, info.name,
                   {InvalidValue("spec.replicas", replicas == nullptr ? Json(nullptr) : *replicas,
                                 "must be greater than or equal to 0")});
  }
  Json object = *live;
  if (const Json* version = Find(scale, {"metadata", "resourceVersion"})) {
    object["metadata"]["resourceVersion"] = *version;
  }
  Json* at = &object;
  for (const std::string& step :
       Split(type.spec_replicas_path.empty() ? ".spec.replicas" : type.spec_replicas_path, '.')) {
    if (!step.empty()) at = &(*at)[step];
  }
  *at = *replicas;
  SANDBOX_TRY(const ObjectPtr updated, cluster_.writer.Update(type, std::move(object), options));
  SANDBOX_TRY(const Json answer, ScaleOf(type, *updated));
  return JsonResponse(200, answer);
}

}  // namespace sluice::sandbox
