#include "engine/sandbox/controllers/controller.h"

#include <nlohmann/json.hpp>

#include "engine/base/time_format.h"

namespace sluice::sandbox {
namespace {

constexpr char kManager[] = "kube-controller-manager";

ObjectPtr Stored(ApiResult<ObjectPtr> result) { return result ? *result : nullptr; }

}  // namespace

ObjectPtr ControllerContext::Get(const std::string& storage_key, const std::string& ns,
                                 const std::string& name) const {
  return cluster_.store.Get(storage_key, ns, name);
}

std::vector<ObjectPtr> ControllerContext::List(const std::string& storage_key,
                                               const std::string& ns) const {
  return cluster_.store.List(storage_key, ns);
}

std::vector<ObjectPtr> ControllerContext::ControlledBy(const std::string& storage_key,
                                                       const Json& owner) const {
  std::vector<ObjectPtr> out;
  const std::string uid = UidOf(owner);
  for (const ObjectKey& key : cluster_.store.OwnedBy(uid)) {
    if (key.storage_key != storage_key) continue;
    ObjectPtr object = cluster_.store.Get(key.storage_key, key.ns, key.name);
    const Json* controller = object == nullptr ? nullptr : ControllerOf(*object);
    if (controller != nullptr && TextAt(*controller, {"uid"}) == uid)
      out.push_back(std::move(object));
  }
  return out;
}

ObjectPtr ControllerContext::Create(const std::string& storage_key, Json object, std::string* why) {
  const TypePtr type = cluster_.types.FindStorage(storage_key);
  WriteOptions options;
  options.manager = kManager;
  ApiResult<ObjectPtr> created = cluster_.writer.Create(*type, std::move(object), options);
  if (!created && why != nullptr) *why = created.error().message;
  return Stored(std::move(created));
}

ObjectPtr ControllerContext::Update(const std::string& storage_key, Json object) {
  const TypePtr type = cluster_.types.FindStorage(storage_key);
  WriteOptions options;
  options.manager = kManager;
  return Stored(cluster_.writer.Update(*type, std::move(object), options));
}

ObjectPtr ControllerContext::UpdateStatus(const std::string& storage_key, Json object) {
  const TypePtr type = cluster_.types.FindStorage(storage_key);
  WriteOptions options;
  options.manager = storage_key == "pods" ? "kubelet" : kManager;
  options.subresource = "status";
  return Stored(cluster_.writer.Update(*type, std::move(object), options));
}

void ControllerContext::Delete(const std::string& storage_key, const Json& object) {
  const TypePtr type = cluster_.types.FindStorage(storage_key);
  if (type == nullptr) return;
  DeleteOptions options;
  options.uid = UidOf(object);
  options.propagation = "Background";
  (void)cluster_.writer.Delete(*type, NamespaceOf(object), NameOf(object), options);
}

void ControllerContext::Remove(const std::string& storage_key, const Json& object) {
  const TypePtr type = cluster_.types.FindStorage(storage_key);
  if (type != nullptr) cluster_.writer.Remove(*type, object);
}

void ControllerContext::Tell(const Json& about, const std::string& type, const std::string& reason,
                             const std::string& message) {
  const std::string ns = NamespaceOf(about).empty() ? "default" : NamespaceOf(about);
  const std::string now = NowText();
  Json event = {
      {"metadata",
       {{"name", NameOf(about) + "." + std::to_string(++next_event_)}, {"namespace", ns}}},
      {"involvedObject",
       {{"apiVersion", TextAt(about, {"apiVersion"})},
        {"kind", TextAt(about, {"kind"})},
        {"name", NameOf(about)},
        {"namespace", NamespaceOf(about)},
        {"uid", UidOf(about)}}},
      {"type", type},
      {"reason", reason},
      {"message", message},
      {"count", 1},
      {"firstTimestamp", now},
      {"lastTimestamp", now},
      {"source", {{"component", "sluice-sandbox"}}}};
  Create("events", std::move(event));
}

ObjectKey KeyOf(const std::string& storage_key, const Json& object) {
  return {storage_key, NamespaceOf(object), NameOf(object)};
}

Json OwnerReference(const Json& owner, bool block_owner_deletion) {
  return {{"apiVersion", TextAt(owner, {"apiVersion"})},
          {"kind", TextAt(owner, {"kind"})},
          {"name", NameOf(owner)},
          {"uid", UidOf(owner)},
          {"controller", true},
          {"blockOwnerDeletion", block_owner_deletion}};
}

const Json* FindCondition(const Json& object, std::string_view type) {
  return FindByKey(ArrayAt(object, {"status", "conditions"}), "type", type);
}

void SetCondition(Json& object, const std::string& type, const std::string& status,
                  const std::string& reason, const std::string& message, bool with_update_time) {
  Json& holder = Ensure(object, {"status"});
  if (!holder.contains("conditions") || !holder["conditions"].is_array())
    holder["conditions"] = Json::array();
  Json& conditions = holder["conditions"];
  Json* condition = FindByKey(conditions, "type", type);
  if (condition == nullptr) {
    conditions.push_back({{"type", type}});
    condition = &conditions.back();
  } else if (TextAt(*condition, {"status"}) == status && TextAt(*condition, {"reason"}) == reason &&
             TextAt(*condition, {"message"}) == message && !with_update_time) {
    return;
  }
  if (TextAt(*condition, {"status"}) != status) (*condition)["lastTransitionTime"] = NowText();
  if (with_update_time) (*condition)["lastUpdateTime"] = NowText();
  (*condition)["status"] = status;
  if (!reason.empty()) (*condition)["reason"] = reason;
  if (!message.empty()) (*condition)["message"] = message;
}

bool IsPodReady(const Json& pod) {
  const Json* ready = FindCondition(pod, "Ready");
  return ready != nullptr && TextAt(*ready, {"status"}) == "True";
}

bool IsPodAvailable(const Json& pod, int64_t min_ready_seconds, Duration* wait) {
  if (!IsPodReady(pod)) return false;
  if (min_ready_seconds <= 0) return true;
  const Result<SystemTime> since =
      ParseTime(TextAt(*FindCondition(pod, "Ready"), {"lastTransitionTime"}));
  if (!since) return true;
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  const Duration left = *since + std::chrono::seconds(min_ready_seconds) - now;
  if (left.count() <= 0) return true;
  if (wait != nullptr) *wait = left + Duration(1);
  return false;
}

bool IsPodActive(const Json& pod) {
  const std::string phase = TextAt(pod, {"status", "phase"});
  return phase != "Succeeded" && phase != "Failed" && !IsTerminating(pod);
}

int64_t Resolve(const Json* value, int64_t total, bool round_up) {
  if (value == nullptr) return 0;
  if (value->is_number_integer()) return value->get<int64_t>();
  if (!value->is_string()) return 0;
  const std::string text = value->get<std::string>();
  if (text.empty() || text.find_first_not_of("0123456789%") != std::string::npos || text.size() > 6)
    return 0;
  const int64_t product = std::strtoll(text.c_str(), nullptr, 10) * total;
  return round_up ? (product + 99) / 100 : product / 100;
}

std::string TemplateHash(const Json& pod_template) {
  Json bare = pod_template;
  Erase(bare, {"metadata", "labels", "pod-template-hash"});
  uint32_t hash = 2166136261u;
  for (const char c : Dump(bare)) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  std::string out = std::to_string(hash);
  static constexpr char kAlphabet[] = "bcdfghjklmnpqrstvwxz2456789";
  for (char& c : out) c = kAlphabet[static_cast<size_t>(c) % 27];
  return out;
}

Json PodFromTemplate(const Json& owner, const Json& pod_template, const Json& labels) {
  Json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  Json& meta = pod["metadata"];
  meta["namespace"] = NamespaceOf(owner);
  const Json& source = ObjectAt(pod_template, {"metadata"});
  if (source.contains("labels")) meta["labels"] = source["labels"];
  if (source.contains("annotations")) meta["annotations"] = source["annotations"];
  if (source.contains("finalizers")) meta["finalizers"] = source["finalizers"];
  for (const auto& [key, value] : labels.items()) meta["labels"][key] = value;
  meta["ownerReferences"] = Json::array({OwnerReference(owner)});
  pod["spec"] = ObjectAt(pod_template, {"spec"});
  return pod;
}

}  // namespace sluice::sandbox
