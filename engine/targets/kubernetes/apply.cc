// Server-side apply, and waiting for what the next stage relies on.
#include <algorithm>

#include "engine/base/log.h"
#include "engine/targets/kubernetes/answers.h"
#include "engine/targets/kubernetes/fieldset.h"
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
constexpr int kMaxDryRunRaces = 3;
// How long a refusal that the set itself is to end is no verdict after that was applied: the server
// learns of a definition, a quota or a policy a moment after it took it.
constexpr Duration kFreshRuleWait = 10s;
// How long an apply waits for an object in its place that is being deleted.
constexpr Duration kRoomWait = 30s;

Error Stopped(const std::string& what, const Call& call) {
  if (call.stop.stop_requested()) return {ErrorCode::kCancelled, what + ": stopped"};
  return {ErrorCode::kDeadlineExceeded, what + ": time is up"};
}

// What the server says keeps a definition from being served; "" while it is still at it.
std::string WhyNotEstablished(const nlohmann::json& crd) {
  const nlohmann::json& condition = Condition(crd, "Established");
  const std::string reason = ToText(At(condition, "reason"));
  const bool is_said = ToText(At(condition, "status")) == "False" && !reason.empty() &&
                       reason != "Installing" && reason != "NotAccepted";
  return is_said ? OneLine(reason + ": " + ToText(At(condition, "message"))) : "";
}

ApiRequest ApplyRequest(const ResourceType& type, const ObjectRef& ref, Force force) {
  ApiRequest request;
  request.verb = Verb::kPatch;
  request.method = "PATCH";
  request.path = ObjectPath(type, ref.ns, ref.name);
  request.query = {{"fieldManager", std::string(kFieldManager)},
                   {"force", force == Force::kYes ? "true" : "false"},
                   {"fieldValidation", "Strict"}};
  request.content_type = "application/apply-patch+yaml";
  request.what = ToString(ref);
  return request;
}

}  // namespace

Result<ApiAnswer> KubernetesDriver::SendDryRun(const ResourceType& type,
                                               const PreparedObject& object, Force force,
                                               const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  ApiRequest request = ApplyRequest(type, ref, force);
  request.verb = Verb::kDryRun;
  request.query.emplace_back("dryRun", "All");
  SLUICE_TRY(request.body, WriteJson(object.asked.is_null() ? object.resource.body : object.asked));
  for (int race = 1;; ++race) {
    SLUICE_TRY(ApiAnswer answer, client_.Send(request, call));
    if (answer.IsSuccess()) SLUICE_CHECK(ExpectDryRun(answer.body, type, ref));
    // It carries no version: a lost race is between the server's own read and write.
    if (!IsRace(answer.status, answer.body) || race == kMaxDryRunRaces) return answer;
  }
}

Result<ApiAnswer> KubernetesDriver::SendApply(const ResourceType& type,
                                              const PreparedObject& object, Applying& how,
                                              const WriteCall& call) {
  if (how.mode == WriteMode::kDryRun) return SendDryRun(type, object, how.force, call);
  const ObjectRef& ref = object.resource.ref;
  ApiRequest request = ApplyRequest(type, ref, how.force);
  for (int round = 1;; ++round) {
    SLUICE_TRY(request.body, BodyWithPreconditions(object.resource.body, how.seen));
    SLUICE_TRY(ApiAnswer answer, client_.Write(request, call));
    if (answer.IsSuccess()) {
      SLUICE_CHECK(ExpectApplied(type, object, how, answer, call));
      how.seen = SeenIn(answer.body);
      return answer;
    }
    if (!IsRace(answer.status, answer.body)) return answer;
    if (round == kMaxRounds) return Fail(NeverStill(ref, answer.body));
    SLUICE_TRY(const std::optional<nlohmann::json> now, ReadObject(type, ref, call));
    SLUICE_TRY(how.seen, StillTheSame(how.seen, now ? &*now : nullptr, ref,
                                      LabelOf(object.resource.body, kMarkLabel)));
    if (!how.seen.is_deleting) continue;
    SLUICE_CHECK(AwaitRoom(type, ref, call));
    how.seen = {};
  }
}

