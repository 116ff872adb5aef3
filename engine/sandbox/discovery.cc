#include <openssl/evp.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/sandbox/api_server.h"

namespace sluice::sandbox {
namespace {

constexpr char kAggregatedType[] =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

// Group -> its versions, in the order of the registry.
std::vector<std::pair<std::string, std::vector<std::string>>> Groups(const TypeRegistry& types) {
  std::vector<std::pair<std::string, std::vector<std::string>>> out;
  const auto add = [&](const std::string& group, const std::string& version) {
    for (auto& [name, versions] : out) {
      if (name != group) continue;
      if (std::find(versions.begin(), versions.end(), version) == versions.end())
        versions.push_back(version);
      return;
    }
    out.push_back({group, {version}});
  };
  for (const TypePtr& type : types.All()) add(type->group, type->version);
  for (const auto& [group, version] : types.StaleGroups()) add(group, version);
  return out;
}

Json GroupEntry(const std::string& group, const std::vector<std::string>& versions) {
  Json list = Json::array();
  for (const std::string& version : versions) {
    list.push_back({{"groupVersion", group + "/" + version}, {"version", version}});
  }
  return {{"name", group}, {"versions", list}, {"preferredVersion", list[0]}};
}

std::string Etag(const std::string& body) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(body.data(), body.size(), digest, &size, EVP_sha512(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += "0123456789ABCDEF"[digest[i] >> 4];
    hex += "0123456789ABCDEF"[digest[i] & 15];
  }
  return "\"" + hex + "\"";
}

HttpResponse Cacheable(const HttpRequest& request, const std::string& content_type,
                       const Json& body) {
  HttpResponse response = JsonResponse(200, body);
  response.headers = {{"Content-Type", content_type},
                      {"Cache-Control", "public"},
                      {"Vary", "Accept"},
                      {"ETag", Etag(response.body)}};
  if (request.Header("if-none-match") == response.headers.back().second) {
    response.status = 304;
    response.body.clear();
  }
  return response;
}

Json Subresources(const ResourceType& type) {
  Json out = Json::array();
  const auto kind = [](const char* group, const char* version, const std::string& name) {
    return Json{{"group", group}, {"version", version}, {"kind", name}};
  };
  const Json verbs = Json::array({"get", "patch", "update"});
  if (type.has_scale) {
    out.push_back({{"subresource", "scale"},
                   {"responseKind", kind("autoscaling", "v1", "Scale")},
                   {"verbs", verbs}});
  }
  if (type.has_status) {
    out.push_back(
        {{"subresource", "status"}, {"responseKind", kind("", "", type.kind)}, {"verbs", verbs}});
  }
  return out;
}

Json AggregatedResource(const ResourceType& type) {
  Json out = {
      {"resource", type.plural},
      {"responseKind", {{"group", type.group}, {"version", type.version}, {"kind", type.kind}}},
      {"scope", type.namespaced ? "Namespaced" : "Cluster"},
      {"singularResource", type.singular},
      {"verbs", type.verbs}};
  if (!type.short_names.empty()) out["shortNames"] = type.short_names;
  if (!type.categories.empty()) out["categories"] = type.categories;
  Json subresources = Subresources(type);
  if (!subresources.empty()) out["subresources"] = std::move(subresources);
  return out;
}

std::string PathOf(const std::string& group, const std::string& version) {
  return group.empty() ? "api/" + version : "apis/" + group + "/" + version;
}

}  // namespace

Json ApiGroupList(const TypeRegistry& types) {
  Json groups = Json::array();
  for (const auto& [group, versions] : Groups(types)) {
    if (!group.empty()) groups.push_back(GroupEntry(group, versions));
  }
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", groups}};
}

Json ApiResourceList(const TypeRegistry& types, const std::string& group,
                     const std::string& version) {
  Json resources = Json::array();
  bool known = false;
  for (const TypePtr& type : types.All()) {
    if (type->group != group || type->version != version) continue;
    known = true;
    Json entry = {{"name", type->plural},
                  {"singularName", type->singular},
                  {"namespaced", type->namespaced},
                  {"kind", type->kind},
                  {"verbs", type->verbs}};
    if (!type->short_names.empty()) entry["shortNames"] = type->short_names;
    if (!type->categories.empty()) entry["categories"] = type->categories;
    resources.push_back(entry);
    const Json verbs = Json::array({"get", "patch", "update"});
    if (type->has_scale) {
      resources.push_back({{"name", type->plural + "/scale"},
                           {"singularName", ""},
                           {"namespaced", type->namespaced},
                           {"group", "autoscaling"},
                           {"version", "v1"},
                           {"kind", "Scale"},
                           {"verbs", verbs}});
    }
    if (type->has_status) {
      resources.push_back({{"name", type->plural + "/status"},
                           {"singularName", ""},
                           {"namespaced", type->namespaced},
                           {"kind", type->kind},
                           {"verbs", verbs}});
    }
  }
  if (!known) return nullptr;
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", group.empty() ? version : group + "/" + version},
          {"resources", resources}};
}

