// Server-side apply, and waiting for what the next stage relies on.
#include <algorithm>

#include "engine/base/log.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/json_writer.h"
#include "engine/targets/kubernetes/kinds.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

// A fresh custom resource may answer 404 until every API server has learnt of its definition.
constexpr Duration kFreshTypeWait = 30s;
constexpr Duration kPoll = 200ms;
constexpr int kMaxRaces = 3;
// How long a refusal that the set itself is to end is no verdict after that was applied: the server
// learns of a definition, a quota or a policy a moment after it took it.
constexpr Duration kFreshRuleWait = 10s;
// How long an apply waits for an object in its place that is being deleted.
constexpr Duration kRoomWait = 30s;

Error Stopped(const std::string& what, const Call& call) {
  if (call.stop.stop_requested()) return {ErrorCode::kCancelled, what + ": stopped"};
  return {ErrorCode::kDeadlineExceeded, what + ": time is up"};
}

}  // namespace

Result<ApiAnswer> KubernetesDriver::SendApply(const ResourceType& type,
                                              const PreparedObject& object, WriteMode mode,
                                              Force force, const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  ApiRequest request;
  request.verb = mode == WriteMode::kDryRun ? Verb::kDryRun : Verb::kPatch;
  request.method = "PATCH";
  request.path = ObjectPath(type, ref.ns, ref.name);
  request.query = {{"fieldManager", std::string(kFieldManager)},
                   {"force", force == Force::kYes ? "true" : "false"},
                   {"fieldValidation", "Strict"}};
  if (mode == WriteMode::kDryRun) request.query.emplace_back("dryRun", "All");
  request.content_type = "application/apply-patch+yaml";
  request.what = ToString(ref);
  const bool is_asked = mode == WriteMode::kDryRun && !object.asked.is_null();
  SLUICE_TRY(request.body, WriteJson(is_asked ? object.asked : object.resource.body));
  for (int race = 1;; ++race) {
    SLUICE_TRY(ApiAnswer answer, client_.Send(request, call));
    // We set no resourceVersion: a lost race is between the server's own read and write, or two
    // creates.
    const bool is_race = answer.status == 409 && ConflictsOf(answer.body).empty();
    if (!is_race || race >= kMaxRaces) return answer;
  }
}

Error KubernetesDriver::ErrorOf(const ApiAnswer& answer, const ObjectRef& ref) {
  const Error error = DecodeFailure(answer.status, answer.body);
  return IsSecret(ref) ? WithoutValues(error, answer.body) : error;
}

// What may come of itself: a type or a rule that an earlier stage of the same set has brought.
Duration KubernetesDriver::PatienceWith(const Error& error, const ObjectRef& ref) const {
  const bool is_type_to_come = error.code() == ErrorCode::kNotFound &&
                               error.reason() == kReasonTypeNotServed &&
                               declared_.custom_kinds.contains({ref.group, ref.kind});
  if (is_type_to_come) return kFreshTypeWait;
  const bool is_rule_to_come = error.code() == ErrorCode::kRejected && awaited_.contains(ref);
  return is_rule_to_come ? kFreshRuleWait : Duration(0);
}

Status KubernetesDriver::AwaitRoom(const ResourceType& type, const ObjectRef& ref,
                                   const Call& call) {
  SLUICE_TRY(const std::optional<nlohmann::json> live, ReadObject(type, ref, call));
  if (!live || At(*live, "metadata", "deletionTimestamp").is_null()) return {};
  const SteadyTime bound = client_.clock().SteadyNow() + kRoomWait;
  const Call wait{std::min(call.deadline, bound), call.stop};
  const Status gone = AwaitGone(type, ref, ToText(At(*live, "metadata", "uid")), wait);
  if (gone || gone.error().code() != ErrorCode::kDeadlineExceeded) return gone;
  return Fail(ErrorCode::kUnavailable, "BeingDeleted",
              "what is there is being deleted since " +
                  ToText(At(*live, "metadata", "deletionTimestamp")) + " and not gone (" +
                  FinalizersOf(*live) +
                  "); it is created again when it is: look for the controller of the finalizer");
}

// One try. An object that is being deleted takes an apply and forgets it.
Result<ApiAnswer> KubernetesDriver::TryApply(const PreparedObject& object, WriteMode mode,
                                             Force force, const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  const std::string& api_version = object.resource.api_version;
  SLUICE_TRY(const ResourceType type,
             TypeOf(ref.group, api_version.substr(api_version.find('/') + 1), ref.kind, call));
  if (mode == WriteMode::kDryRun) return ApplyAndRemove(type, object, mode, force, call);
  if (deleting_.contains(ref)) SLUICE_CHECK(AwaitRoom(type, ref, call));
  SLUICE_TRY(ApiAnswer answer, ApplyAndRemove(type, object, mode, force, call));
  const bool is_lost =
      answer.IsSuccess() && !At(answer.body, "metadata", "deletionTimestamp").is_null();
  if (is_lost) {
    SLUICE_CHECK(AwaitRoom(type, ref, call));
    SLUICE_TRY(answer, ApplyAndRemove(type, object, mode, force, call));
  }
  if (answer.IsSuccess()) {
    EndKubectlsShare(type, ref, answer.body, call);
    connection_->own_writes.Note(ref, answer.body, client_.clock().SteadyNow());
  }
  return answer;
}

