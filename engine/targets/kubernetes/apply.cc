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
  SLUICE_TRY(request.body, WriteJson(object.resource.body));
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

WriteResult KubernetesDriver::ApplyOne(const PreparedObject& object, WriteMode mode, Force force,
                                       const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  const std::string what =
      (mode == WriteMode::kDryRun ? "dry run of " : "applying ") + ToString(ref);
  if (const auto refusal = declared_.refused.find(ref); refusal != declared_.refused.end())
    return {.status = Fail(refusal->second.With(what))};
  const std::string& api_version = object.resource.api_version;
  const std::string version = api_version.substr(api_version.find('/') + 1);
  const bool is_fresh_type = declared_.custom_kinds.contains({ref.group, ref.kind});
  const SteadyTime give_up = std::min(call.deadline, client_.clock().SteadyNow() + kFreshTypeWait);
  while (true) {
    Status status;
    if (auto type = TypeOf(ref.group, version, ref.kind, call)) {
      auto answer = SendApply(*type, object, mode, force, call);
      if (!answer) return {.status = Fail(std::move(answer).error().With(what))};
      if (answer->IsSuccess()) {
        if (mode == WriteMode::kApply) {
          EndKubectlsShare(*type, ref, answer->body, call);
          connection_->own_writes.Note(ref, answer->body, client_.clock().SteadyNow());
        }
        WriteResult result;
        result.uid = ToText(At(answer->body, "metadata", "uid"));
        result.resource_version = ToText(At(answer->body, "metadata", "resourceVersion"));
        result.is_created = answer->status == 201;
        const auto before = observed_versions_.find(ref);
        result.is_changed =
            before == observed_versions_.end() || before->second != result.resource_version;
        return result;
      }
      status = Fail(ErrorOf(*answer, ref));
      // A webhook that cannot be dry run says nothing about the content.
      if (mode == WriteMode::kDryRun && status.error().reason() == kReasonDryRunUnsupported)
        return {};
    } else {
      status = Fail(std::move(type).error());
    }
    const bool may_come = is_fresh_type && mode == WriteMode::kApply &&
                          status.error().code() == ErrorCode::kNotFound &&
                          status.error().reason() == kReasonTypeNotServed;
    if (!may_come || client_.clock().SteadyNow() >= give_up)
      return {.status = Fail(std::move(status).error().With(what))};
    if (!client_.clock().Sleep(kPoll * 2, call.stop)) return {.status = Fail(Stopped(what, call))};
  }
}

void KubernetesDriver::EndKubectlsShare(const ResourceType& type, const ObjectRef& ref,
                                        nlohmann::json& live, const Call& call) {
  const std::optional<nlohmann::json> entries = WithoutKubectlEntries(live);
  if (!entries) return;
  ApiRequest request;
  request.verb = Verb::kPatch;
  request.method = "PATCH";
  request.path = ObjectPath(type, ref.ns, ref.name);
  request.query = {{"fieldManager", std::string(kFieldManager)}};
  request.content_type = "application/json-patch+json";
  request.what = "field owners of " + ToString(ref);
  // With the version, so that a write in between makes it fail (409) and not be lost.
  const nlohmann::json patch = {
      {{"op", "replace"}, {"path", "/metadata/managedFields"}, {"value", *entries}},
      {{"op", "replace"},
       {"path", "/metadata/resourceVersion"},
       {"value", At(live, "metadata", "resourceVersion")}}};
  auto body = WriteJson(patch);
  if (!body) return;
  request.body = std::move(*body);
  // Best effort: the apply itself has succeeded, and the next one tries again.
  auto answer = client_.Send(request, call);
  if (answer && answer->IsSuccess()) {
    live = std::move(answer->body);
  } else {
    log::Debug("kubectl_share_kept", {{"object", ToString(ref)}});
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