Json AggregatedDiscovery(const TypeRegistry& types, bool core) {
  Json items = Json::array();
  for (const auto& [group, versions] : Groups(types)) {
    if (group.empty() != core) continue;
    Json item = {{"metadata", Json::object()}, {"versions", Json::array()}};
    if (!core) item["metadata"]["name"] = group;
    const bool stale = types.StaleGroups().count(group) > 0;
    for (const std::string& version : versions) {
      Json resources = Json::array();
      for (const TypePtr& type : types.All()) {
        if (type->group == group && type->version == version)
          resources.push_back(AggregatedResource(*type));
      }
      Json entry = {{"version", version}, {"freshness", stale ? "Stale" : "Current"}};
      if (!resources.empty()) entry["resources"] = std::move(resources);
      item["versions"].push_back(std::move(entry));
    }
    items.push_back(std::move(item));
  }
  return {{"kind", "APIGroupDiscoveryList"},
          {"apiVersion", "apidiscovery.k8s.io/v2"},
          {"metadata", Json::object()},
          {"items", items}};
}

Json OpenApiIndex(const TypeRegistry& types) {
  Json paths = Json::object();
  for (const auto& [group, versions] : Groups(types)) {
    for (const std::string& version : versions) {
      const std::string path = PathOf(group, version);
      paths[path] = {{"serverRelativeURL", "/openapi/v3/" + path}};
    }
  }
  return {{"paths", paths}};
}

Json OpenApiDocument(const TypeRegistry& types, const std::string& group,
                     const std::string& version) {
  Json paths = Json::object();
  Json schemas = Json::object();
  for (const TypePtr& type : types.All()) {
    if (type->group != group || type->version != version) continue;
    const Json kind = {{"group", group}, {"version", version}, {"kind", type->kind}};
    const auto parameter = [](const char* name) {
      return Json{{"name", name}, {"in", "query"}, {"schema", {{"type", "string"}}}};
    };
    const Json parameters = Json::array({parameter("dryRun"), parameter("fieldManager"),
                                         parameter("fieldValidation"), parameter("force")});
    const Json operation = {{"parameters", parameters},
                            {"x-kubernetes-group-version-kind", kind},
                            {"responses", {{"200", {{"description", "OK"}}}}}};
    std::string path = "/" + PathOf(group, version) +
                       (type->namespaced ? "/namespaces/{namespace}/" : "/") + type->plural;
    paths[path] = {{"post", operation}};
    paths[path + "/{name}"] = {{"patch", operation}, {"put", operation}, {"delete", operation}};
    schemas[(group.empty() ? "core" : group) + "." + version + "." + type->kind] = {
        {"type", "object"}, {"x-kubernetes-group-version-kind", Json::array({kind})}};
  }
  return {{"openapi", "3.0.0"},
          {"info", {{"title", "sluice sandbox"}, {"version", "1"}}},
          {"paths", paths},
          {"components", {{"schemas", schemas}}}};
}

ApiResult<HttpResponse> ApiServer::Discover(const HttpRequest& request, const RequestInfo& info) {
  const std::vector<std::string>& parts = info.parts;
  const std::lock_guard lock(cluster_.mutex);
  const TypeRegistry& types = cluster_.types;
  const std::string_view accept = request.Header("accept");
  const bool aggregated =
      accept.find("g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList") != std::string_view::npos;
  if (info.path == "/api" || info.path == "/apis") {
    const bool core = info.path == "/api";
    if (aggregated) return Cacheable(request, kAggregatedType, AggregatedDiscovery(types, core));
    if (!core) return Cacheable(request, "application/json", ApiGroupList(types));
    return Cacheable(request, "application/json",
                     {{"kind", "APIVersions"},
                      {"versions", Json::array({"v1"})},
                      {"serverAddressByClientCIDRs", Json::array()}});
  }
  if (info.path == "/openapi/v3") return JsonResponse(200, OpenApiIndex(types));
  if (parts.size() >= 4 && parts[0] == "openapi" && parts[1] == "v3") {
    const bool core = parts[2] == "api" && parts.size() == 4;
    const bool group = parts[2] == "apis" && parts.size() == 5;
    if (core || group)
      return JsonResponse(200, OpenApiDocument(types, core ? "" : parts[3], parts.back()));
    return UnknownPath();
  }
  if (parts.size() == 2 && parts[0] == "apis") {
    for (const auto& [name, versions] : Groups(types)) {
      if (name != parts[1]) continue;
      Json entry = GroupEntry(name, versions);
      entry["kind"] = "APIGroup";
      entry["apiVersion"] = "v1";
      return JsonResponse(200, entry);
    }
    return UnknownPath();
  }
  const bool core_version = parts.size() == 2 && parts[0] == "api";
  if (core_version || (parts.size() == 3 && parts[0] == "apis")) {
    if (types.StaleGroups().count(info.group) > 0) {
      ApiError error;
      error.code = 503;
      error.reason = "ServiceUnavailable";
      error.message = "service unavailable";
      return tl::unexpected(std::move(error));
    }
    const Json list = ApiResourceList(types, info.group, info.version);
    if (list.is_null()) return UnknownPath();
    return Cacheable(request, "application/json", list);
  }
  return UnknownPath();
}

}  // namespace sluice::sandbox