WriteResult KubernetesDriver::ApplyOne(const PreparedObject& object, WriteMode mode, Force force,
                                       const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  const std::string what =
      (mode == WriteMode::kDryRun ? "dry run of " : "applying ") + ToString(ref);
  if (const auto refusal = declared_.refused.find(ref); refusal != declared_.refused.end())
    return {.status = Fail(refusal->second.With(what))};
  // Nothing to be asked of what is on its way out.
  if (mode == WriteMode::kDryRun && deleting_.contains(ref)) return {};
  const SteadyTime begin = client_.clock().SteadyNow();
  while (true) {
    auto answer = TryApply(object, mode, force, call);
    if (answer && answer->IsSuccess()) {
      WriteResult result;
      result.uid = ToText(At(answer->body, "metadata", "uid"));
      result.resource_version = ToText(At(answer->body, "metadata", "resourceVersion"));
      result.is_created = answer->status == 201;
      const auto before = observed_versions_.find(ref);
      result.is_changed =
          before == observed_versions_.end() || before->second != result.resource_version;
      return result;
    }
    Error error = answer ? ErrorOf(*answer, ref) : std::move(answer).error();
    // A webhook that cannot be dry run says nothing about the content.
    if (mode == WriteMode::kDryRun && error.reason() == kReasonDryRunUnsupported) return {};
    const SteadyTime now = client_.clock().SteadyNow();
    if (now >= std::min(call.deadline, begin + PatienceWith(error, ref)))
      return {.status = Fail(std::move(error).With(what))};
    if (!client_.clock().Sleep(kPoll * 2, call.stop)) return {.status = Fail(Stopped(what, call))};
  }
}

std::vector<WriteResult> KubernetesDriver::Apply(const std::vector<PreparedObject>& objects,
                                                 WriteMode mode, Force force, const Call& call) {
  std::vector<WriteResult> results(objects.size());
  ForEachInParallel(objects.size(),
                    [&](size_t i) { results[i] = ApplyOne(objects[i], mode, force, call); });
  return results;
}

Status KubernetesDriver::AwaitNamespace(const ObjectRef& ref, const Call& call) {
  SLUICE_TRY(const ResourceType type, TypeOf(ref, call));
  while (true) {
    SLUICE_TRY(const std::optional<nlohmann::json> live, ReadObject(type, ref, call));
    const std::string phase = live ? ToText(At(*live, "status", "phase")) : "";
    if (phase == "Active") {
      connection_->namespaces.With(
          [&](auto& seen) { seen[ref.name] = client_.clock().SteadyNow() + 60s; });
      return {};
    }
    if (phase == "Terminating") {
      return Fail(ErrorCode::kUnavailable, std::string(kReasonNamespaceTerminating),
                  ToString(ref) + " is being deleted; wait until it is gone");
    }
    const bool has_time = client_.clock().SteadyNow() + kPoll < call.deadline;
    if (!has_time || !client_.clock().Sleep(kPoll, call.stop))
      return Fail(Stopped("waiting for " + ToString(ref), call));
  }
}

Status KubernetesDriver::AwaitCrd(const PreparedObject& crd, const Call& call) {
  const ObjectRef& ref = crd.resource.ref;
  SLUICE_TRY(const ResourceType type, TypeOf(ref, call));
  const nlohmann::json& spec = At(crd.resource.body, "spec");
  const std::string group = ToText(At(spec, "group"));
  const std::string kind = ToText(At(spec, "names", "kind"));
  bool is_established = false;
  while (true) {
    if (!is_established) {
      SLUICE_TRY(const std::optional<nlohmann::json> live, ReadObject(type, ref, call));
      const nlohmann::json& body = live ? *live : NullJson();
      if (ToText(At(Condition(body, "NamesAccepted"), "status")) == "False") {
        return Fail(ErrorCode::kRejected, std::string(kReasonContentRejected),
                    ToString(ref) + ": its names are taken: " +
                        OneLine(ToText(At(Condition(body, "NamesAccepted"), "message"))));
      }
      is_established = IsConditionTrue(body, "Established");
    }
    if (is_established) {
      // Served by the one server we ask; others may lag (ApplyOne waits for them).
      SLUICE_TRY(const auto catalog,
                 connection_->discovery.Refresh(client_.clock().SteadyNow(), call));
      const bool is_served =
          std::ranges::all_of(Items(At(spec, "versions")), [&](const nlohmann::json& version) {
            return !ToBool(At(version, "served")) ||
                   catalog->Find(group, ToText(At(version, "name")), kind) != nullptr;
          });
      if (is_served) return {};
    }
    const bool has_time = client_.clock().SteadyNow() + kPoll < call.deadline;
    if (!has_time || !client_.clock().Sleep(kPoll, call.stop))
      return Fail(Stopped("waiting for " + ToString(ref), call));
  }
}

Status KubernetesDriver::AwaitStage(const std::vector<PreparedObject>& stage, const Call& call) {
  std::vector<const PreparedObject*> awaited;
  for (const PreparedObject& object : stage) {
    if (IsNamespace(object.resource.ref) || IsCrd(object.resource.ref)) awaited.push_back(&object);
  }
  std::vector<Status> results(awaited.size());
  ForEachInParallel(awaited.size(), [&](size_t i) {
    const ObjectRef& ref = awaited[i]->resource.ref;
    results[i] = IsNamespace(ref) ? AwaitNamespace(ref, call) : AwaitCrd(*awaited[i], call);
  });
  for (Status& result : results) SLUICE_CHECK(std::move(result));
  return {};
}

}  // namespace sluice::targets::kubernetes
