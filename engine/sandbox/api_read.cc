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

namespace {

// Which part of a collection was asked for.
struct ListRequest {
  LabelAndFieldSelector selector;
  uint64_t limit = 0;
  uint64_t wanted = 0;  // resourceVersion; 0 for any
  std::string match;
  std::optional<Continuation> from;
};

ApiResult<ListRequest> ReadListRequest(const RequestInfo& info) {
  ListRequest list;
  SANDBOX_TRY(list.selector, ReadSelectors(info));
  SANDBOX_TRY(list.limit, ReadNumber(info, "limit"));
  SANDBOX_TRY(list.wanted, ReadNumber(info, "resourceVersion"));
  list.match = info.Query("resourceVersionMatch");
  if (!list.match.empty() && !info.Has("resourceVersion")) {
    return BadRequest("resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  if (info.Has("continue") && !info.Query("continue").empty()) {
    list.from = ReadToken(info.Query("continue"));
    if (!list.from) return BadRequest("continue key is not valid");
    if (list.wanted != 0)
      return BadRequest("specifying resource version is not allowed when using continue");
  }
  return list;
}

// One page, as the text of a list's items.
struct Page {
  std::string items;
  std::string next;  // token
  uint64_t remaining = 0;
};

Page MakePage(const ResourceType& type, const std::vector<ObjectPtr>& objects,
              const ListRequest& list, View view, uint64_t revision) {
  Page page;
  uint64_t count = 0;
  const Json* last = nullptr;
  for (const ObjectPtr& object : objects) {
    const bool is_before = list.from && std::pair(NamespaceOf(*object), NameOf(*object)) <=
                                            std::pair(list.from->ns, list.from->name);
    if (is_before || !Matches(list.selector, *object)) continue;
    if (list.limit > 0 && count == list.limit) {
      if (page.next.empty()) page.next = WriteToken({revision, NamespaceOf(*last), NameOf(*last)});
      ++page.remaining;
      continue;
    }
    page.items += (count++ == 0 ? "" : ",") + RenderItem(type, *object, view);
    last = object.get();
  }
  return page;
}

}  // namespace

ApiResult<HttpResponse> ApiServer::List(const HttpRequest& request, const RequestInfo& info,
                                        const ResourceType& type,
                                        std::optional<uint64_t> stale_revision) {
  SANDBOX_TRY(const ListRequest list, ReadListRequest(info));
  uint64_t revision = 0;
  std::vector<ObjectPtr> objects;
  {
    const std::lock_guard lock(cluster_.mutex);
    const Store& store = cluster_.store;
    if (list.wanted > store.revision())
      return tl::unexpected(TooLarge(list.wanted, store.revision()));
    revision = stale_revision.value_or(store.revision());
    if (list.match == "Exact") revision = list.wanted;
    if (list.from) revision = list.from->revision;
    if (revision < store.oldest_revision() && !stale_revision) {
      return tl::unexpected(Gone(
          list.from ? "The provided continue parameter is too old to display a consistent list "
                      "result. You can start a new list without the continue parameter."
                    : "The resourceVersion for the provided list is too old."));
    }
    objects = store.ListAt(type.StorageKey(), info.ns, revision);
  }
  const View view = ReadView(request);
  const Page page = MakePage(type, objects, list, view, revision);
  Json meta = {{"resourceVersion", std::to_string(revision)}};
  if (!page.next.empty()) {
    meta["continue"] = page.next;
    if (list.selector.labels.empty() && list.selector.fields.empty())
      meta["remainingItemCount"] = page.remaining;
  }
  const bool is_metadata = view == View::kMetadata;
  const std::string kind = is_metadata ? "PartialObjectMetadataList" : type.kind + "List";
  const std::string version = is_metadata ? "meta.k8s.io/v1" : type.ApiVersion();
  return JsonResponse(200, "{\"kind\":\"" + kind + "\",\"apiVersion\":\"" + version +
                               "\",\"metadata\":" + Dump(meta) + ",\"items\":[" + page.items +
                               "]}");
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
