#include "engine/targets/kubernetes/discovery.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/targets/kubernetes/api_status.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr Duration kMaxAge = 5min;
// The parameters must come in this order in a request (kubernetes.md 1).
constexpr const char* kAcceptAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

std::set<std::string> TextSet(const nlohmann::json& list) {
  std::set<std::string> out;
  for (const nlohmann::json& item : Items(list)) {
    if (item.is_string()) out.insert(item.get<std::string>());
  }
  return out;
}

// In an answer the parameters may come in any order, with others.
bool IsAggregated(const std::string& content_type) {
  std::set<std::string> parameters;
  for (const std::string& part : Split(content_type, ';')) parameters.emplace(Trim(part));
  return parameters.contains("g=apidiscovery.k8s.io") && parameters.contains("v=v2") &&
         parameters.contains("as=APIGroupDiscoveryList");
}

ResourceType ParseResource(const nlohmann::json& resource, const std::string& group,
                           const std::string& version) {
  ResourceType type;
  const nlohmann::json& response_kind = At(resource, "responseKind");
  type.kind = ToText(At(response_kind, "kind"));
  // A resource may answer with a kind of another group (Scale); its path is that of the group it is
  // listed in.
  type.group = group;
  type.version = version;
  type.plural = ToText(At(resource, "resource"));
  type.is_namespaced = ToText(At(resource, "scope")) == "Namespaced";
  type.verbs = TextSet(At(resource, "verbs"));
  const nlohmann::json& subresources = Items(At(resource, "subresources"));
  type.has_status = std::ranges::any_of(
      subresources, [](const auto& s) { return ToText(At(s, "subresource")) == "status"; });
  return type;
}

Error NoList(const std::string& server, const std::string& path) {
  return {ErrorCode::kUnavailable, std::string(kReasonDiscoveryFailed),
          server + ": the answer to " + path +
              " lists no API; check 'server' and 'proxy-url' of the kubeconfig"};
}

std::string GroupPath(const std::string& group, const std::string& version) {
  return group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
}

}  // namespace

std::string CollectionPath(const ResourceType& type, const std::string& ns) {
  const std::string base = GroupPath(PercentEncode(type.group), PercentEncode(type.version));
  return base + (type.is_namespaced && !ns.empty() ? "/namespaces/" + PercentEncode(ns) : "") +
         "/" + PercentEncode(type.plural);
}

std::string ObjectPath(const ResourceType& type, const std::string& ns, const std::string& name) {
  return CollectionPath(type, ns) + "/" + PercentEncode(name);
}

Catalog::Catalog(std::vector<Part> parts) : parts_(std::move(parts)) {}

const ResourceType* Catalog::Find(const std::string& group, const std::string& version,
                                  const std::string& kind) const {
  for (const Part& part : parts_) {
    if (part.group != group || part.version != version) continue;
    for (const ResourceType& type : part.types) {
      if (type.kind == kind) return &type;
    }
  }
  return nullptr;
}

const ResourceType* Catalog::FindPreferred(const std::string& group,
                                           const std::string& kind) const {
  for (const Part& part : parts_) {
    if (part.group != group) continue;
    for (const ResourceType& type : part.types) {
      if (type.kind == kind) return &type;
    }
  }
  return nullptr;
}

bool Catalog::IsUnknown(const std::string& group, const std::string& version) const {
  return std::ranges::any_of(parts_, [&](const Part& part) {
    return part.group == group && part.is_stale && (version.empty() || part.version == version);
  });
}

std::vector<const ResourceType*> Catalog::All() const {
  std::vector<const ResourceType*> all;
  std::set<std::pair<std::string, std::string>> seen;
  for (const Part& part : parts_) {
    for (const ResourceType& type : part.types) {
      if (seen.emplace(type.group, type.kind).second) all.push_back(&type);
    }
  }
  return all;
}

