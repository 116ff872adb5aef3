// A smoke test that is a Kubernetes Job: made under a name of its own, watched to its end, removed.
#include <algorithm>

#include "engine/base/hash.h"
#include "engine/base/log.h"
#include "engine/targets/kubernetes/answers.h"
#include "engine/targets/kubernetes/diagnosis.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/json_writer.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"

namespace sluice::targets::kubernetes {
namespace {

using namespace std::chrono_literals;

constexpr const char* kRolloutLabel = "sluice.dev/rollout";
constexpr Duration kPoll = 500ms;
constexpr Duration kCleanUpTime = 15s;
// After the deadline, for the last look at the Job and for saying why it did not end.
constexpr Duration kExplainTime = 2s;
// Should we die before we can delete it, the cluster does.
constexpr int kTimeToLiveSeconds = 3600;
constexpr Duration kDeadlineLeeway = 60s;
constexpr size_t kMaxName = 63;  // pods carry the name in a label

// "check-orders" -> "check-orders-r-3f2c-5d0e9a".
std::string UniqueName(const std::string& base, const std::string& rollout) {
  const std::string suffix = "-" + RandomHex(3);
  std::string name = base + (rollout.empty() ? "" : "-" + rollout);
  name = name.substr(0, kMaxName - suffix.size());
  return name + suffix;
}

nlohmann::json MakeJob(const nlohmann::json& manifest, const Ownership& owner,
                       const std::string& rollout, const std::string& ns, Duration time) {
  nlohmann::json job = manifest;
  StripServerOwned(job);
  nlohmann::json& metadata = job["metadata"];
  if (!metadata.is_object()) metadata = nlohmann::json::object();
  const std::string declared_name = ToText(At(metadata, "name"));
  metadata.erase("generateName");
  metadata["name"] = UniqueName(declared_name.empty() ? "sluice-smoke" : declared_name, rollout);
  metadata["namespace"] = ns;
  nlohmann::json& labels = metadata["labels"];
  if (!labels.is_object()) labels = nlohmann::json::object();
  labels[kMarkLabel] = owner.Mark();
  if (!rollout.empty()) labels[kRolloutLabel] = rollout;
  nlohmann::json& spec = job["spec"];
  if (spec.is_object()) {
    if (!spec.contains("ttlSecondsAfterFinished"))
      spec["ttlSecondsAfterFinished"] = kTimeToLiveSeconds;
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(time + kDeadlineLeeway).count();
    if (!spec.contains("activeDeadlineSeconds"))
      spec["activeDeadlineSeconds"] = std::max<int64_t>(1, seconds);
  }
  return job;
}

}  // namespace

std::string KubernetesDriver::ExplainJob(const ObjectRef& ref, const nlohmann::json& job,
                                         const Call& call) {
  auto pods =
      ReadRelated("", "Pod", ref.ns, "batch.kubernetes.io/controller-uid=" + UidOf(job), call);
  if (!pods) return "";
  for (const nlohmann::json& pod : *pods) {
    for (const nlohmann::json& container : Items(At(pod, "status", "containerStatuses"))) {
      const nlohmann::json& end = At(container, "state", "terminated");
      if (end.is_null() || ToInt(At(end, "exitCode")) == 0) continue;
      const std::string said = OneLine(ToText(At(end, "message")), 200);
      return "pod " + NameOf(pod) + " container " + ToText(At(container, "name")) +
             " ended with exit code " + std::to_string(ToInt(At(end, "exitCode"))) +
             (said.empty() ? "" : ": " + said);
    }
  }
  HealthContext context;
  context.now = client_.clock().SystemNow();
  const auto diagnosis = DiagnosePods(*pods, context);
  return diagnosis ? diagnosis->reason + ": " + diagnosis->message : "";
}

Result<TaskOutcome> KubernetesDriver::AwaitJob(const ResourceType& type, const ObjectRef& ref,
                                               const Call& call) {
  const auto with = [](std::string text, const std::string& more) {
    return text + (more.empty() ? "" : "; " + more);
  };
  // The Job has all of the time that was asked for: the last look comes when it is over.
  const Call look{call.deadline + kExplainTime, call.stop};
  bool was_seen = false;
  while (true) {
    const bool is_over = client_.clock().SteadyNow() >= call.deadline;
    SLUICE_TRY(const std::optional<nlohmann::json> job, ReadObject(type, ref, look));
    if (!job && was_seen)
      return Fail(ErrorCode::kUnavailable, "JobGone",
                  ToString(ref) + " was deleted by somebody while it ran");
    if (!job && is_over) {  // until then the server may be behind
      return Fail(ErrorCode::kUnavailable, "JobGone",
                  ToString(ref) + " was made and is not to be found; somebody deleted it, or the " +
                      "API server answers with an older state");
    }
    was_seen = job.has_value();
    const nlohmann::json& live = job ? *job : NullJson();
    if (IsConditionTrue(live, "Complete")) return TaskOutcome{true, ToString(ref) + " is complete"};
    if (IsConditionTrue(live, "Failed")) {
      const nlohmann::json& failed = Condition(live, "Failed");
      const std::string why =
          OneLine(ToText(At(failed, "reason")) + ": " + ToText(At(failed, "message")));
      return TaskOutcome{false,
                         with(ToString(ref) + " failed: " + why, ExplainJob(ref, live, look))};
    }
    // It was readable and did not end: that is a verdict.
    if (is_over) {
      return TaskOutcome{false,
                         with(ToString(ref) + " did not end in time", ExplainJob(ref, live, look))};
    }
    const auto left = std::chrono::ceil<Duration>(call.deadline - client_.clock().SteadyNow());
    if (!client_.clock().Sleep(std::clamp<Duration>(left, 1ms, kPoll), call.stop))
      return Fail(ErrorCode::kCancelled, ToString(ref) + ": stopped");
  }
}

// Its name is its own, and the mark says that nobody else took it. When it may not be deleted, its
// time to live ends it.
Status KubernetesDriver::RemoveJob(const ResourceType& type, const ObjectRef& ref,
                                   const std::string& mark, const WriteCall& call) {
  SLUICE_TRY(const std::optional<nlohmann::json> job, ReadObject(type, ref, call));
  if (!job || LabelOf(*job, kMarkLabel) != mark) return {};
  const auto why_not = [](const nlohmann::json&) { return std::string(); };
  return SendDelete(type, ref, SeenIn(*job), why_not, WriteMode::kApply, call);
}

Result<TaskOutcome> KubernetesDriver::RunTask(const nlohmann::json& manifest,
                                              const Ownership& owner, const std::string& rollout,
                                              const WriteCall& call) {
  const std::string api_version = ToText(At(manifest, "apiVersion"));
  if (api_version != "batch/v1" || ToText(At(manifest, "kind")) != "Job") {
    return Fail(ErrorCode::kInvalidConfig, std::string(kReasonContentRejected),
                "a smoke test's manifest is " +
                    OneLine(api_version + " " + ToText(At(manifest, "kind"))) +
                    "; it must be one batch/v1 Job");
  }
  SLUICE_TRY(const ResourceType type, TypeOf("batch", "v1", "Job", call));
  const std::string declared_ns = ToText(At(manifest, "metadata", "namespace"));
  const auto time =
      std::chrono::duration_cast<Duration>(call.deadline - client_.clock().SteadyNow());
  const nlohmann::json job =
      MakeJob(manifest, owner, rollout, declared_ns.empty() ? ns_ : declared_ns, time);
  const ObjectRef ref{"batch", "Job", ToText(At(job, "metadata", "namespace")), NameOf(job)};
  ApiRequest request;
  request.verb = Verb::kCreate;
  request.method = "POST";
  request.path = CollectionPath(type, ref.ns);
  request.query = {{"fieldManager", std::string(kFieldManager)}, {"fieldValidation", "Strict"}};
  request.content_type = "application/json";
  request.what = ToString(ref);
  SLUICE_TRY(request.body, WriteJson(job));
  auto answer = client_.Write(request, call);
  Result<TaskOutcome> outcome = Fail(ErrorCode::kInternal, "");
  if (!answer) {
    outcome = Fail(std::move(answer).error());
  } else if (auto status = ToStatus(*answer); !status) {
    // Refused content is a verdict about the change; nothing was made that would have to go.
    if (status.error().code() == ErrorCode::kRejected)
      return TaskOutcome{false, ToString(ref) + ": " + status.error().message()};
    return Fail(std::move(status).error().With("creating " + ToString(ref)));
  } else if (auto is_it = ExpectObject(answer->body, type, ref); !is_it) {
    outcome = Fail(std::move(is_it).error());
  } else {
    outcome = AwaitJob(type, ref, call);
  }
  // Also when we were stopped, or do not know whether it was made.
  const WriteCall clean_up{{client_.clock().SteadyNow() + kCleanUpTime, {}}, call.may_write};
  if (auto status = RemoveJob(type, ref, owner.Mark(), clean_up); !status) {
    log::Warn("job_not_deleted", {{"target", connection_->credentials.access().context},
                                  {"object", ToString(ref)},
                                  {"error", status.error().message()}});
  }
  if (!outcome) return Fail(std::move(outcome).error().With("smoke test " + ToString(ref)));
  return outcome;
}

}  // namespace sluice::targets::kubernetes
