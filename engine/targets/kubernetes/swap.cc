#include "engine/targets/kubernetes/swap.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/json_writer.h"
#include "engine/targets/kubernetes/object_edit.h"

namespace sluice::targets::kubernetes {
namespace {

// etcd's first revision, before any object: a server that creates ignores it, one that finds an
// object refuses.
constexpr const char* kNoObjectsVersion = "1";

Result<Seen> Changed(const ObjectRef& ref, const std::string& how) {
  return Fail(ErrorCode::kUnavailable, std::string(kReasonChangedMeanwhile),
              ToString(ref) + " " + how +
                  " after it was planned; nothing was written to it, and it is planned anew at the "
                  "next try");
}

std::string WriterOf(const nlohmann::json& body) {
  std::string newest, manager;
  for (const nlohmann::json& entry : Items(At(body, "metadata", "managedFields"))) {
    const std::string time = ToText(At(entry, "time"));
    if (time < newest) continue;
    newest = time;
    manager = ToText(At(entry, "manager"));
  }
  return manager.empty() ? "somebody" : "'" + OneLine(manager, 100) + "'";
}

}  // namespace

Seen SeenIn(const nlohmann::json& body) {
  return {UidOf(body), ToText(At(body, "metadata", "resourceVersion")), LabelOf(body, kMarkLabel),
          !At(body, "metadata", "deletionTimestamp").is_null()};
}

Seen SeenIn(const LiveState& live, const ObjectRef& ref) {
  const auto it = live.objects.find(ref);
  if (it == live.objects.end()) return {};
  return {it->second.uid, it->second.resource_version, it->second.mark, it->second.is_deleting};
}

std::optional<Written> WrittenIn(const nlohmann::json& body) {
  const nlohmann::json& entry = OwnEntry(body);
  if (entry.is_null()) return std::nullopt;
  return Written{UidOf(body), ToText(At(entry, "time"))};
}

// Member by member, for only metadata is worth a copy.
Result<std::string> BodyWithPreconditions(const nlohmann::json& body, const Seen& seen) {
  std::string text = "{";
  for (const auto& [key, value] : body.items()) {
    nlohmann::json metadata;
    if (key == "metadata") {
      metadata = value;
      metadata["resourceVersion"] = seen.uid.empty() ? kNoObjectsVersion : seen.resource_version;
      if (!seen.uid.empty()) metadata["uid"] = seen.uid;
    }
    const auto name = WriteJson(key);
    const auto written = WriteJson(metadata.is_null() ? value : metadata);
    if (!name || !written) return WriteJson(body);  // refused, with the place in the whole
    text += (text.size() == 1 ? "" : ",") + *name + ":" + *written;
  }
  return text + "}";
}

bool IsRace(int http_status, const nlohmann::json& status_body) {
  const std::string reason = ToText(At(status_body, "reason"));
  // A webhook may deny with any code.
  const bool is_denied =
      ToText(At(status_body, "message")).find("denied the request") != std::string::npos;
  if (http_status == 409)
    return (reason == "Conflict" || reason == "AlreadyExists") && !is_denied &&
           ConflictsOf(status_body).empty();
  // Another uid than ours is no bad content: the object was made anew meanwhile.
  return http_status == 422 &&
         std::ranges::any_of(Items(At(status_body, "details", "causes")), [](const auto& cause) {
           return ToText(At(cause, "field")) == "metadata.uid";
         });
}

Error NeverStill(const ObjectRef& ref, const nlohmann::json& status_body) {
  return {ErrorCode::kUnavailable, std::string(kReasonChangedMeanwhile),
          ToString(ref) + " changed before each of " + std::to_string(kMaxRounds) +
              " writes; it is planned anew at the next try: " +
              OneLine(ToText(At(status_body, "message")))};
}

Result<Seen> StillTheSame(const Seen& seen, const nlohmann::json* now, const ObjectRef& ref,
                          const std::string& mark) {
  if (now == nullptr) {
    if (seen.uid.empty()) return seen;
    return Changed(ref, "was deleted by somebody");
  }
  const Seen found = SeenIn(*now);
  if (seen.uid.empty()) {
    // Our own write, whose answer was lost, or one that another engine of ours sent long ago.
    if (found.mark == mark && !OwnFields(*now).is_null() && !found.is_deleting) return found;
    return Changed(ref, "was made by " + WriterOf(*now));
  }
  if (found.uid != seen.uid) return Changed(ref, "was deleted and made anew");
  if (found.mark != seen.mark && found.mark != mark)
    return Changed(ref, "was marked as another unit's by " + WriterOf(*now));
  return found;
}

}  // namespace sluice::targets::kubernetes
