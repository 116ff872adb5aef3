// Live state, read now.
#include <algorithm>

#include "engine/targets/kubernetes/answers.h"
#include "engine/targets/kubernetes/deletion_facts.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPageSize = "500";
constexpr int kMaxRestarts = 3;
// How long, and how often, an answer that is older than our own write is asked for again.
constexpr Duration kStaleWait = 20s;
constexpr Duration kStalePoll = 200ms;

LiveObject Describe(nlohmann::json body, const ObjectRef& ref) {
  LiveObject live;
  live.api_version = ToText(At(body, "apiVersion"));
  live.uid = ToText(At(body, "metadata", "uid"));
  live.resource_version = ToText(At(body, "metadata", "resourceVersion"));
  live.mark = LabelOf(body, kMarkLabel);
  live.is_applied_by_us = !OwnFields(body).is_null();
  live.is_deleting = !At(body, "metadata", "deletionTimestamp").is_null();
  live.protected_by = ProtectionOf(body, ref);
  live.replace = ConsentOf(body);
  DescribeDeletion(body, ref, live);
  live.body = std::move(body);
  return live;
}

}  // namespace

Result<std::optional<nlohmann::json>> KubernetesDriver::ReadObject(const ResourceType& type,
                                                                   const ObjectRef& ref,
                                                                   const Call& call, Stale stale) {
  const SteadyTime give_up = std::min(call.deadline, client_.clock().SteadyNow() + kStaleWait);
  while (true) {
    auto body = ReadObjectOnce(type, ref, call);
    const bool is_stale = !body && body.error().reason() == kReasonStaleRead;
    if (!is_stale || stale == Stale::kFail) return body;
    const bool has_time = client_.clock().SteadyNow() + kStalePoll < give_up;
    if (!has_time || !client_.clock().Sleep(kStalePoll, call.stop)) return body;
  }
}

Result<std::optional<nlohmann::json>> KubernetesDriver::ReadObjectOnce(const ResourceType& type,
                                                                       const ObjectRef& ref,
                                                                       const Call& call) {
  SLUICE_TRY(
      ApiAnswer answer,
      client_.Send({.path = ObjectPath(type, ref.ns, ref.name), .what = ToString(ref)}, call));
  if (answer.IsSuccess()) {
    SLUICE_CHECK(ExpectObject(answer.body, type, ref));
    const std::string why =
        connection_->own_writes.WhyStale(ref, answer.body, client_.clock().SteadyNow());
    if (why.empty()) return std::move(answer.body);
    return Fail(ErrorCode::kUnavailable, std::string(kReasonStaleRead),
                client_.Name() + ": reading " + ToString(ref) + ": " + why);
  }
  auto status = ToStatus(answer);
  const Error& error = status.error();
  const bool is_absent =
      error.reason() == kReasonObjectMissing || error.reason() == kReasonNamespaceMissing;
  if (is_absent) return std::nullopt;
  if (error.reason() == kReasonTypeNotServed) {
    SLUICE_TRY(const bool is_gone, IsTypeGone(type, call));
    if (is_gone) {
      SLUICE_TRY(const auto other, OtherVersionOf(type, call));
      if (other) return ReadObjectOnce(*other, ref, call);
      return std::nullopt;
    }
    // Discovery says that it is served: the answer is about to change, not "absent".
    return Fail(ErrorCode::kUnavailable, std::string(kReasonTypeNotServed),
                client_.Name() + ": " + ToString(ref) +
                    ": its type is just being added or removed: " + error.message());
  }
  return Fail(Error(error).With(client_.Name() + ": reading " + ToString(ref)));
}

Result<std::vector<nlohmann::json>> KubernetesDriver::ReadList(
    const ResourceType& type, const std::string& ns,
    std::vector<std::pair<std::string, std::string>> query, const std::string& accept,
    const Call& call) {
  const std::string what = type.plural + (ns.empty() ? "" : " in " + ns);
  query.emplace_back("limit", kPageSize);
  for (int restart = 0;; ++restart) {
    std::vector<nlohmann::json> items;
    std::string next;
    bool is_expired = false;
    do {
      ApiRequest request{.verb = Verb::kList,
                         .path = CollectionPath(type, ns),
                         .query = query,
                         .accept = accept,
                         .what = what};
      if (!next.empty()) request.query.emplace_back("continue", next);
      SLUICE_TRY(ApiAnswer answer, client_.Send(request, call));
      if (answer.status == 410 &&
          restart < kMaxRestarts) {  // the pages' snapshot is gone: from the start
        is_expired = true;
        break;
      }
      if (auto status = ToStatus(answer); !status) {
        if (status.error().reason() == kReasonTypeNotServed) {
          SLUICE_TRY(const bool is_gone, IsTypeGone(type, call));
          if (is_gone) {
            SLUICE_TRY(const auto other, OtherVersionOf(type, call));
            if (other) return ReadList(*other, ns, std::move(query), accept, call);
            return std::vector<nlohmann::json>();
          }
        }
        return Fail(std::move(status).error().With(client_.Name() + ": listing " + what));
      }
      SLUICE_CHECK(ExpectList(answer.body, what));
      nlohmann::json& listed = answer.body["items"];  // null for an empty list of some servers
      for (nlohmann::json& item : listed) {
        if (!item.is_object()) continue;
        // Items of built-in types do not say what they are; metadata-only ones say
        // PartialObjectMetadata.
        item["apiVersion"] = type.ApiVersion();
        item["kind"] = type.kind;
        items.push_back(std::move(item));
      }
      next = ToText(At(answer.body, "metadata", "continue"));
    } while (!next.empty());
    if (!is_expired) return items;
  }
}