// The stored object, moved on from what was seen; or not moved, and then it is what it was to be.
Status KubernetesDriver::ExpectApplied(const ResourceType& type, const PreparedObject& object,
                                       const Applying& how, const ApiAnswer& answer,
                                       const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  SLUICE_CHECK(ExpectObject(answer.body, type, ref));
  const Seen now = SeenIn(answer.body);
  const std::string what = "applying " + ToString(ref);
  if (how.seen.uid.empty()) {
    if (answer.status == 201) return {};
    return Fail(NotTheObject(
        what, "says that it was there already (" + std::to_string(answer.status) + ", not 201)"));
  }
  if (now.uid != how.seen.uid)
    return Fail(NotTheObject(what, "with another object, uid " + now.uid));
  const std::string& seen = how.seen.resource_version;
  if (IsOlderVersion(now.resource_version, seen)) {
    return Fail(
        NotTheObject(what, "with version " + now.resource_version + " of it, older than " + seen));
  }
  if (now.resource_version != seen || HoldsAlready(answer.body, object.resource.body)) return {};
  // Values that the server writes in another way, or that admission puts back.
  PreparedObject exact = object;
  exact.asked = nullptr;
  SLUICE_TRY(const ApiAnswer again, SendDryRun(type, exact, how.force, call));
  if (again.IsSuccess() && Normalise(again.body) == Normalise(answer.body)) return {};
  return Fail(NotTheObject(what, "left it unchanged"));
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
  const bool is_rule =
      error.code() == ErrorCode::kRejected || error.reason() == kReasonQuotaExceeded;
  const bool is_rule_to_come = is_rule && awaited_.contains(ref);
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
Result<ApiAnswer> KubernetesDriver::TryApply(const PreparedObject& object, Applying& how,
                                             const WriteCall& call) {
  const ObjectRef& ref = object.resource.ref;
  const std::string& api_version = object.resource.api_version;
  SLUICE_TRY(const ResourceType type,
             TypeOf(ref.group, api_version.substr(api_version.find('/') + 1), ref.kind, call));
  if (how.mode == WriteMode::kDryRun) return ApplyAndRemove(type, object, how, call);
  const auto await_room = [&]() -> Status {
    SLUICE_CHECK(AwaitRoom(type, ref, call));
    how.seen = {};  // the next one is another object
    return {};
  };
  if (how.seen.is_deleting) SLUICE_CHECK(await_room());
  SLUICE_TRY(ApiAnswer answer, ApplyAndRemove(type, object, how, call));
  if (answer.IsSuccess() && how.seen.is_deleting) {
    SLUICE_CHECK(await_room());
    SLUICE_TRY(answer, ApplyAndRemove(type, object, how, call));
  }
  if (answer.IsSuccess()) {
    EndKubectlsShare(type, ref, answer.body, call);
    connection_->own_writes.Note(ref, answer.body, client_.clock().SteadyNow());
    if (auto written = WrittenIn(answer.body))
      written_.With([&](auto& all) { all.insert_or_assign(ref, std::move(*written)); });
  }
  return answer;
}

WriteResult KubernetesDriver::ApplyOne(const PreparedObject& object, const LiveState& live,
                                       WriteMode mode, Force force, const WriteCall& call) {
  const ObjectRef& ref = object.resource.ref;
  const std::string what =
      (mode == WriteMode::kDryRun ? "dry run of " : "applying ") + ToString(ref);
  if (const auto refusal = declared_.refused.find(ref); refusal != declared_.refused.end())
    return {.status = Fail(refusal->second.With(what))};
  // Nothing to be asked of what is on its way out.
  if (mode == WriteMode::kDryRun && SeenIn(live, ref).is_deleting) return {};
  const SteadyTime begin = client_.clock().SteadyNow();
  Applying how{mode, object.takes_over ? Force::kYes : force, SeenIn(live, ref)};
  const std::string before = how.seen.resource_version;
  while (true) {
    auto answer = TryApply(object, how, call);
    if (answer && answer->IsSuccess()) {
      WriteResult result;
      result.uid = ToText(At(answer->body, "metadata", "uid"));
      result.resource_version = ToText(At(answer->body, "metadata", "resourceVersion"));
      result.is_created = answer->status == 201;
      result.is_changed = before != result.resource_version;
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
                                                 const LiveState& live, WriteMode mode, Force force,
                                                 const WriteCall& call) {
  std::vector<WriteResult> results(objects.size());
  if (mode == WriteMode::kApply) max_age_ = Duration(0);
  Progress progress(client_.clock(), call);
  ForEachInParallel(objects.size(), [&](size_t i) {
    results[i] = ApplyOne(objects[i], live, mode, force, progress.Bound(call));
    if (results[i].status) progress.Note();
  });
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
  const bool is_needed = declared_.versions.contains({group, kind});
  bool is_established = false;
  while (true) {
    std::string why_not;
    if (!is_established) {
      SLUICE_TRY(const std::optional<nlohmann::json> live, ReadObject(type, ref, call));
      const nlohmann::json& body = live ? *live : NullJson();
      if (ToText(At(Condition(body, "NamesAccepted"), "status")) == "False") {
        return Fail(ErrorCode::kRejected, std::string(kReasonContentRejected),
                    ToString(ref) + ": its names are taken: " +
                        OneLine(ToText(At(Condition(body, "NamesAccepted"), "message"))));
      }
      is_established = IsConditionTrue(body, "Established");
      why_not = WhyNotEstablished(body);
      // What mends it may come in a later stage, and nothing of the set is of this type.
      if (!why_not.empty() && !is_needed) return {};
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
    if (has_time && client_.clock().Sleep(kPoll, call.stop)) continue;
    if (why_not.empty() || call.stop.stop_requested())
      return Fail(Stopped("waiting for " + ToString(ref), call));
    return Fail(
        ErrorCode::kUnavailable, "NotEstablished",
        ToString(ref) + " is not established, and objects of its type wait for it: " + why_not);
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