std::string Catalog::Suggestion(const std::string& group, const std::string& version,
                                const std::string& kind) const {
  std::vector<std::string> kinds_of_group, served_as;
  for (const Part& part : parts_) {
    for (const ResourceType& type : part.types) {
      if (type.kind == kind) served_as.push_back(type.ApiVersion());
      if (part.group == group && part.version == version) kinds_of_group.push_back(type.kind);
    }
  }
  if (!served_as.empty())
    return "; the cluster serves it as " + Join(served_as, ", ") + ": write that apiVersion";
  std::string near = DidYouMean(kind, kinds_of_group);
  if (!near.empty()) return near;
  std::vector<std::string> all;
  for (const ResourceType* type : All()) all.push_back(type->kind);
  if (const auto other = Suggest(kind, all)) {
    for (const ResourceType* type : All()) {
      if (type->kind == *other)
        return "; did you mean '" + *other + "' of " + type->ApiVersion() + "?";
    }
  }
  return "";
}

Result<std::vector<Catalog::Part>> ParseAggregated(const nlohmann::json& list) {
  if (!At(list, "items").is_array())
    return Fail(ErrorCode::kUnavailable, "discovery: the answer has no items");
  std::vector<Catalog::Part> parts;
  for (const nlohmann::json& item : Items(At(list, "items"))) {
    const std::string group = ToText(At(item, "metadata", "name"));
    for (const nlohmann::json& served : Items(At(item, "versions"))) {
      Catalog::Part part{
          group, ToText(At(served, "version")), ToText(At(served, "freshness")) == "Stale", {}};
      for (const nlohmann::json& resource : Items(At(served, "resources"))) {
        // Without a kind it is only the parent of a subresource.
        ResourceType type = ParseResource(resource, group, part.version);
        if (!type.kind.empty() && !type.plural.empty()) part.types.push_back(std::move(type));
      }
      parts.push_back(std::move(part));
    }
  }
  return parts;
}

Catalog::Part ParseResourceList(const nlohmann::json& list, const std::string& group,
                                const std::string& version) {
  Catalog::Part part{group, version, false, {}};
  std::set<std::string> with_status;
  for (const nlohmann::json& resource : Items(At(list, "resources"))) {
    const std::string name = ToText(At(resource, "name"));
    if (const size_t slash = name.find('/'); slash != std::string::npos) {
      if (name.substr(slash) == "/status") with_status.insert(name.substr(0, slash));
      continue;
    }
    ResourceType type{group,
                      version,
                      ToText(At(resource, "kind")),
                      name,
                      ToBool(At(resource, "namespaced")),
                      false,
                      TextSet(At(resource, "verbs"))};
    if (!type.kind.empty() && !name.empty()) part.types.push_back(std::move(type));
  }
  for (ResourceType& type : part.types) type.has_status = with_status.contains(type.plural);
  return part;
}

Status Discovery::ReadHalf(const std::string& path, Half& half, bool& is_plain, const Call& call) {
  ApiRequest request{.path = path,
                     .accept = kAcceptAggregated,
                     .if_none_match = half.etag,
                     .what = "discovery " + path};
  SLUICE_TRY(ApiAnswer answer, client_.Send(request, call));
  if (answer.status == 304) return {};
  if (answer.status == 404 && path == "/api") {  // an aggregated server without core types
    half = {};
    return {};
  }
  if (auto status = ToStatus(answer); !status) {
    return Fail(std::move(status).error().With(client_.Name() + ": discovery " + path));
  }
  if (!IsAggregated(answer.content_type)) {
    is_plain = true;
    return {};
  }
  SLUICE_TRY(half.parts, ParseAggregated(answer.body));
  half.etag = answer.etag;
  return {};
}

