#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/sandbox/api_server.h"
#include "engine/sandbox/apply_body.h"
#include "engine/sandbox/decode.h"
#include "engine/sandbox/patch.h"

namespace sluice::sandbox {
namespace {

constexpr size_t kManagerLimit = 128;

ApiError InvalidOptions(const std::string& kind, Cause cause) {
  ApiError error;
  error.code = 422;
  error.reason = "Invalid";
  error.group = "meta.k8s.io";
  error.kind = kind;
  error.message = kind + ".meta.k8s.io \"\" is invalid: " + cause.field + ": " + cause.message;
  error.causes = {std::move(cause)};
  return error;
}

std::string OptionsKind(const RequestInfo& info) {
  if (info.verb == "create") return "CreateOptions";
  if (info.verb == "update") return "UpdateOptions";
  if (info.verb == "delete" || info.verb == "deletecollection") return "DeleteOptions";
  return "PatchOptions";
}

// fieldManager, else the program's name from the User-Agent.
std::string ManagerOf(const HttpRequest& request, const RequestInfo& info) {
  std::string named = info.Query("fieldManager");
  if (!named.empty()) return named;
  const std::string agent(request.Header("user-agent"));
  const std::string program = agent.substr(0, agent.find('/'));
  return program.empty() ? "unknown" : program.substr(0, kManagerLimit);
}

ApiResult<WriteOptions> ReadOptions(const HttpRequest& request, const RequestInfo& info) {
  const std::string kind = OptionsKind(info);
  if (info.Has("dryRun") && info.Query("dryRun") != "All" && !info.Query("dryRun").empty()) {
    return tl::unexpected(
        InvalidOptions(kind, UnsupportedValue("dryRun", info.Query("dryRun"), {"All"})));
  }
  const std::string validation = info.Query("fieldValidation");
  if (!validation.empty() && validation != "Strict" && validation != "Warn" &&
      validation != "Ignore") {
    return tl::unexpected(InvalidOptions(
        kind, UnsupportedValue("fieldValidation", validation, {"", "Ignore", "Strict", "Warn"})));
  }
  if (info.verb == "apply" && info.Query("fieldManager").empty()) {
    return tl::unexpected(
        InvalidOptions(kind, RequiredValue("fieldManager", "is required for apply patch")));
  }
  if (info.verb == "patch" && info.Has("force")) {
    return tl::unexpected(
        InvalidOptions(kind, ForbiddenValue("force", "may not be specified for non-apply patch")));
  }
  WriteOptions options;
  options.manager = ManagerOf(request, info);
  if (options.manager.size() > kManagerLimit) {
    return tl::unexpected(InvalidOptions(
        kind, {"FieldValueTooLong", "Too long: may not be more than 128 bytes", "fieldManager"}));
  }
  options.subresource = info.subresource;
  options.dry_run = info.IsDryRun();
  options.force = info.QueryBool("force");
  return options;
}

ApiResult<Json> ReadBody(const HttpRequest& request, std::vector<std::string>& duplicates) {
  const std::string_view type = request.Header("content-type");
  if (type.find("yaml") != std::string_view::npos) return ReadYaml(request.body, duplicates);
  if (type.find("protobuf") != std::string_view::npos ||
      type.find("cbor") != std::string_view::npos) {
    ApiError error;
    error.code = 415;
    error.reason = "UnsupportedMediaType";
    error.message =
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml";
    return tl::unexpected(std::move(error));
  }
  Result<Json> parsed = ParseJson(request.body, &duplicates);
  if (!parsed) {
    return BadRequest(
        "the object provided is unrecognized: couldn't get version/kind; json parse error: " +
        parsed.error().message());
  }
  return *std::move(parsed);
}

// apiVersion, kind, namespace and name of a body must agree with the URL; absent ones are filled
// in.
ApiStatus AgreeWithUrl(const RequestInfo& info, const ResourceType& type, Json& object,
                       bool must_name_kind) {
  if (!object.is_object()) return BadRequest("the body must be a JSON object");
  const std::string version = TextAt(object, {"apiVersion"});
  const std::string kind = TextAt(object, {"kind"});
  const bool wrong = version != type.ApiVersion() || kind != type.kind;
  if (must_name_kind && wrong) {
    const std::string group_version =
        version.find('/') == std::string::npos ? "/" + version : version;
    return BadRequest("invalid object type: " + group_version + ", Kind=" + kind);
  }
  if (wrong && (!version.empty() || !kind.empty())) {
    return BadRequest(kind + " in version \"" + version + "\" cannot be handled as a " + type.kind +
                      ": apiVersion and kind must be those of the URL");
  }
  object["apiVersion"] = type.ApiVersion();
  object["kind"] = type.kind;
  if (const Json* meta = Find(object, {"metadata"});
      meta != nullptr && !meta->is_object() && !meta->is_null()) {
    return BadRequest("metadata must be an object");
  }
  Json& meta = Ensure(object, {"metadata"});
  const std::string ns = TextAt(meta, {"namespace"});
  if (type.namespaced) {
    if (!ns.empty() && ns != info.ns) {
      return BadRequest(
          "the namespace of the provided object does not match the namespace sent on the request");
    }
    meta["namespace"] = info.ns;
  } else if (!ns.empty()) {
    return BadRequest(
        "the namespace of the provided object does not match the namespace sent on the request");
  }
  if (info.name.empty()) return {};
  const std::string name = TextAt(meta, {"name"});
  if (!name.empty() && name != info.name) {
    return BadRequest("the name of the object (" + name + ") does not match the name on the URL (" +
                      info.name + ")");
  }
  meta["name"] = info.name;
  return {};
}

// Strict refuses unknown and repeated fields, Warn (the default) reports them, Ignore is silent.
ApiResult<Headers> JudgeFields(const RequestInfo& info, const ResourceType& type,
                               std::vector<std::string> unknown,
                               const std::vector<std::string>& duplicates) {
  for (const std::string& path : duplicates) unknown.push_back("duplicate field \"" + path + "\"");
  Headers warnings;
  const std::string mode = info.Query("fieldValidation");
  if (unknown.empty() || mode == "Ignore") return warnings;
  if (mode == "Strict") {
    return BadRequest(type.kind + " in version \"" + type.version + "\" cannot be handled as a " +
                      type.kind + ": strict decoding error: " + Join(unknown, ", "));
  }
  for (const std::string& problem : unknown) {
    std::string text;
    for (const char c : problem) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    warnings.emplace_back("Warning", "299 - \"" + text + "\"");
  }
  return warnings;
}

// The whole object of a create or an update, as its kind decodes it.
struct Sent {
  Json object;
  Headers warnings;
};
ApiResult<Sent> ReadObject(const HttpRequest& request, const RequestInfo& info,
                           const ResourceType& type) {
  std::vector<std::string> duplicates;
  SANDBOX_TRY(Json object, ReadBody(request, duplicates));
  SANDBOX_CHECK(AgreeWithUrl(info, type, object, true));
  std::vector<std::string> unknown;
  SANDBOX_CHECK(Decode(type, object, unknown));
  SANDBOX_TRY(Headers warnings, JudgeFields(info, type, std::move(unknown), duplicates));
  return Sent{std::move(object), std::move(warnings)};
}

HttpResponse ObjectResponse(int status, const HttpRequest& request, const ResourceType& type,
                            const Json& object, const Headers& warnings) {
  HttpResponse response = JsonResponse(status, RenderObject(type, object, ReadView(request)));
  response.headers.insert(response.headers.end(), warnings.begin(), warnings.end());
  return response;
}

ApiResult<DeleteOptions> ReadDeleteOptions(const HttpRequest& request, const RequestInfo& info) {
  DeleteOptions options;
  options.dry_run = info.IsDryRun();
  options.propagation = info.Query("propagationPolicy");
  const std::string grace = info.Query("gracePeriodSeconds");
  if (!grace.empty() && grace.size() < 10 &&
      grace.find_first_not_of("0123456789") == std::string::npos) {
    options.grace_seconds = std::stol(grace);
  }
  if (!Trim(request.body).empty()) {
    std::vector<std::string> duplicates;
    SANDBOX_TRY(const Json body, ReadBody(request, duplicates));
    if (!body.is_object()) return BadRequest("DeleteOptions must be a JSON object");
    for (const Json& word : ArrayAt(body, {"dryRun"})) {
      if (word != "All") {
        return tl::unexpected(
            InvalidOptions("DeleteOptions", UnsupportedValue("dryRun", word, {"All"})));
      }
      options.dry_run = true;
    }
    if (body.contains("propagationPolicy"))
      options.propagation = TextAt(body, {"propagationPolicy"});
    if (const Json* seconds = Find(body, {"gracePeriodSeconds"});
        seconds != nullptr && seconds->is_number_integer()) {
      options.grace_seconds = seconds->get<int64_t>();
    }
    options.uid = TextAt(body, {"preconditions", "uid"});
    options.resource_version = TextAt(body, {"preconditions", "resourceVersion"});
  }
  static const std::vector<std::string> policies = {"Foreground", "Background", "Orphan"};
  if (!options.propagation.empty() &&
      std::find(policies.begin(), policies.end(), options.propagation) == policies.end()) {
    return tl::unexpected(InvalidOptions(
        "DeleteOptions", UnsupportedValue("propagationPolicy", options.propagation, policies)));
  }
  return options;
}

// Jobs alone orphan their pods when nobody says otherwise (registry/batch/job/strategy.go).
void DefaultPropagation(const ResourceType& type, DeleteOptions& options) {
  if (!options.propagation.empty()) return;
  options.propagation = type.kind == "Job" && type.group == "batch" ? "Orphan" : "Background";
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
  SANDBOX_TRY(DeleteOptions options, ReadDeleteOptions(request, info));
  DefaultPropagation(type, options);
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
  SANDBOX_TRY(DeleteOptions options, ReadDeleteOptions(request, info));
  SANDBOX_TRY(const LabelAndFieldSelector selector, ReadSelectors(info));
  DefaultPropagation(type, options);
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