bool KubernetesDriver::Reading::IsList() const {
  // From this many objects of a kind in a namespace on one list costs less than single reads.
  constexpr size_t kListFrom = 20;
  return refs.size() >= kListFrom && type.verbs.contains("list");
}

Result<LiveState> KubernetesDriver::Observe(const std::vector<ObjectRef>& refs, const Call& call) {
  const Sharing sharing = max_age_ > Duration(0) ? Sharing::kYes : Sharing::kNo;
  return ReadLive(refs, Stale::kAskAgain, sharing, call);
}

Result<std::vector<KubernetesDriver::Reading>> KubernetesDriver::PlanReadings(
    const std::vector<ObjectRef>& refs, const Call& call) {
  std::map<std::tuple<std::string, std::string, std::string>, Reading> groups;
  std::set<GroupKind> not_served;
  for (const ObjectRef& ref : refs) {
    const auto key = std::tuple(ref.group, ref.kind, ref.ns);
    const auto it = groups.find(key);
    if (it != groups.end()) {
      it->second.refs.push_back(ref);
      continue;
    }
    if (not_served.contains({ref.group, ref.kind})) continue;
    auto type = TypeOf(ref, call);
    if (type) {
      groups[key] = {std::move(*type), ref.ns, {ref}, {}, {}};
    } else if (type.error().code() == ErrorCode::kNotFound) {
      not_served.emplace(ref.group,
                         ref.kind);  // a kind that certainly is not served has no objects
    } else {
      return Fail(std::move(type).error());
    }
  }
  std::vector<Reading> readings;
  for (auto& [key, group] : groups) {
    if (group.IsList()) {
      readings.push_back(std::move(group));
      continue;
    }
    for (const ObjectRef& ref : group.refs)
      readings.push_back({group.type, group.ns, {ref}, {}, {}});
  }
  return readings;
}

void KubernetesDriver::ReadOne(Reading& reading, const ObjectRef& ref, Stale stale,
                               const Call& call) {
  auto body = ReadObject(reading.type, ref, call, stale);
  if (!body) {
    reading.status = Fail(std::move(body).error());
  } else if (*body) {
    reading.found.emplace_back(ref, std::move(**body));
  }
}

std::shared_ptr<const SharedReads::Items> KubernetesDriver::AskShared(const ResourceType& type,
                                                                      const std::string& ns,
                                                                      Owners owners,
                                                                      const Call& call) {
  if (!type.verbs.contains("list")) return nullptr;
  const bool drops = owners == Owners::kDrop;
  const std::string name = CollectionPath(type, ns) + (drops ? " without owners" : "");
  return connection_->shared_reads.Ask(
      name, max_age_, call, [&]() -> Result<std::vector<nlohmann::json>> {
        SLUICE_TRY(auto items, ReadList(type, ns, {}, "application/json", call));
        for (nlohmann::json& item : items) {
          const auto metadata = drops ? item.find("metadata") : item.end();
          if (metadata != item.end() && metadata->is_object()) metadata->erase("managedFields");
        }
        return items;
      });
}

// What the list lacks, or tells too late, is asked for itself.
bool KubernetesDriver::ReadShared(Reading& reading, const ObjectRef& ref, const Call& call) {
  const auto items = AskShared(reading.type, reading.ns, Owners::kKeep, call);
  if (!items) return false;
  const auto it = items->find(ref.name);
  if (it == items->end()) return false;
  nlohmann::json body = it->second.Unpack();
  const SteadyTime now = client_.clock().SteadyNow();
  if (!connection_->own_writes.WhyStale(ref, body, now).empty()) return false;
  reading.found.emplace_back(ref, std::move(body));
  return true;
}

void KubernetesDriver::ReadByList(Reading& reading, Stale stale, const Call& call) {
  auto items = ReadList(reading.type, reading.ns, {}, "application/json", call);
  if (!items && items.error().code() == ErrorCode::kPermissionDenied) {
    // An account may be allowed to get and not to list.
    for (const ObjectRef& ref : reading.refs) {
      if (reading.status) ReadOne(reading, ref, stale, call);
    }
    return;
  }
  if (!items) {
    reading.status = Fail(std::move(items).error());
    return;
  }
  std::map<std::string, ObjectRef> wanted;
  for (const ObjectRef& ref : reading.refs) wanted.emplace(ref.name, ref);
  for (nlohmann::json& item : *items) {
    const auto it = wanted.find(ToText(At(item, "metadata", "name")));
    if (it == wanted.end()) continue;
    const SteadyTime now = client_.clock().SteadyNow();
    const bool is_stale = !connection_->own_writes.WhyStale(it->second, item, now).empty();
    if (!is_stale) {
      reading.found.emplace_back(it->second, std::move(item));
    } else if (reading.status) {
      ReadOne(reading, it->second, stale, call);
    }
  }
}

Result<LiveState> KubernetesDriver::ReadLive(const std::vector<ObjectRef>& refs, Stale stale,
                                             Sharing sharing, const Call& call) {
  SLUICE_TRY(std::vector<Reading> readings, PlanReadings(refs, call));
  Progress progress(client_.clock(), call);
  ForEachInParallel(readings.size(), [&](size_t i) {
    Reading& reading = readings[i];
    const Call bound = progress.Bound(call);
    if (reading.IsList()) {
      ReadByList(reading, stale, bound);
    } else if (sharing == Sharing::kNo || !ReadShared(reading, reading.refs.front(), bound)) {
      ReadOne(reading, reading.refs.front(), stale, bound);
    }
    if (reading.status) progress.Note();
  });
  LiveState state;
  for (Reading& reading : readings) {
    SLUICE_CHECK(std::move(reading.status));
    for (auto& [ref, body] : reading.found)
      state.objects.emplace(ref, Describe(std::move(body), ref));
  }
  return state;
}

}  // namespace sluice::targets::kubernetes