Result<std::vector<Catalog::Part>> Discovery::ReadPlain(const Call& call) {
  std::vector<Catalog::Part> parts;
  SLUICE_TRY(const nlohmann::json core,
             client_.Read({.path = "/api", .what = "discovery /api"}, call));
  if (!At(core, "versions").is_array()) return Fail(NoList(client_.Name(), "/api"));
  for (const nlohmann::json& version : Items(At(core, "versions")))
    parts.push_back({"", ToText(version), false, {}});
  SLUICE_TRY(const nlohmann::json groups,
             client_.Read({.path = "/apis", .what = "discovery /apis"}, call));
  if (!At(groups, "groups").is_array()) return Fail(NoList(client_.Name(), "/apis"));
  for (const nlohmann::json& group : Items(At(groups, "groups"))) {
    const std::string name = ToText(At(group, "name"));
    const std::string preferred = ToText(At(group, "preferredVersion", "version"));
    if (!preferred.empty()) parts.push_back({name, preferred, false, {}});
    for (const nlohmann::json& version : Items(At(group, "versions"))) {
      if (ToText(At(version, "version")) != preferred)
        parts.push_back({name, ToText(At(version, "version")), false, {}});
    }
  }
  std::vector<Status> results(parts.size());
  ForEachInParallel(parts.size(), [&](size_t i) {
    Catalog::Part& part = parts[i];
    const std::string path = GroupPath(part.group, part.version);
    auto answer = client_.Send({.path = path, .what = "discovery " + path}, call);
    if (!answer) {
      results[i] = Fail(std::move(answer).error());
    } else if (answer->IsSuccess() && !At(answer->body, "resources").is_array()) {
      results[i] = Fail(NoList(client_.Name(), path));
    } else if (answer->IsSuccess()) {
      part = ParseResourceList(answer->body, part.group, part.version);
    } else if (answer->status == 404) {
      part.is_stale = true;  // listed and not there: being added or removed just now
    } else if (answer->status >= 500) {
      part.is_stale = true;
    } else {
      results[i] = ToStatus(*answer);
    }
  });
  for (Status& result : results) SLUICE_CHECK(std::move(result));
  return parts;
}

Result<std::shared_ptr<const Catalog>> Discovery::Read(const Call& call) {
  bool is_plain = false;
  SLUICE_CHECK(ReadHalf("/api", core_, is_plain, call));
  if (!is_plain) SLUICE_CHECK(ReadHalf("/apis", groups_, is_plain, call));
  std::vector<Catalog::Part> parts;
  if (is_plain) {
    core_ = {};
    groups_ = {};
    SLUICE_TRY(parts, ReadPlain(call));
  } else {
    parts = core_.parts;
    parts.insert(parts.end(), groups_.parts.begin(), groups_.parts.end());
  }
  return std::make_shared<const Catalog>(std::move(parts));
}

Result<std::shared_ptr<const Catalog>> Discovery::NewerThan(SteadyTime since, const Call& call) {
  std::unique_lock lock(mutex_);
  while (true) {
    if (catalog_ && read_at_ > since) return catalog_;
    if (!is_reading_) break;
    if (!has_read_.wait_until(lock, call.stop, call.deadline, [&] { return !is_reading_; })) {
      if (call.stop.stop_requested())
        return Fail(ErrorCode::kCancelled, "waiting for discovery was stopped");
      return Fail(ErrorCode::kDeadlineExceeded,
                  client_.Name() + " did not say in time which types it serves");
    }
  }
  is_reading_ = true;
  lock.unlock();
  const SteadyTime began = client_.clock().SteadyNow();
  auto catalog = Read(call);
  if (!catalog && catalog.error().code() == ErrorCode::kNotFound) {
    // To callers "not found" means that the cluster serves no such kind, which nobody has said.
    catalog = Fail(ErrorCode::kUnavailable, std::string(kReasonDiscoveryFailed),
                   catalog.error().message() +
                       "; nothing is known of what the cluster serves: check 'server' and "
                       "'proxy-url' of the kubeconfig");
  }
  lock.lock();
  is_reading_ = false;
  has_read_.notify_all();
  if (!catalog) return catalog;
  catalog_ = std::move(*catalog);
  read_at_ = began;
  return catalog_;
}

Result<std::shared_ptr<const Catalog>> Discovery::Get(const Call& call) {
  return NewerThan(client_.clock().SteadyNow() - kMaxAge, call);
}

Result<std::shared_ptr<const Catalog>> Discovery::Refresh(SteadyTime since, const Call& call) {
  return NewerThan(since, call);
}

}  // namespace sluice::targets::kubernetes
