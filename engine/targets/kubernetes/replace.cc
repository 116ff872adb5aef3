// Replacing: an object that cannot be changed in place is deleted, and created anew by the apply
// that follows. Only what opts in, and only when the server says that it would take the new one
// (docs/decisions/0014-replace-is-opt-in.md).
#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/base/time_format.h"
#include "engine/targets/kubernetes/answers.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/json_writer.h"
#include "engine/targets/kubernetes/kinds.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr Duration kGonePoll = 200ms;
constexpr size_t kMaxProbeName = 52;  // of a CronJob's name; other kinds allow more

bool IsLoadBalancer(const nlohmann::json& service) {
  return ToText(At(service, "spec", "type")) == "LoadBalancer";
}

// Why no consent would help; "" when one would.
std::string WhyNever(const ObjectRef& ref, const nlohmann::json& live) {
  if (IsCrd(ref)) return "its custom resources would go with it";
  if (IsNamespace(ref)) return "all that is in it would go with it";
  if (NeedsOptInToPrune(ref)) return "its data would go with it";
  const std::string claims =
      ToText(At(live, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted"));
  if (claims == "Delete")
    return "its volume claims would go with it (persistentVolumeClaimRetentionPolicy.whenDeleted)";
  return "";
}

// A name beside the object's own, which is taken, for a dry run.
std::string ProbeName(const std::string& name) {
  std::string base = name.substr(0, kMaxProbeName - 9);
  while (!base.empty() && std::isalnum(static_cast<unsigned char>(base.back())) == 0)
    base.pop_back();
  return base + "-" + RandomHex(4);
}

// As it would be created, under another name and without what only one object can hold.
nlohmann::json ProbeOf(const PreparedObject& object) {
  nlohmann::json body = object.resource.body;
  body["metadata"]["name"] = ProbeName(object.resource.ref.name);
  if (!IsService(object.resource.ref) || !At(body, "spec").is_object()) return body;
  nlohmann::json& spec = body["spec"];
  if (ToText(At(spec, "clusterIP")) != "None") {
    spec.erase("clusterIP");
    spec.erase("clusterIPs");
  }
  spec.erase("healthCheckNodePort");
  if (spec.contains("ports") && spec["ports"].is_array()) {
    for (nlohmann::json& port : spec["ports"]) {
      if (port.is_object()) port.erase("nodePort");
    }
  }
  return body;
}

// How long the pods of a workload, or a pod, may take to end, beside the time for everything else.
Duration GraceOf(const nlohmann::json& live) {
  const nlohmann::json& spec = At(live, "spec");
  const nlohmann::json& pod = At(spec, "template", "spec");
  const int64_t seconds = std::max(ToInt(At(spec, "terminationGracePeriodSeconds")),
                                   ToInt(At(pod, "terminationGracePeriodSeconds")));
  return std::chrono::seconds(std::clamp<int64_t>(seconds, 0, 3600));
}

}  // namespace

Result<ApiAnswer> KubernetesDriver::DryRunAnew(const ResourceType& type,
                                               const PreparedObject& object, const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  ApiRequest request;
  request.verb = Verb::kDryRun;
  request.method = "POST";
  request.path = CollectionPath(type, ref.ns);
  request.query = {{"fieldManager", std::string(kFieldManager)},
                   {"fieldValidation", "Strict"},
                   {"dryRun", "All"}};
  request.content_type = "application/json";
  request.what = ToString(ref);
  const nlohmann::json body = ProbeOf(object);
  SLUICE_TRY(request.body, WriteJson(body));
  SLUICE_TRY(ApiAnswer answer, client_.Send(request, call));
  if (answer.IsSuccess()) {
    SLUICE_CHECK(
        ExpectDryRun(answer.body, type, ObjectRef{ref.group, ref.kind, ref.ns, NameOf(body)}));
  }
  return answer;
}

Status KubernetesDriver::ConsiderReplacing(const ResourceType& type, const PreparedObject& object,
                                           const std::vector<PreparedObject>& objects,
                                           const LiveState& state, Prediction& prediction,
                                           const Call& call) {
  const ObjectRef& ref = object.resource.ref;
  const nlohmann::json& live = state.objects.at(ref).body;
  if (const std::string never = WhyNever(ref, live); !never.empty()) {
    prediction.replace_advice = "a " + ref.kind + " is never replaced, for " + never;
    return {};
  }
  const bool is_balancer =
      IsService(ref) && (IsLoadBalancer(live) || IsLoadBalancer(object.resource.body));
  const auto wanted = is_balancer ? ReplaceConsent::kAlsoAddress : ReplaceConsent::kWhenImmutable;
  if (object.replace < wanted) {
    prediction.replace_advice =
        std::string("let sluice delete and create it again by the annotation ") +
        kReplaceAnnotation + ": \"when-immutable" + (is_balancer ? ",load-balancer" : "") + "\"" +
        (is_balancer ? " (its address is given up)" : "");
    return {};
  }
  SLUICE_TRY(const ApiAnswer answer, DryRunAnew(type, object, call));
  if (answer.IsSuccess()) {
    prediction.may_be_replaced = true;
    return {};
  }
  const Error error = ErrorOf(answer, ref);
  if (IsMissingWithTheSet(error.words(), object, objects, state)) {
    prediction.may_be_replaced = true;
    return {};
  }
  if (error.code() != ErrorCode::kRejected)
    return Fail(Error(error).With("dry run of creating it anew"));
  prediction.replace_advice =
      "it is not replaced, for the server would not take the new one: " + error.message();
  return {};
}

Status KubernetesDriver::AwaitGone(const ResourceType& type, const ObjectRef& ref,
                                   const std::string& uid, const Call& call) {
  const SteadyTime begin = client_.clock().SteadyNow();
  while (true) {
    SLUICE_TRY(const std::optional<nlohmann::json> live, ReadObject(type, ref, call));
    if (!live || ToText(At(*live, "metadata", "uid")) != uid) return {};
    const SteadyTime now = client_.clock().SteadyNow();
    if (now + kGonePoll < call.deadline && client_.clock().Sleep(kGonePoll, call.stop)) continue;
    if (call.stop.stop_requested())
      return Fail(ErrorCode::kCancelled, "waiting until " + ToString(ref) + " is gone: stopped");
    const bool is_workload = IsWorkload(ref);
    return Fail(ErrorCode::kDeadlineExceeded, "ReplaceStuck",
                "it is deleted to make room for the new one, and not gone after " +
                    FormatDuration(std::chrono::duration_cast<Duration>(now - begin)) + " (" +
                    FinalizersOf(*live) + "); " +
                    (is_workload ? "look for pods that do not end, or for " : "look for ") +
                    "the controller of the finalizer; the next attempt goes on from here");
  }
}

WriteResult KubernetesDriver::MakeRoomFor(const PreparedObject& object, const LiveObject& live,
                                          WriteMode mode, const WriteCall& call) {
  const ObjectRef& ref = object.resource.ref;
  const std::string what =
      (mode == WriteMode::kDryRun ? "dry run of replacing " : "replacing ") + ToString(ref);
  const auto failed = [&](Error error) {
    return WriteResult{.status = Fail(std::move(error).With(what))};
  };
  const std::string version = live.api_version.substr(live.api_version.find('/') + 1);
  auto type = TypeOf(ref.group, version, ref.kind, call);
  if (!type) return failed(std::move(type).error());
  WriteResult result;
  result.uid = live.uid;
  // Pods of the old one must be gone before the new one starts: the same names, volumes, labels.
  const auto dependents = IsWorkload(ref) ? Dependents::kFirst : Dependents::kLater;
  const auto why_not = [&](const nlohmann::json& now) { return WhyNever(ref, now); };
  if (auto sent = SendDelete(*type, ref, SeenIn(live.body), why_not, mode, call, dependents); !sent)
    return failed(std::move(sent).error());
  if (mode == WriteMode::kDryRun) return result;
  result.is_changed = true;
  const Call wait{call.deadline + GraceOf(live.body), call.stop};
  if (auto gone = AwaitGone(*type, ref, live.uid, wait); !gone)
    return failed(std::move(gone).error());
  return result;
}

std::vector<WriteResult> KubernetesDriver::MakeRoom(const std::vector<PreparedObject>& objects,
                                                    const LiveState& live, WriteMode mode,
                                                    const WriteCall& call) {
  std::vector<WriteResult> results(objects.size());
  ForEachInParallel(objects.size(), [&](size_t i) {
    const auto it = live.objects.find(objects[i].resource.ref);
    if (it != live.objects.end()) results[i] = MakeRoomFor(objects[i], it->second, mode, call);
  });
  return results;
}

}  // namespace sluice::targets::kubernetes
