#include <nlohmann/json.hpp>

#include "engine/base/strings.h"
#include "engine/sandbox/api_server.h"

namespace sluice::sandbox {
namespace {

ApiError Gone(const std::string& message) {
  ApiError error;
  error.code = 410;
  error.reason = "Expired";
  error.message = message;
  return error;
}

ApiError TooLarge(uint64_t wanted, uint64_t current) {
  ApiError error;
  error.code = 504;
  error.reason = "Timeout";
  error.message = "Timeout: Too large resource version: " + std::to_string(wanted) +
                  ", current: " + std::to_string(current);
  error.causes = {{"ResourceVersionTooLarge", "Too large resource version", ""}};
  error.retry_after_seconds = 1;
  return error;
}

// A list item: built-in kinds are listed without apiVersion and kind, as the real server does.
std::string RenderItem(const ResourceType& type, const Json& object, View view) {
  if (view == View::kMetadata || type.IsCustom()) return RenderObject(type, object, view);
  std::string out = "{";
  for (const auto& [name, value] : object.items()) {
    if (name == "apiVersion" || name == "kind") continue;
    if (out.size() > 1) out += ",";
    out += Dump(Json(name)) + ":" + Dump(value);
  }
  return out + "}";
}

// The continue token: the revision the list began at and the last key it returned.
struct Continuation {
  uint64_t revision = 0;
  std::string ns;
  std::string name;
};

std::string WriteToken(const Continuation& at) {
  return Base64Encode(Dump({{"rv", at.revision}, {"ns", at.ns}, {"name", at.name}}));
}

std::optional<Continuation> ReadToken(const std::string& token) {
  const auto text = Base64Decode(token);
  if (!text) return std::nullopt;
  const Result<Json> json = ParseJson(*text);
  if (!json || !json->is_object()) return std::nullopt;
  return Continuation{static_cast<uint64_t>(IntAt(*json, {"rv"})), TextAt(*json, {"ns"}),
                      TextAt(*json, {"name"})};
}

ApiResult<uint64_t> ReadNumber(const RequestInfo& info, const std::string& key) {
  const std::string text = info.Query(key);
  if (text.empty()) return uint64_t{0};
  if (text.find_first_not_of("0123456789") != std::string::npos || text.size() > 18) {
    return BadRequest("invalid value for " + key + ": " + Dump(Json(text)) + ": expected a number");
  }
  return static_cast<uint64_t>(std::stoull(text));
}

}  // namespace

ApiResult<HttpResponse> ApiServer::Get(const HttpRequest& request, const RequestInfo& info,
                                       const ResourceType& type,
                                       std::optional<uint64_t> stale_revision) {
  ObjectPtr object;
  {
    const std::lock_guard lock(cluster_.mutex);
    object = stale_revision
                 ? cluster_.store.GetAt(type.StorageKey(), info.ns, info.name, *stale_revision)
                 : cluster_.store.Get(type.StorageKey(), info.ns, info.name);
  }
  if (object == nullptr) return NotFound(type, info.name);
  if (info.subresource == "scale") {
    SANDBOX_TRY(const Json scale, ScaleOf(type, *object));
    return JsonResponse(200, scale);
  }
  return JsonResponse(200, RenderObject(type, *object, ReadView(request)));
}

ApiResult<HttpResponse> ApiServer::List(const HttpRequest& request, const RequestInfo& info,
                                        const ResourceType& type,
                                        std::optional<uint64_t> stale_revision) {
  SANDBOX_TRY(const LabelAndFieldSelector selector, ReadSelectors(info));
  SANDBOX_TRY(const uint64_t limit, ReadNumber(info, "limit"));
  SANDBOX_TRY(const uint64_t wanted, ReadNumber(info, "resourceVersion"));
  const std::string match = info.Query("resourceVersionMatch");
  if (!match.empty() && !info.Has("resourceVersion")) {
    return BadRequest("resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  std::optional<Continuation> from;
  if (info.Has("continue") && !info.Query("continue").empty()) {
    from = ReadToken(info.Query("continue"));
    if (!from) return BadRequest("continue key is not valid");
    if (wanted != 0)
      return BadRequest("specifying resource version is not allowed when using continue");
  }

  uint64_t revision = 0;
  std::vector<ObjectPtr> objects;
  {
    const std::lock_guard lock(cluster_.mutex);
    const Store& store = cluster_.store;
    if (wanted > store.revision()) return tl::unexpected(TooLarge(wanted, store.revision()));
    revision = stale_revision.value_or(store.revision());
    if (match == "Exact") revision = wanted;
    if (from) revision = from->revision;
    if (revision < store.oldest_revision() && !stale_revision) {
      return tl::unexpected(
          Gone(from ? "The provided continue parameter is too old to display a consistent list "
                      "result. You can start a new list without the continue parameter."
                    : "The resourceVersion for the provided list is too old."));
    }
    objects = store.ListAt(type.StorageKey(), info.ns, revision);
  }

  const View view = ReadView(request);
  std::string items;
  std::string next;
  uint64_t count = 0;
  uint64_t remaining = 0;
  const Json* last = nullptr;
  for (const ObjectPtr& object : objects) {
    if (from && std::pair(NamespaceOf(*object), NameOf(*object)) <= std::pair(from->ns, from->name))
      continue;
    if (!Matches(selector, *object)) continue;
    if (limit > 0 && count == limit) {
      if (next.empty()) next = WriteToken({revision, NamespaceOf(*last), NameOf(*last)});
      ++remaining;
      continue;
    }
    items += (count++ == 0 ? "" : ",") + RenderItem(type, *object, view);
    last = object.get();
  }
  Json meta = {{"resourceVersion", std::to_string(revision)}};
  if (!next.empty()) {
    meta["continue"] = next;
    if (selector.labels.empty() && selector.fields.empty()) meta["remainingItemCount"] = remaining;
  }
  const std::string kind =
      view == View::kMetadata ? "PartialObjectMetadataList" : type.kind + "List";
  const std::string version = view == View::kMetadata ? "meta.k8s.io/v1" : type.ApiVersion();
  return JsonResponse(200, "{\"kind\":\"" + kind + "\",\"apiVersion\":\"" + version +
                               "\",\"metadata\":" + Dump(meta) + ",\"items\":[" + items + "]}");
}

ApiResult<Json> ScaleOf(const ResourceType& type, const Json& object) {
  const auto number_at = [&](const std::string& path, JsonPath fallback) -> int64_t {
    if (path.empty()) return IntAt(object, fallback);
    const Json* at = &object;
    for (const std::string& step : Split(path, '.')) {
      if (step.empty()) continue;
      at = at == nullptr ? nullptr : Find(*at, {step});
    }
    return at != nullptr && at->is_number_integer() ? at->get<int64_t>() : 0;
  };
  Json scale = {{"kind", "Scale"}, {"apiVersion", "autoscaling/v1"}};
  for (const char* name : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const Json* value = Find(object, {"metadata", name})) scale["metadata"][name] = *value;
  }
  scale["spec"] = {{"replicas", number_at(type.spec_replicas_path, {"spec", "replicas"})}};
  scale["status"] = {{"replicas", number_at(type.status_replicas_path, {"status", "replicas"})},
                     {"selector", SelectorText(ObjectAt(object, {"spec", "selector"}))}};
  return scale;
}

}  // namespace sluice::sandbox
