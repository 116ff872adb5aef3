// A StatefulSet's controller waits for ever for a broken pod of a revision that was taken back
// (kubernetes.md 5.3, k/k#67250). Deleting exactly these pods lets it go on.
#include "engine/base/log.h"
#include "engine/targets/kubernetes/health.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {
namespace {

constexpr Duration kPoll{200};

}  // namespace

Status KubernetesDriver::ReplaceStuckPodsOf(const ObjectRef& ref, const WriteCall& call) {
  SLUICE_TRY(const ResourceType type, TypeOf(ref, call));
  std::optional<nlohmann::json> set;
  while (true) {
    SLUICE_TRY(set, ReadObject(type, ref, call));
    if (!set) return {};
    // Until the controller has seen the spec, updateRevision is still that of the failed one.
    if (ToInt(At(*set, "status", "observedGeneration")) >=
        ToInt(At(*set, "metadata", "generation")))
      break;
    const bool has_time = client_.clock().SteadyNow() + kPoll < call.deadline;
    if (!has_time || !client_.clock().Sleep(kPoll, call.stop)) {
      return Fail(call.stop.stop_requested() ? ErrorCode::kCancelled : ErrorCode::kDeadlineExceeded,
                  "the StatefulSet controller has not looked at " + ToString(ref) + " in time");
    }
  }
  const std::string wanted = ToText(At(*set, "status", "updateRevision"));
  if (wanted.empty()) return {};
  SLUICE_TRY(const nlohmann::json pods,
             ReadRelated("", "Pod", ref.ns, SelectorText(At(*set, "spec", "selector")), call));
  SLUICE_TRY(const ResourceType pod_type, TypeOf("", "v1", "Pod", call));
  const auto is_stuck = [&](const nlohmann::json& pod) {
    return IsControlledBy(pod, UidOf(*set)) && LabelOf(pod, "controller-revision-hash") != wanted &&
           !IsConditionTrue(pod, "Ready") && At(pod, "metadata", "deletionTimestamp").is_null();
  };
  const auto why_not = [&](const nlohmann::json& now) {
    return std::string(is_stuck(now) ? "" : "is stuck no more");
  };
  for (const nlohmann::json& pod : pods) {
    if (!is_stuck(pod)) continue;
    const ObjectRef pod_ref{"", "Pod", ref.ns, NameOf(pod)};
    auto status = SendDelete(pod_type, pod_ref, SeenIn(pod), why_not, WriteMode::kApply, call);
    if (!status && status.error().reason() == kReasonChangedMeanwhile) continue;  // it goes on
    if (!status) return Fail(std::move(status).error().With("deleting stuck " + ToString(pod_ref)));
    log::Info("stuck_pod_deleted", {{"target", connection_->credentials.access().context},
                                    {"object", ToString(ref)},
                                    {"pod", pod_ref.name}});
  }
  return {};
}

Status KubernetesDriver::Unstick(const std::vector<ObjectRef>& refs, const WriteCall& call) {
  std::vector<ObjectRef> sets;
  for (const ObjectRef& ref : refs) {
    if (ref.group == "apps" && ref.kind == "StatefulSet") sets.push_back(ref);
  }
  std::vector<Status> results(sets.size());
  ForEachInParallel(sets.size(), [&](size_t i) { results[i] = ReplaceStuckPodsOf(sets[i], call); });
  for (Status& result : results) SLUICE_CHECK(std::move(result));
  return {};
}

}  // namespace sluice::targets::kubernetes
