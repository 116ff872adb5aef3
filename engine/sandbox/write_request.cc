#include "engine/sandbox/write_request.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/sandbox/apply_body.h"
#include "engine/sandbox/decode.h"

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

// Jobs alone orphan their pods when nobody says otherwise (registry/batch/job/strategy.go).
void DefaultPropagation(const ResourceType& type, DeleteOptions& options) {
  if (!options.propagation.empty()) return;
  options.propagation = type.kind == "Job" && type.group == "batch" ? "Orphan" : "Background";
}

}  // namespace

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

ApiResult<DeleteOptions> ReadDeleteOptions(const HttpRequest& request, const RequestInfo& info,
                                           const ResourceType& type) {
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
  DefaultPropagation(type, options);
  return options;
}

}  // namespace sluice::sandbox
