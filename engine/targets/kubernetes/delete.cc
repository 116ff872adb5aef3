// Deletion of exactly what was seen.
#include "engine/targets/kubernetes/answers.h"
#include "engine/targets/kubernetes/health_json.h"
#include "engine/targets/kubernetes/kubernetes_driver.h"
#include "engine/targets/kubernetes/object_edit.h"
#include "engine/targets/kubernetes/parallel.h"

namespace sluice::targets::kubernetes {

Result<ApiAnswer> KubernetesDriver::SendDeleteOnce(const ResourceType& type, const ObjectRef& ref,
                                                   const Seen& seen, WriteMode mode,
                                                   const WriteCall& call, Dependents dependents) {
  // Always with a policy: a Job's default would orphan its pods.
  nlohmann::json options = {
      {"apiVersion", "v1"},
      {"kind", "DeleteOptions"},
      {"propagationPolicy", dependents == Dependents::kFirst ? "Foreground" : "Background"},
      {"preconditions", {{"uid", seen.uid}, {"resourceVersion", seen.resource_version}}}};
  ApiRequest request;
  if (mode == WriteMode::kDryRun) {
    options["dryRun"] = {"All"};
    request.query = {{"dryRun", "All"}};  // the body decides; this is for readers of audit logs
  }
  request.verb = mode == WriteMode::kDryRun ? Verb::kDryRun : Verb::kDelete;
  request.method = "DELETE";
  request.path = ObjectPath(type, ref.ns, ref.name);
  request.body = options.dump();
  request.content_type = "application/json";
  request.what = ToString(ref);
  return mode == WriteMode::kDryRun ? client_.Send(request, call) : client_.Write(request, call);
}

Status KubernetesDriver::SendDelete(const ResourceType& type, const ObjectRef& ref, Seen seen,
                                    const WhyNot& why_not, WriteMode mode, const WriteCall& call,
                                    Dependents dependents) {
  for (int round = 1;; ++round) {
    SLUICE_TRY(const ApiAnswer answer, SendDeleteOnce(type, ref, seen, mode, call, dependents));
    if (answer.IsSuccess()) return ExpectDeletion(answer.body, type, ref, seen.uid);
    Status status = ToStatus(answer);
    const std::string& reason = status.error().reason();
    // A webhook that cannot be asked beforehand says what it has to say when the time comes.
    if (mode == WriteMode::kDryRun && reason == kReasonDryRunUnsupported) return {};
    if (reason == kReasonObjectMissing || reason == kReasonNamespaceMissing) return {};
    if (reason == kReasonTypeNotServed) {
      SLUICE_TRY(const bool is_gone, IsTypeGone(type, call));
      if (is_gone) return {};
    }
    if (!IsRace(answer.status, answer.body)) return status;
    if (round == kMaxRounds) return Fail(NeverStill(ref, answer.body));
    SLUICE_TRY(const std::optional<nlohmann::json> now, ReadObject(type, ref, call));
    if (!now) return {};
    SLUICE_TRY(const Seen found, StillTheSame(seen, &*now, ref, seen.mark));
    if (found.is_deleting) return {};
    if (const std::string why = why_not(*now); !why.empty())
      return Fail(ErrorCode::kUnavailable, std::string(kReasonChangedMeanwhile),
                  ToString(ref) + " is not deleted: meanwhile it " + why);
    seen = found;
  }
}

WriteResult KubernetesDriver::DeleteOne(const Deletion& deletion, WriteMode mode,
                                        const WriteCall& call) {
  const std::string what =
      (mode == WriteMode::kDryRun ? "dry run of deleting " : "deleting ") + ToString(deletion.ref);
  const std::string version = deletion.api_version.substr(deletion.api_version.find('/') + 1);
  auto type = TypeOf(deletion.ref.group, version, deletion.ref.kind, call);
  if (!type && type.error().code() == ErrorCode::kNotFound)
    type = TypeOf(deletion.ref.group, "", deletion.ref.kind, call);
  WriteResult result;
  if (!type) {
    // The type went (its CRD was deleted), and all objects with it.
    if (type.error().code() != ErrorCode::kNotFound)
      result.status = Fail(std::move(type).error().With(what));
    return result;
  }
  const Seen seen{deletion.uid, deletion.resource_version, deletion.mark};
  const auto why_not = [&](const nlohmann::json& now) {
    const std::string why = ProtectionOf(now, deletion.ref);
    return why.empty() ? "" : "is protected: " + why;
  };
  result.status = SendDelete(*type, deletion.ref, seen, why_not, mode, call);
  if (!result.status) result.status = Fail(std::move(result.status).error().With(what));
  result.is_changed = result.status.has_value();
  result.uid = deletion.uid;
  return result;
}

std::vector<WriteResult> KubernetesDriver::Delete(const std::vector<Deletion>& deletions,
                                                  WriteMode mode, const WriteCall& call) {
  std::vector<WriteResult> results(deletions.size());
  if (mode == WriteMode::kApply) max_age_ = Duration(0);
  Progress progress(client_.clock(), call);
  ForEachInParallel(deletions.size(), [&](size_t i) {
    results[i] = DeleteOne(deletions[i], mode, progress.Bound(call));
    if (results[i].status) progress.Note();
  });
  return results;
}

}  // namespace sluice::targets::kubernetes
